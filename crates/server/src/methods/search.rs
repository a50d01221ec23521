//! Finding files and folders by their names.

use crate::call::Answer;
use crate::cx::View;
use crate::dispatch::Reads;
use pileus_api::Metadata;
use pileus_api::filetype;
use pileus_api::search::{MATCHES_MAX, Search, SearchReply};
use pileus_store::names::{Finder, Object};
use std::collections::{HashMap, HashSet};

/// Objects that are looked at for one search, whether they match or not. Only words whose letters are in many names,
/// but apart from each other, come near it.
const CANDIDATES_MAX: usize = 10_000;

/// Objects whose rows are read at once.
const ROWS_AT_ONCE: usize = 256;

/// Matches that are shown if the client does not say.
const LIMIT: u64 = 100;

impl Reads for Search {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<SearchReply> {
        let query = self.query.as_deref().unwrap_or_default();
        let words: Vec<&str> = query.split_whitespace().collect();
        let mut found = Vec::new();
        for owner in cx.visible_owners()? {
            let mut search = Searching {
                finder: Finder::new(owner, &words),
                owner,
                category: self.category,
                seen: HashSet::new(),
            };
            search.collect(cx, &mut found)?;
        }
        found.sort_by_key(|entry| {
            let id = entry.file().map(|file| file.fileid).or(entry.folderid());
            (std::cmp::Reverse(entry.modified), std::cmp::Reverse(id))
        });
        let total = found.len() as u64;
        let number = |number: u64| usize::try_from(number).unwrap_or(usize::MAX);
        let items = found
            .into_iter()
            .skip(number(self.offset.unwrap_or(0)))
            .take(number(self.limit.unwrap_or(LIMIT)))
            .collect();
        Ok(SearchReply { items, total })
    }
}

/// A search in the tree of one account.
struct Searching {
    finder: Finder,
    owner: i64,
    category: Option<u64>,
    seen: HashSet<Object>,
}

impl Searching {
    /// Adds what matches, until there are enough.
    fn collect(&mut self, cx: &mut View<'_, '_>, found: &mut Vec<Metadata>) -> Answer<()> {
        while let Some(candidates) = self.finder.next(cx.tx)? {
            for some in candidates.chunks(ROWS_AT_ONCE) {
                let new: Vec<Object> = some
                    .iter()
                    .copied()
                    .filter(|object| self.seen.insert(*object))
                    .collect();
                self.check(cx, &new, found)?;
                if found.len() >= MATCHES_MAX {
                    found.truncate(MATCHES_MAX);
                    return Ok(());
                }
                if self.seen.len() >= CANDIDATES_MAX {
                    return Ok(());
                }
            }
        }
        Ok(())
    }

    /// Adds those candidates that are there, visible, and have the words in their names.
    fn check(
        &self,
        cx: &mut View<'_, '_>,
        candidates: &[Object],
        found: &mut Vec<Metadata>,
    ) -> Answer<()> {
        let files: Vec<i64> = candidates
            .iter()
            .filter_map(|object| object.as_file())
            .collect();
        let folders: Vec<i64> = candidates
            .iter()
            .filter_map(|object| object.as_folder())
            .collect();
        let mut rows = HashMap::new();
        for file in cx.tx.files_by_id(&files)? {
            let fits = |category| category == filetype::of(&file.name).category as u64;
            let is_live = file.owner == self.owner && file.deleted == 0;
            let fits = is_live && self.category.is_none_or(fits) && self.finder.finds(&file.name);
            if fits && cx.sees_file(&file)? {
                rows.insert(Object::file(file.id), cx.file_metadata(&file)?);
            }
        }
        if self.category.is_none() {
            for folder in cx.tx.folders_by_id(&folders)? {
                let is_live = folder.owner == self.owner && folder.deleted == 0;
                if !is_live || !self.finder.finds(&folder.name) {
                    continue;
                }
                let object = Object::folder(folder.id);
                // What is shared is found by the name that the recipient gave it, by the row that stands for it.
                let is_elsewhere =
                    self.owner != cx.user.account.id && cx.mounted(&folder)?.is_some();
                if let Some(folder) = cx.seen(folder)?.filter(|_| !is_elsewhere) {
                    rows.insert(object, cx.folder_metadata(&folder)?);
                }
            }
        }
        found.extend(candidates.iter().filter_map(|object| rows.remove(object)));
        Ok(())
    }
}
