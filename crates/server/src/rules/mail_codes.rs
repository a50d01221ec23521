//! Codes that prove who reads the mails of an address.
//!
//! A code is random, works once, for one purpose, for a limited time, and is kept as a fingerprint only. A new one
//! voids the older one of the same purpose.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::language::Language;
use crate::mail::{self, Letter};
use crate::rules::guesses::with_code;
use crate::secrets::{fingerprint, random_token};
use pileus_api::{Code, UnixTime};
use pileus_store::Tx;
use pileus_store::accounts::Account;
use pileus_store::mail_codes::{self, MailCode, NewMailCode};
use std::net::IpAddr;
use std::sync::Arc;

const HOUR: i64 = 3600;
const DAY: i64 = 24 * HOUR;

/// How long a code is remembered after it has expired, so that it can be called expired instead of unknown.
pub const REMEMBERED_SECONDS: i64 = 30 * DAY;

/// What a code is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Purpose {
    /// Verifying the account's address.
    Verify,
    /// Setting a new password.
    Reset,
    /// Naming a new address.
    ChangeOld,
    /// Making a new address the account's.
    ChangeNew,
    /// Giving the account up.
    Deactivate,
}

impl Purpose {
    fn number(self) -> i64 {
        match self {
            Self::Verify => mail_codes::VERIFY,
            Self::Reset => mail_codes::RESET,
            Self::ChangeOld => mail_codes::CHANGE_OLD,
            Self::ChangeNew => mail_codes::CHANGE_NEW,
            Self::Deactivate => mail_codes::DEACTIVATE,
        }
    }

    fn life_seconds(self) -> i64 {
        match self {
            Self::Verify => 7 * DAY,
            Self::Reset => DAY,
            Self::ChangeOld | Self::ChangeNew | Self::Deactivate => HOUR,
        }
    }

    /// What an expired code answers.
    fn expired(self) -> Code {
        match self {
            Self::Verify => Code::CODE_INVALID,
            Self::Reset => Code::RESET_CODE_EXPIRED,
            Self::ChangeOld | Self::ChangeNew | Self::Deactivate => Code::CODE_EXPIRED,
        }
    }
}

/// A mail with a code.
pub struct CodeMail<'a> {
    /// What the code is for.
    pub purpose: Purpose,
    /// The account it is for. Without one everything is done but the delivery.
    pub account: Option<&'a Account>,
    /// The address the mail goes to; the code is bound to it.
    pub to: &'a str,
}

/// Makes a code and sends it, unless the address has got too many mails lately: then an older code stays good.
pub fn send(
    tx: &mut Tx<'_>,
    app: &Arc<App>,
    sent: &CodeMail<'_>,
    now: UnixTime,
    letter: impl FnOnce(Language, &str) -> Letter,
) -> Answer<()> {
    if !mail::may_send(tx, sent.to, now)? {
        return Ok(());
    }
    let account = sent.account.map_or(0, |account| account.id);
    let language = sent
        .account
        .map_or(app.config.default_language.as_str(), |account| {
            &account.language
        });
    let code = random_token().map_err(Fail::internal)?;
    tx.void_mail_codes(account, sent.purpose.number())?;
    tx.insert_mail_code(&NewMailCode {
        secret_hash: &fingerprint(&code),
        account,
        purpose: sent.purpose.number(),
        detail: sent.to,
        created: now.0,
        expires: now.0.saturating_add(sent.purpose.life_seconds()),
    })?;
    let letter = letter(Language::of(language), &code);
    mail::send(tx, app, sent.to, &letter, sent.account.is_some(), now)
}

/// A code that works; else 2012, or what is answered to an expired one. With `account` it has to be that account's.
pub fn check(
    tx: &mut Tx<'_>,
    code: &str,
    purpose: Purpose,
    account: Option<i64>,
    now: UnixTime,
) -> Answer<MailCode> {
    let found = tx.mail_code(&fingerprint(code))?.filter(|found| {
        found.purpose == purpose.number() && account.is_none_or(|id| found.account == id)
    });
    let found = found.ok_or(Code::CODE_INVALID)?;
    if found.expires <= now.0 {
        return Err(purpose.expired().into());
    }
    Ok(found)
}

/// Looks at a code without using it up, for whoever wants to know before he does something for it. What is refused is
/// refused as by [`check`], and wrong codes are counted as everywhere.
pub async fn look(app: &Arc<App>, client: IpAddr, code: &str, purpose: Purpose) -> Answer<()> {
    let (code, now) = (code.to_owned(), app.clock.now());
    let found = app.db.view(move |tx| check(tx, &code, purpose, None, now));
    with_code(app, client, found).await.map(drop)
}

/// Uses a code up that [`check`] has found good. Of two calls at once, one gets 2012.
pub fn take(tx: &mut Tx<'_>, code: &str) -> Answer<()> {
    if tx.take_mail_code(&fingerprint(code))? {
        Ok(())
    } else {
        Err(Code::CODE_INVALID.into())
    }
}
