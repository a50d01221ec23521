//! Where entries go: making folders, moving and renaming.

use crate::call::Answer;
use crate::cx::Edit;
use pileus_api::Code;
use pileus_api::args::TargetArg;
use pileus_api::event::EventKind;
use pileus_api::name::{check_name, numbered};
use pileus_store::files::File;
use pileus_store::folders::{Folder, NewFolder};
use pileus_store::revisions::Revision;

impl Edit<'_, '_> {
    /// Sets a folder's modification time to now, unless that second has been noted already.
    pub fn touch(&mut self, folder: &mut Folder) -> Answer<()> {
        if folder.modified != self.now.0 {
            folder.modified = self.now.0;
            self.tx.touch_folder(folder.id, folder.modified)?;
        }
        Ok(())
    }

    /// Makes a folder whose name is free.
    pub fn make_folder(
        &mut self,
        parent: &mut Folder,
        name: &str,
        time: Option<i64>,
    ) -> Answer<Folder> {
        let now = self.now.0;
        let id = self.tx.id()?;
        let time = time.unwrap_or(now);
        let new = NewFolder {
            id,
            owner: parent.owner,
            parent: parent.id,
            name,
            created: time,
            modified: time,
        };
        let folder = self.tx.insert_folder(&new)?;
        self.touch(parent)?;
        self.record_folder(EventKind::CreateFolder, &folder)?;
        Ok(folder)
    }

    /// The first numbered name that no live file of the folder has.
    pub fn free_file_name(&mut self, folder: i64, name: &str) -> Answer<String> {
        self.free_name(name, numbered, |cx, candidate| {
            Ok(cx.tx.file_child(folder, candidate)?.is_none())
        })
    }

    /// The first numbered name that no live folder of the folder has.
    pub fn free_folder_name(&mut self, parent: i64, name: &str) -> Answer<String> {
        self.free_name(name, numbered, |cx, candidate| {
            Ok(cx.tx.folder_child(parent, candidate)?.is_none())
        })
    }

    /// Tries the second, third, … form of a name until one is free. The steps grow, so that a folder full of such
    /// names costs a few looks and not thousands; the names then have gaps, which nobody forbids.
    pub fn free_name(
        &mut self,
        name: &str,
        form: impl Fn(&str, u64) -> String,
        is_free: impl Fn(&mut Self, &str) -> Answer<bool>,
    ) -> Answer<String> {
        let mut number: u64 = 2;
        loop {
            let candidate = form(name, number);
            if is_free(self, &candidate)? {
                check_name(&candidate)?;
                return Ok(candidate);
            }
            number += 1 + number / 64;
        }
    }

    /// The folder and name that a target stands for, given where the entry is now.
    pub fn target(&mut self, to: &TargetArg, folder: i64, name: &str) -> Answer<(Folder, String)> {
        let parent = match &to.parent {
            Some(parent) => self.folder(parent)?,
            None => self.tx.folder(folder)?.ok_or(Code::FOLDER_MISSING)?,
        };
        Ok((parent, to.name.clone().unwrap_or_else(|| name.to_owned())))
    }

    /// Moves or renames a folder. Nothing happens if it is there already.
    pub fn move_folder(
        &mut self,
        mut folder: Folder,
        mut parent: Folder,
        name: String,
    ) -> Answer<Folder> {
        if folder.parent == parent.id && folder.name == name {
            return Ok(folder);
        }
        if self
            .tx
            .folder_child(parent.id, &name)?
            .is_some_and(|taken| taken.id != folder.id)
        {
            return Err(Code::NAME_TAKEN.into());
        }
        let now = self.now.0;
        self.tx.place_folder(folder.id, parent.id, &name, now)?;
        self.touch_left(folder.parent, &mut parent)?;
        (folder.parent, folder.name, folder.modified) = (parent.id, name, now);
        self.record_folder(EventKind::ModifyFolder, &folder)?;
        Ok(folder)
    }

    /// Moves or renames a file; a file that has the name is replaced, and its contents become revisions of the moved
    /// one. Answers the moved file and the id of the replaced one.
    pub fn move_file(
        &mut self,
        mut file: File,
        mut parent: Folder,
        name: String,
    ) -> Answer<(File, Option<i64>)> {
        let replaced = self
            .tx
            .file_child(parent.id, &name)?
            .filter(|taken| taken.id != file.id);
        if let Some(replaced) = &replaced {
            self.absorb(&file, replaced)?;
        }
        self.tx.place_file(file.id, parent.id, &name)?;
        self.touch_left(file.folder, &mut parent)?;
        (file.folder, file.name) = (parent.id, name);
        let replaced = replaced.map(|replaced| replaced.id);
        self.record_file(EventKind::ModifyFile, &file, replaced)?;
        Ok((file, replaced))
    }

    /// Makes the contents of a replaced file revisions of the one that takes its place. The replaced file is gone.
    fn absorb(&mut self, file: &File, replaced: &File) -> Answer<()> {
        self.require_committed(replaced.id)?;
        let now = self.now.0;
        self.tx.adopt_revisions(file.id, replaced.id)?;
        // The newest of the adopted contents gets the newest id, so that the order of the list is the order of events.
        let id = self.tx.id()?;
        self.tx.insert_revision(&Revision {
            id,
            file: file.id,
            blob: replaced.blob,
            size: replaced.size,
            hash: replaced.hash,
            stored: replaced.stored,
            replaced: now,
        })?;
        self.tx.remove_file(replaced.id)?;
        self.end_locks(replaced.id);
        self.use_bytes(replaced.owner, -replaced.size)
    }

    /// Both folders of a move have changed.
    fn touch_left(&mut self, left: i64, entered: &mut Folder) -> Answer<()> {
        self.touch(entered)?;
        if left != entered.id {
            let now = self.now.0;
            self.tx.touch_folder(left, now)?;
        }
        Ok(())
    }
}
