//! `pileus app`.

use super::error::{Error, Result};
use super::{open_existing, output};
use crate::cli::{AppChanges, AppCommand, DataArgs, NewAppArgs};
use pileus_api::name::{check_name, is_invisible};
use pileus_server::app::App as Server;
use pileus_server::rules::redirects::{is_home_page, is_registrable};
use pileus_server::secrets::{fingerprint, random_token};
use pileus_store::apps::{ACTIVE, App, DISABLED, FOLDER, FULL, MANAGE_SHARES};
use pileus_store::{StoreError, Stored};
use serde_json::{Value, json};

/// Characters of a client id, as pCloud's have.
const CLIENT_ID_CHARS: usize = 11;

/// Addresses that one app may have.
const REDIRECTS_MAX: usize = 50;

/// Runs one of the commands.
pub async fn run(command: AppCommand, data: &DataArgs, as_json: bool) -> Result<()> {
    let server = open_existing(data).await?;
    match command {
        AppCommand::Add(new) => {
            let (app, secret) = add(&server, new).await?;
            tell_with_secret(&app, &secret, as_json)
        }
        AppCommand::List => list(&server, as_json).await,
        AppCommand::Set { client_id, changes } => {
            let (app, secret) = set(&server, &client_id, changes).await?;
            match secret {
                Some(secret) => tell_with_secret(&app, &secret, as_json),
                None => tell(&app, as_json, "changed"),
            }
        }
        AppCommand::Remove { client_id } => {
            let app = remove(&server, &client_id).await?;
            tell(&app, as_json, "removed")
        }
    }
}

async fn add(server: &Server, new: NewAppArgs) -> Result<(App, String)> {
    let secret = random_token()?;
    let mut app = App {
        id: 0,
        client_id: String::new(),
        secret_hash: fingerprint(&secret).to_vec(),
        name: checked_name(new.name)?,
        description: new.description,
        home_page: checked_home_page(new.home_page)?,
        redirects: checked_redirects(&new.redirect)?,
        access: if new.folder { FOLDER } else { FULL },
        implicit: !new.no_implicit,
        permissions: if new.manage_shares { MANAGE_SHARES } else { 0 },
        state: ACTIVE,
        created: server.clock.now().0,
    };
    loop {
        let mut client_id = random_token()?;
        client_id.truncate(CLIENT_ID_CHARS);
        app.client_id = client_id;
        let adding = app.clone();
        let added = server
            .db
            .edit(move |tx| -> Stored<Option<App>> {
                let app = App {
                    id: tx.id()?,
                    ..adding.clone()
                };
                Ok(tx.insert_app(&app)?.then_some(app))
            })
            .await?;
        // Nearly never the id is taken, and then another one is not.
        if let Some(app) = added {
            return Ok((app, secret));
        }
    }
}

async fn list(server: &Server, as_json: bool) -> Result<()> {
    let apps = server.db.view(|tx| tx.apps()).await?;
    if as_json {
        return output::json(&apps.iter().map(shown).collect::<Vec<_>>().into());
    }
    let rows = apps.iter().map(|app| {
        [
            app.client_id.clone(),
            app.name.clone(),
            access(app).to_owned(),
            state(app).to_owned(),
            app.redirects.replace('\n', " "),
        ]
    });
    output::table(
        ["CLIENT ID", "NAME", "ACCESS", "STATE", "ADDRESSES"],
        rows.collect(),
    )
}

async fn set(
    server: &Server,
    client_id: &str,
    changes: AppChanges,
) -> Result<(App, Option<String>)> {
    let name = changes.name.map(checked_name).transpose()?;
    let home_page = changes.home_page.map(checked_home_page).transpose()?;
    let redirects = if changes.redirect.is_empty() {
        None
    } else {
        Some(checked_redirects(&changes.redirect)?)
    };
    let secret = changes.new_secret.then(random_token).transpose()?;
    let new_hash = secret.as_deref().map(|secret| fingerprint(secret).to_vec());
    let state = match (changes.enable, changes.disable) {
        (true, _) => Some(ACTIVE),
        (_, true) => Some(DISABLED),
        (false, false) => None,
    };
    let (description, implicit) = (changes.description, changes.implicit);
    let permissions = changes
        .manage_shares
        .map(|manages| if manages { MANAGE_SHARES } else { 0 });
    let id = app(server, client_id).await?.id;
    let changed = server
        .db
        .edit(move |tx| -> Stored<App> {
            let before = tx.app(id)?.ok_or(StoreError::Missing)?;
            let app = App {
                name: name.clone().unwrap_or(before.name),
                description: description.clone().unwrap_or(before.description),
                home_page: home_page.clone().unwrap_or(before.home_page),
                redirects: redirects.clone().unwrap_or(before.redirects),
                secret_hash: new_hash.clone().unwrap_or(before.secret_hash),
                implicit: implicit.unwrap_or(before.implicit),
                permissions: permissions.unwrap_or(before.permissions),
                state: state.unwrap_or(before.state),
                ..before
            };
            tx.set_app(&app)?;
            // Whoever had the old secret may hold codes; tokens are another matter.
            if new_hash.is_some() {
                tx.clear_app_codes(id)?;
            }
            Ok(app)
        })
        .await?;
    Ok((changed, secret))
}

async fn remove(server: &Server, client_id: &str) -> Result<App> {
    let app = app(server, client_id).await?;
    let id = app.id;
    // From here on its tokens do not work, and no further ones are made.
    let mut disabled = app.clone();
    disabled.state = DISABLED;
    server.db.edit(move |tx| tx.set_app(&disabled)).await?;
    // Piece by piece, so that others can write in between.
    while !server.db.edit(move |tx| tx.remove_app_piece(id)).await? {}
    Ok(app)
}

/// The app with this client id.
async fn app(server: &Server, client_id: &str) -> Result<App> {
    let wanted = client_id.to_owned();
    let found = server
        .db
        .view(move |tx| tx.app_by_client_id(&wanted))
        .await?;
    found.ok_or_else(|| Error::new(format!("there is no app {client_id}")))
}

/// A folder may get the name, so it has to be one that a folder can have; and people decide by it whether they let the app
/// in, so it has to be what it looks like.
fn checked_name(name: String) -> Result<String> {
    let is_short = name.chars().count() <= 100;
    if is_short && check_name(&name).is_ok() && !name.contains(is_invisible) {
        Ok(name)
    } else {
        Err(Error::new(
            "the name of an app has at most 100 characters, all of which are seen, and could be that of a folder",
        ))
    }
}

fn checked_home_page(address: String) -> Result<String> {
    if address.is_empty() || is_home_page(&address) {
        Ok(address)
    } else {
        Err(Error::new(format!(
            "a home page is http://… or https://…; this is none: {address}"
        )))
    }
}

fn checked_redirects(redirects: &[String]) -> Result<String> {
    if redirects.len() > REDIRECTS_MAX {
        return Err(Error::new(format!(
            "an app has at most {REDIRECTS_MAX} addresses"
        )));
    }
    match redirects.iter().find(|uri| !is_registrable(uri)) {
        Some(bad) => Err(Error::new(format!(
            "an address is scheme://… without a fragment; this is none: {bad}"
        ))),
        None => Ok(redirects.join("\n")),
    }
}

fn tell_with_secret(app: &App, secret: &str, as_json: bool) -> Result<()> {
    if as_json {
        let mut told = shown(app);
        told["client_secret"] = secret.into();
        return output::json(&told);
    }
    output::lines([
        format!("client id      {}", app.client_id),
        format!("client secret  {secret}"),
        "The secret is not shown again.".to_owned(),
    ])
}

fn tell(app: &App, as_json: bool, done: &str) -> Result<()> {
    if as_json {
        output::json(&shown(app))
    } else {
        output::lines([format!("{done} {} ({})", app.name, app.client_id)])
    }
}

fn access(app: &App) -> &'static str {
    if app.access == FULL { "full" } else { "folder" }
}

fn state(app: &App) -> &'static str {
    if app.state == ACTIVE {
        "active"
    } else {
        "disabled"
    }
}

fn shown(app: &App) -> Value {
    json!({
        "client_id": app.client_id,
        "name": app.name,
        "description": app.description,
        "homepage": app.home_page,
        "redirects": app.redirects.lines().collect::<Vec<_>>(),
        "access": access(app),
        "implicit": app.implicit,
        "manageshares": app.permissions & MANAGE_SHARES != 0,
        "state": state(app),
        "created": app.created,
    })
}

#[cfg(test)]
mod tests {
    use super::checked_name;

    #[test]
    fn names_are_what_they_look_like() {
        for good in ["Photo sync", "Zähler 2", "漢字"] {
            assert!(checked_name(good.into()).is_ok(), "{good}");
        }
        for bad in [
            "",
            "a/b",
            "two\nlines",
            "Rclo\u{200b}ne",
            "\u{202e}enolcr",
            "\u{ad}",
        ] {
            assert!(checked_name(bad.into()).is_err(), "{bad:?}");
        }
    }
}
