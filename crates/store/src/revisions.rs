//! Revisions: contents that files had before.

use crate::record::{ContentHash, record};
use crate::{Stored, Tx, args, sql};

record! {
    /// An earlier content of a file.
    pub struct Revision {
        /// Id.
        pub id: i64,
        /// The file.
        pub file: i64,
        /// The content.
        pub blob: i64,
        /// Bytes.
        pub size: i64,
        /// Hash of the content.
        pub hash: ContentHash,
        /// When it was stored.
        pub stored: i64,
        /// When it was replaced; retention counts from here.
        pub replaced: i64,
    }
}

macro_rules! columns {
    () => {
        "id, file, blob, size, hash, stored, replaced"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM revision WHERE id = $1");
    OF_FILE = concat!("SELECT ", columns!(), " FROM revision WHERE file = $1 ORDER BY id DESC");
    OLD = concat!("SELECT ", columns!(), " FROM revision WHERE replaced < $1 ORDER BY replaced, id LIMIT 1000");
    INSERT = "INSERT INTO revision (id, file, blob, size, hash, stored, replaced) VALUES ($1, $2, $3, $4, $5, $6, $7)";
    ADOPT = "UPDATE revision SET file = $1 WHERE file = $2";
    REMOVE = "DELETE FROM revision WHERE id = $1";
}

impl Tx<'_> {
    /// The revision with this id.
    pub fn revision(&mut self, id: i64) -> Stored<Option<Revision>> {
        self.opt(BY_ID, args![id])
    }

    /// The revisions of a file, newest first.
    pub fn revisions(&mut self, file: i64) -> Stored<Vec<Revision>> {
        self.all(OF_FILE, args![file])
    }

    /// Revisions replaced before a time, oldest first, at most 1,000.
    pub fn old_revisions(&mut self, before: i64) -> Stored<Vec<Revision>> {
        self.all(OLD, args![before])
    }

    /// Adds a revision. The content's reference goes over from the file to it.
    pub fn insert_revision(&mut self, new: &Revision) -> Stored<()> {
        self.exec(INSERT, args![new.id, new.file, new.blob, new.size, new.hash, new.stored, new.replaced]).map(drop)
    }

    /// Hands all revisions of one file to another.
    pub fn adopt_revisions(&mut self, file: i64, from: i64) -> Stored<()> {
        self.exec(ADOPT, args![file, from]).map(drop)
    }

    /// Removes a revision. Its content is the caller's business.
    pub fn remove_revision(&mut self, id: i64) -> Stored<()> {
        self.exec(REMOVE, args![id]).map(drop)
    }
}
