//! What visitors of a link find behind it.
//!
//! They see what the link leads to and nothing else: not where it lies, not who else may use it, and nothing in it that is
//! not its owner's.

use super::{Item, Usable};
use crate::call::{Answer, Fail};
use crate::rules::metadata::wire_id;
use pileus_api::listing::Node;
use pileus_api::metadata::{FileFacts, Kind, Metadata};
use pileus_api::name::Path;
use pileus_api::{Code, Listing, UnixTime};
use pileus_store::files::File;
use pileus_store::folders::Folder;
use pileus_store::public_link_items::{LinkItem, TOP};
use pileus_store::{ContentHash, Tx};

/// A folder behind a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Place {
    /// A real one.
    Folder(i64),
    /// One of a tree, by the number of its entry and the folder it was made from.
    Tree(i64, Option<i64>),
    /// A collection.
    Collection(i64),
}

/// An entry behind a link.
#[derive(Clone, Debug)]
pub struct Entry {
    /// As visitors see it.
    pub metadata: Metadata,
    /// What is in it, if it is a folder.
    pub place: Option<Place>,
}

/// A walk through what a link leads to.
pub struct Walk<'a, 't> {
    pub(super) tx: &'a mut Tx<'t>,
    pub(super) found: &'a Usable,
}

impl<'a, 't> Walk<'a, 't> {
    /// Begins a walk through a link that has been opened.
    pub fn new(tx: &'a mut Tx<'t>, found: &'a Usable) -> Self {
        Self { tx, found }
    }

    /// The linked entry itself.
    pub fn top(&self) -> Entry {
        let link = &self.found.link;
        match &self.found.item {
            Item::File(file) => file_entry(file, None),
            Item::Folder(folder) => folder_entry(folder, None),
            Item::Tree => Entry {
                metadata: shown(Kind::Virtual, &link.name, None, link.created, link.created),
                place: Some(Place::Tree(TOP, None)),
            },
            Item::Collection(collection) => {
                let (created, modified) = (collection.created, collection.modified);
                Entry {
                    metadata: shown(Kind::Virtual, &collection.name, None, created, modified),
                    place: Some(Place::Collection(collection.id)),
                }
            }
        }
    }

    /// What is in a folder: folders first, each kind by name; a collection in its own order.
    pub fn children(&mut self, place: Place) -> Answer<Vec<Entry>> {
        let link = &self.found.link;
        match place {
            Place::Folder(id) => {
                let parent = Some(wire_id(id));
                let folders = self.tx.folder_children(id)?;
                let own = folders.iter().filter(|folder| self.is_own(folder));
                let mut entries: Vec<Entry> =
                    own.map(|folder| folder_entry(folder, parent)).collect();
                let files = self.tx.file_children(id)?;
                let own = files.iter().filter(|file| file.owner == link.owner);
                entries.extend(own.map(|file| file_entry(file, parent)));
                Ok(entries)
            }
            Place::Tree(item, folder) => {
                let items = self.tx.link_children(link.id, item)?;
                let parent = folder.map(wire_id);
                let entries = items.iter().map(|item| self.tree_entry(item, parent));
                Ok(entries.collect())
            }
            Place::Collection(id) => {
                let mut entries = Vec::new();
                for item in self.tx.collection_items(id)? {
                    if let Some(file) = self.own_file(item.file)? {
                        entries.push(file_entry(&file, None));
                    }
                }
                Ok(entries)
            }
        }
    }

    /// The linked entry with everything below it, depth first.
    pub fn listing(&mut self, limit: u64) -> Answer<Listing> {
        let limit = usize::try_from(limit).unwrap_or(usize::MAX);
        let mut nodes = Vec::new();
        let mut pending = vec![(self.top(), 0)];
        while let Some((entry, depth)) = pending.pop() {
            if let Some(place) = entry.place {
                let children = self.children(place)?;
                if nodes.len() + pending.len() + children.len() >= limit {
                    return Err(Fail::internal("a link leads to too many entries"));
                }
                pending.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
            }
            nodes.push(Node {
                depth,
                open: entry.place.is_some(),
                metadata: entry.metadata,
            });
        }
        Ok(Listing::new(nodes))
    }

    /// The file that a visitor means: 1029 if none is named and the link does not lead to one, 2009 if it is not behind the
    /// link.
    pub fn choose(&mut self, fileid: Option<u64>, path: Option<&str>) -> Answer<File> {
        if let Item::File(file) = &self.found.item {
            let is_it = fileid.is_none_or(|id| id == wire_id(file.id));
            return if is_it {
                Ok(file.clone())
            } else {
                Err(Code::FILE_MISSING.into())
            };
        }
        if let Some(id) = fileid {
            return self.file(id)?.ok_or_else(|| Code::FILE_MISSING.into());
        }
        let path = Path::parse(path.ok_or(Code::NO_FILEID)?).ok_or(Code::BAD_PATH)?;
        let (parents, name) = path.split_last().ok_or(Code::FILE_MISSING)?;
        let place = self.place(&parents)?.ok_or(Code::NO_PARENT)?;
        let file = self.file_in(place, &name)?;
        file.ok_or_else(|| Code::FILE_MISSING.into())
    }

    /// The folder with a path below the link.
    pub fn place(&mut self, path: &Path) -> Answer<Option<Place>> {
        let Some(mut place) = self.top().place else {
            return Ok(None);
        };
        for name in &path.parts {
            match self.folder_in(place, name)? {
                Some(next) => place = next,
                None => return Ok(None),
            }
        }
        Ok(Some(place))
    }

    fn folder_in(&mut self, place: Place, name: &str) -> Answer<Option<Place>> {
        let link = &self.found.link;
        Ok(match place {
            Place::Folder(id) => self
                .tx
                .folder_child(id, name)?
                .filter(|folder| self.is_own(folder))
                .map(|folder| Place::Folder(folder.id)),
            Place::Tree(item, _) => self
                .tx
                .link_child(link.id, item, name)?
                .filter(|item| item.file.is_none())
                .map(|item| Place::Tree(item.item, item.folder)),
            Place::Collection(_) => None,
        })
    }

    fn file_in(&mut self, place: Place, name: &str) -> Answer<Option<File>> {
        let link = &self.found.link;
        match place {
            Place::Folder(id) => {
                let file = self.tx.file_child(id, name)?;
                Ok(file.filter(|file| file.owner == link.owner))
            }
            Place::Tree(item, _) => {
                let item = self.tx.link_child(link.id, item, name)?;
                Ok(item.and_then(|item| self.tree_file(&item)))
            }
            Place::Collection(id) => {
                for item in self.tx.collection_items(id)? {
                    match self.own_file(item.file)? {
                        Some(file) if file.name == name => return Ok(Some(file)),
                        _ => {}
                    }
                }
                Ok(None)
            }
        }
    }

    /// A file behind the link, by its id.
    fn file(&mut self, id: u64) -> Answer<Option<File>> {
        let Ok(id) = i64::try_from(id) else {
            return Ok(None);
        };
        if matches!(self.found.item, Item::Tree) {
            let item = self.tx.link_item_of_file(self.found.link.id, id)?;
            return Ok(item.and_then(|item| self.tree_file(&item)));
        }
        let Some(file) = self.own_file(id)? else {
            return Ok(None);
        };
        let is_behind = match &self.found.item {
            Item::Folder(top) => self.tx.is_below(file.folder, top.id)?,
            Item::Collection(collection) => self.tx.is_collected(collection.id, file.id)?,
            Item::File(_) | Item::Tree => false,
        };
        Ok(Some(file).filter(|_| is_behind))
    }

    /// Whether a folder is the owner's, and not the place of one that others share.
    pub(super) fn is_own(&self, folder: &Folder) -> bool {
        folder.owner == self.found.link.owner && folder.mount == 0
    }

    /// A live file of the link's owner.
    pub(super) fn own_file(&mut self, id: i64) -> Answer<Option<File>> {
        let file = self.tx.file(id)?;
        Ok(file.filter(|file| file.owner == self.found.link.owner && file.deleted == 0))
    }

    pub(super) fn tree_entry(&self, item: &LinkItem, parent: Option<u64>) -> Entry {
        if let Some(file) = self.tree_file(item) {
            return file_entry(&file, parent);
        }
        let kind = Kind::Folder {
            folderid: wire_id(item.folder.unwrap_or(0)),
        };
        Entry {
            metadata: shown(kind, &item.name, parent, item.created, item.modified),
            place: Some(Place::Tree(item.item, item.folder)),
        }
    }

    /// The file of an entry as it was when the link was made; none for a folder.
    fn tree_file(&self, item: &LinkItem) -> Option<File> {
        Some(File {
            id: item.file?,
            owner: self.found.link.owner,
            folder: 0,
            name: item.name.clone(),
            created: item.created,
            modified: item.modified,
            deleted: 0,
            revisionid: 0,
            stored: item.modified,
            blob: item.blob?,
            size: item.size.unwrap_or(0),
            hash: item.hash.unwrap_or(ContentHash(0)),
            media: None,
        })
    }
}

pub(super) fn file_entry(file: &File, parent: Option<u64>) -> Entry {
    let kind = Kind::File(FileFacts {
        fileid: wire_id(file.id),
        size: wire_id(file.size),
        hash: file.hash.0,
        deletedfileid: None,
        revisionid: None,
        conflicted: false,
        media: None,
    });
    Entry {
        metadata: shown(kind, &file.name, parent, file.created, file.modified),
        place: None,
    }
}

pub(super) fn folder_entry(folder: &Folder, parent: Option<u64>) -> Entry {
    let kind = Kind::Folder {
        folderid: wire_id(folder.id),
    };
    let (created, modified) = (folder.created, folder.modified);
    Entry {
        metadata: shown(kind, &folder.name, parent, created, modified),
        place: Some(Place::Folder(folder.id)),
    }
}

/// Metadata for visitors. It always looks like that of an unshared entry of one's own.
fn shown(
    kind: Kind,
    name: &str,
    parentfolderid: Option<u64>,
    created: i64,
    modified: i64,
) -> Metadata {
    Metadata {
        kind,
        name: name.to_owned(),
        parentfolderid,
        rights: None,
        isshared: false,
        isdeleted: false,
        origparentfolderid: None,
        created: UnixTime(created),
        modified: UnixTime(modified),
        path: None,
    }
}
