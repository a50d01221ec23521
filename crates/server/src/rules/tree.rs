//! Finding entries. What the caller cannot see does not exist.

use crate::call::Answer;
use crate::cx::View;
use crate::rules::access::Place;
use pileus_api::Code;
use pileus_api::args::{FileRef, FolderRef, VersionArg};
use pileus_api::name::Path;
use pileus_store::StoreError;
use pileus_store::contents::Content;
use pileus_store::files::File;
use pileus_store::folders::Folder;

/// A version of a file: the file's row with the content columns of the version.
#[derive(Clone, Debug)]
pub struct Version {
    /// The file.
    pub file: File,
    /// Id of the earlier revision, if it is not the current content.
    pub revisionid: Option<i64>,
}

impl View<'_, '_> {
    /// The caller's root folder.
    pub fn root(&mut self) -> Answer<Folder> {
        Ok(self
            .tx
            .folder(self.user.account.root)?
            .ok_or(StoreError::Missing)?)
    }

    /// A live folder that the caller can see, by its id on the wire.
    pub fn folder_by_id(&mut self, id: u64) -> Answer<Option<Folder>> {
        if id == 0 {
            return self.root().map(Some);
        }
        let Ok(id) = i64::try_from(id) else {
            return Ok(None);
        };
        let root = self.user.account.root;
        // A root has one name on the wire, and that is 0.
        let is_named = |folder: &Folder| folder.parent != 0 && folder.id != root;
        match self.find_folder(id)? {
            Some(folder) if folder.deleted == 0 && is_named(&folder) => self.seen(folder),
            _ => Ok(None),
        }
    }

    /// A live folder that the caller can see, by path.
    pub fn folder_by_path(&mut self, path: &Path) -> Answer<Option<Folder>> {
        let mut folder = self.root()?;
        for name in &path.parts {
            match self.child_folder(folder.id, name)? {
                Some(child) => folder = child,
                None => return Ok(None),
            }
        }
        // What is asked next is who sees what is in it.
        self.known.note_place(folder.id, Place::from(&folder));
        Ok(Some(folder))
    }

    /// A folder; `missing` if the caller cannot see it.
    pub fn folder_or(&mut self, folder: &FolderRef, missing: Code) -> Answer<Folder> {
        let found = match folder {
            FolderRef::Id(id) => self.folder_by_id(*id)?,
            FolderRef::Path(path) => self.folder_by_path(path)?,
        };
        found.ok_or_else(|| missing.into())
    }

    /// A folder; 2005 if the caller cannot see it.
    pub fn folder(&mut self, folder: &FolderRef) -> Answer<Folder> {
        self.folder_or(folder, Code::FOLDER_MISSING)
    }

    /// Whether a folder is another folder or lies somewhere below it.
    pub fn is_within(&mut self, folder: &Folder, other: i64) -> Answer<bool> {
        let mut at = folder.clone();
        loop {
            if at.id == other {
                return Ok(true);
            }
            match self.parent_of(&at)? {
                Some(parent) => at = parent,
                None => return Ok(false),
            }
        }
    }

    /// A live file that the caller can see, by id.
    pub fn file_by_id(&mut self, id: u64) -> Answer<Option<File>> {
        let Ok(id) = i64::try_from(id) else {
            return Ok(None);
        };
        let file = self.find_file(id)?;
        Ok(file.filter(|file| file.deleted == 0))
    }

    /// A file: 2009 if the caller cannot see it, 2002 if a folder on the way is missing.
    pub fn file(&mut self, file: &FileRef) -> Answer<File> {
        let found = match file {
            FileRef::Id(id) => self.file_by_id(*id)?,
            FileRef::Path(path) => {
                let (parent, name) = path.clone().split_last().ok_or(Code::FILE_MISSING)?;
                let parent = self.folder_by_path(&parent)?.ok_or(Code::NO_PARENT)?;
                self.tx.file_child(parent.id, &name)?
            }
        };
        found.ok_or_else(|| Code::FILE_MISSING.into())
    }

    /// A version of a file: 2029 if the file has no such revision.
    pub fn version(&mut self, version: &VersionArg) -> Answer<Version> {
        let file = self.file(&version.file)?;
        match version.revisionid {
            None => Ok(Version {
                file,
                revisionid: None,
            }),
            Some(id) => self.revision_of(file, id),
        }
    }

    fn revision_of(&mut self, mut file: File, id: u64) -> Answer<Version> {
        let id = i64::try_from(id).map_err(|_| Code::REVISION_MISSING)?;
        if id == file.revisionid {
            return Ok(Version {
                file,
                revisionid: None,
            });
        }
        let revision = self
            .tx
            .revision(id)?
            .filter(|revision| revision.file == file.id && self.is_kept(revision.replaced));
        let revision = revision.ok_or(Code::REVISION_MISSING)?;
        (file.blob, file.size, file.hash, file.stored) =
            (revision.blob, revision.size, revision.hash, revision.stored);
        Ok(Version {
            file,
            revisionid: Some(id),
        })
    }

    /// The version of a file whose content has this hash; 2009 if there is none.
    pub fn version_by_hash(&mut self, version: Version, hash: Option<u64>) -> Answer<Version> {
        let Some(hash) = hash.filter(|&hash| hash != version.file.hash.0) else {
            return Ok(version);
        };
        let revisions = self.tx.revisions(version.file.id)?;
        let revision = revisions
            .into_iter()
            .find(|revision| revision.hash.0 == hash)
            .ok_or(Code::FILE_MISSING)?;
        self.revision_of(version.file, revision.id.unsigned_abs())
    }

    /// Checksums and place of a version's content.
    pub fn content_of(&mut self, file: &File) -> Answer<Content> {
        Ok(self.tx.content(file.blob)?.ok_or(StoreError::Missing)?)
    }
}
