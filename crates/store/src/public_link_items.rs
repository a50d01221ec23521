//! What links to a tree lead to: entries as they were when the link was made, with the contents they had then.
//!
//! An entry of a file holds its content, so it outlives what becomes of the file. It goes when the file is removed for
//! ever, and an entry of a folder goes when the folder is removed and nothing of the link is left in it.

use crate::record::{ContentHash, record};
use crate::{Stored, Tx, args, sql};

/// `parent` of what is on the top level.
pub const TOP: i64 = 0;

record! {
    /// An entry of a link to a tree.
    pub struct LinkItem {
        /// Number within the link, from 1; a folder has a lower one than what is in it.
        pub item: i64,
        /// The entry of the folder it is in; [`TOP`] for none.
        pub parent: i64,
        /// The folder it was made from.
        pub folder: Option<i64>,
        /// The file it was made from.
        pub file: Option<i64>,
        /// The content of the file at that time.
        pub blob: Option<i64>,
        /// Name at that time, which nothing else in the same folder has.
        pub name: String,
        /// When the original was made.
        pub created: i64,
        /// When the original was last changed before.
        pub modified: i64,
        /// Bytes of the content.
        pub size: Option<i64>,
        /// Hash of the content.
        pub hash: Option<ContentHash>,
    }
}

/// An entry to be added.
#[derive(Clone, Debug)]
pub struct NewLinkItem<'a> {
    /// Number within the link.
    pub item: i64,
    /// The entry of the folder it is in.
    pub parent: i64,
    /// The folder it is made from.
    pub folder: Option<i64>,
    /// The file it is made from, with its content.
    pub file: Option<(i64, i64)>,
    /// Name.
    pub name: &'a str,
    /// When the original was made.
    pub created: i64,
    /// When the original was last changed.
    pub modified: i64,
}

macro_rules! items {
    ($condition:literal) => {
        concat!(
            "SELECT i.item, i.parent, i.folder, i.file, i.blob, i.name, i.created, i.modified, b.size, b.hash \
             FROM public_link_item i LEFT JOIN blob b ON b.id = i.blob WHERE ",
            $condition
        )
    };
}

sql! {
    INSERT = "INSERT INTO public_link_item (link, item, parent, folder, file, blob, name, created, modified) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9)";
    ALL = items!("i.link = $1 ORDER BY i.item");
    CHILDREN = items!("i.link = $1 AND i.parent = $2 ORDER BY i.item");
    CHILDREN_AFTER = items!("i.link = $1 AND i.parent = $2 AND i.item > $3 ORDER BY i.item LIMIT $4");
    CHILD = items!("i.link = $1 AND i.parent = $2 AND i.name = $3 LIMIT 1");
    OF_FILE = items!("i.file = $1 AND i.link = $2 ORDER BY i.item LIMIT 1");
    HOLD = "UPDATE blob SET refs = refs + held.times FROM (SELECT blob, COUNT(*) AS times FROM public_link_item \
            WHERE link = $1 AND blob IS NOT NULL GROUP BY blob) held WHERE blob.id = held.blob",
        scans = "what is scanned are the contents of one link, counted";
    RELEASE = "UPDATE blob SET refs = refs - held.times, unreferenced = $1 FROM (SELECT blob, COUNT(*) AS times \
               FROM public_link_item WHERE link = $2 AND blob IS NOT NULL GROUP BY blob) held WHERE blob.id = held.blob",
        scans = "what is scanned are the contents of one link, counted";
    REMOVE_ALL = "DELETE FROM public_link_item WHERE link = $1";
    FOR_FILE = "SELECT link, item, parent, blob FROM public_link_item WHERE file = $1 LIMIT 500";
    FOR_FOLDER = "SELECT link, item FROM public_link_item WHERE folder = $1";
    REMOVE = "DELETE FROM public_link_item WHERE link = $1 AND item = $2";
    PARENT_IF_GONE = "SELECT i.parent FROM public_link_item i LEFT JOIN folder f ON f.id = i.folder \
                      WHERE i.link = $1 AND i.item = $2 AND i.folder IS NOT NULL AND f.id IS NULL \
                      AND NOT EXISTS (SELECT 1 FROM public_link_item c WHERE c.link = i.link AND c.parent = i.item)";
    FILLED_OF_OWNER = "SELECT i.link FROM public_link l JOIN public_link_item i ON i.link = l.id \
                       WHERE l.owner = $1 LIMIT 1";
}

impl Tx<'_> {
    /// Adds an entry to a link. Its content is held by [`Tx::hold_linked_contents`], for all entries at once.
    pub fn insert_link_item(&mut self, link: i64, new: &NewLinkItem<'_>) -> Stored<()> {
        let (file, blob) = new.file.unzip();
        self.exec(
            INSERT,
            args![
                link,
                new.item,
                new.parent,
                new.folder,
                file,
                blob,
                new.name,
                new.created,
                new.modified
            ],
        )
        .map(drop)
    }

    /// Holds the contents of a link whose entries have all been added.
    pub fn hold_linked_contents(&mut self, link: i64) -> Stored<()> {
        self.exec(HOLD, args![link]).map(drop)
    }

    /// All entries of a link, every folder before what is in it.
    pub fn link_items(&mut self, link: i64) -> Stored<Vec<LinkItem>> {
        self.all(ALL, args![link])
    }

    /// The entries in a folder of a link.
    pub fn link_children(&mut self, link: i64, parent: i64) -> Stored<Vec<LinkItem>> {
        self.all(CHILDREN, args![link, parent])
    }

    /// Some of the entries in a folder of a link, after an entry.
    pub fn link_children_after(
        &mut self,
        link: i64,
        parent: i64,
        item: i64,
        limit: i64,
    ) -> Stored<Vec<LinkItem>> {
        self.all(CHILDREN_AFTER, args![link, parent, item, limit])
    }

    /// The entry of this name in a folder of a link.
    pub fn link_child(&mut self, link: i64, parent: i64, name: &str) -> Stored<Option<LinkItem>> {
        self.opt(CHILD, args![link, parent, name])
    }

    /// The entry of a link that was made from a file.
    pub fn link_item_of_file(&mut self, link: i64, file: i64) -> Stored<Option<LinkItem>> {
        self.opt(OF_FILE, args![file, link])
    }

    /// Removes all entries of a link, and lets go of their contents.
    pub fn remove_link_items(&mut self, link: i64, now: i64) -> Stored<()> {
        self.exec(RELEASE, args![now, link])?;
        self.exec(REMOVE_ALL, args![link]).map(drop)
    }

    /// Removes the entries of all links that were made from a file which is gone for ever.
    pub fn unlink_file(&mut self, file: i64, now: i64) -> Stored<()> {
        loop {
            let found: Vec<(i64, i64, i64, Option<i64>)> = self.all(FOR_FILE, args![file])?;
            if found.is_empty() {
                return Ok(());
            }
            for (link, item, parent, blob) in found {
                self.exec(REMOVE, args![link, item])?;
                if let Some(blob) = blob {
                    self.release_content(blob, now)?;
                }
                self.unlink_empty(link, parent)?;
            }
        }
    }

    /// Removes the entries of all links that were made from a folder which is gone for ever, where nothing is left in
    /// them.
    pub fn unlink_folder(&mut self, folder: i64) -> Stored<()> {
        for (link, item) in self.all::<(i64, i64)>(FOR_FOLDER, args![folder])? {
            self.unlink_empty(link, item)?;
        }
        Ok(())
    }

    /// Removes an entry if its folder is gone and nothing is in it, and then the one it was in.
    fn unlink_empty(&mut self, link: i64, mut item: i64) -> Stored<()> {
        while item != TOP {
            let Some((parent,)) = self.opt::<(i64,)>(PARENT_IF_GONE, args![link, item])? else {
                break;
            };
            self.exec(REMOVE, args![link, item])?;
            item = parent;
        }
        Ok(())
    }

    /// Removes the entries of one link of an account; false if no link of it has any.
    pub(crate) fn remove_link_items_piece(&mut self, owner: i64, now: i64) -> Stored<bool> {
        let Some((link,)) = self.opt::<(i64,)>(FILLED_OF_OWNER, args![owner])? else {
            return Ok(false);
        };
        self.remove_link_items(link, now)?;
        Ok(true)
    }
}
