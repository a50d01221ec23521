//! Session tokens: made, answered, and noted when they are used.

use super::{Identity, Proof, User};
use crate::app::App;
use crate::call::{Answer, Call, Fail};
use crate::conn::Protocol;
use crate::rules::second_factor::device_fingerprint;
use crate::secrets::{fingerprint, random_token};
use pileus_api::UnixTime;
use pileus_store::tokens::{NewToken, Token};
use std::sync::Arc;

/// Life of a token if the client does not say, and at most.
const TOKEN_SECONDS: (u64, u64) = (31_536_000, 63_072_000);
/// Unused life of a token if the client does not say, and at most.
const TOKEN_IDLE_SECONDS: (u64, u64) = (2_678_400, 5_356_800);

/// The last use of a token is written at most this often.
const USE_NOTED_SECONDS: i64 = 60;

/// Whether a token may still be used.
pub fn is_live(token: &Token, now: UnixTime) -> bool {
    now.0 < token.expires && now.0 < token.last_used.saturating_add(token.idle_seconds)
}

/// Whether the last use of a token is old enough to be written again.
pub fn is_use_due(token: &Token, now: UnixTime) -> bool {
    now.0 >= token.last_used.saturating_add(USE_NOTED_SECONDS)
}

/// The token that a call which asked for one by `getauth` is answered: the one it is logged in with, or a new one for
/// a login by password. Apps get none.
pub async fn token_to_answer(app: &Arc<App>, call: &Call, user: &User) -> Answer<Option<String>> {
    if user.is_app() {
        return Ok(None);
    }
    // A call that has logged out has nothing to be answered.
    let Some(identity) = call.conn.identity() else {
        return Ok(None);
    };
    if let Proof::Token { secret } = identity.proof {
        return Ok(Some(secret));
    }
    let secret = new_token(app, call, user.account.id).await?;
    let proof = Proof::Token {
        secret: secret.clone(),
    };
    call.conn.log_in(Identity {
        account: user.account.id,
        proof,
    });
    Ok(Some(secret))
}

/// A text that a client tells about itself: at most so many characters, none of which could spoil a list.
fn told(call: &Call, name: &str, most: usize) -> String {
    let text = call
        .params
        .text(name)
        .and_then(Result::ok)
        .unwrap_or_default();
    text.chars()
        .filter(|char| !char.is_control())
        .take(most)
        .collect()
}

/// The client's own name for the device it runs on; empty if it tells none.
pub fn device_id(call: &Call) -> String {
    told(call, "deviceid", 128)
}

/// Makes a session token with what the call says about its life and its device.
pub async fn new_token(app: &Arc<App>, call: &Call, account: i64) -> Answer<String> {
    let secret = random_token().map_err(Fail::internal)?;
    let now = app.clock.now();
    let text = |name: &str, most: usize| told(call, name, most);
    let seconds = |name: &str, (otherwise, most): (u64, u64)| {
        let asked = call
            .params
            .uint(name)
            .filter(|&seconds| seconds > 0)
            .unwrap_or(otherwise);
        i64::try_from(asked.min(most)).unwrap_or(i64::MAX)
    };
    let device = match text("device", 512) {
        empty if empty.is_empty() && call.conn.protocol == Protocol::Http => call
            .user_agent
            .as_deref()
            .unwrap_or_default()
            .chars()
            .take(512)
            .collect(),
        device => device,
    };
    let mut token = NewToken {
        id: 0,
        account,
        secret_hash: fingerprint(&secret).to_vec(),
        app: None,
        permissions: 0,
        device,
        device_hash: device_fingerprint(app, account, &device_id(call))
            .map(|device| device.to_vec()),
        os: call.params.int("os"),
        osversion: text("osversion", 128),
        appversion: text("appversion", 128),
        created: now.0,
        expires: now.0.saturating_add(seconds("authexpire", TOKEN_SECONDS)),
        idle_seconds: seconds("authinactiveexpire", TOKEN_IDLE_SECONDS),
    };
    app.db
        .edit(move |tx| -> Answer<()> {
            token.id = tx.id()?;
            Ok(tx.insert_token(&token)?)
        })
        .await?;
    Ok(secret)
}

/// Writes down that a token is in use, without holding up the call.
pub fn note_use(app: &Arc<App>, token: &Token, now: UnixTime) {
    if !is_use_due(token, now) {
        return;
    }
    let (app, id, account) = (app.clone(), token.id, token.account);
    let by_app = token.app.filter(|&by_app| by_app != 0);
    tokio::spawn(async move {
        let noted = app.db.edit(move |tx| {
            if let Some(by_app) = by_app {
                tx.set_grant_used(account, by_app, now.0)?;
            }
            tx.set_token_used(id, now.0)
        });
        if let Err(error) = noted.await {
            tracing::warn!(%error, "the use of a token could not be noted");
        }
    });
}
