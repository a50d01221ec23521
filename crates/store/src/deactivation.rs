//! Accounts that their owners have given up: closed at once, erased later.

use crate::accounts::{DEACTIVATED, ERASED};
use crate::{Stored, Tx, args, sql};

sql! {
    DEACTIVATE = "UPDATE account SET state = $1, deactivated = $2, login_epoch = login_epoch + 1, publinks = 0, \
                  uploadlinks = 0 WHERE id = $3";
    CLOSE_LINKS = "UPDATE public_link SET state = 1, modified = $1 WHERE owner = $2 AND state <> 1";
    CLOSE_UPLOAD_LINKS = "UPDATE upload_link SET state = 1, modified = $1 WHERE owner = $2 AND state = 0";
    APP_GRANTS = "DELETE FROM app_grant WHERE account = $1";
    GIVEN_UP = "SELECT id FROM account WHERE deactivated < $1 ORDER BY deactivated, id LIMIT 10";
    ERASE = "UPDATE account SET state = $1 WHERE id = $2 AND deactivated < $3";
}

impl Tx<'_> {
    /// Closes an account: it cannot log in, nor does anything that rests on its login work, and its links are gone.
    pub fn deactivate_account(&mut self, id: i64, now: i64) -> Stored<()> {
        self.exec(DEACTIVATE, args![DEACTIVATED, now, id])?;
        self.exec(CLOSE_LINKS, args![now, id])?;
        self.exec(CLOSE_UPLOAD_LINKS, args![now, id])?;
        self.delete_app_grants(id)?;
        self.delete_all_tokens(id)?;
        self.void_all_mail_codes(id)?;
        self.clear_trusted_devices(id)
    }

    /// Forgets which apps an account has let in.
    pub fn delete_app_grants(&mut self, account: i64) -> Stored<()> {
        self.exec(APP_GRANTS, args![account]).map(drop)
    }

    /// Accounts that were given up before a time, a few at once.
    pub fn given_up_accounts(&mut self, before: i64) -> Stored<Vec<i64>> {
        let found = self.all::<(i64,)>(GIVEN_UP, args![before])?;
        Ok(found.into_iter().map(|(id,)| id).collect())
    }

    /// Notes that an account's data begins to go; false if it has been restored meanwhile.
    pub fn begin_erasing(&mut self, id: i64, before: i64) -> Stored<bool> {
        Ok(self.exec(ERASE, args![ERASED, id, before])? == 1)
    }
}
