//! What happens in shared folders, in the feeds of those they are shared with.
//!
//! An event in a shared folder is stored once, in the log of the folder's owner, and noted as one that happened in the
//! folder (`shared_event`). Whoever the folder is shared with follows it (`follow`): before anything else is added to his
//! feed, and before he reads it, what has happened in the folder since is given its place there as one *stretch*, however
//! much it was. So a change costs the same whether a folder is shared with one person or with a thousand.
//!
//! A stretch says that the events `start` to `stop` of the owner, as far as they happened in the folder, are the events
//! from `diffid` on of the account. The owner's events elsewhere leave gaps in the numbers.

use crate::events::{self, Event};
use crate::names::Object;
use crate::record::record;
use crate::{Stored, Tx, args, sql};

record! {
    /// What has happened in a followed folder and has no place in the feed yet.
    pub struct News {
        /// The folder.
        pub folder: i64,
        /// Whose folder and log it is.
        pub owner: i64,
        /// What the one who follows may do in it, as in [`crate::shares::Share::permissions`].
        pub permissions: i64,
        /// The first event, in the log of the owner.
        pub start: i64,
        /// The last event.
        pub stop: i64,
    }
}

record! {
    /// A part of a feed that is what happened in one shared folder.
    pub struct Stretch {
        /// The place of its first event in the feed.
        pub diffid: i64,
        /// The folder.
        pub folder: i64,
        /// The first event, in the log of the owner.
        pub start: i64,
        /// The last event.
        pub stop: i64,
        /// What its events say in [`Event::flags`].
        pub flags: i64,
    }
}

impl Stretch {
    /// The place of its last event in the feed.
    pub fn end(&self) -> i64 {
        self.diffid + self.stop - self.start
    }
}

/// Columns of an event as the one who follows sees it.
macro_rules! columns {
    () => {
        "p.account, p.diffid + e.diffid - p.start, e.time, e.kind, e.folder, e.file, e.parent, e.name, e.owner, p.flags, \
         e.created, e.modified, e.revisionid, e.blob, e.size, e.hash, e.replaced_file, e.detail"
    };
}

/// Events `e` of owners whose folders an account follows, with their stretches `p`. The order of the tables is the order
/// in which they are looked into; `k` finds events in an index, which has all that is asked of it.
macro_rules! followed {
    ($first:literal, $object:literal) => {
        concat!(
            "SELECT ",
            columns!(),
            " FROM ",
            $first,
            " CROSS JOIN event k CROSS JOIN shared_event s CROSS JOIN stretch p CROSS JOIN event e \
             WHERE f.account = $1 AND k.account = f.owner AND ",
            $object,
            " AND s.owner = f.owner AND s.folder = f.folder AND s.diffid = k.diffid \
             AND p.account = f.account AND p.diffid = (SELECT b.diffid FROM stretch b \
             WHERE b.account = f.account AND b.folder = f.folder AND b.start <= k.diffid ORDER BY b.start DESC LIMIT 1) \
             AND p.stop >= k.diffid AND e.account = k.account AND e.diffid = k.diffid "
        )
    };
}

sql! {
    NOTE = "INSERT INTO shared_event (owner, folder, diffid) VALUES ($1, $2, $3)";
    FOLLOW = "INSERT INTO follow (account, folder, owner, placed) VALUES ($1, $2, $3, $4) \
              ON CONFLICT (account, folder) DO UPDATE SET owner = excluded.owner, placed = excluded.placed";
    FOLLOWED = "SELECT folder FROM share WHERE recipient = $1 AND joined = 1 ORDER BY id";
    NEWS = "SELECT f.folder, f.owner, s.permissions, \
            (SELECT MIN(e.diffid) FROM shared_event e WHERE e.owner = f.owner AND e.folder = f.folder AND e.diffid > f.placed), \
            (SELECT MAX(e.diffid) FROM shared_event e WHERE e.owner = f.owner AND e.folder = f.folder AND e.diffid > f.placed) \
            FROM share s CROSS JOIN follow f WHERE s.recipient = $1 AND s.joined = 1 \
            AND f.account = s.recipient AND f.folder = s.folder AND EXISTS (SELECT 1 FROM shared_event e \
            WHERE e.owner = f.owner AND e.folder = f.folder AND e.diffid > f.placed) ORDER BY s.id";
    NEWEST_STRETCH = "SELECT diffid, folder, start, stop, flags FROM stretch WHERE account = $1 ORDER BY diffid DESC LIMIT 1";
    INSERT = "INSERT INTO stretch (account, diffid, folder, owner, start, stop, flags) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    EXTEND = "UPDATE stretch SET stop = $1 WHERE account = $2 AND diffid = $3";
    PLACED = "UPDATE follow SET placed = $1 WHERE account = $2 AND folder = $3";
    AFTER = concat!("SELECT ", columns!(), " FROM stretch p CROSS JOIN shared_event s CROSS JOIN event e \
                     WHERE p.account = $1 \
                     AND p.diffid >= COALESCE((SELECT MAX(b.diffid) FROM stretch b WHERE b.account = $1 AND b.diffid <= $2), 0) \
                     AND s.owner = p.owner AND s.folder = p.folder AND s.diffid <= p.stop \
                     AND s.diffid > (CASE WHEN p.diffid > $2 THEN p.start - 1 ELSE p.start + $2 - p.diffid END) \
                     AND e.account = s.owner AND e.diffid = s.diffid ORDER BY p.diffid, s.diffid LIMIT $3");
    NEWEST = "SELECT p.diffid + s.diffid - p.start FROM stretch p CROSS JOIN shared_event s WHERE p.account = $1 \
              AND s.owner = p.owner AND s.folder = p.folder AND s.diffid >= p.start AND s.diffid <= p.stop \
              ORDER BY p.diffid DESC, s.diffid DESC LIMIT $2";
    IN_FOLDER = concat!("SELECT ", events::columns!(), " FROM event WHERE account = $1 AND diffid IN (SELECT diffid \
                         FROM shared_event WHERE owner = $1 AND folder = $2 AND diffid > $3 ORDER BY diffid LIMIT $4) \
                         ORDER BY diffid");
    OF_FILE = concat!(followed!("follow f", "k.file = $2"), "ORDER BY p.diffid, k.diffid LIMIT $3");
    LAST_OF_FILE = concat!(followed!("follow f", "k.file = $2"), "AND p.diffid + k.diffid - p.start < $3 \
                           ORDER BY p.diffid DESC, k.diffid DESC LIMIT 1");
    LAST_OF_FOLDER = concat!(followed!("follow f", "k.folder = $2"), "AND p.diffid + k.diffid - p.start < $3 \
                             ORDER BY p.diffid DESC, k.diffid DESC LIMIT 1");
    OF_FOLDERS_IN = concat!(followed!("folder c CROSS JOIN follow f", "c.parent = $2 AND c.deleted = 0 AND k.folder = c.id"),
                            "AND p.diffid + k.diffid - p.start < $3 ORDER BY p.diffid, k.diffid");
    OF_FILES_IN = concat!(followed!("file c CROSS JOIN follow f", "c.folder = $2 AND c.deleted = 0 AND k.file = c.id"),
                          "AND p.diffid + k.diffid - p.start < $3 ORDER BY p.diffid, k.diffid");
}

impl Tx<'_> {
    /// Notes that an event of an owner happened in a shared folder of his.
    pub fn note_shared_event(&mut self, owner: i64, folder: i64, diffid: i64) -> Stored<()> {
        self.exec(NOTE, args![owner, folder, diffid]).map(drop)
    }

    /// Has an account follow a shared folder: what the owner does after his event `placed` belongs to its feed.
    pub fn follow(&mut self, account: i64, folder: i64, owner: i64, placed: i64) -> Stored<()> {
        self.exec(FOLLOW, args![account, folder, owner, placed])
            .map(drop)
    }

    /// The shared folders that an account follows.
    pub fn followed_folders(&mut self, account: i64) -> Stored<Vec<i64>> {
        let rows: Vec<(i64,)> = self.all(FOLLOWED, args![account])?;
        Ok(rows.into_iter().map(|(folder,)| folder).collect())
    }

    /// What has happened in the folders that an account follows and has no place in its feed yet.
    pub fn news_of_followed(&mut self, account: i64) -> Stored<Vec<News>> {
        self.all(NEWS, args![account])
    }

    /// The last stretch in the feed of an account.
    pub fn newest_stretch(&mut self, account: i64) -> Stored<Option<Stretch>> {
        self.opt(NEWEST_STRETCH, args![account])
    }

    /// Gives news their place in the feed of an account, from `diffid` on.
    pub fn place_news(&mut self, account: i64, diffid: i64, news: &News, flags: i64) -> Stored<()> {
        self.exec(
            INSERT,
            args![
                account,
                diffid,
                news.folder,
                news.owner,
                news.start,
                news.stop,
                flags
            ],
        )?;
        self.exec(PLACED, args![news.stop, account, news.folder])
            .map(drop)
    }

    /// Gives news their place at the end of the last stretch of an account, which has to be the end of its feed and of the
    /// same folder.
    pub fn place_news_behind(&mut self, account: i64, diffid: i64, news: &News) -> Stored<()> {
        self.exec(EXTEND, args![news.stop, account, diffid])?;
        self.exec(PLACED, args![news.stop, account, news.folder])
            .map(drop)
    }

    /// The events in shared folders after a position of an account's feed, oldest first.
    pub(crate) fn followed_after(
        &mut self,
        account: i64,
        diffid: i64,
        limit: i64,
    ) -> Stored<Vec<Event>> {
        self.all(AFTER, args![account, diffid, limit])
    }

    /// What happened in a shared folder after an event of its owner, as the owner was told of it.
    pub(crate) fn events_in_shared_folder(
        &mut self,
        owner: i64,
        folder: i64,
        after: i64,
        limit: i64,
    ) -> Stored<Vec<Event>> {
        self.all(IN_FOLDER, args![owner, folder, after, limit])
    }

    /// The places of the newest events in shared folders in an account's feed, newest first.
    pub(crate) fn newest_followed(&mut self, account: i64, limit: i64) -> Stored<Vec<(i64,)>> {
        self.all(NEWEST, args![account, limit])
    }

    /// What was told of a file in shared folders, oldest first.
    pub(crate) fn followed_of_file(
        &mut self,
        account: i64,
        file: i64,
        limit: i64,
    ) -> Stored<Vec<Event>> {
        self.all(OF_FILE, args![account, file, limit])
    }

    /// What was last told of a folder or file in shared folders before a position.
    pub(crate) fn followed_before(
        &mut self,
        account: i64,
        object: Object,
        diffid: i64,
    ) -> Stored<Option<Event>> {
        match (object.as_file(), object.as_folder()) {
            (Some(file), _) => self.opt(LAST_OF_FILE, args![account, file, diffid]),
            (None, Some(folder)) => self.opt(LAST_OF_FOLDER, args![account, folder, diffid]),
            (None, None) => Ok(None),
        }
    }

    /// Hands on, oldest first, what was told before a position of the folders and files that are in a folder now.
    pub(crate) fn each_followed_in(
        &mut self,
        account: i64,
        folder: i64,
        diffid: i64,
        mut take: impl FnMut(Event),
    ) -> Stored<()> {
        for told in [OF_FOLDERS_IN, OF_FILES_IN] {
            self.each(told, args![account, folder, diffid], |event| {
                take(event);
                Ok(())
            })?;
        }
        Ok(())
    }
}
