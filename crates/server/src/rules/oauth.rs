//! From the decision of an account about an app to a token: codes, waiting calls, tokens.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::rules::pkce;
use crate::secrets::{fingerprint, random_token};
use pileus_api::{Code, UnixTime};
use pileus_store::Tx;
use pileus_store::accounts::{self, Account};
use pileus_store::app_codes::{AppCode, OpenedRequest};
use pileus_store::apps;
use pileus_store::tokens::NewToken;

/// How long a code works.
pub const CODE_SECONDS: i64 = 600;

/// Tokens that one app may have of one account; a new one drops the oldest.
const TOKENS_MAX: usize = 20;

/// Tokens of apps work until they are revoked. A hundred years can still be written as a date by every client.
const LIFE_SECONDS: i64 = 100 * 365 * 86_400;

/// Characters that a `request_id` has at least and at most. Twelve letters and digits are beyond guessing for the
/// minutes that a request lives. The SDK for JavaScript means to make 40, but loses about every third by a slip.
const REQUEST_ID_CHARS: std::ops::RangeInclusive<usize> = 12..=128;

/// A token that has just been made.
#[derive(Clone, Debug)]
pub struct Issued {
    /// The secret.
    pub secret: String,
    /// The account it belongs to.
    pub account: i64,
}

/// An app by its public id, if it works.
pub fn working_app(tx: &mut Tx<'_>, client_id: &str) -> Answer<Option<apps::App>> {
    // PostgreSQL takes no text with a zero byte, and nothing but letters and digits can be an id.
    if !client_id.bytes().all(|byte| byte.is_ascii_alphanumeric()) {
        return Ok(None);
    }
    let app = tx.app_by_client_id(client_id)?;
    // Found without case, so that no two differ only in that; on the wire case counts.
    Ok(app.filter(|app| app.state == apps::ACTIVE && app.client_id == client_id))
}

/// Whether a text can name a request that an app waits for: it has to be beyond guessing.
pub fn is_request_id(text: &str) -> bool {
    REQUEST_ID_CHARS.contains(&text.len()) && text.bytes().all(|byte| byte.is_ascii_graphic())
}

/// What the database keeps of a request that an app waits for. No code has a blank in it.
pub fn request_fingerprint(client_id: &str, request_id: &str) -> [u8; 32] {
    fingerprint(&format!("request {client_id} {request_id}"))
}

/// The key that wakes whoever waits for a request. Accounts, which are waited for in the same place, have positive ones.
pub fn request_key(hash: &[u8; 32]) -> i64 {
    let mut first = [0; 8];
    first.copy_from_slice(&hash[..8]);
    i64::from_be_bytes(first) | i64::MIN
}

/// What a code is bound to, beside the account.
pub struct Bound<'a> {
    /// The app it is for.
    pub app: i64,
    /// The address it is sent to; empty if it is shown.
    pub redirect: &'a str,
    /// Permissions beyond the app's access.
    pub permissions: i64,
    /// What the app's proof has to fit; empty if it gives none.
    pub challenge: &'a str,
}

/// Makes a code for an app that was let in.
pub fn issue_code(
    tx: &mut Tx<'_>,
    account: i64,
    bound: &Bound<'_>,
    now: UnixTime,
) -> Answer<String> {
    let code = random_token().map_err(Fail::internal)?;
    tx.insert_app_code(&AppCode {
        secret_hash: fingerprint(&code).to_vec(),
        app: bound.app,
        account: Some(account),
        redirect: bound.redirect.to_owned(),
        permissions: bound.permissions,
        challenge: bound.challenge.to_owned(),
        token: None,
        expires: now.0.saturating_add(CODE_SECONDS),
    })?;
    Ok(code)
}

/// A request that an app waits for, before somebody who is to decide.
#[derive(Clone, Copy, Debug)]
pub struct Request {
    /// What the database keeps of the text that names it.
    pub hash: [u8; 32],
    /// Fingerprint of the login to the page.
    pub opened_by: [u8; 32],
}

impl Request {
    /// Keeps the request for the login that opens it first; false if it is another one's, or decided. Else whoever has
    /// seen the address could let the app into his own account, before its user does.
    pub fn open(&self, tx: &mut Tx<'_>, app: i64, now: UnixTime) -> Answer<bool> {
        Ok(tx.open_request(&OpenedRequest {
            secret_hash: &self.hash,
            app,
            opened_by: &self.opened_by,
            now: now.0,
            expires: now.0.saturating_add(CODE_SECONDS),
        })?)
    }

    /// Writes down the decision, and has the app woken. `account` is 0 for a refusal. The first decision counts, and
    /// that of the login that has opened the request; false if this is neither.
    pub fn decide(
        &self,
        tx: &mut Tx<'_>,
        server: &App,
        account: i64,
        permissions: i64,
        now: UnixTime,
    ) -> Answer<bool> {
        let expires = now.0.saturating_add(CODE_SECONDS);
        let (hash, opened_by) = (&self.hash, &self.opened_by);
        let is_decided = tx.decide_request(hash, opened_by, account, permissions, expires)?;
        if is_decided {
            server.feed.wake_after_commit(tx, request_key(hash), 0);
        }
        Ok(is_decided)
    }
}

/// Makes a token for an app that an account has let in; 2012 if that does not hold any more.
pub fn issue_token(
    tx: &mut Tx<'_>,
    account: i64,
    app: &apps::App,
    permissions: i64,
    now: UnixTime,
) -> Answer<(i64, Issued)> {
    // Locked, so that tokens of two calls at once are counted.
    let is_active = |account: &Account| account.state == accounts::ACTIVE;
    let is_let_in = tx
        .account_locked(account)?
        .is_some_and(|found| is_active(&found))
        && tx.grant(account, app.id)?.is_some();
    if !is_let_in {
        return Err(Code::CODE_INVALID.into());
    }
    for oldest in tx
        .tokens_of_app(account, app.id)?
        .iter()
        .skip(TOKENS_MAX - 1)
    {
        tx.delete_token(oldest.id, account)?;
    }
    let secret = random_token().map_err(Fail::internal)?;
    let id = tx.id()?;
    tx.insert_token(&NewToken {
        id,
        account,
        secret_hash: fingerprint(&secret).to_vec(),
        app: Some(app.id),
        permissions,
        device: app.name.clone(),
        created: now.0,
        expires: now.0.saturating_add(LIFE_SECONDS),
        idle_seconds: LIFE_SECONDS,
        ..NewToken::default()
    })?;
    Ok((id, Issued { secret, account }))
}

/// What is shown for a token.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Shown {
    /// A code that came through a browser.
    Code {
        /// The address that the app says it came to.
        redirect: Option<String>,
        /// The proof that the app is the one that has asked.
        verifier: Option<String>,
    },
    /// A request that the app has waited for. Clients ask on several connections at once.
    Request,
}

/// Exchanges what has been decided for a token. The inner error is an answer that has to be committed: who shows a code
/// a second time ends the token of the first.
pub fn exchange(
    tx: &mut Tx<'_>,
    shown: &Shown,
    hash: &[u8],
    app: &apps::App,
    now: UnixTime,
) -> Answer<Result<Issued, Code>> {
    let code = tx.app_code(hash)?.filter(|code| code.app == app.id);
    let Some(code) = code else {
        return Ok(Err(Code::CODE_INVALID));
    };
    let Some(account) = code.account.filter(|account| *account != 0) else {
        return Ok(Err(Code::CODE_INVALID));
    };
    if let Some(token) = code.token {
        if *shown != Shown::Request {
            tx.delete_token(token, account)?;
        }
        return Ok(Err(Code::CODE_INVALID));
    }
    if code.expires <= now.0 {
        return Ok(Err(Code::CODE_EXPIRED));
    }
    if !fits(shown, &code) {
        return Ok(Err(Code::CODE_INVALID));
    }
    let (token, issued) = issue_token(tx, account, app, code.permissions, now)?;
    tx.use_app_code(hash, token)?;
    Ok(Ok(issued))
}

/// Whether what an app says about a code holds. A code that was shown to be copied came to no address: if an app has one
/// for it, somebody has slipped it a code that he was shown.
fn fits(shown: &Shown, code: &AppCode) -> bool {
    match shown {
        Shown::Request => true,
        Shown::Code { redirect, verifier } => {
            let is_here = redirect.as_ref().is_none_or(|uri| *uri == code.redirect);
            is_here && pkce::fits(&code.challenge, verifier.as_deref())
        }
    }
}
