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
        /// The nearest folder, from this one upwards, that is shared or offered; 0 if there is none. Not kept up to date
        /// in the trash.
        pub shared: i64,
        /// 0, or the folder of somebody else that this row stands for in its owner's tree: it holds the place and the name
        /// under which a recipient sees a share.
        pub mount: i64,
    }
}

/// Rows that are read by their ids with one statement. Unused places hold 0, which is no id.
const IDS_AT_ONCE: usize = 32;

macro_rules! columns {
    () => {
        "id, owner, parent, name, created, modified, deleted, shares, shared, mount"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM folder WHERE id = $1");
    BY_IDS = concat!("SELECT ", columns!(), " FROM folder WHERE id IN ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, \
                      $12, $13, $14, $15, $16, $17, $18, $19, $20, $21, $22, $23, $24, $25, $26, $27, $28, $29, $30, \
                      $31, $32)");
    CHILD = concat!("SELECT ", columns!(), " FROM folder WHERE parent = $1 AND name = $2 AND deleted = 0");
    CHILDREN = concat!("SELECT ", columns!(), " FROM folder WHERE parent = $1 AND deleted = 0 ORDER BY name");
    CHILDREN_AFTER = concat!("SELECT ", columns!(), " FROM folder WHERE parent = $1 AND deleted = 0 AND name > $2 \
                              ORDER BY name LIMIT $3");
    TRASHED = concat!("SELECT ", columns!(), " FROM folder WHERE parent = $1 AND deleted <> 0 ORDER BY name, id");
    ANY_CHILD = "SELECT id FROM folder WHERE parent = $1 AND deleted = 0 LIMIT 1";
    // Folders that lie in each other, in a damaged tree, come once each.
    IS_BELOW = "WITH RECURSIVE up (id, parent) AS (SELECT id, parent FROM folder WHERE id = $1 UNION \
                SELECT up.parent, (SELECT parent FROM folder WHERE id = up.parent) FROM up WHERE up.parent <> 0) \
                SELECT id FROM up WHERE id = $2 LIMIT 1";
    INSERT = "INSERT INTO folder (id, owner, parent, name, created, modified, deleted, shares, shared, mount) \
              VALUES ($1, $2, $3, $4, $5, $6, 0, 0, $7, $8)";
    PLACE = "UPDATE folder SET parent = $1, name = $2, modified = $3 WHERE id = $4";
    TOUCH = "UPDATE folder SET modified = $1 WHERE id = $2";
    SET_DELETED = "UPDATE folder SET deleted = $1 WHERE id = $2";
    RESTORE = "UPDATE folder SET deleted = 0, parent = $1, name = $2, owner = $3, shared = $4 WHERE id = $5";
    COUNT_SHARES = "UPDATE folder SET shares = shares + $1 WHERE id = $2 RETURNING shares";
    MARK_SHARED = "UPDATE folder SET shared = $1 WHERE id IN (WITH RECURSIVE below (id) AS (\
                   SELECT id FROM folder WHERE id = $2 AND shared = $3 UNION ALL \
                   SELECT f.id FROM folder f JOIN below ON f.parent = below.id WHERE f.deleted = 0 AND f.shared = $3) \
                   SELECT id FROM below)";
    GIVE = "UPDATE folder SET owner = $1, shared = $2 WHERE id = $3";
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
    /// The nearest folder above that is shared or offered; 0 if there is none.
    pub shared: i64,
    /// 0, or the folder that this row stands for.
    pub mount: i64,
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

    /// Some live folders in a folder, by name, after a name.
    pub fn folder_children_after(
        &mut self,
        parent: i64,
        name: &str,
        limit: i64,
    ) -> Stored<Vec<Folder>> {
        self.all(CHILDREN_AFTER, args![parent, name, limit])
    }

    /// The deleted folders in a folder.
    pub fn folder_trashed_children(&mut self, parent: i64) -> Stored<Vec<Folder>> {
        self.all(TRASHED, args![parent])
    }

    /// Whether a folder has a live folder in it.
    pub fn folder_has_folders(&mut self, parent: i64) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(ANY_CHILD, args![parent])?.is_some())
    }

    /// Whether a folder is another one or lies somewhere below it in the tree of its owner, whoever sees what of that.
    pub fn is_below(&mut self, folder: i64, top: i64) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(IS_BELOW, args![folder, top])?.is_some())
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
                new.modified,
                new.shared,
                new.mount
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
            shared: new.shared,
            mount: new.mount,
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

    /// Takes a folder out of the trash, into the place and the ownership that its row now has.
    pub fn restore_folder(&mut self, folder: &Folder) -> Stored<()> {
        self.exec(
            RESTORE,
            args![
                folder.parent,
                &folder.name,
                folder.owner,
                folder.shared,
                folder.id
            ],
        )?;
        self.note_name(folder.owner, Object::folder(folder.id), &folder.name)
    }

    /// Counts shares and offers of a folder up or down; answers how many there are now.
    pub fn count_shares(&mut self, id: i64, more: i64) -> Stored<i64> {
        self.one::<(i64,)>(COUNT_SHARES, args![more, id])
            .map(|(shares,)| shares)
    }

    /// Notes on a folder and on all below it which folder they are shared by, as far as they are shared by `before` now.
    pub fn mark_shared(&mut self, top: i64, shared: i64, before: i64) -> Stored<()> {
        self.exec(MARK_SHARED, args![shared, top, before]).map(drop)
    }

    /// Makes a folder somebody's, in a place that is shared by `shared`. What is in it is the caller's business.
    pub fn give_folder(&mut self, folder: &Folder, owner: i64, shared: i64) -> Stored<()> {
        self.exec(GIVE, args![owner, shared, folder.id])?;
        if folder.owner == owner {
            return Ok(());
        }
        self.note_name(owner, Object::folder(folder.id), &folder.name)
    }

    /// Removes a folder for ever.
    pub fn remove_folder(&mut self, id: i64) -> Stored<()> {
        self.exec(REMOVE, args![id]).map(drop)
    }
}
