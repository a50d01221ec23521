//! Codes of apps on their way to a token, and requests that apps wait for: decisions of accounts that were made, or that are
//! still to be made.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

record! {
    /// A decision of an account about an app, waiting to be exchanged for a token.
    pub struct AppCode {
        /// Fingerprint of what has to be shown for it.
        pub secret_hash: Vec<u8>,
        /// The app.
        pub app: i64,
        /// The account; 0 if it was a refusal. None as long as nothing has been decided.
        pub account: Option<i64>,
        /// The address that the code was sent to; empty if it was shown instead, or never left the server.
        pub redirect: String,
        /// Permissions beyond the app's access.
        pub permissions: i64,
        /// What a proof has to fit that whoever shows the code has to bring (RFC 7636); empty if none is needed.
        pub challenge: String,
        /// The token it was exchanged for.
        pub token: Option<i64>,
        /// When it stops working.
        pub expires: i64,
    }
}

/// A request that is put to somebody.
#[derive(Clone, Copy, Debug)]
pub struct OpenedRequest<'a> {
    /// What the database keeps of the text that names it.
    pub secret_hash: &'a [u8],
    /// The app that waits.
    pub app: i64,
    /// Fingerprint of the login to the page that has opened it.
    pub opened_by: &'a [u8],
    /// Now.
    pub now: i64,
    /// When it stops being kept for that login.
    pub expires: i64,
}

sql! {
    CODE = "SELECT secret_hash, app, account, redirect, permissions, challenge, token, expires FROM app_code \
            WHERE secret_hash = $1", locking = "FOR UPDATE";
    IS_DECIDED = "SELECT app FROM app_code WHERE secret_hash = $1 AND account IS NOT NULL";
    INSERT = "INSERT INTO app_code (secret_hash, app, account, redirect, permissions, challenge, opened_by, token, expires) \
              VALUES ($1, $2, $3, $4, $5, $6, NULL, NULL, $7) ON CONFLICT (secret_hash) DO NOTHING";
    OPEN = "INSERT INTO app_code (secret_hash, app, account, redirect, permissions, challenge, opened_by, token, expires) \
            VALUES ($1, $2, NULL, '', 0, '', $3, NULL, $4) ON CONFLICT (secret_hash) DO UPDATE \
            SET opened_by = excluded.opened_by, expires = excluded.expires WHERE app_code.account IS NULL \
            AND (app_code.opened_by = excluded.opened_by OR app_code.expires <= $5)";
    LEAVE = "DELETE FROM app_code WHERE secret_hash = $1 AND account IS NULL AND opened_by = $2";
    DECIDE = "UPDATE app_code SET account = $1, permissions = $2, expires = $3 \
              WHERE secret_hash = $4 AND account IS NULL AND opened_by = $5";
    USE = "UPDATE app_code SET token = $1 WHERE secret_hash = $2";
    CLEAR_OLD = "DELETE FROM app_code WHERE expires < $1";
    CLEAR_OF_APP = "DELETE FROM app_code WHERE app = $1 AND token IS NULL",
        scans = "codes are gone within a day, and this is what administrators do";
    CLEAR_OF_USER = "DELETE FROM app_code WHERE account = $1 AND app = $2";
}

impl Tx<'_> {
    /// The code with this fingerprint, used or not; locked, so that it is used only once.
    pub fn app_code(&mut self, secret_hash: &[u8]) -> Stored<Option<AppCode>> {
        self.opt(CODE, args![secret_hash])
    }

    /// Whether the request with this fingerprint has been decided.
    pub fn is_request_decided(&mut self, secret_hash: &[u8]) -> Stored<bool> {
        Ok(self
            .opt::<(i64,)>(IS_DECIDED, args![secret_hash])?
            .is_some())
    }

    /// Adds a code; false if there is one with the same fingerprint.
    pub fn insert_app_code(&mut self, code: &AppCode) -> Stored<bool> {
        let added = self.exec(
            INSERT,
            args![
                &code.secret_hash,
                code.app,
                code.account,
                &code.redirect,
                code.permissions,
                &code.challenge,
                code.expires
            ],
        )?;
        Ok(added == 1)
    }

    /// Keeps a request for the login that opens it first; false if it is decided, or another login's for now.
    pub fn open_request(&mut self, opened: &OpenedRequest<'_>) -> Stored<bool> {
        let OpenedRequest {
            secret_hash,
            app,
            opened_by,
            now,
            expires,
        } = *opened;
        let kept = self.exec(OPEN, args![secret_hash, app, opened_by, expires, now])?;
        Ok(kept == 1)
    }

    /// Leaves a request to whoever opens it next, if it is this login's and not decided.
    pub fn leave_request(&mut self, secret_hash: &[u8], opened_by: &[u8]) -> Stored<()> {
        self.exec(LEAVE, args![secret_hash, opened_by]).map(drop)
    }

    /// Writes down what the login that has opened a request decides; false if it is not that login's, or was decided.
    /// `account` is 0 for a refusal.
    pub fn decide_request(
        &mut self,
        secret_hash: &[u8],
        opened_by: &[u8],
        account: i64,
        permissions: i64,
        expires: i64,
    ) -> Stored<bool> {
        let decided = self.exec(
            DECIDE,
            args![account, permissions, expires, secret_hash, opened_by],
        )?;
        Ok(decided == 1)
    }

    /// Notes that a code was exchanged for a token.
    pub fn use_app_code(&mut self, secret_hash: &[u8], token: i64) -> Stored<()> {
        self.exec(USE, args![token, secret_hash]).map(drop)
    }

    /// Removes the codes that expired before a time.
    pub fn clear_old_app_codes(&mut self, before: i64) -> Stored<()> {
        self.exec(CLEAR_OLD, args![before]).map(drop)
    }

    /// Removes the codes of an app that nobody has used yet.
    pub fn clear_app_codes(&mut self, app: i64) -> Stored<()> {
        self.exec(CLEAR_OF_APP, args![app]).map(drop)
    }

    /// Removes the codes of an account for an app.
    pub fn clear_app_codes_of(&mut self, account: i64, app: i64) -> Stored<()> {
        self.exec(CLEAR_OF_USER, args![account, app]).map(drop)
    }
}
