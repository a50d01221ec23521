//! Where entries go: making folders, and finding names and places for them.

use crate::call::Answer;
use crate::cx::Edit;
use crate::rules::access::Right;
use pileus_api::Code;
use pileus_api::args::TargetArg;
use pileus_api::event::EventKind;
use pileus_api::name::{check_name, numbered};
use pileus_store::folders::{Folder, NewFolder};

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
        self.require(parent, Right::Create)?;
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
            shared: parent.shared,
            mount: 0,
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
            None => {
                let row = self.tx.folder(folder)?.ok_or(Code::FOLDER_MISSING)?;
                self.seen(row)?.ok_or(Code::FOLDER_MISSING)?
            }
        };
        Ok((parent, to.name.clone().unwrap_or_else(|| name.to_owned())))
    }
}
