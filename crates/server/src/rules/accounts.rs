//! Making accounts, and telling what has become of them.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::rules::events::first_event;
use pileus_api::{Code, UnixTime};
use pileus_store::accounts::{Account, NewAccount};
use pileus_store::events::Event;
use pileus_store::folders::NewFolder;
use pileus_store::{StoreError, Tx};
use std::sync::Arc;

/// What an account is made of.
pub struct NewUser {
    /// Mail address; the user name.
    pub email: String,
    /// Whether it counts as verified.
    pub email_verified: bool,
    /// Argon2id hash of the password.
    pub password_hash: String,
    /// The password, sealed, if logins by digest are allowed.
    pub password_sealed: Option<Vec<u8>>,
    /// Language.
    pub language: String,
    /// Bytes it may use.
    pub quota: u64,
}

/// The password in the form that logins by digest need, or nothing if those are switched off.
pub fn sealed(app: &App, password: &str) -> Answer<Option<Vec<u8>>> {
    if !app.config.digest_login {
        return Ok(None);
    }
    app.secrets
        .seal(password.as_bytes())
        .map(Some)
        .map_err(Fail::internal)
}

/// Makes an account with its root folder and the first event of its feed. 2038 if the address is taken.
pub fn add_user(tx: &mut Tx<'_>, new: &NewUser, now: UnixTime) -> Answer<i64> {
    let (id, root) = (tx.id()?, tx.id()?);
    let is_added = tx.insert_account(&NewAccount {
        id,
        email: &new.email,
        email_verified: new.email_verified,
        password_hash: &new.password_hash,
        password_sealed: new.password_sealed.as_deref(),
        language: &new.language,
        quota: i64::try_from(new.quota).unwrap_or(i64::MAX),
        root,
        created: now.0,
    })?;
    if !is_added {
        return Err(Code::EMAIL_TAKEN.into());
    }
    let (created, modified) = (now.0, now.0);
    tx.insert_folder(&NewFolder {
        id: root,
        owner: id,
        parent: 0,
        // Roots have no parent to keep their names apart, so each is named by its id. Nobody sees it.
        name: &root.to_string(),
        created,
        modified,
        shared: 0,
        mount: 0,
    })?;
    let account = tx.account(id)?.ok_or(StoreError::Missing)?;
    let first = first_event(&account, now.0)?;
    tx.insert_event(&first)?;
    tx.set_account_counters(id, 0, first.diffid)?;
    Ok(id)
}

/// Tells the feed of an account what its row says now, outside of a call of that account. The row has been locked by
/// the caller. Answers the account as it is then.
pub fn record_change(tx: &mut Tx<'_>, app: &Arc<App>, id: i64, now: UnixTime) -> Answer<Account> {
    let mut account = tx.account(id)?.ok_or(StoreError::Missing)?;
    account.diffid += 1;
    tx.insert_event(&Event {
        diffid: account.diffid,
        ..first_event(&account, now.0)?
    })?;
    tx.set_account_counters(id, account.used, account.diffid)?;
    app.feed.wake_after_commit(tx, id, account.diffid);
    Ok(account)
}
