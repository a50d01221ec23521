//! Codes that prove one step of a flow: most go out by mail, some wait for the second factor of a login, and some are the
//! login to a page itself.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

/// `mail_code.purpose`: verifies the mail address that `detail` holds.
pub const VERIFY: i64 = 1;
/// `mail_code.purpose`: sets a new password. `detail` holds the address it was sent to.
pub const RESET: i64 = 2;
/// `mail_code.purpose`: sent to the old address, lets a new one be named.
pub const CHANGE_OLD: i64 = 3;
/// `mail_code.purpose`: sent to the new address, which `detail` holds; makes it the account's.
pub const CHANGE_NEW: i64 = 4;
/// `mail_code.purpose`: deactivates the account.
pub const DEACTIVATE: i64 = 5;
/// `mail_code.purpose`: a login that waits for its second factor. `detail` holds the account's login epoch.
pub const LOGIN: i64 = 6;
/// `mail_code.purpose`: a second factor that is being set up. `detail` holds its sealed secret.
pub const SETUP: i64 = 7;
/// `mail_code.purpose`: a login to the pages about apps. `detail` holds the account's login epoch.
pub const PAGE_LOGIN: i64 = 8;

record! {
    /// A code, without its secret.
    pub struct MailCode {
        /// The account it is for.
        pub account: i64,
        /// What it is for.
        pub purpose: i64,
        /// What else it is bound to, depending on the purpose.
        pub detail: String,
        /// Wrong tries so far, where those are counted.
        pub tries: i64,
        /// When it stops working.
        pub expires: i64,
    }
}

sql! {
    BY_HASH = "SELECT account, purpose, detail, tries, expires FROM mail_code WHERE secret_hash = $1";
    OF_PURPOSE = "SELECT account, purpose, detail, tries, expires FROM mail_code WHERE account = $1 AND purpose = $2 \
                  LIMIT 100";
    INSERT = "INSERT INTO mail_code (secret_hash, account, purpose, detail, tries, created, expires) \
              VALUES ($1, $2, $3, $4, 0, $5, $6)";
    TAKE = "DELETE FROM mail_code WHERE secret_hash = $1";
    VOID = "DELETE FROM mail_code WHERE account = $1 AND purpose = $2";
    VOID_EXPIRED = "DELETE FROM mail_code WHERE account = $1 AND purpose = $2 AND expires <= $3";
    VOID_ALL = "DELETE FROM mail_code WHERE account = $1";
    COUNT_TRY = "UPDATE mail_code SET tries = tries + 1 WHERE secret_hash = $1";
    CLEAR = "DELETE FROM mail_code WHERE expires < $1";
}

/// A new code.
pub struct NewMailCode<'a> {
    /// Fingerprint of the secret.
    pub secret_hash: &'a [u8],
    /// The account it is for.
    pub account: i64,
    /// What it is for.
    pub purpose: i64,
    /// What else it is bound to.
    pub detail: &'a str,
    /// Now.
    pub created: i64,
    /// When it stops working.
    pub expires: i64,
}

impl Tx<'_> {
    /// The code with this fingerprint, expired or not.
    pub fn mail_code(&mut self, secret_hash: &[u8]) -> Stored<Option<MailCode>> {
        self.opt(BY_HASH, args![secret_hash])
    }

    /// The codes of an account for a purpose, at most 100.
    pub fn mail_codes(&mut self, account: i64, purpose: i64) -> Stored<Vec<MailCode>> {
        self.all(OF_PURPOSE, args![account, purpose])
    }

    /// Adds a code.
    pub fn insert_mail_code(&mut self, new: &NewMailCode<'_>) -> Stored<()> {
        self.exec(
            INSERT,
            args![
                new.secret_hash,
                new.account,
                new.purpose,
                new.detail,
                new.created,
                new.expires
            ],
        )
        .map(drop)
    }

    /// Uses a code up; false if somebody else has.
    pub fn take_mail_code(&mut self, secret_hash: &[u8]) -> Stored<bool> {
        Ok(self.exec(TAKE, args![secret_hash])? == 1)
    }

    /// Voids the codes of an account for a purpose.
    pub fn void_mail_codes(&mut self, account: i64, purpose: i64) -> Stored<()> {
        self.exec(VOID, args![account, purpose]).map(drop)
    }

    /// Forgets the codes of an account for a purpose that have expired.
    pub fn void_expired_mail_codes(&mut self, account: i64, purpose: i64, now: i64) -> Stored<()> {
        self.exec(VOID_EXPIRED, args![account, purpose, now])
            .map(drop)
    }

    /// Voids all codes of an account.
    pub fn void_all_mail_codes(&mut self, account: i64) -> Stored<()> {
        self.exec(VOID_ALL, args![account]).map(drop)
    }

    /// Counts a wrong try at what a code stands for.
    pub fn count_mail_code_try(&mut self, secret_hash: &[u8]) -> Stored<()> {
        self.exec(COUNT_TRY, args![secret_hash]).map(drop)
    }

    /// Forgets codes that stopped working before a time.
    pub fn clear_mail_codes(&mut self, before: i64) -> Stored<()> {
        self.exec(CLEAR, args![before]).map(drop)
    }
}
