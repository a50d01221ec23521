//! The trash: one entry for each deletion.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

record! {
    /// One deletion. All rows that went away with it carry its id in their `deleted` column.
    pub struct TrashEntry {
        /// Id.
        pub id: i64,
        /// The account whose trash it is in.
        pub owner: i64,
        /// The folder that was deleted.
        pub folder: Option<i64>,
        /// The file that was deleted.
        pub file: Option<i64>,
        /// The folder it was in.
        pub parent: i64,
        /// When.
        pub deleted: i64,
    }
}

macro_rules! columns {
    () => {
        "id, owner, folder, file, parent, deleted"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM trash WHERE id = $1");
    OF_OWNER = concat!("SELECT ", columns!(), " FROM trash WHERE owner = $1 ORDER BY id DESC");
    OLD = concat!("SELECT ", columns!(), " FROM trash WHERE deleted < $1 ORDER BY deleted, id LIMIT 100");
    INSERT = "INSERT INTO trash (id, owner, folder, file, parent, deleted) VALUES ($1, $2, $3, $4, $5, $6)";
    MOVE_FILES = "UPDATE file SET folder = $1 WHERE folder = $2 AND deleted <> 0";
    MOVE_FOLDERS = "UPDATE folder SET parent = $1 WHERE parent = $2 AND deleted <> 0";
    REMOVE_FILE = "DELETE FROM trash WHERE id = $1 AND file = $2";
    REMOVE_FOLDER = "DELETE FROM trash WHERE id = $1 AND folder = $2";
}

impl Tx<'_> {
    /// The trash entry with this id.
    pub fn trash_entry(&mut self, id: i64) -> Stored<Option<TrashEntry>> {
        self.opt(BY_ID, args![id])
    }

    /// The trash entries of an account, newest first.
    pub fn trash_entries(&mut self, owner: i64) -> Stored<Vec<TrashEntry>> {
        self.all(OF_OWNER, args![owner])
    }

    /// Trash entries from before a time, oldest first, at most 100.
    pub fn old_trash_entries(&mut self, before: i64) -> Stored<Vec<TrashEntry>> {
        self.all(OLD, args![before])
    }

    /// Adds a trash entry.
    pub fn insert_trash_entry(&mut self, entry: &TrashEntry) -> Stored<()> {
        self.exec(
            INSERT,
            args![
                entry.id,
                entry.owner,
                entry.folder,
                entry.file,
                entry.parent,
                entry.deleted
            ],
        )
        .map(drop)
    }

    /// Removes a trash entry, if it is that of a file by itself.
    pub fn remove_trash_entry_of_file(&mut self, id: i64, file: i64) -> Stored<()> {
        self.exec(REMOVE_FILE, args![id, file]).map(drop)
    }

    /// Removes a trash entry, if this folder is what was deleted.
    pub fn remove_trash_entry_of_folder(&mut self, id: i64, folder: i64) -> Stored<()> {
        self.exec(REMOVE_FOLDER, args![id, folder]).map(drop)
    }

    /// Has what was deleted directly in one folder look as if it had been deleted in another one.
    pub fn move_trashed(&mut self, from: i64, to: i64) -> Stored<()> {
        self.exec(MOVE_FILES, args![to, from])?;
        self.exec(MOVE_FOLDERS, args![to, from]).map(drop)
    }
}
