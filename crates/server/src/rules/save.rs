//! Saving a content as a file: all the ways a name can be taken.

use crate::call::{Answer, Need};
use crate::cx::Edit;
use crate::rules::access::Right;
use pileus_api::event::EventKind;
use pileus_api::file::IfHash;
use pileus_api::name::suffixed;
use pileus_store::ContentHash;
use pileus_store::files::File;
use pileus_store::folders::Folder;
use pileus_store::revisions::Revision;

/// Times that a client asks to record.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Times {
    /// Modification time.
    pub modified: Option<i64>,
    /// Creation time; counts only together with the other.
    pub created: Option<i64>,
}

/// A content that the edit already holds a reference to.
#[derive(Clone, Copy, Debug)]
pub struct Held {
    /// The content.
    pub blob: i64,
    /// Bytes.
    pub size: i64,
    /// Hash of the content.
    pub hash: ContentHash,
}

/// What happens if the name is taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfTaken {
    /// The old content becomes a revision.
    Overwrite,
    /// The new file gets another name.
    Rename,
    /// The old content becomes a revision if the condition holds; otherwise the new file gets another name and is
    /// marked.
    Check(IfHash),
}

/// A saved file.
#[derive(Clone, Debug)]
pub struct Saved {
    /// The file.
    pub file: File,
    /// Whether a condition failed and it was saved under another name.
    pub conflicted: bool,
}

impl Edit<'_, '_> {
    /// Saves a content under a name in a folder. The reference to the content goes over to the file.
    pub fn save(
        &mut self,
        folder: &mut Folder,
        name: &str,
        held: Held,
        times: Times,
        if_taken: IfTaken,
    ) -> Answer<Saved> {
        let taken = self.tx.file_child(folder.id, name)?;
        let (name, conflicted) = match (taken, if_taken) {
            (None, _) => (name.to_owned(), false),
            (Some(taken), IfTaken::Overwrite) => return self.save_over(folder, taken, held, times),
            (Some(taken), IfTaken::Check(IfHash::Is(hash))) if taken.hash.0 == hash => {
                return self.save_over(folder, taken, held, times);
            }
            (Some(_), IfTaken::Rename) => (self.free_file_name(folder.id, name)?, false),
            (Some(_), IfTaken::Check(_)) => (self.conflicted_name(folder.id, name)?, true),
        };
        self.require(folder, Right::Create)?;
        self.check_quota(folder.owner, held.size)?;
        let file = match self.tx.file_trashed_child(folder.id, &name)? {
            // Only for the owner: what a recipient never saw would be among the revisions.
            Some(deleted) if deleted.owner == self.user.account.id => {
                self.revive(deleted, held, times)?
            }
            _ => self.create(folder, &name, held, times)?,
        };
        self.added(folder, &file)?;
        Ok(Saved { file, conflicted })
    }

    /// Saves a content in a folder that has just been made, where nothing can be in the way. The quota has been
    /// checked.
    pub fn save_new(
        &mut self,
        folder: &mut Folder,
        name: &str,
        held: Held,
        times: Times,
    ) -> Answer<()> {
        let file = self.create(folder, name, held, times)?;
        self.added(folder, &file)
    }

    fn added(&mut self, folder: &mut Folder, file: &File) -> Answer<()> {
        self.use_bytes(folder.owner, file.size)?;
        self.touch(folder)?;
        self.record_file(EventKind::CreateFile, file, None)
    }

    /// `report (conflicted).txt`, then `report (conflicted 2).txt`, …
    fn conflicted_name(&mut self, folder: i64, name: &str) -> Answer<String> {
        let form = |name: &str, number: u64| match number {
            2 => suffixed(name, " (conflicted)"),
            _ => suffixed(name, &format!(" (conflicted {})", number - 1)),
        };
        self.free_name(name, form, |cx, candidate| {
            Ok(cx.tx.file_child(folder, candidate)?.is_none())
        })
    }

    fn create(&mut self, folder: &Folder, name: &str, held: Held, times: Times) -> Answer<File> {
        let now = self.now.0;
        let file = File {
            id: self.tx.id()?,
            owner: folder.owner,
            folder: folder.id,
            name: name.to_owned(),
            created: times.creation(now),
            modified: times.modified.unwrap_or(now),
            deleted: 0,
            revisionid: self.tx.id()?,
            stored: now,
            blob: held.blob,
            size: held.size,
            hash: held.hash,
            media: None,
        };
        self.tx.insert_file(&file)?;
        Ok(file)
    }

    /// A new file under the name of a deleted one in the same folder is that file again; what it held becomes a
    /// revision.
    fn revive(&mut self, mut file: File, held: Held, times: Times) -> Answer<File> {
        self.require_committed(file.id)?;
        let now = self.now.0;
        self.tx.remove_trash_entry_of_file(file.deleted, file.id)?;
        self.keep_as_revision(&file)?;
        file.deleted = 0;
        file.created = times.creation(now);
        self.set_content(&mut file, held, times.modified.unwrap_or(now))?;
        self.tx.restore_file(&file)?;
        self.tx
            .set_file_times(file.id, file.created, file.modified)?;
        Ok(file)
    }

    /// Replaces the content of a file, or only its times if the content is the same.
    pub fn save_over(
        &mut self,
        folder: &mut Folder,
        mut file: File,
        held: Held,
        times: Times,
    ) -> Answer<Saved> {
        self.require(folder, Right::Modify)?;
        self.require_committed(file.id)?;
        let now = self.now.0;
        let modified = times.modified.unwrap_or(now);
        let before = (file.created, file.modified);
        if let (Some(created), Some(_)) = (times.created, times.modified) {
            file.created = created;
        }
        if file.hash == held.hash && file.size == held.size {
            self.tx.release_content(held.blob, now)?;
            file.modified = modified;
            self.set_times(&mut file, before)?;
            return Ok(Saved {
                file,
                conflicted: false,
            });
        }
        self.check_quota(file.owner, held.size)?;
        self.use_bytes(file.owner, held.size - file.size)?;
        self.keep_as_revision(&file)?;
        self.set_content(&mut file, held, modified)?;
        if file.created != before.0 {
            self.tx
                .set_file_times(file.id, file.created, file.modified)?;
        }
        self.touch(folder)?;
        self.record_file(EventKind::ModifyFile, &file, None)?;
        Ok(Saved {
            file,
            conflicted: false,
        })
    }

    /// Makes sure that what was written through descriptors is not overtaken by what replaces it.
    pub fn require_committed(&self, file: i64) -> Answer<()> {
        if self.app.open_files.is_dirty(file) {
            return Err(Need::Commit { file }.into());
        }
        Ok(())
    }

    /// Writes the times of a file, if they have changed.
    pub fn set_times(&mut self, file: &mut File, before: (i64, i64)) -> Answer<()> {
        if before == (file.created, file.modified) {
            return Ok(());
        }
        self.tx
            .set_file_times(file.id, file.created, file.modified)?;
        self.record_file(EventKind::ModifyFile, file, None)
    }

    /// Makes the current content a revision; the reference goes over to it.
    pub fn keep_as_revision(&mut self, file: &File) -> Answer<()> {
        let revision = Revision {
            id: file.revisionid,
            file: file.id,
            blob: file.blob,
            size: file.size,
            hash: file.hash,
            stored: file.stored,
            replaced: self.now.0,
        };
        Ok(self.tx.insert_revision(&revision)?)
    }

    /// Gives a file another content; the reference goes over to it.
    pub fn set_content(&mut self, file: &mut File, held: Held, modified: i64) -> Answer<()> {
        (file.blob, file.size, file.hash) = (held.blob, held.size, held.hash);
        file.revisionid = self.tx.id()?;
        (file.stored, file.modified) = (self.now.0, modified);
        Ok(self.tx.set_file_content(file)?)
    }
}

impl Times {
    /// Creation time of a new file. Without an own one it is the modification time, as the Java SDK's suite expects.
    fn creation(self, now: i64) -> i64 {
        match self {
            Self { modified: None, .. } => now,
            Self {
                modified: Some(modified),
                created,
            } => created.unwrap_or(modified),
        }
    }
}
