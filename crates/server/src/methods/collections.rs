//! Collections: named lists of files, such as playlists.

use crate::call::Answer;
use crate::cx::Edit;
use crate::dispatch::Writes;
use crate::rules::metadata::wire_id;
use pileus_api::collections::{
    Collection, CollectionCreate, CollectionDelete, CollectionDetails, CollectionItem,
    CollectionLinkFiles, CollectionList, CollectionMove, CollectionRename, CollectionReply,
    CollectionUnlinkFiles, CollectionsReply, FilesToLink, LinkResult, LinkResults,
};
use pileus_api::name::NAME_MAX_BYTES;
use pileus_api::reply::Done;
use pileus_api::{Code, UnixTime};
use pileus_store::collections::{Collection as Row, Item};
use pileus_store::files::File;
use std::collections::{HashMap, HashSet};

/// The one type there is: playlists.
const PLAYLIST: u64 = 1;

/// Name of the collection that the server keeps. It stays empty, since nothing counts what is listened to.
const SYSTEM_NAME: &str = "Most Listened";

/// Collections of one account.
const COLLECTIONS_MAX: usize = 500;

/// Files in all collections of one account. It bounds what `collection_list` looks at.
const ITEMS_MAX: i64 = 20_000;

/// Files of a page, if the client does not say.
const PAGE_ITEMS: u64 = 50;

impl Writes for CollectionList {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<CollectionsReply> {
        let account = cx.user.account.id;
        cx.add_collection(SYSTEM_NAME, true)?;
        let is_asked = self.r#type.is_none_or(|kind| kind == PLAYLIST);
        let shown = match (self.showfiles, self.pagesize) {
            (false, _) => 0,
            (true, Some(size)) if size > 0 => usize::try_from(size).unwrap_or(usize::MAX),
            (true, _) => usize::MAX,
        };
        let mut collections = Vec::new();
        for row in cx.tx.collections(account)?.into_iter().filter(|_| is_asked) {
            let list = List::read(cx, row)?;
            collections.push(list.shown(cx, 0, shown)?);
        }
        Ok(CollectionsReply { collections })
    }
}

impl Writes for CollectionDetails {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<CollectionReply> {
        let row = cx.collection(self.collectionid)?;
        let list = List::read(cx, row)?;
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let (from, count) = match self.page.unwrap_or(0) {
            0 => (0, usize::MAX),
            page => {
                let size = self.pagesize.filter(|&size| size > 0).unwrap_or(PAGE_ITEMS);
                (number((page - 1).saturating_mul(size)), number(size))
            }
        };
        Ok(CollectionReply {
            collection: list.shown(cx, from, count)?,
            linkresult: None,
        })
    }
}

impl Writes for CollectionCreate {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<CollectionReply> {
        if self.r#type.is_some_and(|kind| kind != PLAYLIST) {
            return Err(Code::BAD_COLLECTION_TYPE.into());
        }
        check_name(&self.name)?;
        let row = cx
            .add_collection(&self.name, false)?
            .ok_or(Code::COLLECTION_NAME_TAKEN)?;
        let mut list = List::read(cx, row)?;
        let linkresult = match &self.fileids {
            None => None,
            Some(FilesToLink(None)) => Some(LinkResults::Failed),
            Some(FilesToLink(Some(files))) => Some(LinkResults::Each(list.link(cx, &files.0)?)),
        };
        Ok(CollectionReply {
            collection: list.shown(cx, 0, 0)?,
            linkresult,
        })
    }
}

impl Writes for CollectionRename {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<CollectionReply> {
        check_name(&self.name)?;
        let mut row = cx.own_collection(self.collectionid)?;
        let taken = cx.tx.collection_by_name(row.account, &self.name)?;
        if taken.is_some_and(|taken| taken.id != row.id) {
            return Err(Code::COLLECTION_NAME_TAKEN.into());
        }
        row.name.clone_from(&self.name);
        row.modified = cx.now.0;
        cx.tx.set_collection(&row)?;
        let list = List::read(cx, row)?;
        Ok(CollectionReply {
            collection: list.shown(cx, 0, 0)?,
            linkresult: None,
        })
    }
}

impl Writes for CollectionDelete {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        let row = cx.own_collection(self.collectionid)?;
        cx.tx.remove_collection(row.id)?;
        Ok(Done)
    }
}

impl Writes for CollectionLinkFiles {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<CollectionReply> {
        let row = cx.own_collection(self.collectionid)?;
        let mut list = List::read(cx, row)?;
        let results = list.link(cx, &self.fileids.0)?;
        Ok(CollectionReply {
            collection: list.shown(cx, 0, 0)?,
            linkresult: Some(LinkResults::Each(if self.noitems {
                Vec::new()
            } else {
                results
            })),
        })
    }
}

impl Writes for CollectionUnlinkFiles {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<CollectionReply> {
        let row = cx.collection(self.collectionid)?;
        let mut list = List::read(cx, row)?;
        let chosen: HashSet<u64> = match (&self.positions, self.all, &self.fileids) {
            (Some(positions), _, _) => positions.0.iter().copied().collect(),
            (None, true, _) => (1..=list.entries.len() as u64).collect(),
            (None, false, Some(files)) => {
                let files: HashSet<u64> = files.0.iter().copied().collect();
                let places = list.entries.iter().zip(1..);
                let places = places.filter(|(entry, _)| files.contains(&wire_id(entry.item.file)));
                places.map(|(_, place)| place).collect()
            }
            (None, false, None) => return Err(Code::NO_FILEIDS.into()),
        };
        let mut place = 0;
        let before = list.entries.len();
        list.entries.retain(|_| {
            place += 1;
            !chosen.contains(&place)
        });
        if list.entries.len() < before {
            let first = chosen.iter().filter(|&&place| place > 0).min();
            let first = first.map_or(0, |place| usize::try_from(place - 1).unwrap_or(0));
            list.write(cx, first)?;
        }
        Ok(CollectionReply {
            collection: list.shown(cx, 0, 0)?,
            linkresult: None,
        })
    }
}

impl Writes for CollectionMove {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        let row = cx.collection(self.collectionid)?;
        let mut list = List::read(cx, row)?;
        let place = |position: u64| {
            let place = usize::try_from(position).ok()?.checked_sub(1)?;
            (place < list.entries.len()).then_some(place)
        };
        let from = place(self.item).ok_or(Code::ITEM_UNMOVABLE)?;
        let to = place(self.position).ok_or(Code::ITEM_UNMOVABLE)?;
        let file = wire_id(list.entries[from].item.file);
        if self.fileid.is_some_and(|fileid| fileid != file) {
            return Err(Code::ITEM_UNMOVABLE.into());
        }
        if from != to {
            let moved = list.entries.remove(from);
            list.entries.insert(to, moved);
            list.write(cx, from.min(to))?;
        }
        Ok(Done)
    }
}

/// A name that can be kept.
fn check_name(name: &str) -> Answer<()> {
    if name.len() > NAME_MAX_BYTES || name.contains('\0') {
        return Err(Code::NO_NAME.into());
    }
    Ok(())
}

impl Edit<'_, '_> {
    /// A collection of the caller.
    fn collection(&mut self, id: u64) -> Answer<Row> {
        let id = i64::try_from(id).map_err(|_| Code::COLLECTION_MISSING)?;
        let account = self.user.account.id;
        let row = self.tx.collection(id)?;
        Ok(row
            .filter(|row| row.account == account)
            .ok_or(Code::COLLECTION_MISSING)?)
    }

    /// A collection of the caller that the server does not keep.
    fn own_collection(&mut self, id: u64) -> Answer<Row> {
        let row = self.collection(id)?;
        if row.is_system {
            return Err(Code::COLLECTION_MISSING.into());
        }
        Ok(row)
    }

    /// Adds a collection; none if the name is taken.
    fn add_collection(&mut self, name: &str, is_system: bool) -> Answer<Option<Row>> {
        let (account, now) = (self.user.account.id, self.now.0);
        if self.tx.collection_by_name(account, name)?.is_some() {
            return Ok(None);
        }
        if !is_system && self.tx.collections(account)?.len() >= COLLECTIONS_MAX {
            return Err(Code::REQUESTS_LIMITED.into());
        }
        let row = Row {
            id: self.tx.id()?,
            account,
            name: name.to_owned(),
            kind: PLAYLIST.cast_signed(),
            is_system,
            created: now,
            modified: now,
        };
        Ok(self.tx.insert_collection(&row)?.then_some(row))
    }
}

/// A file in a list.
struct Entry {
    item: Item,
    file: File,
}

/// Those of these files that are there and that the caller sees.
fn seen_files(cx: &mut Edit<'_, '_>, ids: &[i64]) -> Answer<Vec<File>> {
    let mut seen = Vec::with_capacity(ids.len());
    for file in cx.tx.files_by_id(ids)? {
        if file.deleted == 0 && cx.sees_file(&file)? {
            seen.push(file);
        }
    }
    Ok(seen)
}

/// A collection with what is in it.
struct List {
    row: Row,
    entries: Vec<Entry>,
}

impl List {
    /// Reads a collection. Files that are gone are taken out for good.
    fn read(cx: &mut Edit<'_, '_>, row: Row) -> Answer<Self> {
        let items = cx.tx.collection_items(row.id)?;
        let ids: Vec<i64> = items.iter().map(|item| item.file).collect();
        let mut files: HashMap<i64, File> = seen_files(cx, &ids)?
            .into_iter()
            .map(|file| (file.id, file))
            .collect();
        let first_gone = items
            .iter()
            .position(|item| !files.contains_key(&item.file));
        let entries = items.into_iter().filter_map(|item| {
            let file = files.remove(&item.file)?;
            Some(Entry { item, file })
        });
        let mut list = Self {
            row,
            entries: entries.collect(),
        };
        if let Some(first) = first_gone {
            list.write_items(cx, first)?;
        }
        Ok(list)
    }

    /// Writes the items from a place on, and that the collection has changed.
    fn write(&mut self, cx: &mut Edit<'_, '_>, from: usize) -> Answer<()> {
        self.row.modified = cx.now.0;
        cx.tx.set_collection(&self.row)?;
        self.write_items(cx, from)
    }

    fn write_items(&mut self, cx: &mut Edit<'_, '_>, from: usize) -> Answer<()> {
        let items: Vec<Item> = self
            .entries
            .iter()
            .map(|entry| entry.item.clone())
            .collect();
        Ok(cx.tx.set_collection_items(self.row.id, &items, from)?)
    }

    /// Appends files; tells what became of each.
    fn link(&mut self, cx: &mut Edit<'_, '_>, files: &[u64]) -> Answer<Vec<LinkResult>> {
        let held = cx.tx.collected_files(self.row.account)?;
        let more = i64::try_from(files.len()).unwrap_or(i64::MAX);
        if held.saturating_add(more) > ITEMS_MAX {
            return Err(Code::REQUESTS_LIMITED.into());
        }
        let ids: Vec<i64> = files
            .iter()
            .filter_map(|&file| i64::try_from(file).ok())
            .collect();
        let mut found: HashMap<u64, File> = seen_files(cx, &ids)?
            .into_iter()
            .map(|file| (wire_id(file.id), file))
            .collect();
        let mut inside: HashSet<u64> = self
            .entries
            .iter()
            .map(|entry| wire_id(entry.item.file))
            .collect();
        let (first, now) = (self.entries.len(), cx.now.0);
        let mut results = Vec::with_capacity(files.len());
        for &fileid in files {
            let refused = |code: Code| LinkResult {
                result: u64::from(code.number()),
                fileid: fileid.to_string(),
                metadata: None,
                message: Some(code.text().to_owned()),
            };
            if inside.contains(&fileid) {
                results.push(refused(Code::NAME_TAKEN));
                continue;
            }
            let Some(file) = found.remove(&fileid) else {
                results.push(refused(Code::FILE_MISSING));
                continue;
            };
            inside.insert(fileid);
            let item = Item {
                position: 0,
                file: file.id,
                added: now,
            };
            self.entries.push(Entry { item, file });
            results.push(LinkResult {
                result: 0,
                fileid: fileid.to_string(),
                metadata: Some(self.entry(cx, self.entries.len() - 1)?),
                message: None,
            });
        }
        if self.entries.len() > first {
            self.write(cx, first)?;
        }
        Ok(results)
    }

    /// What the wire says about the entry at a place, counted from 0.
    fn entry(&self, cx: &mut Edit<'_, '_>, place: usize) -> Answer<CollectionItem> {
        let entry = &self.entries[place];
        Ok(CollectionItem {
            metadata: cx.file_metadata(&entry.file)?,
            position: place as u64 + 1,
            added: UnixTime(entry.item.added),
        })
    }

    /// What the wire says about the collection, with `count` files from a place on.
    fn shown(&self, cx: &mut Edit<'_, '_>, from: usize, count: usize) -> Answer<Collection> {
        let places = (0..self.entries.len()).skip(from).take(count);
        Ok(Collection {
            id: wire_id(self.row.id),
            name: self.row.name.clone(),
            r#type: "audio".into(),
            system: self.row.is_system,
            ismine: true,
            items: self.entries.len() as u64,
            created: UnixTime(self.row.created),
            modified: UnixTime(self.row.modified),
            contents: places
                .map(|place| self.entry(cx, place))
                .collect::<Answer<_>>()?,
        })
    }
}
