//! Mails on their way out. A row is written in the transaction of the call that sends the mail, and delivered later.
//!
//! What a mail says is sealed, since it may hold a code that opens an account; it goes as soon as the mail has. The
//! rest of the row stays for an hour longer and counts how many mails an address got.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

/// Mails that one [`Tx::lease_mails`] takes.
const LEASED_AT_ONCE: i64 = 20;

record! {
    /// A mail to be delivered.
    pub struct DueMail {
        /// Id.
        pub id: i64,
        /// The mail, sealed.
        pub sealed: Option<Vec<u8>>,
        /// Attempts before this one.
        pub attempts: i64,
        /// When it was written.
        pub created: i64,
    }
}

sql! {
    INSERT = "INSERT INTO mail (id, recipient, sealed, attempts, run_at, created) VALUES ($1, $2, $3, 0, $4, $5)";
    COUNT_RECENT = "SELECT CAST(COUNT(*) AS BIGINT) FROM mail WHERE recipient = $1 AND created > $2";
    BEYOND = "SELECT id FROM mail WHERE run_at > 0 ORDER BY run_at, id LIMIT 1 OFFSET $1";
    ANY_DUE = "SELECT id FROM mail WHERE run_at <= $1 LIMIT 1";
    DUE = "SELECT id, sealed, attempts, created FROM mail WHERE run_at <= $1 ORDER BY run_at, id LIMIT $2",
        locking = "FOR UPDATE SKIP LOCKED";
    LEASE = "UPDATE mail SET attempts = attempts + 1, run_at = $1 WHERE id = $2";
    RETRY = "UPDATE mail SET run_at = $1 WHERE id = $2 AND run_at IS NOT NULL";
    DONE = "UPDATE mail SET run_at = NULL, sealed = NULL WHERE id = $1";
    CLEAR = "DELETE FROM mail WHERE run_at IS NULL AND created < $1";
}

/// A new mail.
pub struct NewMail<'a> {
    /// Id.
    pub id: i64,
    /// The address it goes to, in the form that addresses are compared in.
    pub recipient: &'a str,
    /// The mail, sealed.
    pub sealed: &'a [u8],
    /// Whether it is really to be sent. One that is not costs the same, so that nobody can tell by the time.
    pub is_sent: bool,
    /// Now.
    pub created: i64,
}

impl Tx<'_> {
    /// Adds a mail, due at once.
    pub fn insert_mail(&mut self, new: &NewMail<'_>) -> Stored<()> {
        let run_at = new.is_sent.then_some(new.created);
        self.exec(
            INSERT,
            args![new.id, new.recipient, new.sealed, run_at, new.created],
        )
        .map(drop)
    }

    /// How many mails were written to an address after a time.
    pub fn count_mails_since(&mut self, recipient: &str, since: i64) -> Stored<i64> {
        let (count,) = self.one::<(i64,)>(COUNT_RECENT, args![recipient, since])?;
        Ok(count)
    }

    /// Whether more mails than this wait for delivery.
    pub fn has_more_mails_than(&mut self, count: i64) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(BEYOND, args![count])?.is_some())
    }

    /// Whether any mail is due for delivery.
    pub fn has_due_mails(&mut self, now: i64) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(ANY_DUE, args![now])?.is_some())
    }

    /// Takes mails that are due for delivery. Nobody else gets them before `until`.
    pub fn lease_mails(&mut self, now: i64, until: i64) -> Stored<Vec<DueMail>> {
        let due: Vec<DueMail> = self.all(DUE, args![now, LEASED_AT_ONCE])?;
        for mail in &due {
            self.exec(LEASE, args![until, mail.id])?;
        }
        Ok(due)
    }

    /// Has a mail that could not be delivered tried again at a time.
    pub fn retry_mail(&mut self, id: i64, at: i64) -> Stored<()> {
        self.exec(RETRY, args![at, id]).map(drop)
    }

    /// Notes that nothing is left to do for a mail, and forgets what it said.
    pub fn finish_mail(&mut self, id: i64) -> Stored<()> {
        self.exec(DONE, args![id]).map(drop)
    }

    /// Forgets the mails of before a time that nothing is left to do for.
    pub fn clear_mails(&mut self, before: i64) -> Stored<()> {
        self.exec(CLEAR, args![before]).map(drop)
    }
}
