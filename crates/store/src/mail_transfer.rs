//! Mail transfers: folders with files that were sent by mail, and when they have to go.

use crate::{Stored, Tx, args, sql};

sql! {
    INSERT = "INSERT INTO mail_transfer (folder, sender, created, expires) VALUES ($1, $2, $3, $4)";
    COUNT_RECENT = "SELECT CAST(COUNT(*) AS BIGINT) FROM mail_transfer WHERE sender = $1 AND created > $2";
    EXPIRED = "SELECT folder FROM mail_transfer WHERE expires <= $1 ORDER BY expires LIMIT 20";
    REMOVE = "DELETE FROM mail_transfer WHERE folder = $1";
}

impl Tx<'_> {
    /// Notes that a folder holds files that `sender` has sent, its address in the form that addresses are compared in.
    pub fn insert_mail_transfer(
        &mut self,
        folder: i64,
        sender: &str,
        created: i64,
        expires: i64,
    ) -> Stored<()> {
        self.exec(INSERT, args![folder, sender, created, expires])
            .map(drop)
    }

    /// How often an address has sent something after a time.
    pub fn count_mail_transfers_since(&mut self, sender: &str, since: i64) -> Stored<i64> {
        let (count,) = self.one::<(i64,)>(COUNT_RECENT, args![sender, since])?;
        Ok(count)
    }

    /// Folders whose time is over, a few at once.
    pub fn expired_mail_transfers(&mut self, now: i64) -> Stored<Vec<i64>> {
        let found = self.all::<(i64,)>(EXPIRED, args![now])?;
        Ok(found.into_iter().map(|(folder,)| folder).collect())
    }

    /// Forgets that a folder was sent.
    pub fn remove_mail_transfer(&mut self, folder: i64) -> Stored<()> {
        self.exec(REMOVE, args![folder]).map(drop)
    }
}
