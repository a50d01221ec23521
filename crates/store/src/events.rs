//! Events: the log of each account, in the order of its commits.

use crate::names::Object;
use crate::record::{ContentHash, record};
use crate::{Stored, Tx, args, sql};

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

sql! {
    INSERT = concat!("INSERT INTO event (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
                      $12, $13, $14, $15, $16, $17, $18)");
    ADVANCE = "UPDATE account SET diffid = diffid + 1 WHERE id IN \
               (SELECT recipient FROM share WHERE folder = $1 AND joined = 1 AND recipient <> $2) RETURNING id, diffid";
    // An event has the flags SHARED, CREATE, MODIFY and DELETE; a share has the last three as its lowest bits.
    TELL = concat!("INSERT INTO event (", columns!(), ") SELECT s.recipient, a.diffid, CAST($1 AS BIGINT), \
                    CAST($2 AS BIGINT), CAST($3 AS BIGINT), CAST($4 AS BIGINT), CAST($5 AS BIGINT), CAST($6 AS TEXT), \
                    CAST($7 AS BIGINT), 1 + 2 * s.permissions, CAST($8 AS BIGINT), CAST($9 AS BIGINT), \
                    CAST($10 AS BIGINT), CAST($11 AS BIGINT), CAST($12 AS BIGINT), CAST($13 AS BIGINT), \
                    CAST($14 AS BIGINT), NULL FROM share s JOIN account a ON a.id = s.recipient \
                    WHERE s.folder = $15 AND s.joined = 1 AND s.recipient <> $16");
    AFTER = concat!("SELECT ", columns!(), " FROM event WHERE account = $1 AND diffid > $2 ORDER BY diffid LIMIT $3");
    SINCE = "SELECT diffid FROM event WHERE account = $1 AND time > $2 ORDER BY time, diffid LIMIT 1";
    NTH_NEWEST = "SELECT diffid FROM event WHERE account = $1 ORDER BY diffid DESC LIMIT 1 OFFSET $2";
    BEFORE_OF_FILE = concat!("SELECT ", columns!(), " FROM event WHERE account = $1 AND file = $2 AND diffid < $3 \
                              ORDER BY diffid DESC LIMIT 1");
    BEFORE_OF_FOLDER = concat!("SELECT ", columns!(), " FROM event WHERE account = $1 AND folder = $2 AND diffid < $3 \
                                ORDER BY diffid DESC LIMIT 1");
    PARENT_BEFORE = "SELECT parent FROM event WHERE account = $1 AND folder = $2 AND diffid < $3 \
                     ORDER BY diffid DESC LIMIT 1";
    OF_FOLDERS_IN = concat!("SELECT ", columns!(), " FROM event WHERE account = $1 AND diffid IN ( \
                             SELECT MAX(told.diffid) FROM folder JOIN event told \
                             ON told.account = $1 AND told.folder = folder.id AND told.diffid < $2 \
                             WHERE folder.parent = $3 AND folder.deleted = 0 GROUP BY folder.id) ORDER BY name");
    OF_FILES_IN = concat!("SELECT ", columns!(), " FROM event WHERE account = $1 AND diffid IN ( \
                           SELECT MAX(told.diffid) FROM file JOIN event told \
                           ON told.account = $1 AND told.file = file.id AND told.diffid < $2 \
                           WHERE file.folder = $3 AND file.deleted = 0 GROUP BY file.id) ORDER BY name");
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

    /// Adds an event to the logs of everybody a folder is shared with, but for one account, with what each may do there.
    /// Answers them with the places of the event in their logs. `account`, `diffid` and `flags` of the event do not count.
    pub fn insert_event_for_recipients(
        &mut self,
        shared: i64,
        except: i64,
        event: &Event,
    ) -> Stored<Vec<(i64, i64)>> {
        let places: Vec<(i64, i64)> = self.all(ADVANCE, args![shared, except])?;
        if !places.is_empty() {
            self.exec(
                TELL,
                args![
                    event.time,
                    event.kind,
                    event.folder,
                    event.file,
                    event.parent,
                    event.name.as_deref(),
                    event.owner,
                    event.created,
                    event.modified,
                    event.revisionid,
                    event.blob,
                    event.size,
                    event.hash,
                    event.replaced_file,
                    shared,
                    except
                ],
            )?;
        }
        Ok(places)
    }

    /// The events of an account after a position, oldest first.
    pub fn events_after(&mut self, account: i64, diffid: i64, limit: i64) -> Stored<Vec<Event>> {
        self.all(AFTER, args![account, diffid, limit])
    }

    /// The first event of an account that is later than a time.
    pub fn first_event_since(&mut self, account: i64, time: i64) -> Stored<Option<i64>> {
        Ok(self
            .opt::<(i64,)>(SINCE, args![account, time])?
            .map(|(diffid,)| diffid))
    }

    /// The position behind which the `count` newest events of an account lie; 0 if it has no more than that.
    pub fn position_before_newest(&mut self, account: i64, count: i64) -> Stored<i64> {
        Ok(self
            .opt::<(i64,)>(NTH_NEWEST, args![account, count])?
            .map_or(0, |(diffid,)| diffid))
    }

    /// What was last told about the file or folder of an event before it.
    pub fn event_before(&mut self, event: &Event) -> Stored<Option<Event>> {
        match (event.file, event.folder) {
            (Some(file), _) => self.opt(BEFORE_OF_FILE, args![event.account, file, event.diffid]),
            (None, Some(folder)) => {
                self.opt(BEFORE_OF_FOLDER, args![event.account, folder, event.diffid])
            }
            (None, None) => Ok(None),
        }
    }

    /// The folder that a folder was in at a position, by what was told about it before.
    pub fn parent_before(&mut self, account: i64, folder: i64, diffid: i64) -> Stored<Option<i64>> {
        let told = self.opt::<(Option<i64>,)>(PARENT_BEFORE, args![account, folder, diffid])?;
        Ok(told.and_then(|(parent,)| parent))
    }

    /// What was last told before a position about each folder and file that is in a folder now.
    pub fn events_of_contents(
        &mut self,
        account: i64,
        folder: i64,
        diffid: i64,
    ) -> Stored<Vec<Event>> {
        let mut told = self.all(OF_FOLDERS_IN, args![account, diffid, folder])?;
        told.extend(self.all(OF_FILES_IN, args![account, diffid, folder])?);
        Ok(told)
    }

    /// The events of an account about a file, oldest first.
    pub fn events_of_file(&mut self, account: i64, file: i64, limit: i64) -> Stored<Vec<Event>> {
        self.all(OF_FILE, args![account, file, limit])
    }
}
