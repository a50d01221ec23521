//! `pileus token`.

use super::error::{Error, Result};
use super::{account, open_existing, output};
use crate::cli::{DataArgs, TokenCommand};
use pileus_server::app::App;
use pileus_server::login::is_live;
use pileus_server::secrets::{fingerprint, random_token};
use pileus_store::tokens::{NewToken, Token};
use pileus_store::{StoreError, Stored};
use serde_json::{Value, json};

/// Life of a token made by an administrator, used or not: it ends when somebody revokes it. A hundred years can still
/// be written as a date by every client.
const LIFE_SECONDS: i64 = 100 * 365 * 86_400;

/// `token.app` of access tokens that belong to no app, but were made by an administrator.
const BY_ADMINISTRATOR: i64 = 0;

/// Runs one of the commands.
pub async fn run(command: TokenCommand, data: &DataArgs, as_json: bool) -> Result<()> {
    let app = open_existing(data).await?;
    match command {
        TokenCommand::Create {
            email,
            oauth,
            device,
        } => {
            let (id, secret) = create(&app, &email, oauth, device).await?;
            if as_json {
                output::json(&json!({"tokenid": id, "token": secret, "oauth": oauth}))
            } else {
                output::lines([secret])
            }
        }
        TokenCommand::List { email } => list(&app, &email, as_json).await,
        TokenCommand::Revoke { id } => revoke(&app, id, as_json).await,
    }
}

async fn create(app: &App, email: &str, oauth: bool, device: String) -> Result<(i64, String)> {
    let account = account(app, email).await?.id;
    let secret = random_token()?;
    let now = app.clock.now().0;
    let new = NewToken {
        account,
        secret_hash: fingerprint(&secret).to_vec(),
        app: oauth.then_some(BY_ADMINISTRATOR),
        device,
        created: now,
        expires: now.saturating_add(LIFE_SECONDS),
        idle_seconds: LIFE_SECONDS,
        ..NewToken::default()
    };
    let id = app
        .db
        .edit(move |tx| -> Stored<i64> {
            // The account may have been removed since it was looked up.
            tx.account_locked(account)?.ok_or(StoreError::Missing)?;
            let new = NewToken {
                id: tx.id()?,
                ..new.clone()
            };
            tx.insert_token(&new)?;
            Ok(new.id)
        })
        .await?;
    Ok((id, secret))
}

async fn list(app: &App, email: &str, as_json: bool) -> Result<()> {
    let account = account(app, email).await?.id;
    let now = app.clock.now();
    let tokens = app.db.view(move |tx| tx.tokens(account)).await?;
    let live: Vec<Token> = tokens
        .into_iter()
        .filter(|token| is_live(token, now))
        .collect();
    if as_json {
        return output::json(&live.iter().map(shown).collect::<Vec<_>>().into());
    }
    let rows = live.iter().map(|token| {
        [
            token.id.to_string(),
            kind(token).to_owned(),
            token.device.clone(),
            output::time(token.created),
            output::time(token.last_used),
        ]
    });
    output::table(
        ["ID", "KIND", "DEVICE", "CREATED (UTC)", "LAST USED (UTC)"],
        rows.collect(),
    )
}

async fn revoke(app: &App, id: i64, as_json: bool) -> Result<()> {
    let revoked = app
        .db
        .edit(move |tx| -> Stored<Option<Token>> {
            let Some(token) = tx.token(id)? else {
                return Ok(None);
            };
            tx.delete_token(id, token.account)?;
            Ok(Some(token))
        })
        .await?;
    let token = revoked.ok_or_else(|| Error::new(format!("there is no token {id}")))?;
    if as_json {
        output::json(&shown(&token))
    } else {
        output::lines([format!("revoked token {id}")])
    }
}

fn kind(token: &Token) -> &'static str {
    match token.app {
        None => "session",
        Some(_) => "access",
    }
}

fn shown(token: &Token) -> Value {
    json!({
        "tokenid": token.id,
        "userid": token.account,
        "oauth": token.app.is_some(),
        "device": token.device,
        "created": token.created,
        "last_used": token.last_used,
        "expires": token.expires,
    })
}
