//! `pileus user`.

use super::error::Result;
use super::{account, open, open_existing, output, password};
use crate::cli::{DataArgs, UserChanges, UserCommand};
use crate::settings;
use pileus_server::app::App;
use pileus_server::rules::accounts::{NewUser, add_user};
use pileus_server::rules::administration::{self, Changes};
use pileus_store::accounts::{ACTIVE, Account};
use serde_json::{Value, json};

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
            let changed = set(&app, &email, changes).await?;
            tell(&changed, as_json, "changed")
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
    let id = account(app, email).await?.id;
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
    let changed = app
        .db
        .edit(move |tx| administration::change(tx, id, &changes, now))
        .await?;
    Ok(changed)
}

async fn remove(app: &App, email: &str) -> Result<Account> {
    let account = account(app, email).await?;
    let (id, now) = (account.id, app.clock.now().0);
    app.db
        .edit(move |tx| administration::lock_out(tx, id))
        .await?;
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
    if account.state == ACTIVE {
        "active"
    } else {
        "disabled"
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
