//! The model: what an account holds, and which calls it refuses.

use super::contents::Content;
use super::descriptors::{Line, Run, Working};
use super::replica::{FileRow, Rows};
use super::step::Step;
use std::collections::BTreeMap;
use std::rc::Rc;

/// Connections with open files that an account has.
pub(super) const LINES: usize = 3;

/// A folder.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// Folder it is in; of the root, itself.
    pub(super) parent: u64,
    /// Name.
    pub(super) name: String,
    /// What it was deleted together with; 0 while it lives.
    pub(super) group: u64,
}

/// A file.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Folder it is in.
    pub(super) folder: u64,
    /// Name.
    pub(super) name: String,
    /// Present content.
    pub(super) content: Rc<Content>,
    /// When that was stored, as a place in the order of all storing.
    pub(super) stored: u64,
    /// Earlier contents by the time they were stored.
    pub(super) revisions: BTreeMap<u64, Rc<Content>>,
    /// Unix seconds.
    pub(super) created: u64,
    /// Unix seconds.
    pub(super) modified: u64,
    /// What it was deleted together with; 0 while it lives.
    pub(super) group: u64,
    /// What was written through descriptors and is not committed.
    pub(super) working: Option<Working>,
    /// The commits behind the present content.
    pub(super) run: Option<Run>,
}

/// An account.
#[derive(Debug)]
pub(super) struct Account {
    /// Folders by id; 0 is the root.
    pub(super) folders: BTreeMap<u64, Folder>,
    /// Files by id.
    pub(super) files: BTreeMap<u64, File>,
    /// Counts what is stored and what is deleted.
    pub(super) count: u64,
    /// Connections with open files.
    pub(super) lines: Vec<Line>,
    /// Files whose modification time is known only about, since nobody was told when exactly they were committed.
    pub(super) unsure: BTreeMap<u64, u64>,
    /// Upload sessions by id, with what they hold.
    pub(super) uploads: BTreeMap<u64, Vec<u8>>,
}

impl Default for Account {
    fn default() -> Self {
        let root = Folder {
            parent: 0,
            name: "/".to_owned(),
            group: 0,
        };
        Self {
            folders: BTreeMap::from([(0, root)]),
            files: BTreeMap::new(),
            count: 0,
            lines: (0..LINES).map(|_| Line::default()).collect(),
            unsure: BTreeMap::new(),
            uploads: BTreeMap::new(),
        }
    }
}

impl Account {
    /// The next number of the order of all changes.
    pub(super) fn next(&mut self) -> u64 {
        self.count += 1;
        self.count
    }

    /// Ids of the folders that are wanted.
    pub(super) fn folder_ids(&self, wanted: impl Fn(&Folder) -> bool) -> Vec<u64> {
        self.folders
            .iter()
            .filter(|(_, folder)| wanted(folder))
            .map(|(id, _)| *id)
            .collect()
    }

    /// Ids of the files that are wanted.
    pub(super) fn file_ids(&self, wanted: impl Fn(&File) -> bool) -> Vec<u64> {
        self.files
            .iter()
            .filter(|(_, file)| wanted(file))
            .map(|(id, _)| *id)
            .collect()
    }

    /// How many folders and files live.
    pub(super) fn live_count(&self) -> usize {
        self.folder_ids(|folder| folder.group == 0).len()
            + self.file_ids(|file| file.group == 0).len()
    }

    /// A folder that lives.
    pub(super) fn live_folder(&self, id: u64) -> Option<&Folder> {
        self.folders.get(&id).filter(|folder| folder.group == 0)
    }

    /// A file that lives.
    pub(super) fn live_file(&self, id: u64) -> Option<&File> {
        self.files.get(&id).filter(|file| file.group == 0)
    }

    /// The living folder of a name.
    pub(super) fn folder_child(&self, parent: u64, name: &str) -> Option<u64> {
        let is_it =
            |folder: &Folder| folder.group == 0 && folder.parent == parent && folder.name == name;
        self.folders
            .iter()
            .find(|(id, folder)| **id != 0 && is_it(folder))
            .map(|(id, _)| *id)
    }

    /// The living file of a name.
    pub(super) fn file_child(&self, folder: u64, name: &str) -> Option<u64> {
        let is_it = |file: &File| file.group == 0 && file.folder == folder && file.name == name;
        self.files
            .iter()
            .find(|(_, file)| is_it(file))
            .map(|(id, _)| *id)
    }

    /// Whether a folder is another one or lies below it.
    pub(super) fn is_within(&self, folder: u64, other: u64) -> bool {
        let mut at = folder;
        loop {
            if at == other {
                return true;
            }
            match self.folders.get(&at) {
                Some(folder) if at != 0 => at = folder.parent,
                _ => return false,
            }
        }
    }

    /// A folder and all folders below it that are wanted, parents first.
    pub(super) fn within(&self, top: u64, wanted: impl Fn(&Folder) -> bool) -> Vec<u64> {
        let mut found = vec![top];
        let mut next = 0;
        while next < found.len() {
            let parent = found[next];
            let children = self
                .folders
                .iter()
                .filter(|(id, folder)| **id != 0 && folder.parent == parent);
            found.extend(
                children
                    .filter(|(_, folder)| wanted(folder))
                    .map(|(id, _)| *id),
            );
            next += 1;
        }
        found
    }

    /// Where a restored entry goes: `to`, or the nearest folder above its old place that lives.
    pub(super) fn destination(&self, to: Option<u64>, old: u64) -> u64 {
        let mut at = to.unwrap_or(old);
        while self.live_folder(at).is_none() {
            at = self.folders.get(&at).map_or(0, |folder| folder.parent);
        }
        at
    }

    /// The code that answers a call; `None` if it succeeds.
    pub(super) fn refusal(&self, step: &Step) -> Option<u64> {
        let no_folder = |id: &u64| self.live_folder(*id).is_none();
        let no_file = |id: &u64| self.live_file(*id).is_none();
        match step {
            Step::CreateFolder {
                parent,
                name,
                if_not_exists,
            } => {
                let taken = !if_not_exists && self.folder_child(*parent, name).is_some();
                first([(no_folder(parent), 2002), (taken, 2004)])
            }
            Step::Upload { folder, .. } => first([(no_folder(folder), 2005)]),
            Step::CopyFile {
                file,
                to,
                name,
                noover,
                ..
            } => {
                let Some(source) = self.live_file(*file) else {
                    return Some(2009);
                };
                let taken = self
                    .file_child(*to, name.as_ref().unwrap_or(&source.name))
                    .is_some();
                first([(no_folder(to), 2005), (*noover && taken, 2004)])
            }
            Step::RenameFile { file, to, name } => {
                let Some(source) = self.live_file(*file) else {
                    return Some(2009);
                };
                let stays = to.is_none_or(|to| to == source.folder)
                    && name.as_ref().is_none_or(|name| *name == source.name);
                first([(to.as_ref().is_some_and(no_folder), 2005), (stays, 2049)])
            }
            Step::DeleteFile { file } | Step::Revert { file, .. } if no_file(file) => Some(2009),
            Step::DeleteFile { .. } => None,
            Step::Revert { file, .. } => {
                let has_none = self
                    .live_file(*file)
                    .is_some_and(|file| file.revisions.is_empty());
                first([(has_none, 2029)])
            }
            Step::RenameFolder { folder, to, name } => {
                self.rename_folder_refusal(*folder, *to, name.as_ref())
            }
            Step::DeleteFolder { folder } => {
                let is_full = self
                    .folders
                    .iter()
                    .any(|(id, child)| *id != 0 && child.parent == *folder && child.group == 0)
                    || self
                        .files
                        .values()
                        .any(|child| child.folder == *folder && child.group == 0);
                first([
                    (no_folder(folder), 2005),
                    (*folder == 0, 2007),
                    (is_full, 2006),
                ])
            }
            Step::DeleteFolderRecursive { folder } => {
                first([(no_folder(folder), 2005), (*folder == 0, 2007)])
            }
            Step::CopyFolder { .. } => self.copy_folder_refusal(step),
            Step::RestoreFile { file, to } => {
                first([(to.as_ref().is_some_and(no_folder), 2005)]).or(self.file_not_deleted(*file))
            }
            Step::RestoreFolder { folder, to } => {
                first([(to.as_ref().is_some_and(no_folder), 2005)])
                    .or(self.folder_not_deleted(*folder))
            }
            Step::ClearFile { file } => self.file_not_deleted(*file),
            Step::ClearFolder { folder: 0 } => None,
            Step::ClearFolder { folder } => self.folder_not_deleted(*folder),
        }
    }

    fn rename_folder_refusal(
        &self,
        folder: u64,
        to: Option<u64>,
        name: Option<&String>,
    ) -> Option<u64> {
        let Some(source) = self.live_folder(folder) else {
            return Some(2005);
        };
        let parent = to.unwrap_or(source.parent);
        let taken = self
            .folder_child(parent, name.unwrap_or(&source.name))
            .is_some_and(|taken| taken != folder);
        first([
            (folder == 0, 2042),
            (self.live_folder(parent).is_none(), 2005),
            (self.is_within(parent, folder), 2043),
            (taken, 2004),
        ])
    }

    fn copy_folder_refusal(&self, step: &Step) -> Option<u64> {
        let Step::CopyFolder {
            folder,
            to,
            name,
            noover,
            skip,
            content_only,
        } = step
        else {
            return None;
        };
        let Some(source) = self.live_folder(*folder) else {
            return Some(2005);
        };
        if self.live_folder(*to).is_none() {
            return Some(2208);
        }
        let name = name.as_ref().unwrap_or(&source.name);
        let onto_itself = if *content_only {
            to == folder
        } else {
            *folder == 0 || (*to == source.parent && *name == source.name)
        };
        let target = if *content_only {
            Some(*to)
        } else {
            self.folder_child(*to, name)
        };
        first([
            (onto_itself, 2206),
            (self.is_within(*to, *folder), 2207),
            (
                *noover
                    && !skip
                    && target.is_some_and(|target| self.is_in_the_way(*folder, target)),
                2004,
            ),
        ])
    }

    /// Whether a file of one tree would replace a file of another.
    fn is_in_the_way(&self, from: u64, to: u64) -> bool {
        let live = |file: &&File| file.group == 0 && file.folder == from;
        self.files
            .values()
            .filter(live)
            .any(|file| self.file_child(to, &file.name).is_some())
            || self
                .folders
                .iter()
                .filter(|(id, child)| **id != 0 && child.group == 0 && child.parent == from)
                .any(|(id, child)| {
                    self.folder_child(to, &child.name)
                        .is_some_and(|merged| self.is_in_the_way(*id, merged))
                })
    }

    fn file_not_deleted(&self, file: u64) -> Option<u64> {
        match self.files.get(&file) {
            None => Some(2009),
            Some(file) => (file.group == 0).then_some(1018),
        }
    }

    fn folder_not_deleted(&self, folder: u64) -> Option<u64> {
        match self.folders.get(&folder) {
            None => Some(2005),
            Some(folder) => (folder.group == 0).then_some(1017),
        }
    }

    /// Bytes of all files that live.
    pub(super) fn used(&self) -> u64 {
        self.files
            .values()
            .filter(|file| file.group == 0)
            .map(|file| file.content.size())
            .sum()
    }

    /// Everything that lives, as a listing shows it.
    pub(super) fn rows(&self) -> Rows {
        let row = |file: &File| FileRow {
            folder: file.folder,
            name: file.name.clone(),
            size: file.content.size(),
            hash: file.content.hash,
            created: file.created,
            modified: file.modified,
        };
        let folders = self
            .folders
            .iter()
            .filter(|(id, folder)| **id != 0 && folder.group == 0);
        let files = self.files.iter().filter(|(_, file)| file.group == 0);
        Rows {
            folders: folders
                .map(|(id, folder)| (*id, (folder.parent, folder.name.clone())))
                .collect(),
            files: files.map(|(id, file)| (*id, row(file))).collect(),
            ..Rows::default()
        }
    }

    /// The path of a living file.
    pub(super) fn path(&self, file: &File) -> String {
        let mut path = format!("/{}", file.name);
        let mut at = file.folder;
        while let Some(folder) = self.folders.get(&at).filter(|_| at != 0) {
            path.insert_str(0, &format!("/{}", folder.name));
            at = folder.parent;
        }
        path
    }
}

/// The first code whose condition holds.
pub(super) fn first<const N: usize>(checks: [(bool, u64); N]) -> Option<u64> {
    checks
        .into_iter()
        .find(|(holds, _)| *holds)
        .map(|(_, code)| code)
}
