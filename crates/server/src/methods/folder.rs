//! Folder methods.

use crate::call::Answer;
use crate::cx::{Edit, View};
use crate::dispatch::{Reads, Writes};
use crate::methods::listing::{Scope, list};
use crate::rules::copy::Existing;
use crate::rules::metadata::below;
use pileus_api::args::{FolderRef, NewEntryArg, TargetArg};
use pileus_api::field::Seconds;
use pileus_api::folder::{
    CopyFolder, CreateFolder, CreateFolderIfNotExists, CreatedFolderReply, DeleteFolder,
    DeleteFolderRecursive, DeletedReply, FolderReply, ListFolder, RenameFolder,
};
use pileus_api::{Code, Listing, Metadata};
use pileus_store::folders::Folder;

/// Metadata of a folder that was addressed by path.
fn with_path(mut metadata: Metadata, path: Option<String>) -> Metadata {
    metadata.path = path.or(metadata.path);
    metadata
}

/// The path of a new entry, if it was given by path.
fn new_path(at: &NewEntryArg) -> Option<String> {
    match (&at.parent, &at.name) {
        (FolderRef::Path(parent), Some(name)) => Some(below(&parent.to_text(), name)),
        _ => None,
    }
}

fn time(ctime: Option<Seconds>) -> Option<i64> {
    ctime.map(|seconds| seconds.time().0)
}

impl Writes for CreateFolder {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<FolderReply> {
        let name = self.at.name.as_deref().ok_or(Code::BAD_NAME)?;
        let mut parent = cx.folder_or(&self.at.parent, Code::NO_PARENT)?;
        if self.encrypted {
            return Err(Code::DENIED.into());
        }
        if cx.tx.folder_child(parent.id, name)?.is_some() {
            return Err(Code::NAME_TAKEN.into());
        }
        let folder = cx.make_folder(&mut parent, name, time(self.ctime))?;
        Ok(FolderReply {
            metadata: with_path(cx.folder_metadata(&folder)?, new_path(&self.at)),
        })
    }
}

impl Writes for CreateFolderIfNotExists {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<CreatedFolderReply> {
        let mut parent = cx.folder_or(&self.at.parent, Code::NO_PARENT)?;
        let (created, folder) = match &self.at.name {
            None => (false, parent),
            Some(name) => match cx.child_folder(parent.id, name)? {
                Some(folder) => (false, folder),
                None if self.encrypted => return Err(Code::DENIED.into()),
                None => (true, cx.make_folder(&mut parent, name, time(self.ctime))?),
            },
        };
        let metadata = with_path(cx.folder_metadata(&folder)?, new_path(&self.at));
        Ok(CreatedFolderReply { created, metadata })
    }
}

impl Reads for ListFolder {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<Listing> {
        let folder = match cx.folder(&self.folder.0) {
            Err(fail) if self.showdeleted && fail.code == Code::FOLDER_MISSING => {
                match self.folder.0 {
                    FolderRef::Id(id) => cx.trashed_folder(id).map_err(|_| fail)?,
                    FolderRef::Path(_) => return Err(fail),
                }
            }
            found => found?,
        };
        list(
            cx,
            &folder,
            Scope {
                recursive: self.recursive,
                deleted: self.showdeleted,
                files: !self.nofiles,
                shares: !self.noshares,
            },
        )
    }
}

impl Writes for RenameFolder {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<FolderReply> {
        let folder = cx.folder(&self.folder.0)?;
        if folder.id == cx.user.account.root {
            return Err(Code::ROOT_UNMOVABLE.into());
        }
        let (parent, name) = cx.target(&self.to, folder.parent, &folder.name)?;
        if cx.is_within(&parent, folder.id)? {
            return Err(Code::INTO_ITSELF.into());
        }
        let folder = cx.move_folder(folder, parent, name)?;
        Ok(FolderReply {
            metadata: cx.folder_metadata(&folder)?,
        })
    }
}

/// The folder of a delete call; the root stays.
fn deletable(cx: &mut Edit<'_, '_>, folder: &FolderRef) -> Answer<Folder> {
    let folder = cx.folder(folder)?;
    if folder.id == cx.user.account.root {
        Err(Code::ROOT_UNDELETABLE.into())
    } else {
        Ok(folder)
    }
}

impl Writes for DeleteFolder {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<FolderReply> {
        let folder = deletable(cx, &self.folder.0)?;
        if cx.mounted(&folder)?.is_none() {
            let has_folders = cx.tx.folder_has_folders(folder.id)?;
            if folder.shares > 0 || (has_folders && cx.has_shares_within(&folder)?) {
                return Err(Code::SHARES_ACTIVE.into());
            }
            if has_folders || cx.tx.folder_has_files(folder.id)? {
                return Err(Code::FOLDER_NOT_EMPTY.into());
            }
        }
        let folder = cx.delete_folder(folder)?;
        Ok(FolderReply {
            metadata: cx.folder_metadata(&folder)?,
        })
    }
}

impl Writes for DeleteFolderRecursive {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<DeletedReply> {
        let folder = deletable(cx, &self.folder.0)?;
        let deleted = cx.delete_tree(folder)?;
        Ok(DeletedReply {
            deletedfiles: deleted.files,
            deletedfolders: deleted.folders,
        })
    }
}

/// The folder that takes the copy, and the name of the copy in it. A whole path names either an existing folder to
/// copy into, or the copy itself.
fn place_of_copy(to: &TargetArg, cx: &mut Edit<'_, '_>, from: &Folder) -> Answer<(Folder, String)> {
    let parent = to.parent.as_ref().ok_or(Code::NO_TARGET)?;
    let missing = match parent {
        FolderRef::Id(_) => Code::COPY_TARGET_MISSING,
        // A path whose last part alone is missing names the target; a missing part on the way is another matter.
        FolderRef::Path(path) => match path.clone().split_last() {
            Some((above, _)) if !to.whole_path && cx.folder_by_path(&above)?.is_some() => {
                Code::COPY_TARGET_MISSING
            }
            _ => Code::FOLDER_MISSING,
        },
    };
    let parent = cx.folder_or(parent, missing)?;
    let own_name = || from.name.clone();
    match &to.name {
        None => Ok((parent, own_name())),
        Some(name) if !to.whole_path => Ok((parent, name.clone())),
        Some(name) => match cx.child_folder(parent.id, name)? {
            Some(existing) => Ok((existing, own_name())),
            None => Ok((parent, name.clone())),
        },
    }
}

impl Writes for CopyFolder {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<FolderReply> {
        let from = cx.folder(&self.folder.0)?;
        let (mut parent, name) = place_of_copy(&self.to, cx, &from)?;
        let existing = match (self.skipexisting, self.noover) {
            (true, _) => Existing::Keep,
            (false, true) => Existing::Refuse,
            (false, false) => Existing::Overwrite,
        };
        let is_onto_itself = if self.copycontentonly {
            parent.id == from.id
        } else {
            from.id == cx.user.account.root || (parent.id == from.parent && name == from.name)
        };
        if is_onto_itself {
            return Err(Code::COPY_ONTO_ITSELF.into());
        }
        if cx.is_within(&parent, from.id)? {
            return Err(Code::COPY_INTO_ITSELF.into());
        }
        let copy = if self.copycontentonly {
            cx.copy_into(from, parent.clone(), existing)?;
            parent
        } else {
            cx.copy_folder(from, &mut parent, &name, existing)?
        };
        Ok(FolderReply {
            metadata: cx.folder_metadata(&copy)?,
        })
    }
}
