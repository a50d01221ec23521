//! `pileus user`.

use super::error::{Error, Result};
use super::{account, open, open_existing, output, password};
use crate::cli::{DataArgs, Switch, UserChanges, UserCommand};
use crate::settings;
use pileus_server::app::App;
use pileus_server::rules::accounts::{NewUser, add_user};
use pileus_server::rules::administration::{self, Changes};
use pileus_server::rules::second_factor;
use pileus_server::rules::shares;
use pileus_server::totp::Factor;
use pileus_store::accounts::{ACTIVE, Account, DEACTIVATED, ERASED};
use serde_json::{Value, json};
use std::sync::Arc;

/// Runs one of the commands.
pub async fn run(command: UserCommand, data: &DataArgs, as_json: bool) -> Result<()> {
    match command {
        UserCommand::Add {
            email,
            password,
            quota,
            verified,
        } => {
            let app = open(settings::of_data(data)?).await?;
            let added = add(&app, &email, password, quota, verified).await?;
            tell(&added, as_json, "added")
        }
        UserCommand::List => list(&*open_existing(data).await?, as_json).await,
        UserCommand::Set { email, changes } => {
            let app = open_existing(data).await?;
            let second_factor = changes.second_factor;
            let changed = set(&app, &email, changes).await?;
            match second_factor {
                Some(Switch::On) => switch_on(&app, &changed, as_json).await,
                _ => tell(&changed, as_json, "changed"),
            }
        }
        UserCommand::Remove { email } => {
            let app = open_existing(data).await?;
            let removed = remove(&app, &email).await?;
            tell(&removed, as_json, "removed")
        }
    }
}

async fn add(
    app: &App,
    email: &str,
    given: String,
    quota: Option<u64>,
    email_verified: bool,
) -> Result<Account> {
    administration::check_email(email)?;
    let password = administration::new_password(app, &password(given)?).await?;
    let new = NewUser {
        email: email.to_owned(),
        email_verified,
        password_hash: password.hash,
        password_sealed: password.sealed,
        language: app.config.default_language.clone(),
        quota: quota.unwrap_or(app.config.default_quota_bytes),
    };
    let now = app.clock.now();
    app.db.edit(move |tx| add_user(tx, &new, now)).await?;
    account(app, email).await
}

async fn list(app: &App, as_json: bool) -> Result<()> {
    let accounts = app.db.view(|tx| tx.accounts()).await?;
    if as_json {
        return output::json(&accounts.iter().map(shown).collect::<Vec<_>>().into());
    }
    let rows = accounts.iter().map(|account| {
        [
            account.id.to_string(),
            account.email.clone(),
            state(account).to_owned(),
            output::size(account.used),
            output::size(account.quota),
            output::time(account.created),
        ]
    });
    output::table(
        ["ID", "EMAIL", "STATE", "USED", "QUOTA", "CREATED (UTC)"],
        rows.collect(),
    )
}

async fn set(app: &App, email: &str, wanted: UserChanges) -> Result<Account> {
    if let Some(language) = &wanted.language {
        administration::check_language(language)?;
    }
    let found = account(app, email).await?;
    if found.state == ERASED {
        return Err(Error::new(format!("the data of {email} is being erased")));
    }
    let id = found.id;
    let new_password = match wanted.password {
        Some(given) => Some(administration::new_password(app, &password(given)?).await?),
        None => None,
    };
    let changes = Changes {
        password: new_password,
        quota: wanted.quota,
        enabled: (wanted.enable || wanted.disable).then_some(wanted.enable),
        language: wanted.language,
        verified: wanted.verified.then_some(true),
    };
    let now = app.clock.now();
    let is_switched_off = wanted.second_factor == Some(Switch::Off);
    let changed = app
        .db
        .edit(move |tx| {
            if is_switched_off {
                second_factor::switch_off(tx, id)?;
            }
            administration::change(tx, id, &changes, now)
        })
        .await?;
    Ok(changed)
}

/// Gives an account a second factor, in place of the one it may have, and prints what it is.
async fn switch_on(app: &Arc<App>, account: &Account, as_json: bool) -> Result<()> {
    let factor = Arc::new(Factor::random().map_err(Error::about("random numbers"))?);
    let (id, shared, new) = (account.id, app.clone(), factor.clone());
    let codes = app
        .db
        .edit(move |tx| {
            tx.account_locked(id)?;
            second_factor::switch_on(tx, &shared, id, &new)
        })
        .await?;
    let url = factor.url(&account.email);
    if as_json {
        let mut shown = shown(account);
        shown["secret"] = factor.secret().into();
        shown["url"] = url.into();
        shown["recoverycodes"] = codes.into();
        return output::json(&shown);
    }
    let head = [
        format!("secret   {}", factor.secret()),
        format!("url      {url}"),
        "recovery codes, each of which works once:".to_owned(),
    ];
    output::lines(head.into_iter().chain(codes))
}

async fn remove(app: &Arc<App>, email: &str) -> Result<Account> {
    let account = account(app, email).await?;
    let (id, now) = (account.id, app.clock.now().0);
    app.db
        .edit(move |tx| administration::lock_out(tx, id))
        .await?;
    shares::end_all(app, id).await?;
    // Piece by piece, so that other accounts can write in between.
    while !app
        .db
        .edit(move |tx| tx.remove_account_piece(id, now))
        .await?
    {}
    Ok(account)
}

fn tell(account: &Account, as_json: bool, done: &str) -> Result<()> {
    if as_json {
        output::json(&shown(account))
    } else {
        output::lines([format!("{done} {} (id {})", account.email, account.id)])
    }
}

fn state(account: &Account) -> &'static str {
    match account.state {
        ACTIVE => "active",
        DEACTIVATED => "deactivated",
        ERASED => "being erased",
        _ => "disabled",
    }
}

fn shown(account: &Account) -> Value {
    json!({
        "userid": account.id,
        "email": account.email,
        "emailverified": account.email_verified,
        "state": state(account),
        "quota": account.quota,
        "usedquota": account.used,
        "language": account.language,
        "registered": account.created,
    })
}
