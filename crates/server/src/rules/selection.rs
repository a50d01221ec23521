//! Sets of files and folders, as methods that pack them take them.

use crate::call::{Answer, Fail};
use crate::cx::View;
use pileus_api::Code;
use pileus_api::archiving::TreeArg;
use pileus_api::name::numbered;
use pileus_store::archiving::PackedFile;
use pileus_store::folders::Folder;
use std::collections::{HashMap, HashSet};

/// An entry of a selection.
#[derive(Clone, Debug)]
pub struct Selected {
    /// Where its folder is in the selection; always before it. `None` on the top level.
    pub parent: Option<usize>,
    /// Its name in the selection, which nothing else in the same folder has.
    pub name: String,
    /// Modification time.
    pub modified: i64,
    /// The folder; `None` for a file.
    pub folder: Option<Folder>,
    /// The file; `None` for a folder.
    pub file: Option<PackedFile>,
}

/// A folder whose contents are still to be added, by its id and where it is in the selection.
struct Pending {
    folder: i64,
    index: usize,
}

struct Selector {
    entries: Vec<Selected>,
    pending: Vec<Pending>,
    left_out_folders: HashSet<i64>,
    left_out_files: HashSet<i64>,
    max_entries: usize,
}

/// The names taken in one folder of a selection, each with the number that the next one of it gets.
#[derive(Default)]
struct Names(HashMap<String, u64>);

impl Names {
    /// Takes a name, or the first numbered form of it that is free.
    fn take(&mut self, name: String) -> String {
        let Some(&next) = self.0.get(&name) else {
            self.0.insert(name.clone(), 2);
            return name;
        };
        let mut number = next;
        let free = loop {
            let candidate = numbered(&name, number);
            number = number.saturating_add(1);
            if !self.0.contains_key(&candidate) {
                break candidate;
            }
        };
        self.0.insert(name, number);
        self.0.insert(free.clone(), 2);
        free
    }
}

impl View<'_, '_> {
    /// What a tree parameter selects, every folder before what is in it. All that it names has to be there: 1017 tells of a
    /// folder that is not, 2009 of a file.
    pub fn select(&mut self, tree: &TreeArg) -> Answer<Vec<Selected>> {
        let mut selector = Selector {
            entries: Vec::new(),
            pending: Vec::new(),
            left_out_folders: HashSet::new(),
            left_out_files: HashSet::new(),
            max_entries: usize::try_from(self.app.config.listing_max_entries).unwrap_or(usize::MAX),
        };
        for &id in &tree.excludefolderids {
            selector
                .left_out_folders
                .insert(self.selected_folder(id)?.id);
        }
        for &id in &tree.excludefileids {
            selector.left_out_files.insert(self.selected_file(id)?);
        }
        let (folders, files) = self.top_level(tree)?;
        selector.add(None, folders, files)?;
        while let Some(Pending { folder, index }) = selector.pending.pop() {
            let folders = self.child_folders(folder)?;
            let files = self.tx.files_to_pack(folder)?;
            selector.add(Some(index), folders, files)?;
        }
        Ok(selector.entries)
    }

    /// The top level. What is named twice is there once.
    fn top_level(&mut self, tree: &TreeArg) -> Answer<(Vec<Folder>, Vec<PackedFile>)> {
        let root = self.user.account.root;
        let mut folders = Vec::new();
        let mut files = Vec::new();
        let mut opened = Vec::new();
        if let Some(id) = tree.folderid {
            opened.push(self.selected_folder(id)?.id);
        }
        let mut named = Vec::new();
        for &id in &tree.folderids {
            let folder = self.selected_folder(id)?;
            // The root has no name that it could appear under, so what is in it appears instead.
            if folder.id == root {
                opened.push(folder.id);
            } else {
                named.push(folder);
            }
        }
        let mut seen = HashSet::new();
        for folder in opened {
            if seen.insert(folder) {
                folders.extend(self.child_folders(folder)?);
                files.extend(self.tx.files_to_pack(folder)?);
            }
        }
        folders.extend(named);
        for &id in &tree.fileids {
            let id = self.selected_file(id)?;
            files.extend(self.tx.file_to_pack(id)?);
        }
        let mut seen = HashSet::new();
        folders.retain(|folder| seen.insert(folder.id));
        seen.clear();
        files.retain(|file| seen.insert(file.id));
        Ok((folders, files))
    }

    fn selected_folder(&mut self, id: u64) -> Answer<Folder> {
        self.folder_by_id(id)?
            .ok_or_else(|| Code::BAD_FOLDERID.into())
    }

    fn selected_file(&mut self, id: u64) -> Answer<i64> {
        let file = self.file_by_id(id)?.ok_or(Code::FILE_MISSING)?;
        Ok(file.id)
    }
}

impl Selector {
    /// Adds what is in one folder, folders first: if a file and a folder have the same name, the file gets another one.
    fn add(
        &mut self,
        parent: Option<usize>,
        folders: Vec<Folder>,
        files: Vec<PackedFile>,
    ) -> Answer<()> {
        let mut names = Names::default();
        for folder in folders {
            if self.left_out_folders.contains(&folder.id) {
                continue;
            }
            self.pending.push(Pending {
                folder: folder.id,
                index: self.entries.len(),
            });
            self.push(Selected {
                parent,
                name: names.take(folder.name.clone()),
                modified: folder.modified,
                folder: Some(folder),
                file: None,
            })?;
        }
        for file in files {
            if self.left_out_files.contains(&file.id) {
                continue;
            }
            self.push(Selected {
                parent,
                name: names.take(file.name.clone()),
                modified: file.modified,
                folder: None,
                file: Some(file),
            })?;
        }
        Ok(())
    }

    fn push(&mut self, entry: Selected) -> Answer<()> {
        if self.entries.len() >= self.max_entries {
            return Err(Fail::internal("a selection has too many entries"));
        }
        self.entries.push(entry);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::Names;

    #[test]
    fn names_are_numbered_until_they_are_free() {
        let mut names = Names::default();
        let taken = ["a.txt", "a (2).txt", "a.txt", "a (2).txt", "a.txt", "b"]
            .map(|name| names.take(name.to_owned()));
        assert_eq!(
            taken,
            [
                "a.txt",
                "a (2).txt",
                "a (3).txt",
                "a (2) (2).txt",
                "a (4).txt",
                "b"
            ]
        );
    }
}
