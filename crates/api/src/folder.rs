//! Folder methods.

use crate::args::{FolderArg, NewEntryArg, TargetArg};
use crate::field::Seconds;
use crate::listing::Listing;
use crate::metadata::Metadata;
use pileus_api_derive::{Method, Params, Reply};

/// Makes a folder. One level only: a missing parent is an error.
#[derive(Method, Params)]
#[method(name = "createfolder", caller = User, access = Write, reply = FolderReply,
         fails = [BAD_NAME, NO_PARENT, DENIED, NAME_TAKEN])]
pub struct CreateFolder {
    /// Full path of the new folder.
    pub at: NewEntryArg,
    /// Creation and modification time to record; now, if not given.
    pub ctime: Option<Seconds>,
    /// Make an encrypted folder; refused, since encryption is not offered.
    pub encrypted: bool,
}

/// A folder.
#[derive(Reply)]
pub struct FolderReply {
    /// The folder.
    pub metadata: Metadata,
}

/// Makes a folder, or tells about the one that is there already.
#[derive(Method, Params)]
#[method(name = "createfolderifnotexists", caller = User, access = Write, reply = CreatedFolderReply,
         fails = [BAD_NAME, NO_PARENT, DENIED])]
pub struct CreateFolderIfNotExists {
    /// Full path of the folder.
    pub at: NewEntryArg,
    /// Creation and modification time to record; now, if not given.
    pub ctime: Option<Seconds>,
    /// Make an encrypted folder; refused, since encryption is not offered.
    pub encrypted: bool,
}

/// A folder, and whether it is new.
#[derive(Reply)]
pub struct CreatedFolderReply {
    /// Whether this call made it.
    pub created: bool,
    /// The folder.
    pub metadata: Metadata,
}

/// Lists a folder.
#[derive(Method, Params)]
#[method(name = "listfolder", caller = User, access = Read, reply = Listing, fails = [BAD_NAME, FOLDER_MISSING])]
pub struct ListFolder {
    /// The folder; 0 is the root.
    pub folder: FolderArg,
    /// List everything below it too.
    pub recursive: bool,
    /// Show deleted entries that can still be restored.
    pub showdeleted: bool,
    /// Show folders only.
    pub nofiles: bool,
    /// Leave out what others share with the caller.
    pub noshares: bool,
}

/// Renames or moves a folder. Everything in it keeps its ids.
#[derive(Method, Params)]
#[method(name = "renamefolder", caller = User, access = Write, reply = FolderReply,
         fails = [BAD_FOLDERID, BAD_NAME, DENIED, NAME_TAKEN, FOLDER_MISSING, OVER_QUOTA, SHARE_IN_SHARE,
                  ROOT_UNMOVABLE, INTO_ITSELF])]
pub struct RenameFolder {
    /// The folder.
    pub folder: FolderArg,
    /// New full path; with a final slash, the folder to move into.
    pub to: TargetArg,
}

/// Deletes an empty folder. It goes to the trash.
#[derive(Method, Params)]
#[method(name = "deletefolder", caller = User, access = Write, reply = FolderReply,
         fails = [BAD_NAME, DENIED, FOLDER_MISSING, FOLDER_NOT_EMPTY, ROOT_UNDELETABLE, SHARES_ACTIVE])]
pub struct DeleteFolder {
    /// The folder.
    pub folder: FolderArg,
}

/// Deletes a folder with everything below it. It goes to the trash as one entry.
#[derive(Method, Params)]
#[method(name = "deletefolderrecursive", caller = User, access = Write, reply = DeletedReply,
         fails = [BAD_NAME, DENIED, FOLDER_MISSING, ROOT_UNDELETABLE])]
pub struct DeleteFolderRecursive {
    /// The folder.
    pub folder: FolderArg,
}

/// How much was deleted.
#[derive(Reply)]
pub struct DeletedReply {
    /// Number of files.
    pub deletedfiles: u64,
    /// Number of folders, the named one included.
    pub deletedfolders: u64,
}

/// Copies a folder with everything below it. Folders of the same name are merged.
#[derive(Method, Params)]
#[method(name = "copyfolder", caller = User, access = Write, reply = FolderReply,
         fails = [BAD_FOLDERID, BAD_NAME, DENIED, NAME_TAKEN, FOLDER_MISSING, OVER_QUOTA,
                  ENCRYPTION_MIX, COPY_ONTO_ITSELF, COPY_INTO_ITSELF, COPY_TARGET_MISSING])]
pub struct CopyFolder {
    /// The folder to copy.
    pub folder: FolderArg,
    /// Folder that takes the copy. Without a final slash, a path that names no folder gives the copy's name.
    #[param(missing = NO_TARGET)]
    pub to: TargetArg,
    /// Refuse if a file would be overwritten.
    pub noover: bool,
    /// Leave files alone that are there already. Beats `noover`.
    pub skipexisting: bool,
    /// Copy what is in the folder, not the folder itself.
    pub copycontentonly: bool,
}
