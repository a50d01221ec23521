//! Who has brought whom.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

record! {
    /// An account that came by an invitation.
    pub struct Invited {
        /// Its mail address.
        pub email: String,
        /// Whether that is verified.
        pub email_verified: bool,
    }
}

sql! {
    CODE = "SELECT invite_code FROM account WHERE id = $1";
    SET_CODE = "UPDATE account SET invite_code = $1 WHERE id = $2";
    BY_CODE = "SELECT id FROM account WHERE invite_code = $1";
    SET_INVITER = "UPDATE account SET invited_by = $1 WHERE id = $2";
    INVITED = "SELECT email, email_verified FROM account WHERE invited_by = $1 ORDER BY id LIMIT $2";
}

impl Tx<'_> {
    /// The code of an account's invitations, if it has one yet.
    pub fn invite_code(&mut self, account: i64) -> Stored<Option<String>> {
        let found = self.opt::<(Option<String>,)>(CODE, args![account])?;
        Ok(found.and_then(|(code,)| code))
    }

    /// Gives an account the code of its invitations.
    pub fn set_invite_code(&mut self, account: i64, code: &str) -> Stored<()> {
        self.exec(SET_CODE, args![code, account]).map(drop)
    }

    /// The account whose invitations have this code.
    pub fn account_by_invite(&mut self, code: &str) -> Stored<Option<i64>> {
        let found = self.opt::<(i64,)>(BY_CODE, args![code])?;
        Ok(found.map(|(id,)| id))
    }

    /// Notes who has brought an account.
    pub fn set_inviter(&mut self, account: i64, inviter: i64) -> Stored<()> {
        self.exec(SET_INVITER, args![inviter, account]).map(drop)
    }

    /// The accounts that somebody has brought, oldest first, at most `limit`.
    pub fn invited_accounts(&mut self, inviter: i64, limit: i64) -> Stored<Vec<Invited>> {
        self.all(INVITED, args![inviter, limit])
    }
}
