//! Collections: lists of files in an order of their own.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

record! {
    /// A collection.
    pub struct Collection {
        /// Id.
        pub id: i64,
        /// Whose it is.
        pub account: i64,
        /// Name.
        pub name: String,
        /// Its type on the wire.
        pub kind: i64,
        /// Whether the server made it.
        pub is_system: bool,
        /// When it was made.
        pub created: i64,
        /// When it was last changed.
        pub modified: i64,
    }
}

record! {
    /// A file in a collection.
    pub struct Item {
        /// Place, from 1; where a file was taken out there is none.
        pub position: i64,
        /// The file.
        pub file: i64,
        /// When it was put there.
        pub added: i64,
    }
}

macro_rules! columns {
    () => {
        "id, account, name, kind, is_system, created, modified"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM collection WHERE id = $1");
    BY_NAME = concat!("SELECT ", columns!(), " FROM collection WHERE account = $1 AND name = $2");
    OF_ACCOUNT = concat!("SELECT ", columns!(), " FROM collection WHERE account = $1 ORDER BY name LIMIT 1001");
    INSERT = "INSERT INTO collection (id, account, name, kind, is_system, created, modified) \
              VALUES ($1, $2, $3, $4, $5, $6, $7) ON CONFLICT (account, name) DO NOTHING";
    UPDATE = "UPDATE collection SET name = $1, modified = $2 WHERE id = $3";
    REMOVE = "DELETE FROM collection WHERE id = $1";
    ITEMS = "SELECT position, file, added FROM collection_item WHERE collection = $1 ORDER BY position";
    ITEMS_AFTER = "SELECT position, file, added FROM collection_item WHERE collection = $1 AND position > $2 \
                   ORDER BY position LIMIT $3";
    HAS_FILE = "SELECT file FROM collection_item WHERE collection = $1 AND file = $2 LIMIT 1";
    ADD_ITEM = "INSERT INTO collection_item (collection, position, file, added) VALUES ($1, $2, $3, $4)";
    COUNT = "SELECT COUNT(*) FROM collection c JOIN collection_item i ON i.collection = c.id WHERE c.account = $1";
    REMOVE_ITEMS = "DELETE FROM collection_item WHERE collection = $1 AND position >= $2";
}

impl Tx<'_> {
    /// The collection with this id, whoever owns it.
    pub fn collection(&mut self, id: i64) -> Stored<Option<Collection>> {
        self.opt(BY_ID, args![id])
    }

    /// The collection of this name.
    pub fn collection_by_name(&mut self, account: i64, name: &str) -> Stored<Option<Collection>> {
        self.opt(BY_NAME, args![account, name])
    }

    /// The collections of an account by name, at most 1,001.
    pub fn collections(&mut self, account: i64) -> Stored<Vec<Collection>> {
        self.all(OF_ACCOUNT, args![account])
    }

    /// Adds a collection; false if the name is taken.
    pub fn insert_collection(&mut self, collection: &Collection) -> Stored<bool> {
        let added = self.exec(
            INSERT,
            args![
                collection.id,
                collection.account,
                &collection.name,
                collection.kind,
                collection.is_system,
                collection.created,
                collection.modified
            ],
        )?;
        Ok(added > 0)
    }

    /// Writes the name and the modification time of a collection. The caller has made sure that the name is free.
    pub fn set_collection(&mut self, collection: &Collection) -> Stored<()> {
        self.exec(
            UPDATE,
            args![&collection.name, collection.modified, collection.id],
        )
        .map(drop)
    }

    /// Removes a collection and what is in it.
    pub fn remove_collection(&mut self, id: i64) -> Stored<()> {
        self.exec(REMOVE_ITEMS, args![id, 0])?;
        self.exec(REMOVE, args![id]).map(drop)
    }

    /// How many files the collections of an account hold together.
    pub fn collected_files(&mut self, account: i64) -> Stored<i64> {
        Ok(self.one::<(i64,)>(COUNT, args![account])?.0)
    }

    /// What is in a collection, in its order.
    pub fn collection_items(&mut self, id: i64) -> Stored<Vec<Item>> {
        self.all(ITEMS, args![id])
    }

    /// Some of what is in a collection, after a position.
    pub fn collection_items_after(
        &mut self,
        id: i64,
        position: i64,
        limit: i64,
    ) -> Stored<Vec<Item>> {
        self.all(ITEMS_AFTER, args![id, position, limit])
    }

    /// Whether a file is in a collection.
    pub fn is_collected(&mut self, id: i64, file: i64) -> Stored<bool> {
        Ok(self.opt::<(i64,)>(HAS_FILE, args![id, file])?.is_some())
    }

    /// Replaces what is in a collection from the `from`-th item on, counted from 0. The items get positions of their
    /// places in the list.
    pub fn set_collection_items(&mut self, id: i64, items: &[Item], from: usize) -> Stored<()> {
        let place = |index: usize| i64::try_from(index + 1).unwrap_or(i64::MAX);
        self.exec(REMOVE_ITEMS, args![id, place(from)])?;
        for (index, item) in items.iter().enumerate().skip(from) {
            self.exec(ADD_ITEM, args![id, place(index), item.file, item.added])?;
        }
        Ok(())
    }
}
