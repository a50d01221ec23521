//! Tokens that stand for a login which was refused because the mail address is not verified. They can do one thing:
//! ask for the mail again. Nothing is kept of them: they are signed.

use crate::app::App;
use pileus_api::UnixTime;

/// How long one works.
const SECONDS: i64 = 86_400;

const PURPOSE: &str = "verifytoken";

/// A token for an account.
pub fn make(app: &App, account: i64, now: UnixTime) -> String {
    let body = format!("{account:x}-{:x}", now.0.saturating_add(SECONDS));
    let signature = app.secrets.sign(PURPOSE, body.as_bytes());
    format!("{body}-{}", hex::encode(signature))
}

/// The account of a token, if that is ours and not too old.
pub fn read(app: &App, token: &str, now: UnixTime) -> Option<i64> {
    let (body, signature) = token.rsplit_once('-')?;
    let signature = hex::decode(signature).ok()?;
    if !app.secrets.verify(PURPOSE, body.as_bytes(), &signature) {
        return None;
    }
    let (account, expires) = body.split_once('-')?;
    let expires = i64::from_str_radix(expires, 16).ok()?;
    i64::from_str_radix(account, 16)
        .ok()
        .filter(|_| now.0 < expires)
}
