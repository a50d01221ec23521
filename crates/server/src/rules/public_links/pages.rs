//! Folders behind links, a page at a time: what is read for a page does not grow with the folder.

use super::contents::{Entry, Place, Walk, file_entry, folder_entry};
use crate::call::Answer;
use crate::rules::metadata::wire_id;

/// An entry after which a page begins.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Mark {
    /// A folder of this name. All files come later.
    Folder(String),
    /// A file of this name.
    File(String),
    /// An entry of a tree, or a position in a collection.
    Item(i64),
}

impl Mark {
    /// The mark that a text stands for.
    pub fn parse(text: &str) -> Option<Self> {
        let (kind, rest) = text.split_at_checked(1)?;
        match kind {
            "d" => Some(Self::Folder(rest.into())),
            "f" => Some(Self::File(rest.into())),
            "i" => rest.parse().ok().map(Self::Item),
            _ => None,
        }
    }

    /// The text that stands for it.
    pub fn text(&self) -> String {
        match self {
            Self::Folder(name) => format!("d{name}"),
            Self::File(name) => format!("f{name}"),
            Self::Item(item) => format!("i{item}"),
        }
    }
}

/// Some entries of a folder, in their order.
#[derive(Clone, Debug)]
pub struct Page {
    /// What visitors see.
    pub entries: Vec<Entry>,
    /// After which entry it goes on; none at the end.
    pub next: Option<Mark>,
}

/// An entry by its place in the order; none if visitors do not see it.
type Row = (Mark, Option<Entry>);

impl Walk<'_, '_> {
    /// So many entries of a folder, in the order of [`Walk::children`]. There are fewer if some are not for visitors.
    pub fn page(&mut self, place: Place, after: Option<&Mark>, most: usize) -> Answer<Page> {
        // One more tells whether the page is the last one.
        let limit = i64::try_from(most).unwrap_or(i64::MAX).saturating_add(1);
        let item = match after {
            Some(Mark::Item(item)) => *item,
            _ => i64::MIN,
        };
        let mut rows = match place {
            Place::Folder(id) => self.folder_rows(id, after, limit)?,
            Place::Tree(parent, folder) => self.tree_rows(parent, folder, item, limit)?,
            Place::Collection(id) => self.collection_rows(id, item, limit)?,
        };
        let is_last = rows.len() <= most;
        rows.truncate(most);
        let next = rows.last().map(|(mark, _)| mark.clone());
        Ok(Page {
            entries: rows.into_iter().filter_map(|(_, entry)| entry).collect(),
            next: next.filter(|_| !is_last),
        })
    }

    fn folder_rows(&mut self, id: i64, after: Option<&Mark>, limit: i64) -> Answer<Vec<Row>> {
        let parent = Some(wire_id(id));
        let (folders_after, files_after) = match after {
            Some(Mark::File(name)) => (None, name.as_str()),
            Some(Mark::Folder(name)) => (Some(name.as_str()), ""),
            Some(Mark::Item(_)) | None => (Some(""), ""),
        };
        let mut rows = Vec::new();
        if let Some(name) = folders_after {
            for folder in self.tx.folder_children_after(id, name, limit)? {
                let entry = self.is_own(&folder).then(|| folder_entry(&folder, parent));
                rows.push((Mark::Folder(folder.name), entry));
            }
        }
        let rest = limit.saturating_sub(i64::try_from(rows.len()).unwrap_or(limit));
        if rest > 0 {
            for file in self.tx.file_children_after(id, files_after, rest)? {
                let is_own = file.owner == self.found.link.owner;
                let entry = is_own.then(|| file_entry(&file, parent));
                rows.push((Mark::File(file.name), entry));
            }
        }
        Ok(rows)
    }

    fn tree_rows(
        &mut self,
        parent: i64,
        folder: Option<i64>,
        after: i64,
        limit: i64,
    ) -> Answer<Vec<Row>> {
        let link = self.found.link.id;
        let items = self.tx.link_children_after(link, parent, after, limit)?;
        let rows = items.iter().map(|item| {
            let entry = self.tree_entry(item, folder.map(wire_id));
            (Mark::Item(item.item), Some(entry))
        });
        Ok(rows.collect())
    }

    fn collection_rows(&mut self, id: i64, after: i64, limit: i64) -> Answer<Vec<Row>> {
        let mut rows = Vec::new();
        for item in self.tx.collection_items_after(id, after, limit)? {
            let file = self.own_file(item.file)?;
            let entry = file.map(|file| file_entry(&file, None));
            rows.push((Mark::Item(item.position), entry));
        }
        Ok(rows)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn marks_are_read_as_they_are_written() {
        for mark in [
            Mark::Folder("däy".into()),
            Mark::File(String::new()),
            Mark::Item(-7),
        ] {
            assert_eq!(Mark::parse(&mark.text()), Some(mark));
        }
        for text in ["", "x", "i", "ix", "ä"] {
            assert_eq!(Mark::parse(text), None, "{text}");
        }
    }
}
