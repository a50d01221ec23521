//! Accounts.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

/// `account.state` of an account that may log in.
pub const ACTIVE: i64 = 0;
/// `account.state` of an account that an administrator has locked.
pub const DISABLED: i64 = 1;
/// `account.state` of an account that its owner has given up. It can be brought back until it is erased.
pub const DEACTIVATED: i64 = 2;
/// `account.state` of an account whose data is going.
pub const ERASED: i64 = 3;

record! {
    /// An account, without its secrets.
    pub struct Account {
        /// Id; `userid` on the wire.
        pub id: i64,
        /// Mail address as it was typed.
        pub email: String,
        /// Whether the address has been verified.
        pub email_verified: bool,
        /// Language of mails and pages.
        pub language: String,
        /// Bytes it may use.
        pub quota: i64,
        /// Bytes its live files use.
        pub used: i64,
        /// Row of its root folder.
        pub root: i64,
        /// The newest event of its feed.
        pub diffid: i64,
        /// Counter of public link changes.
        pub publinkid: i64,
        /// Counter of upload link changes.
        pub uploadlinkid: i64,
        /// The newest notification.
        pub notificationid: i64,
        /// Grows when all logins are to end.
        pub login_epoch: i64,
        /// [`ACTIVE`] or why not.
        pub state: i64,
        /// When it was made.
        pub created: i64,
    }
}

record! {
    /// What proves a password.
    pub struct Secrets {
        /// The account.
        pub id: i64,
        /// Argon2id hash in its usual text form.
        pub password_hash: String,
        /// The password, sealed, if logins by digest are allowed.
        pub password_sealed: Option<Vec<u8>>,
        /// Grows when all logins are to end.
        pub login_epoch: i64,
        /// [`ACTIVE`] or why not.
        pub state: i64,
        /// Whether the address has been verified.
        pub email_verified: bool,
        /// The secret of the second factor, sealed, if there is one.
        pub tfa_sealed: Option<Vec<u8>>,
    }
}

macro_rules! columns {
    () => {
        "id, email, email_verified, language, quota, used, root, diffid, publinkid, uploadlinkid, notificationid, \
         login_epoch, state, created"
    };
}

macro_rules! secrets {
    () => {
        "id, password_hash, password_sealed, login_epoch, state, email_verified, tfa_sealed"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM account WHERE id = $1");
    LOCK = concat!("SELECT ", columns!(), " FROM account WHERE id = $1"), locking = "FOR UPDATE";
    BY_EMAIL = concat!("SELECT ", columns!(), " FROM account WHERE email_key = $1");
    SECRETS_BY_EMAIL = concat!("SELECT ", secrets!(), " FROM account WHERE email_key = $1");
    SECRETS_BY_ID = concat!("SELECT ", secrets!(), " FROM account WHERE id = $1");
    UNSEALED = "SELECT id FROM account WHERE password_sealed IS NULL AND state = 0 AND password_hash <> '' LIMIT 1";
    SEAL = "UPDATE account SET password_sealed = $1 WHERE id = $2 AND login_epoch = $3";
    LIST = concat!("SELECT ", columns!(), " FROM account ORDER BY id"), scans = "administrators list all accounts";
    ANY = "SELECT id FROM account LIMIT 1", scans = "stops at the first row";
    INSERT = "INSERT INTO account (id, email, email_key, email_verified, password_hash, password_sealed, language, \
              quota, used, root, diffid, publinkid, uploadlinkid, publinks, uploadlinks, notificationid, login_epoch, \
              state, created) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, 0, $9, 0, 0, 0, 0, 0, 0, 1, 0, $10) \
              ON CONFLICT (email_key) DO NOTHING";
    COUNTERS = "UPDATE account SET used = $1, diffid = $2 WHERE id = $3";
    SET_LANGUAGE = "UPDATE account SET language = $1 WHERE id = $2";
    SET_PASSWORD = "UPDATE account SET password_hash = $1, password_sealed = $2, login_epoch = login_epoch + 1 \
                    WHERE id = $3";
    SET_QUOTA = "UPDATE account SET quota = $1 WHERE id = $2";
    SET_STATE = "UPDATE account SET state = $1, deactivated = NULL, login_epoch = login_epoch + 1 WHERE id = $2";
    SET_EMAIL = "UPDATE account SET email = $1, email_key = $2, email_verified = 1 WHERE id = $3";
    SET_VERIFIED = "UPDATE account SET email_verified = $1 WHERE id = $2";
}

/// The form in which addresses are compared: case does not count. PostgreSQL takes no text with a zero byte, which no
/// address has and a guess may have.
pub fn email_key(email: &str) -> String {
    email.to_lowercase().replace('\0', "\u{fffd}")
}

/// A new account.
pub struct NewAccount<'a> {
    /// Id.
    pub id: i64,
    /// Mail address as typed.
    pub email: &'a str,
    /// Whether it counts as verified.
    pub email_verified: bool,
    /// Argon2id hash.
    pub password_hash: &'a str,
    /// The password, sealed, if logins by digest are allowed.
    pub password_sealed: Option<&'a [u8]>,
    /// Language.
    pub language: &'a str,
    /// Bytes it may use.
    pub quota: i64,
    /// Row of its root folder.
    pub root: i64,
    /// Now.
    pub created: i64,
}

impl Tx<'_> {
    /// The account with this id.
    pub fn account(&mut self, id: i64) -> Stored<Option<Account>> {
        self.opt(BY_ID, args![id])
    }

    /// The account with this id, locked for the rest of the edit. Its counters order the feed, so whoever writes into
    /// an account takes this first.
    pub fn account_locked(&mut self, id: i64) -> Stored<Option<Account>> {
        self.opt(LOCK, args![id])
    }

    /// The account with this address.
    pub fn account_by_email(&mut self, email: &str) -> Stored<Option<Account>> {
        self.opt(BY_EMAIL, args![&email_key(email)])
    }

    /// What proves the password of the account with this address.
    pub fn account_secrets_by_email(&mut self, email: &str) -> Stored<Option<Secrets>> {
        self.opt(SECRETS_BY_EMAIL, args![&email_key(email)])
    }

    /// What proves the password of the account with this id.
    pub fn account_secrets(&mut self, id: i64) -> Stored<Option<Secrets>> {
        self.opt(SECRETS_BY_ID, args![id])
    }

    /// Whether an account that may log in by password has none that can be read back.
    pub fn has_unsealed_password(&mut self) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(UNSEALED, args![])?.is_some())
    }

    /// Adds the password of an account in the form that can be read back, unless it was changed since the epoch.
    pub fn seal_password(&mut self, id: i64, epoch: i64, sealed: &[u8]) -> Stored<()> {
        self.exec(SEAL, args![sealed, id, epoch]).map(drop)
    }

    /// All accounts, for administrators.
    pub fn accounts(&mut self) -> Stored<Vec<Account>> {
        self.all(LIST, args![])
    }

    /// Whether there is any account.
    pub fn has_accounts(&mut self) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(ANY, args![])?.is_some())
    }

    /// Adds an account; false if the address is taken.
    pub fn insert_account(&mut self, new: &NewAccount<'_>) -> Stored<bool> {
        let added = self.exec(
            INSERT,
            args![
                new.id,
                new.email,
                &email_key(new.email),
                new.email_verified,
                new.password_hash,
                new.password_sealed,
                new.language,
                new.quota,
                new.root,
                new.created
            ],
        )?;
        Ok(added == 1)
    }

    /// Writes back what an edit has counted.
    pub fn set_account_counters(&mut self, id: i64, used: i64, diffid: i64) -> Stored<()> {
        self.exec(COUNTERS, args![used, diffid, id]).map(drop)
    }

    /// Sets the language.
    pub fn set_account_language(&mut self, id: i64, language: &str) -> Stored<()> {
        self.exec(SET_LANGUAGE, args![language, id]).map(drop)
    }

    /// Sets the password and ends all logins that rest on the old one.
    pub fn set_account_password(
        &mut self,
        id: i64,
        hash: &str,
        sealed: Option<&[u8]>,
    ) -> Stored<()> {
        self.exec(SET_PASSWORD, args![hash, sealed, id]).map(drop)
    }

    /// Sets the quota in bytes.
    pub fn set_account_quota(&mut self, id: i64, quota: i64) -> Stored<()> {
        self.exec(SET_QUOTA, args![quota, id]).map(drop)
    }

    /// Sets whether the account may log in, and ends all its logins. What its owner has given up is not erased then.
    pub fn set_account_state(&mut self, id: i64, state: i64) -> Stored<()> {
        self.exec(SET_STATE, args![state, id]).map(drop)
    }

    /// Sets the address, which counts as verified. The caller has made sure that nobody else has it.
    pub fn set_account_email(&mut self, id: i64, email: &str) -> Stored<()> {
        self.exec(SET_EMAIL, args![email, &email_key(email), id])
            .map(drop)
    }

    /// Sets whether the address counts as verified.
    pub fn set_account_verified(&mut self, id: i64, verified: bool) -> Stored<()> {
        self.exec(SET_VERIFIED, args![verified, id]).map(drop)
    }
}
