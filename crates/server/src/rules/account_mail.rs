//! What the codes in mails do to an account. Methods and pages come here alike, so that both follow the same rules.

use crate::app::App;
use crate::call::Answer;
use crate::cx::edit_within;
use crate::language::Language;
use crate::login::check_own_password;
use crate::mail::Letter;
use crate::mail::letters;
use crate::methods::general::is_email;
use crate::password;
use crate::rules::accounts::{record_change, sealed};
use crate::rules::guesses::with_code;
use crate::rules::mail_codes::{self, CodeMail, Purpose};
use pileus_api::{Code, UnixTime};
use pileus_store::Tx;
use pileus_store::accounts::{self, Account};
use pileus_store::mail_codes::MailCode;
use std::net::IpAddr;
use std::sync::Arc;

/// The account that a code is for. One that cannot log in has no codes either.
fn account_of(tx: &mut Tx<'_>, code: &MailCode) -> Answer<Account> {
    let account = tx.account_locked(code.account)?;
    account
        .filter(|account| account.state == accounts::ACTIVE)
        .ok_or_else(|| Code::CODE_INVALID.into())
}

/// What an account is sent to its own address.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Own {
    /// The code that verifies the address.
    Verification,
    /// The code that lets a new address be named.
    Change,
    /// The code that gives the account up.
    Deactivation,
}

/// Writes the letter that takes a code to an address.
type Writes = fn(&App, Language, &str, &str) -> Letter;

/// Sends a code to the address of an account.
pub fn send_own(
    tx: &mut Tx<'_>,
    app: &Arc<App>,
    account: &Account,
    own: Own,
    now: UnixTime,
) -> Answer<()> {
    let (purpose, letter): (_, Writes) = match own {
        Own::Verification => (Purpose::Verify, letters::verify),
        Own::Change => (Purpose::ChangeOld, letters::change_old),
        Own::Deactivation => (Purpose::Deactivate, letters::deactivate),
    };
    let email = &account.email;
    let sent = CodeMail {
        purpose,
        account: Some(account),
        to: email,
    };
    mail_codes::send(tx, app, &sent, now, |language, code| {
        letter(app, language, email, code)
    })
}

/// Verifies the address that a code was sent to. 2013 if it is verified already.
pub async fn verify_email(app: &Arc<App>, client: IpAddr, code: &str) -> Answer<Account> {
    let (shared, code, now) = (app.clone(), code.to_owned(), app.clock.now());
    let verified = app.db.edit(move |tx| {
        let found = mail_codes::check(tx, &code, Purpose::Verify, None, now)?;
        let account = account_of(tx, &found)?;
        if account.email != found.detail {
            return Err(Code::CODE_INVALID.into());
        }
        if account.email_verified {
            return Err(Code::ALREADY_VERIFIED.into());
        }
        mail_codes::take(tx, &code)?;
        tx.set_account_verified(account.id, true)?;
        let verified = record_change(tx, &shared, account.id, now)?;
        edit_within(tx, &shared, account.id, now, |edit| {
            edit.tell_of_waiting_offers(&verified)
        })?;
        Ok(verified)
    });
    with_code(app, client, verified).await
}

/// Sends the mail by which a new password can be set, if the address is that of an account. If it is not, the same is
/// done but for the delivery.
pub async fn send_reset(app: &Arc<App>, client: IpAddr, email: &str) -> Answer<()> {
    if !app.limits.allows_mail(client) {
        return Err(Code::REQUESTS_LIMITED.into());
    }
    if !is_email(email) {
        return Ok(());
    }
    let (shared, email, now) = (app.clone(), email.to_owned(), app.clock.now());
    app.db
        .edit(move |tx| {
            let found = tx.account_by_email(&email)?;
            let account = tx
                .account_locked(found.map_or(0, |account| account.id))?
                .filter(|account| account.state == accounts::ACTIVE);
            // What is kept and sent is the address as its owner typed it.
            let to = account.as_ref().map_or(&email, |account| &account.email);
            let sent = CodeMail {
                purpose: Purpose::Reset,
                account: account.as_ref(),
                to,
            };
            mail_codes::send(tx, &shared, &sent, now, |language, code| {
                letters::reset(&shared, language, to, code, client, now)
            })
        })
        .await
}

/// Sets a new password. A password that is refused leaves the code as it is. Apps keep their tokens, since their users have
/// let them in and not the password, unless `end_apps` is set.
pub async fn reset_password(
    app: &Arc<App>,
    client: IpAddr,
    code: &str,
    new_password: &str,
    end_apps: bool,
) -> Answer<Account> {
    let (looked, now) = (code.to_owned(), app.clock.now());
    let found = app
        .db
        .view(move |tx| mail_codes::check(tx, &looked, Purpose::Reset, None, now));
    with_code(app, client, found).await?;
    password::check_rules(new_password)?;
    let hash = app.hashing.hash(new_password.to_owned()).await?;
    let sealed = sealed(app, new_password)?;
    let (shared, code) = (app.clone(), code.to_owned());
    let resetting = app.db.edit(move |tx| {
        let found = mail_codes::check(tx, &code, Purpose::Reset, None, now)?;
        let account = account_of(tx, &found)?;
        mail_codes::take(tx, &code)?;
        let id = account.id;
        tx.set_account_password(id, &hash, sealed.as_deref())?;
        tx.delete_other_sessions(id, 0)?;
        tx.void_all_mail_codes(id)?;
        tx.clear_trusted_devices(id)?;
        // Whoever has the code reads the mails of the address it was sent to. Until now somebody else may have used
        // the account under that address, and what they have let in has to go.
        let is_proven_now = !account.email_verified && account.email == found.detail;
        if is_proven_now || end_apps {
            tx.delete_all_tokens(id)?;
            tx.delete_app_grants(id)?;
        }
        if !is_proven_now {
            return Ok(account);
        }
        tx.set_account_verified(id, true)?;
        record_change(tx, &shared, id, now)
    });
    let account = with_code(app, client, resetting).await?;
    app.limits.succeeded(&account.email);
    Ok(account)
}

/// Takes the code that came to the present address, and sends another one to the new address. With `account` the code
/// has to be that account's.
pub async fn name_new_address(
    app: &Arc<App>,
    client: IpAddr,
    account: Option<i64>,
    code: &str,
    new_email: &str,
) -> Answer<()> {
    let (shared, now) = (app.clone(), app.clock.now());
    let (code, new_email) = (code.to_owned(), new_email.to_owned());
    let named = app.db.edit(move |tx| {
        let found = mail_codes::check(tx, &code, Purpose::ChangeOld, account, now)?;
        let account = account_of(tx, &found)?;
        if !is_email(&new_email) {
            return Err(Code::EMAIL_INVALID.into());
        }
        check_free(tx, &account, &new_email)?;
        mail_codes::take(tx, &code)?;
        let sent = CodeMail {
            purpose: Purpose::ChangeNew,
            account: Some(&account),
            to: &new_email,
        };
        mail_codes::send(tx, &shared, &sent, now, |language, code| {
            letters::change_new(&shared, language, &account.email, code)
        })
    });
    with_code(app, client, named).await
}

/// Refuses an address that is the account's already (2271) or somebody else's (2038).
fn check_free(tx: &mut Tx<'_>, account: &Account, email: &str) -> Answer<()> {
    if account.email == email {
        return Err(Code::EMAIL_UNCHANGED.into());
    }
    match tx.account_by_email(email)? {
        // The same address in other letters is a change that only its owner would notice.
        Some(other) if other.id != account.id => Err(Code::EMAIL_TAKEN.into()),
        _ => Ok(()),
    }
}

/// Makes the address that a code was sent to the account's. With `account` the code has to be that account's.
pub async fn change_address(
    app: &Arc<App>,
    client: IpAddr,
    account: Option<i64>,
    code: &str,
    password: &str,
) -> Answer<Account> {
    check_password(app, client, Purpose::ChangeNew, account, code, password).await?;
    let (shared, code, now) = (app.clone(), code.to_owned(), app.clock.now());
    let changed = app.db.edit(move |tx| {
        let found = mail_codes::check(tx, &code, Purpose::ChangeNew, account, now)?;
        let account = account_of(tx, &found)?;
        check_free(tx, &account, &found.detail)?;
        tx.void_all_mail_codes(account.id)?;
        tx.set_account_email(account.id, &found.detail)?;
        record_change(tx, &shared, account.id, now)
    });
    with_code(app, client, changed).await
}

/// Gives an account up. With `account` the code has to be that account's.
pub async fn deactivate(
    app: &Arc<App>,
    client: IpAddr,
    account: Option<i64>,
    code: &str,
    password: &str,
) -> Answer<()> {
    check_password(app, client, Purpose::Deactivate, account, code, password).await?;
    let (shared, code, now) = (app.clone(), code.to_owned(), app.clock.now());
    let given_up = app.db.edit(move |tx| {
        let found = mail_codes::check(tx, &code, Purpose::Deactivate, account, now)?;
        let account = account_of(tx, &found)?;
        edit_within(tx, &shared, account.id, now, |edit| {
            edit.end_all_shares(account.id)
        })?;
        tx.deactivate_account(account.id, now.0)?;
        // Waiting calls look at their login again, and end.
        let feed = &shared.feed;
        feed.wake_after_commit(tx, account.id, account.diffid);
        Ok(())
    });
    with_code(app, client, given_up).await
}

/// Checks a code and the password of its account, which answers 2272 if it is wrong. Nothing is used up.
async fn check_password(
    app: &Arc<App>,
    client: IpAddr,
    purpose: Purpose,
    account: Option<i64>,
    code: &str,
    password: &str,
) -> Answer<()> {
    let (code, now) = (code.to_owned(), app.clock.now());
    let found = app.db.view(move |tx| {
        let found = mail_codes::check(tx, &code, purpose, account, now)?;
        Ok(tx.account(found.account)?.ok_or(Code::CODE_INVALID)?)
    });
    let account = with_code(app, client, found).await?;
    check_own_password(app, client, &account, password, Code::PASSWORD_WRONG).await
}
