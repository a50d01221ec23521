//! Events: the log of each account, in the order of its commits.
//!
//! The feed of an account is its log and what has happened in the folders that others share with it, see
//! [`crate::followed`]. What reads the feed reads both.

use crate::names::Object;
use crate::record::{ContentHash, record};
use crate::{Stored, Tx, args, sql};
use std::collections::HashMap;

record! {
    /// One event, with the state of its object at that moment as the account saw it.
    pub struct Event {
        /// The account whose log it is in.
        pub account: i64,
        /// Its place in that log.
        pub diffid: i64,
        /// When it was committed.
        pub time: i64,
        /// What happened; the numbers are those of the API's event kinds.
        pub kind: i64,
        /// The folder it is about.
        pub folder: Option<i64>,
        /// The file it is about.
        pub file: Option<i64>,
        /// The folder the object is in.
        pub parent: Option<i64>,
        /// The object's name.
        pub name: Option<String>,
        /// The object's owner.
        pub owner: Option<i64>,
        /// [`SHARED`] and, for objects of others, the rights.
        pub flags: i64,
        /// Creation time.
        pub created: Option<i64>,
        /// Modification time.
        pub modified: Option<i64>,
        /// The file's current revision.
        pub revisionid: Option<i64>,
        /// The file's content.
        pub blob: Option<i64>,
        /// Bytes.
        pub size: Option<i64>,
        /// Hash of the content.
        pub hash: Option<ContentHash>,
        /// The file that this change replaced.
        pub replaced_file: Option<i64>,
        /// Anything else, as JSON.
        pub detail: Option<String>,
    }
}

impl Event {
    /// The file or folder it is about; none if it is about the account.
    pub fn object(&self) -> Option<Object> {
        let file = self.file.map(Object::file);
        file.or(self.folder.map(Object::folder))
    }
}

/// Flag of an event whose object lay in a share, or in a folder that was offered.
pub const SHARED: i64 = 1;
/// Flag of an event whose object belonged to another account, which let this one make entries.
pub const CREATE: i64 = 2;
/// Flag of an event whose object belonged to another account, which let this one change entries.
pub const MODIFY: i64 = 4;
/// Flag of an event whose object belonged to another account, which let this one delete entries.
pub const DELETE: i64 = 8;

macro_rules! columns {
    () => {
        "account, diffid, time, kind, folder, file, parent, name, owner, flags, created, modified, revisionid, blob, \
         size, hash, replaced_file, detail"
    };
}
pub(crate) use columns;

sql! {
    INSERT = concat!("INSERT INTO event (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
                      $12, $13, $14, $15, $16, $17, $18)");
    AFTER = concat!("SELECT ", columns!(), " FROM event WHERE account = $1 AND diffid > $2 ORDER BY diffid LIMIT $3");
    NEWEST = "SELECT diffid FROM event WHERE account = $1 ORDER BY diffid DESC LIMIT $2";
    NTH_NEWEST = "SELECT diffid FROM event WHERE account = $1 ORDER BY diffid DESC LIMIT 1 OFFSET $2";
    BEFORE_OF_FILE = concat!("SELECT ", columns!(), " FROM event WHERE account = $1 AND file = $2 AND diffid < $3 \
                              ORDER BY diffid DESC LIMIT 1");
    BEFORE_OF_FOLDER = concat!("SELECT ", columns!(), " FROM event WHERE account = $1 AND folder = $2 AND diffid < $3 \
                                ORDER BY diffid DESC LIMIT 1");
    OF_FOLDERS_IN = concat!("SELECT ", columns!(), " FROM event WHERE account = $1 AND diffid IN ( \
                             SELECT MAX(told.diffid) FROM folder JOIN event told \
                             ON told.account = $1 AND told.folder = folder.id AND told.diffid < $2 \
                             WHERE folder.parent = $3 AND folder.deleted = 0 GROUP BY folder.id)");
    OF_FILES_IN = concat!("SELECT ", columns!(), " FROM event WHERE account = $1 AND diffid IN ( \
                           SELECT MAX(told.diffid) FROM file JOIN event told \
                           ON told.account = $1 AND told.file = file.id AND told.diffid < $2 \
                           WHERE file.folder = $3 AND file.deleted = 0 GROUP BY file.id)");
    OF_FILE = concat!("SELECT ", columns!(), " FROM event WHERE account = $1 AND file = $2 ORDER BY diffid LIMIT $3");
}

impl Tx<'_> {
    /// Adds an event. Its `diffid` has been drawn from the account, which is locked.
    pub fn insert_event(&mut self, event: &Event) -> Stored<()> {
        self.exec(
            INSERT,
            args![
                event.account,
                event.diffid,
                event.time,
                event.kind,
                event.folder,
                event.file,
                event.parent,
                event.name.as_deref(),
                event.owner,
                event.flags,
                event.created,
                event.modified,
                event.revisionid,
                event.blob,
                event.size,
                event.hash,
                event.replaced_file,
                event.detail.as_deref()
            ],
        )
        .map(drop)
    }

    /// The events of an account after a position, oldest first.
    pub fn events_after(&mut self, account: i64, diffid: i64, limit: i64) -> Stored<Vec<Event>> {
        let own = self.all(AFTER, args![account, diffid, limit])?;
        let followed = self.followed_after(account, diffid, limit)?;
        Ok(in_order(own, followed, limit))
    }

    /// The first event of an account that is later than a time. Times grow along a feed, but for those of different
    /// shared folders, which may differ by what happened between two looks of the account at its feed.
    pub fn first_event_since(&mut self, account: i64, time: i64) -> Stored<Option<i64>> {
        let newest = self.account(account)?.map_or(0, |account| account.diffid);
        let (mut after, mut until) = (0, newest);
        let mut first = None;
        while after < until {
            let middle = after + (until - after) / 2;
            match self.events_after(account, middle, 1)?.first() {
                Some(event) if event.time <= time => after = event.diffid,
                later => {
                    first = later.map(|event| event.diffid).or(first);
                    until = middle;
                }
            }
        }
        Ok(first)
    }

    /// The position behind which the `count` newest events of an account lie; 0 if it has no more than that.
    pub fn position_before_newest(&mut self, account: i64, count: i64) -> Stored<i64> {
        if self.newest_stretch(account)?.is_none() {
            let position = self.opt::<(i64,)>(NTH_NEWEST, args![account, count])?;
            return Ok(position.map_or(0, |(diffid,)| diffid));
        }
        let limit = count.saturating_add(1);
        let mut newest: Vec<(i64,)> = self.all(NEWEST, args![account, limit])?;
        newest.extend(self.newest_followed(account, limit)?);
        newest.sort_unstable();
        let place = newest
            .len()
            .checked_sub(usize::try_from(limit).unwrap_or(usize::MAX));
        Ok(place.map_or(0, |place| newest[place].0))
    }

    /// What was last told about the file or folder of an event before it.
    pub fn event_before(&mut self, event: &Event) -> Stored<Option<Event>> {
        match event.object() {
            Some(object) => self.last_told(event.account, object, event.diffid),
            None => Ok(None),
        }
    }

    /// The folder that a folder was in at a position, by what was told about it before.
    pub fn parent_before(&mut self, account: i64, folder: i64, diffid: i64) -> Stored<Option<i64>> {
        let told = self.last_told(account, Object::folder(folder), diffid)?;
        Ok(told.and_then(|told| told.parent))
    }

    fn last_told(&mut self, account: i64, object: Object, before: i64) -> Stored<Option<Event>> {
        let own: Option<Event> = match (object.as_file(), object.as_folder()) {
            (Some(file), _) => self.opt(BEFORE_OF_FILE, args![account, file, before])?,
            (None, Some(folder)) => self.opt(BEFORE_OF_FOLDER, args![account, folder, before])?,
            (None, None) => None,
        };
        let followed = self.followed_before(account, object, before)?;
        Ok(own
            .into_iter()
            .chain(followed)
            .max_by_key(|event| event.diffid))
    }

    /// What was last told before a position about each folder and file that is in a folder now: folders first, each kind
    /// by name.
    pub fn events_of_contents(
        &mut self,
        account: i64,
        folder: i64,
        diffid: i64,
    ) -> Stored<Vec<Event>> {
        let mut last = HashMap::new();
        let mut note = |event: Event| {
            let Some(object) = event.object() else { return };
            let is_later = |known: &Event| known.diffid < event.diffid;
            if last.get(&object).is_none_or(is_later) {
                last.insert(object, event);
            }
        };
        for told in [OF_FOLDERS_IN, OF_FILES_IN] {
            self.each(told, args![account, diffid, folder], |event| {
                note(event);
                Ok(())
            })?;
        }
        self.each_followed_in(account, folder, diffid, note)?;
        let mut told: Vec<Event> = last.into_values().collect();
        told.sort_by(|a, b| (a.file.is_some(), &a.name).cmp(&(b.file.is_some(), &b.name)));
        Ok(told)
    }

    /// The events of an account about a file, oldest first.
    pub fn events_of_file(&mut self, account: i64, file: i64, limit: i64) -> Stored<Vec<Event>> {
        let own = self.all(OF_FILE, args![account, file, limit])?;
        let followed = self.followed_of_file(account, file, limit)?;
        Ok(in_order(own, followed, limit))
    }
}

/// The first of two lists of events, by their places.
fn in_order(mut own: Vec<Event>, followed: Vec<Event>, limit: i64) -> Vec<Event> {
    if !followed.is_empty() {
        own.extend(followed);
        own.sort_by_key(|event| event.diffid);
        own.truncate(usize::try_from(limit).unwrap_or(usize::MAX));
    }
    own
}
