//! Files.

use crate::names::Object;
use crate::record::{ContentHash, record};
use crate::{Arg, Stored, Tx, args, sql};

record! {
    /// A file with its current content.
    pub struct File {
        /// Id.
        pub id: i64,
        /// The account it belongs to.
        pub owner: i64,
        /// The folder it is in.
        pub folder: i64,
        /// Name.
        pub name: String,
        /// Creation time.
        pub created: i64,
        /// Modification time.
        pub modified: i64,
        /// 0, or the trash entry it went away with.
        pub deleted: i64,
        /// Id the current content will have among the revisions once it is replaced.
        pub revisionid: i64,
        /// When the current content was stored.
        pub stored: i64,
        /// The current content.
        pub blob: i64,
        /// Bytes.
        pub size: i64,
        /// Hash of the content.
        pub hash: ContentHash,
        /// Facts found in pictures, sound and videos, as JSON.
        pub media: Option<String>,
    }
}

/// Rows that are read by their ids with one statement. Unused places hold 0, which is no id.
const IDS_AT_ONCE: usize = 32;

macro_rules! columns {
    () => {
        "id, owner, folder, name, created, modified, deleted, revisionid, stored, blob, size, hash, media"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM file WHERE id = $1");
    BY_IDS = concat!("SELECT ", columns!(), " FROM file WHERE id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
                      $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, \
                      $31, $32)");
    CHILD = concat!("SELECT ", columns!(), " FROM file WHERE folder = $1 AND name = $2 AND deleted = 0");
    CHILDREN = concat!("SELECT ", columns!(), " FROM file WHERE folder = $1 AND deleted = 0 ORDER BY name");
    CHILDREN_AFTER = concat!("SELECT ", columns!(), " FROM file WHERE folder = $1 AND deleted = 0 AND name > $2 \
                              ORDER BY name LIMIT $3");
    TRASHED = concat!("SELECT ", columns!(), " FROM file WHERE folder = $1 AND deleted <> 0 ORDER BY name, id");
    TRASHED_CHILD = concat!("SELECT ", columns!(), " FROM file WHERE folder = $1 AND name = $2 AND deleted <> 0 \
                             ORDER BY id DESC LIMIT 1");
    ANY_CHILD = "SELECT id FROM file WHERE folder = $1 AND deleted = 0 LIMIT 1";
    OF_BLOB = concat!("SELECT ", columns!(), " FROM file WHERE blob = $1 AND owner = $2 AND deleted = 0 ORDER BY id LIMIT 100");
    INSERT = "INSERT INTO file (id, owner, folder, name, created, modified, deleted, revisionid, stored, blob, size, \
              hash) VALUES ($1, $2, $3, $4, $5, $6, 0, $7, $8, $9, $10, $11)";
    CONTENT = "UPDATE file SET blob = $1, size = $2, hash = $3, revisionid = $4, stored = $5, modified = $6, \
               media = NULL WHERE id = $7";
    PLACE = "UPDATE file SET folder = $1, name = $2 WHERE id = $3";
    TIMES = "UPDATE file SET created = $1, modified = $2 WHERE id = $3";
    SET_DELETED = "UPDATE file SET deleted = $1 WHERE id = $2";
    TOTALS = "SELECT COUNT(*), CAST(COALESCE(SUM(size), 0) AS BIGINT) FROM file WHERE folder = $1 AND deleted = 0";
    RESTORE = "UPDATE file SET deleted = 0, folder = $1, name = $2, owner = $3 WHERE id = $4";
    GIVE = "UPDATE file SET owner = $1 WHERE id = $2";
    REMOVE = "DELETE FROM file WHERE id = $1";
}

impl Tx<'_> {
    /// The file with this id, live or not, whoever owns it.
    pub fn file(&mut self, id: i64) -> Stored<Option<File>> {
        self.opt(BY_ID, args![id])
    }

    /// The files with these ids, live or not, whoever owns them, in no particular order.
    pub fn files_by_id(&mut self, ids: &[i64]) -> Stored<Vec<File>> {
        let mut files = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS_AT_ONCE) {
            let mut values = [Arg::Int(0); IDS_AT_ONCE];
            for (value, id) in values.iter_mut().zip(some) {
                *value = Arg::Int(*id);
            }
            files.extend(self.all::<File>(BY_IDS, &values)?);
        }
        Ok(files)
    }

    /// The live file of this name in a folder.
    pub fn file_child(&mut self, folder: i64, name: &str) -> Stored<Option<File>> {
        self.opt(CHILD, args![folder, name])
    }

    /// The live files in a folder, by name.
    pub fn file_children(&mut self, folder: i64) -> Stored<Vec<File>> {
        self.all(CHILDREN, args![folder])
    }

    /// Some live files in a folder, by name, after a name.
    pub fn file_children_after(
        &mut self,
        folder: i64,
        name: &str,
        limit: i64,
    ) -> Stored<Vec<File>> {
        self.all(CHILDREN_AFTER, args![folder, name, limit])
    }

    /// The deleted files in a folder.
    pub fn file_trashed_children(&mut self, folder: i64) -> Stored<Vec<File>> {
        self.all(TRASHED, args![folder])
    }

    /// The deleted file of this name in a folder, the newest if there are several.
    pub fn file_trashed_child(&mut self, folder: i64, name: &str) -> Stored<Option<File>> {
        self.opt(TRASHED_CHILD, args![folder, name])
    }

    /// Whether a folder has a live file in it.
    pub fn folder_has_files(&mut self, folder: i64) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(ANY_CHILD, args![folder])?.is_some())
    }

    /// Live files of an account with this content, at most 100.
    pub fn files_of_blob(&mut self, blob: i64, owner: i64) -> Stored<Vec<File>> {
        self.all(OF_BLOB, args![blob, owner])
    }

    /// Adds a live file. The caller has made sure that the name is free.
    pub fn insert_file(&mut self, file: &File) -> Stored<()> {
        self.exec(
            INSERT,
            args![
                file.id,
                file.owner,
                file.folder,
                &file.name,
                file.created,
                file.modified,
                file.revisionid,
                file.stored,
                file.blob,
                file.size,
                file.hash
            ],
        )?;
        self.note_name(file.owner, Object::file(file.id), &file.name)
    }

    /// Writes the content columns and the modification time of a file.
    pub fn set_file_content(&mut self, file: &File) -> Stored<()> {
        self.exec(
            CONTENT,
            args![
                file.blob,
                file.size,
                file.hash,
                file.revisionid,
                file.stored,
                file.modified,
                file.id
            ],
        )
        .map(drop)
    }

    /// Moves or renames a file.
    pub fn place_file(&mut self, id: i64, folder: i64, name: &str) -> Stored<()> {
        self.exec(PLACE, args![folder, name, id])?;
        self.note_new_name(Object::file(id), name)
    }

    /// Sets the times of a file.
    pub fn set_file_times(&mut self, id: i64, created: i64, modified: i64) -> Stored<()> {
        self.exec(TIMES, args![created, modified, id]).map(drop)
    }

    /// Moves a file to the trash. Its times stay, for the day it comes back.
    pub fn trash_file(&mut self, id: i64, entry: i64) -> Stored<()> {
        self.exec(SET_DELETED, args![entry, id]).map(drop)
    }

    /// Number and bytes of the live files in a folder.
    pub fn file_totals(&mut self, folder: i64) -> Stored<(i64, i64)> {
        self.one(TOTALS, args![folder])
    }

    /// Takes a file out of the trash, into the place and the ownership that its row now has.
    pub fn restore_file(&mut self, file: &File) -> Stored<()> {
        self.exec(RESTORE, args![file.folder, &file.name, file.owner, file.id])?;
        self.note_name(file.owner, Object::file(file.id), &file.name)
    }

    /// Makes a file somebody else's.
    pub fn give_file(&mut self, file: &File, owner: i64) -> Stored<()> {
        self.exec(GIVE, args![owner, file.id])?;
        self.note_name(owner, Object::file(file.id), &file.name)
    }

    /// Removes a file for ever. Its revisions and its content are the caller's business.
    pub fn remove_file(&mut self, id: i64) -> Stored<()> {
        self.exec(REMOVE, args![id]).map(drop)
    }
}
