//! Folders.

use crate::names::Object;
use crate::record::record;
use crate::{Arg, Stored, Tx, args, sql};

record! {
    /// A folder.
    pub struct Folder {
        /// Id; roots are told as 0 on the wire.
        pub id: i64,
        /// The account it belongs to.
        pub owner: i64,
        /// The folder it is in; 0 for a root.
        pub parent: i64,
        /// Name.
        pub name: String,
        /// Creation time.
        pub created: i64,
        /// Last change of the folder or of what is directly in it.
        pub modified: i64,
        /// 0, or the trash entry it went away with.
        pub deleted: i64,
        /// Shares and open share requests on it.
        pub shares: i64,
    }
}

/// Rows that are read by their ids with one statement. Unused places hold 0, which is no id.
const IDS_AT_ONCE: usize = 32;

macro_rules! columns {
    () => {
        "id, owner, parent, name, created, modified, deleted, shares"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM folder WHERE id = $1");
    BY_IDS = concat!("SELECT ", columns!(), " FROM folder WHERE id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
                      $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, \
                      $31, $32)");
    CHILD = concat!("SELECT ", columns!(), " FROM folder WHERE parent = $1 AND name = $2 AND deleted = 0");
    CHILDREN = concat!("SELECT ", columns!(), " FROM folder WHERE parent = $1 AND deleted = 0 ORDER BY name");
    TRASHED = concat!("SELECT ", columns!(), " FROM folder WHERE parent = $1 AND deleted <> 0 ORDER BY name, id");
    ANY_CHILD = "SELECT id FROM folder WHERE parent = $1 AND deleted = 0 LIMIT 1";
    INSERT = "INSERT INTO folder (id, owner, parent, name, created, modified, deleted, shares) \
              VALUES ($1, $2, $3, $4, $5, $6, 0, 0)";
    PLACE = "UPDATE folder SET parent = $1, name = $2, modified = $3 WHERE id = $4";
    TOUCH = "UPDATE folder SET modified = $1 WHERE id = $2";
    SET_DELETED = "UPDATE folder SET deleted = $1 WHERE id = $2";
    RESTORE = "UPDATE folder SET deleted = 0, parent = $1, name = $2 WHERE id = $3";
    REMOVE = "DELETE FROM folder WHERE id = $1";
}

/// A new folder.
#[derive(Clone, Debug)]
pub struct NewFolder<'a> {
    /// Id.
    pub id: i64,
    /// The account it belongs to.
    pub owner: i64,
    /// The folder it is in; 0 for a root.
    pub parent: i64,
    /// Name.
    pub name: &'a str,
    /// Creation time.
    pub created: i64,
    /// Modification time.
    pub modified: i64,
}

impl Tx<'_> {
    /// The folder with this id, live or not, whoever owns it.
    pub fn folder(&mut self, id: i64) -> Stored<Option<Folder>> {
        self.opt(BY_ID, args![id])
    }

    /// The folders with these ids, live or not, whoever owns them, in no particular order.
    pub fn folders_by_id(&mut self, ids: &[i64]) -> Stored<Vec<Folder>> {
        let mut folders = Vec::with_capacity(ids.len());
        for some in ids.chunks(IDS_AT_ONCE) {
            let mut values = [Arg::Int(0); IDS_AT_ONCE];
            for (value, id) in values.iter_mut().zip(some) {
                *value = Arg::Int(*id);
            }
            folders.extend(self.all::<Folder>(BY_IDS, &values)?);
        }
        Ok(folders)
    }

    /// The live folder of this name in a folder.
    pub fn folder_child(&mut self, parent: i64, name: &str) -> Stored<Option<Folder>> {
        self.opt(CHILD, args![parent, name])
    }

    /// The live folders in a folder, by name.
    pub fn folder_children(&mut self, parent: i64) -> Stored<Vec<Folder>> {
        self.all(CHILDREN, args![parent])
    }

    /// The deleted folders in a folder.
    pub fn folder_trashed_children(&mut self, parent: i64) -> Stored<Vec<Folder>> {
        self.all(TRASHED, args![parent])
    }

    /// Whether a folder has a live folder in it.
    pub fn folder_has_folders(&mut self, parent: i64) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(ANY_CHILD, args![parent])?.is_some())
    }

    /// Adds a folder. The caller has made sure that the name is free.
    pub fn insert_folder(&mut self, new: &NewFolder<'_>) -> Stored<Folder> {
        self.exec(
            INSERT,
            args![
                new.id,
                new.owner,
                new.parent,
                new.name,
                new.created,
                new.modified
            ],
        )?;
        // Roots have no name that anybody could look for.
        if new.parent != 0 {
            self.note_name(new.owner, Object::folder(new.id), new.name)?;
        }
        Ok(Folder {
            id: new.id,
            owner: new.owner,
            parent: new.parent,
            name: new.name.to_owned(),
            created: new.created,
            modified: new.modified,
            deleted: 0,
            shares: 0,
        })
    }

    /// Moves or renames a folder.
    pub fn place_folder(&mut self, id: i64, parent: i64, name: &str, modified: i64) -> Stored<()> {
        self.exec(PLACE, args![parent, name, modified, id])?;
        self.note_new_name(Object::folder(id), name)
    }

    /// Sets the modification time.
    pub fn touch_folder(&mut self, id: i64, modified: i64) -> Stored<()> {
        self.exec(TOUCH, args![modified, id]).map(drop)
    }

    /// Moves a folder to the trash. Its times stay, for the day it comes back.
    pub fn trash_folder(&mut self, id: i64, entry: i64) -> Stored<()> {
        self.exec(SET_DELETED, args![entry, id]).map(drop)
    }

    /// Takes a folder out of the trash.
    pub fn restore_folder(&mut self, id: i64, parent: i64, name: &str) -> Stored<()> {
        self.exec(RESTORE, args![parent, name, id])?;
        self.note_new_name(Object::folder(id), name)
    }

    /// Removes a folder for ever.
    pub fn remove_folder(&mut self, id: i64) -> Stored<()> {
        self.exec(REMOVE, args![id]).map(drop)
    }
}
