//! Tokens: what a client logs in with instead of a password.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

record! {
    /// A token, without its secret.
    pub struct Token {
        /// Id; `tokenid` on the wire.
        pub id: i64,
        /// The account it logs in.
        pub account: i64,
        /// The app it was given to; session tokens have none. 0 stands for a token made by an administrator.
        pub app: Option<i64>,
        /// What else the app may do.
        pub permissions: i64,
        /// The device it was given to.
        pub device: String,
        /// When it was given.
        pub created: i64,
        /// When it dies in any case.
        pub expires: i64,
        /// Seconds it may lie unused.
        pub idle_seconds: i64,
        /// When it was last used, to about a minute.
        pub last_used: i64,
    }
}

macro_rules! columns {
    () => {
        "id, account, app, permissions, device, created, expires, idle_seconds, last_used"
    };
}

sql! {
    BY_SECRET = concat!("SELECT ", columns!(), " FROM token WHERE secret_hash = $1");
    BY_ID = concat!("SELECT ", columns!(), " FROM token WHERE id = $1");
    SESSIONS = concat!("SELECT ", columns!(), " FROM token WHERE account = $1 AND app IS NULL ORDER BY id DESC");
    OF_APP = concat!("SELECT ", columns!(), " FROM token WHERE account = $1 AND app = $2 ORDER BY id DESC");
    OF_ACCOUNT = concat!("SELECT ", columns!(), " FROM token WHERE account = $1 ORDER BY id DESC");
    INSERT = "INSERT INTO token (id, account, secret_hash, app, permissions, device, device_hash, os, osversion, \
              appversion, created, expires, idle_seconds, last_used) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14)";
    USED = "UPDATE token SET last_used = $1 WHERE id = $2";
    DELETE = "DELETE FROM token WHERE id = $1 AND account = $2";
    DELETE_SESSIONS = "DELETE FROM token WHERE account = $1 AND app IS NULL AND id <> $2";
    DELETE_OF_APP = "DELETE FROM token WHERE account = $1 AND app = $2";
    DELETE_ALL = "DELETE FROM token WHERE account = $1";
}

/// A new token.
#[derive(Clone, Debug, Default)]
pub struct NewToken {
    /// Id.
    pub id: i64,
    /// The account it logs in.
    pub account: i64,
    /// Fingerprint of the secret.
    pub secret_hash: Vec<u8>,
    /// The app it is given to.
    pub app: Option<i64>,
    /// What else the app may do.
    pub permissions: i64,
    /// The device it is given to.
    pub device: String,
    /// Fingerprint of the client's name for the device, if it tells one.
    pub device_hash: Option<Vec<u8>>,
    /// The client's number for its operating system.
    pub os: Option<i64>,
    /// Version of that system.
    pub osversion: String,
    /// Version of the client.
    pub appversion: String,
    /// Now.
    pub created: i64,
    /// When it dies in any case.
    pub expires: i64,
    /// Seconds it may lie unused.
    pub idle_seconds: i64,
}

impl Tx<'_> {
    /// The token with this fingerprint.
    pub fn token_by_secret(&mut self, secret_hash: &[u8]) -> Stored<Option<Token>> {
        self.opt(BY_SECRET, args![secret_hash])
    }

    /// The token with this id.
    pub fn token(&mut self, id: i64) -> Stored<Option<Token>> {
        self.opt(BY_ID, args![id])
    }

    /// The session tokens of an account, newest first, the dead ones included.
    pub fn session_tokens(&mut self, account: i64) -> Stored<Vec<Token>> {
        self.all(SESSIONS, args![account])
    }

    /// All tokens of an account, newest first.
    pub fn tokens(&mut self, account: i64) -> Stored<Vec<Token>> {
        self.all(OF_ACCOUNT, args![account])
    }

    /// The tokens of an account that an app has, newest first.
    pub fn tokens_of_app(&mut self, account: i64, app: i64) -> Stored<Vec<Token>> {
        self.all(OF_APP, args![account, app])
    }

    /// Adds a token.
    pub fn insert_token(&mut self, new: &NewToken) -> Stored<()> {
        self.exec(
            INSERT,
            args![
                new.id,
                new.account,
                &new.secret_hash,
                new.app,
                new.permissions,
                &new.device,
                new.device_hash.as_deref(),
                new.os,
                &new.osversion,
                &new.appversion,
                new.created,
                new.expires,
                new.idle_seconds,
                new.created
            ],
        )
        .map(drop)
    }

    /// Notes that a token is in use.
    pub fn set_token_used(&mut self, id: i64, now: i64) -> Stored<()> {
        self.exec(USED, args![now, id]).map(drop)
    }

    /// Deletes a token of an account; false if it has no such token.
    pub fn delete_token(&mut self, id: i64, account: i64) -> Stored<bool> {
        Ok(self.exec(DELETE, args![id, account])? == 1)
    }

    /// Deletes the session tokens of an account but one.
    pub fn delete_other_sessions(&mut self, account: i64, keep: i64) -> Stored<()> {
        self.exec(DELETE_SESSIONS, args![account, keep]).map(drop)
    }

    /// Deletes the tokens of an account that an app has.
    pub fn delete_tokens_of_app(&mut self, account: i64, app: i64) -> Stored<()> {
        self.exec(DELETE_OF_APP, args![account, app]).map(drop)
    }

    /// Deletes all tokens of an account, those of apps too.
    pub fn delete_all_tokens(&mut self, account: i64) -> Stored<()> {
        self.exec(DELETE_ALL, args![account]).map(drop)
    }
}
