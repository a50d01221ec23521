//! The newsletter's list. Who puts an address on it has to show that its mails are theirs.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::language::Language;
use crate::mail::{self, letters};
use crate::methods::general::is_email;
use crate::rules::guesses::with_code;
use crate::secrets::{fingerprint, random_token};
use pileus_api::{Code, UnixTime};
use pileus_store::Tx;
use pileus_store::accounts::{Account, email_key};
use pileus_store::newsletter::{NewSubscriber, Subscriber};
use std::net::IpAddr;
use std::sync::Arc;

/// How long an address waits for its owner's consent.
pub const CONSENT_SECONDS: i64 = 30 * 86_400;

/// The code that takes an address off the list. It is computed from the address, so that the link in every newsletter
/// works for ever, and for nobody else.
fn unsubscribe_code(app: &App, email: &str) -> String {
    hex::encode(app.secrets.sign("newsletter", email_key(email).as_bytes()))
}

/// Puts an address on the list; answers whether a mail asks for consent.
pub async fn subscribe(
    app: &Arc<App>,
    client: IpAddr,
    caller: Option<&Account>,
    email: &str,
) -> Answer<bool> {
    if !is_email(email) {
        return Err(Code::EMAIL_INVALID.into());
    }
    if !app.config.mail.newsletter {
        return Ok(false);
    }
    if !app.limits.allows_mail(client) {
        return Err(Code::REQUESTS_LIMITED.into());
    }
    let is_own =
        |account: &Account| account.email_verified && email_key(&account.email) == email_key(email);
    let verified = caller.is_some_and(is_own);
    let language = Language::of(
        caller.map_or(app.config.default_language.as_str(), |account| {
            &account.language
        }),
    );
    let (shared, email, now) = (app.clone(), email.to_owned(), app.clock.now());
    app.db
        .edit(move |tx| put(tx, &shared, &email, verified, language, now))
        .await
}

fn put(
    tx: &mut Tx<'_>,
    app: &Arc<App>,
    email: &str,
    verified: bool,
    language: Language,
    now: UnixTime,
) -> Answer<bool> {
    let known = tx.subscriber(email)?;
    if known.is_some_and(|known| known.verified) {
        return Ok(false);
    }
    if !verified && !mail::may_send(tx, email, now)? {
        return Ok(true);
    }
    let code = random_token().map_err(Fail::internal)?;
    let verify_hash = fingerprint(&code);
    tx.put_subscriber(&NewSubscriber {
        email,
        verified,
        verify_hash: (!verified).then_some(&verify_hash),
        unsubscribe_hash: &fingerprint(&unsubscribe_code(app, email)),
        created: now.0,
    })?;
    if !verified {
        let letter = letters::newsletter(app, language, email, &code);
        mail::send(tx, app, email, &letter, true, now)?;
    }
    Ok(!verified)
}

/// The address that waits for its owner's consent under a code. 2013 if it was given before.
fn waiting(tx: &mut Tx<'_>, code: &str, now: UnixTime) -> Answer<Subscriber> {
    let found = tx
        .subscriber_by_code(&fingerprint(code))?
        .ok_or(Code::CODE_INVALID)?;
    if found.verified {
        return Err(Code::ALREADY_VERIFIED.into());
    }
    if found.created.saturating_add(CONSENT_SECONDS) <= now.0 {
        return Err(Code::CODE_INVALID.into());
    }
    Ok(found)
}

/// Looks whether a code could prove a consent, which is not given yet.
pub async fn look(app: &Arc<App>, client: IpAddr, code: &str) -> Answer<()> {
    let (code, now) = (code.to_owned(), app.clock.now());
    let found = app.db.view(move |tx| waiting(tx, &code, now));
    with_code(app, client, found).await.map(drop)
}

/// Notes the consent that a code proves; answers the address. 2013 if it was given before.
pub async fn verify(app: &Arc<App>, client: IpAddr, code: &str) -> Answer<String> {
    let (code, now) = (code.to_owned(), app.clock.now());
    let verified = app.db.edit(move |tx| -> Answer<String> {
        let found = waiting(tx, &code, now)?;
        tx.verify_subscriber(&found.email_key)?;
        Ok(found.email)
    });
    with_code(app, client, verified).await
}

/// Refuses what cannot be a code that takes an address off the list (2012). Whether there is such an address is not told.
fn checked_unsubscribe(code: &str) -> Answer<String> {
    let is_code = code.len() == 32 && code.bytes().all(|byte| byte.is_ascii_hexdigit());
    if is_code {
        Ok(code.to_ascii_lowercase())
    } else {
        Err(Code::CODE_INVALID.into())
    }
}

/// Looks whether a code could take an address off the list.
pub async fn look_unsubscribe(app: &App, client: IpAddr, code: &str) -> Answer<()> {
    let looking = async { checked_unsubscribe(code).map(drop) };
    with_code(app, client, looking).await
}

/// Takes the address that a code belongs to off the list. 2012 only for what cannot be a code.
pub async fn unsubscribe(app: &Arc<App>, client: IpAddr, code: &str) -> Answer<()> {
    let removing = async {
        let code = checked_unsubscribe(code)?;
        app.db
            .edit(move |tx| -> Answer<()> { Ok(tx.remove_subscriber(&fingerprint(&code))?) })
            .await
    };
    with_code(app, client, removing).await
}

/// Sends the code that takes an address off the list, if it is there.
pub async fn send_unsubscribe(app: &Arc<App>, client: IpAddr, email: &str) -> Answer<()> {
    if !is_email(email) {
        return Err(Code::EMAIL_INVALID.into());
    }
    if !app.limits.allows_mail(client) {
        return Err(Code::REQUESTS_LIMITED.into());
    }
    let (shared, email, now) = (app.clone(), email.to_owned(), app.clock.now());
    app.db
        .edit(move |tx| {
            let known = tx.subscriber(&email)?;
            if !mail::may_send(tx, &email, now)? {
                return Ok(());
            }
            let to = known.as_ref().map_or(&email, |known| &known.email);
            let code = unsubscribe_code(&shared, to);
            let language = Language::of(&shared.config.default_language);
            let letter = letters::unsubscribe(&shared, language, to, &code);
            mail::send(tx, &shared, to, &letter, known.is_some(), now)
        })
        .await
}
