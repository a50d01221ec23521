//! Telling of changes after which other people see a whole tree of folders than before: moves into, out of and between
//! shares, and the beginning and the end of a share.
//!
//! Before the change everything in the tree is written down with those who see it. Afterwards each of them is told what
//! he lost, the deepest first, and what he got, parents first, since clients forget and learn just the one row that an
//! event names.

use crate::call::Answer;
use crate::cx::Edit;
use crate::rules::access::Place;
use crate::rules::audience::{Viewer, Viewers, is_among};
use pileus_api::event::EventKind;
use pileus_store::StoreError;
use pileus_store::files::File;
use pileus_store::folders::Folder;

/// A folder with its files, and those who saw them.
struct Entry {
    folder: Folder,
    files: Vec<File>,
    viewers: Viewers,
}

/// A tree of live folders as it was before a change.
pub struct Census {
    /// Parents before children.
    entries: Vec<Entry>,
}

impl Census {
    /// The folders, parents before children.
    pub fn folders(&self) -> impl Iterator<Item = &Folder> {
        self.entries.iter().map(|entry| &entry.folder)
    }

    /// All files.
    pub fn files(&self) -> impl Iterator<Item = &File> {
        self.entries.iter().flat_map(|entry| &entry.files)
    }
}

impl Edit<'_, '_> {
    /// Writes down what is in a folder, itself included, and who sees it.
    pub fn census(&mut self, top: Folder) -> Answer<Census> {
        let mut entries = Vec::new();
        let rows = self.rows_within(top)?;
        for folder in rows.into_iter().filter(|row| row.mount == 0) {
            let viewers = self.viewers(Place::from(&folder))?;
            let files = self.tx.file_children(folder.id)?;
            entries.push(Entry {
                folder,
                files,
                viewers,
            });
        }
        Ok(Census { entries })
    }

    /// Tells everybody what is different now that the change has been made. With `is_moved`, the top itself has another
    /// place or name.
    pub fn tell_of_change(&mut self, before: &Census, is_moved: bool) -> Answer<()> {
        self.forget_places();
        let mut after = Vec::with_capacity(before.entries.len());
        for entry in &before.entries {
            let folder = self.tx.folder(entry.folder.id)?;
            let folder = folder.ok_or(StoreError::Missing)?;
            let viewers = self.viewers(Place::from(&folder))?;
            after.push((folder, viewers));
        }
        for (entry, (_, now)) in before.entries.iter().zip(&after).rev() {
            for viewer in entry.viewers.iter().filter(|viewer| !is_among(viewer, now)) {
                self.tell_entry(viewer, Change::Gone, &entry.folder, &entry.files)?;
            }
        }
        for (index, (entry, (folder, now))) in before.entries.iter().zip(&after).enumerate() {
            let has_new_owner = entry.folder.owner != folder.owner;
            let files: Vec<File> = entry
                .files
                .iter()
                .map(|file| File {
                    owner: folder.owner,
                    ..file.clone()
                })
                .collect();
            for viewer in now.iter() {
                let was = entry
                    .viewers
                    .iter()
                    .find(|was| was.account == viewer.account);
                match was {
                    None => self.tell_entry(viewer, Change::New, folder, &files)?,
                    Some(was) if has_new_owner || was.flags != viewer.flags => {
                        self.tell_entry(viewer, Change::Other, folder, &files)?;
                    }
                    Some(_) if is_moved && index == 0 => {
                        self.tell_entry(viewer, Change::Other, folder, &[])?;
                    }
                    Some(_) => {}
                }
            }
        }
        Ok(())
    }

    /// Tells one viewer of a folder and of files in it: of the folder first, unless they are gone.
    pub fn tell_entry(
        &mut self,
        viewer: &Viewer,
        change: Change,
        folder: &Folder,
        files: &[File],
    ) -> Answer<()> {
        let (of_folder, of_file) = change.kinds();
        let folder = self.folder_event(of_folder, folder);
        if change != Change::Gone {
            self.record_for(viewer, &folder)?;
        }
        for file in files {
            let event = self.file_event(of_file, file, None);
            self.record_for(viewer, &event)?;
        }
        if change == Change::Gone {
            self.record_for(viewer, &folder)?;
        }
        Ok(())
    }
}

/// What an entry is to one who sees it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Change {
    /// It was not there before.
    New,
    /// It was there, and something about it is different.
    Other,
    /// It is not there any more.
    Gone,
}

impl Change {
    /// The events about folders and about files that say so.
    pub fn kinds(self) -> (EventKind, EventKind) {
        match self {
            Self::New => (EventKind::CreateFolder, EventKind::CreateFile),
            Self::Other => (EventKind::ModifyFolder, EventKind::ModifyFile),
            Self::Gone => (EventKind::DeleteFolder, EventKind::DeleteFile),
        }
    }
}
