//! What only administrators do to accounts.

use crate::app::App;
use crate::call::Answer;
use crate::language::LANGUAGES;
use crate::methods::general::is_email;
use crate::password;
use crate::rules::accounts::sealed;
use crate::rules::events::first_event;
use pileus_api::{Code, UnixTime};
use pileus_store::accounts::{self, Account};
use pileus_store::events::Event;
use pileus_store::{StoreError, Tx};

/// A password in the forms that are kept.
#[derive(Clone)]
pub struct NewPassword {
    /// Argon2id hash.
    pub hash: String,
    /// The password, sealed, if logins by digest are allowed.
    pub sealed: Option<Vec<u8>>,
}

/// What is to become of an account; what is `None` stays as it is.
#[derive(Clone, Default)]
pub struct Changes {
    /// Password. Setting it ends all logins.
    pub password: Option<NewPassword>,
    /// Bytes it may use.
    pub quota: Option<u64>,
    /// Whether it may log in. Setting it ends all logins.
    pub enabled: Option<bool>,
    /// Language.
    pub language: Option<String>,
    /// Whether the mail address counts as verified.
    pub verified: Option<bool>,
}

/// Refuses a mail address that nobody could register with: 2018.
pub fn check_email(email: &str) -> Answer<()> {
    if is_email(email) {
        Ok(())
    } else {
        Err(Code::EMAIL_INVALID.into())
    }
}

/// Refuses a language that mails and pages are not written in.
pub fn check_language(language: &str) -> Answer<()> {
    if LANGUAGES.iter().any(|(code, _)| *code == language) {
        Ok(())
    } else {
        Err(Code::BAD_LANGUAGE.into())
    }
}

/// Makes a password ready to be kept, if it follows the rules that hold for everybody. Takes about 25 ms.
pub async fn new_password(app: &App, password: &str) -> Answer<NewPassword> {
    password::check_rules(password)?;
    let hash = app.hashing.hash(password.to_owned()).await?;
    let sealed = sealed(app, password)?;
    Ok(NewPassword { hash, sealed })
}

/// Changes an account and tells its feed what clients can see of it. Answers the account as it is then.
pub fn change(tx: &mut Tx<'_>, id: i64, changes: &Changes, now: UnixTime) -> Answer<Account> {
    let before = tx.account_locked(id)?.ok_or(StoreError::Missing)?;
    if before.state == accounts::ERASED {
        return Err(Code::DENIED.into());
    }
    if let Some(password) = &changes.password {
        tx.set_account_password(id, &password.hash, password.sealed.as_deref())?;
        tx.delete_all_tokens(id)?;
        tx.void_all_mail_codes(id)?;
        tx.clear_trusted_devices(id)?;
    }
    if let Some(quota) = changes.quota {
        tx.set_account_quota(id, i64::try_from(quota).unwrap_or(i64::MAX))?;
    }
    if let Some(enabled) = changes.enabled {
        let state = if enabled {
            accounts::ACTIVE
        } else {
            tx.delete_all_tokens(id)?;
            accounts::DISABLED
        };
        tx.set_account_state(id, state)?;
    }
    if let Some(language) = &changes.language {
        tx.set_account_language(id, language)?;
    }
    if let Some(verified) = changes.verified {
        tx.set_account_verified(id, verified)?;
    }
    let mut account = tx.account(id)?.ok_or(StoreError::Missing)?;
    let seen = |account: &Account| {
        (
            account.quota,
            account.language.clone(),
            account.email_verified,
        )
    };
    if seen(&before) != seen(&account) {
        account.diffid += 1;
        tx.insert_event(&Event {
            diffid: account.diffid,
            ..first_event(&account, now.0)?
        })?;
        tx.set_account_counters(id, account.used, account.diffid)?;
        tx.notify(id, account.diffid);
    }
    Ok(account)
}

/// Locks an account out, so that it can be removed.
pub fn lock_out(tx: &mut Tx<'_>, id: i64) -> Answer<()> {
    tx.account_locked(id)?.ok_or(StoreError::Missing)?;
    tx.set_account_state(id, accounts::DISABLED)?;
    Ok(tx.delete_all_tokens(id)?)
}
