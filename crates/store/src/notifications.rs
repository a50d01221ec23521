//! Notices to accounts, shown by clients until they are read.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

/// Notices that an account keeps; older ones go when new ones come.
const KEPT: i64 = 500;

record! {
    /// A notice.
    pub struct Notification {
        /// Place among the notices of its account, from 1.
        pub id: i64,
        /// What it is about.
        pub kind: i64,
        /// The particulars, as JSON.
        pub detail: String,
        /// When it was made.
        pub created: i64,
        /// Whether it was read.
        pub was_read: bool,
    }
}

sql! {
    NEXT = "UPDATE account SET notificationid = notificationid + 1 WHERE id = $1 RETURNING notificationid";
    INSERT = "INSERT INTO notification (account, id, kind, detail, created, was_read) VALUES ($1, $2, $3, $4, $5, 0)";
    AFTER = "SELECT id, kind, detail, created, was_read FROM notification WHERE account = $1 AND id > $2 \
             ORDER BY id DESC LIMIT 500";
    READ = "UPDATE notification SET was_read = 1 WHERE account = $1 AND id <= $2 AND was_read = 0";
    LAST_READ = "SELECT id FROM notification WHERE account = $1 AND was_read = 1 ORDER BY id DESC LIMIT 1";
    UNREAD = "SELECT id, kind, detail, created, was_read FROM notification WHERE account = $1 AND kind = $2 \
              AND was_read = 0 ORDER BY id DESC LIMIT 500";
    REMOVE = "DELETE FROM notification WHERE account = $1 AND id = $2";
    TRIM = "DELETE FROM notification WHERE account = $1 AND id <= $2";
}

impl Tx<'_> {
    /// Adds a notice; answers its id. Waiters are the caller's business.
    pub fn add_notification(
        &mut self,
        account: i64,
        kind: i64,
        detail: &str,
        now: i64,
    ) -> Stored<i64> {
        let (id,): (i64,) = self.one(NEXT, args![account])?;
        self.exec(INSERT, args![account, id, kind, detail, now])?;
        self.exec(TRIM, args![account, id - KEPT])?;
        Ok(id)
    }

    /// The notices of an account that are newer than one of them, the newest first.
    pub fn notifications_after(&mut self, account: i64, id: i64) -> Stored<Vec<Notification>> {
        self.all(AFTER, args![account, id])
    }

    /// The notices of one kind that an account has not read, the newest first.
    pub fn unread_notifications(&mut self, account: i64, kind: i64) -> Stored<Vec<Notification>> {
        self.all(UNREAD, args![account, kind])
    }

    /// Removes a notice, since another one takes its place.
    pub fn remove_notification(&mut self, account: i64, id: i64) -> Stored<()> {
        self.exec(REMOVE, args![account, id]).map(drop)
    }

    /// Marks the notices up to one of them as read; answers how many were not.
    pub fn read_notifications(&mut self, account: i64, up_to: i64) -> Stored<u64> {
        self.exec(READ, args![account, up_to])
    }

    /// The newest notice that was read; 0 if none was.
    pub fn last_read_notification(&mut self, account: i64) -> Stored<i64> {
        Ok(self
            .opt::<(i64,)>(LAST_READ, args![account])?
            .map_or(0, |(id,)| id))
    }
}
