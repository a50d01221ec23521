//! The trash: what is in it, and the way back.

use crate::app::App;
use crate::call::Answer;
use crate::cx::{Edit, View};
use crate::rules::access::Right;
use pileus_api::event::EventKind;
use pileus_api::{Code, Metadata};
use pileus_store::files::File;
use pileus_store::folders::Folder;

const DAY_SECONDS: i64 = 86_400;

/// The time before which deleted entries and replaced contents are gone, whether the janitor has come by or not.
pub fn retention_start(app: &App, now: i64) -> i64 {
    let days = i64::try_from(app.config.retention_days).unwrap_or(i64::MAX / DAY_SECONDS);
    now.saturating_sub(days.saturating_mul(DAY_SECONDS))
}

impl View<'_, '_> {
    /// Whether something replaced or deleted at this time is still kept.
    pub fn is_kept(&self, since: i64) -> bool {
        since >= retention_start(self.app, self.now.0)
    }

    /// Whether what went away with this trash entry can still be restored.
    pub fn is_restorable(&mut self, entry: i64) -> Answer<bool> {
        let deleted = self.tx.trash_entry(entry)?.map(|entry| entry.deleted);
        Ok(deleted.is_none_or(|deleted| self.is_kept(deleted)))
    }

    /// A deleted file of the caller: 1018 if it is not deleted, 2009 if there is none.
    pub fn trashed_file(&mut self, id: u64) -> Answer<File> {
        let id = i64::try_from(id).map_err(|_| Code::FILE_MISSING)?;
        let file = self.find_file(id)?.ok_or(Code::FILE_MISSING)?;
        if file.deleted == 0 {
            return Err(Code::BAD_FILEID.into());
        }
        if self.is_restorable(file.deleted)? {
            Ok(file)
        } else {
            Err(Code::FILE_MISSING.into())
        }
    }

    /// A deleted folder of the caller: 1017 if it is not deleted, 2005 if there is none.
    pub fn trashed_folder(&mut self, id: u64) -> Answer<Folder> {
        let id = i64::try_from(id).map_err(|_| Code::FOLDER_MISSING)?;
        let root = self.user.account.root;
        let folder = self
            .find_folder(id)?
            .filter(|folder| folder.parent != 0 && folder.id != root)
            .ok_or(Code::FOLDER_MISSING)?;
        if folder.deleted == 0 {
            return Err(Code::BAD_FOLDERID.into());
        }
        if self.is_restorable(folder.deleted)? {
            Ok(folder)
        } else {
            Err(Code::FOLDER_MISSING.into())
        }
    }

    /// Metadata of a deleted file, at its place in the trash.
    pub fn trashed_file_metadata(&mut self, file: &File) -> Answer<Metadata> {
        let metadata = self.file_metadata(file)?;
        self.at_trash_place(metadata, file.folder)
    }

    /// Metadata of a deleted folder, at its place in the trash.
    pub fn trashed_folder_metadata(&mut self, folder: &Folder) -> Answer<Metadata> {
        let metadata = self.folder_metadata(folder)?;
        self.at_trash_place(metadata, folder.parent)
    }

    /// What lies in a folder that is not deleted itself hangs directly under the top of the trash.
    fn at_trash_place(&mut self, mut metadata: Metadata, parent: i64) -> Answer<Metadata> {
        metadata.origparentfolderid = Some(self.wire_folder(parent));
        let is_below_deleted = self
            .tx
            .folder(parent)?
            .is_some_and(|parent| parent.deleted != 0);
        metadata.parentfolderid = Some(if is_below_deleted {
            self.wire_folder(parent)
        } else {
            0
        });
        Ok(metadata)
    }

    /// The folder that a restored entry goes into: where it was, or the nearest folder above that still exists and that the
    /// caller sees.
    pub fn restore_destination(&mut self, parent: i64) -> Answer<Folder> {
        let mut at = parent;
        while let Some(folder) = self.tx.folder(at)? {
            let above = folder.parent;
            if folder.deleted == 0
                && let Some(folder) = self.seen(folder)?
            {
                return Ok(folder);
            }
            at = above;
        }
        self.root()
    }
}

impl Edit<'_, '_> {
    /// The name a restored file gets in a folder: its own, or a numbered one if that is taken.
    pub fn restored_file_name(&mut self, folder: i64, name: &str) -> Answer<String> {
        match self.tx.file_child(folder, name)? {
            None => Ok(name.to_owned()),
            Some(_) => self.free_file_name(folder, name),
        }
    }

    /// The name a restored folder gets in a folder.
    pub fn restored_folder_name(&mut self, parent: i64, name: &str) -> Answer<String> {
        match self.tx.folder_child(parent, name)? {
            None => Ok(name.to_owned()),
            Some(_) => self.free_folder_name(parent, name),
        }
    }

    /// Takes a file out of the trash.
    pub fn restore_file(&mut self, mut file: File, to: &mut Folder) -> Answer<File> {
        self.tx.remove_trash_entry_of_file(file.deleted, file.id)?;
        let name = self.restored_file_name(to.id, &file.name)?;
        self.require(to, Right::Create)?;
        self.touch(to)?;
        (file.folder, file.name) = (to.id, name);
        self.bring_back(&mut file, to.owner)?;
        Ok(file)
    }

    /// Takes a folder out of the trash with everything that was deleted with it. It is all or nothing: what does not
    /// fit the quota stays in the trash as a whole.
    pub fn restore_folder(&mut self, mut top: Folder, to: &mut Folder) -> Answer<Folder> {
        let (entry, old_place, has_new_owner) = (top.deleted, top.parent, top.owner != to.owner);
        self.tx.remove_trash_entry_of_folder(entry, top.id)?;
        top.name = self.restored_folder_name(to.id, &top.name)?;
        top.parent = to.id;
        self.require(to, Right::Create)?;
        self.touch(to)?;
        (top.owner, top.shared) = (to.owner, to.shared);
        // What was in the trash may be somebody else's from now on.
        self.forget_places();
        let mut next = vec![top.clone()];
        while let Some(mut folder) = next.pop() {
            (folder.deleted, folder.owner, folder.shared) = (0, to.owner, to.shared);
            self.tx.restore_folder(&folder)?;
            self.record_folder(EventKind::CreateFolder, &folder)?;
            for mut file in self.tx.file_trashed_children(folder.id)? {
                if file.deleted == entry {
                    self.bring_back(&mut file, to.owner)?;
                }
            }
            let children = self.tx.folder_trashed_children(folder.id)?;
            next.extend(
                children
                    .into_iter()
                    .filter(|child| child.deleted == entry)
                    .rev(),
            );
            if has_new_owner {
                // What was deleted before stays with its owner.
                self.tx.move_trashed(folder.id, old_place)?;
            }
        }
        top.deleted = 0;
        Ok(top)
    }

    /// Makes a deleted file live again, in a place that belongs to `owner`.
    fn bring_back(&mut self, file: &mut File, owner: i64) -> Answer<()> {
        self.check_quota(owner, file.size)?;
        (file.deleted, file.owner) = (0, owner);
        self.tx.restore_file(file)?;
        self.use_bytes(file.owner, file.size)?;
        self.record_file(EventKind::CreateFile, file, None)
    }
}
