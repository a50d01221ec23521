//! Upload links: addresses that let anybody put files into a folder without seeing it.

use crate::args::{FolderArg, VersionArg};
use crate::field::Datetime;
use crate::metadata::Metadata;
use pileus_api_derive::{Method, Params, Reply};
use pileus_wire::UnixTime;

/// Makes a link by which anybody can put files into a folder of the caller. They belong to the caller and count for its
/// space.
#[derive(Method, Params)]
#[method(name = "createuploadlink", caller = User, access = Write, reply = NewUploadLinkReply,
         fails = [BAD_DATETIME, NO_COMMENT, BAD_NAME, FOLDER_MISSING, EMAIL_UNVERIFIED, FOLDER_NOT_OWN])]
pub struct CreateUploadLink {
    /// The folder that takes the files; the caller has to own it.
    pub folder: FolderArg,
    /// What visitors are told; at most 4096 bytes.
    #[param(missing = NO_COMMENT)]
    pub comment: String,
    /// When the link is to stop working; 0 for never.
    pub expire: Option<Datetime>,
    /// Bytes it takes; 0 is no limit.
    pub maxspace: Option<u64>,
    /// Files it takes; 0 is no limit.
    pub maxfiles: Option<u64>,
}

/// A new upload link.
#[derive(Reply)]
pub struct NewUploadLinkReply {
    /// Id, for changing and deleting it.
    pub uploadlinkid: u64,
    /// The secret that gives access.
    pub code: String,
    /// Full address, where people find a page.
    pub link: String,
}

/// Lists the caller's upload links, but for those to a folder in the trash.
#[derive(Method, Params)]
#[method(name = "listuploadlinks", caller = User, access = Read, reply = UploadLinksReply)]
pub struct ListUploadLinks {}

/// Upload links.
#[derive(Reply)]
pub struct UploadLinksReply {
    /// The links, oldest first.
    pub uploadlinks: Vec<UploadLinkInfo>,
}

/// One upload link of the caller.
#[derive(Reply)]
pub struct UploadLinkInfo {
    /// Id, for changing and deleting it.
    pub uploadlinkid: u64,
    /// The secret that gives access.
    pub code: String,
    /// Full address, where people find a page.
    pub link: String,
    /// What visitors are told.
    pub comment: String,
    /// Files that came through it. Deleting them later does not lower the number.
    pub files: u64,
    /// Their bytes.
    pub space: u64,
    /// When it was made.
    pub created: UnixTime,
    /// When its settings were last changed.
    pub modified: UnixTime,
    /// When it stops working.
    pub expires: Option<UnixTime>,
    /// The same as `expires`.
    pub expire: Option<UnixTime>,
    /// Bytes it takes, if there is a limit.
    pub maxspace: Option<u64>,
    /// Files it takes, if there is a limit.
    pub maxfiles: Option<u64>,
    /// The folder that takes the files.
    pub metadata: Metadata,
}

/// Deletes an upload link of the caller. Its code answers 7002 from then on; uploads that are running finish.
#[derive(Method, Params)]
#[method(name = "deleteuploadlink", caller = User, access = Write, fails = [UPLOAD_LINK_MISSING])]
pub struct DeleteUploadLink {
    /// The link.
    #[param(missing = NO_UPLOADLINKID)]
    pub uploadlinkid: u64,
}

/// Changes an upload link of the caller. What is not named stays; the counters stay in any case, and a limit below them
/// closes the link.
#[derive(Method, Params)]
#[method(name = "changeuploadlink", caller = User, access = Write,
         fails = [BAD_DATETIME, NO_COMMENT, UPLOAD_LINK_MISSING])]
pub struct ChangeUploadLink {
    /// The link.
    #[param(missing = NO_UPLOADLINKID)]
    pub uploadlinkid: u64,
    /// When it is to stop working; 0 for no change.
    pub expire: Option<Datetime>,
    /// Have it work for ever.
    pub deleteexpire: bool,
    /// Bytes it takes; 0 is no limit.
    pub maxspace: Option<u64>,
    /// Files it takes; 0 is no limit.
    pub maxfiles: Option<u64>,
    /// What visitors are told; at most 4096 bytes.
    pub comment: Option<String>,
}

/// Shows visitors what they may know of an upload link.
#[derive(Method, Params)]
#[method(name = "showuploadlink", caller = Anyone, access = Public, reply = ShownUploadLinkReply,
         fails = [LINK_UNKNOWN, LINK_DELETED, LINK_EXPIRED, LINK_SPACE_USED, LINK_FILES_USED])]
pub struct ShowUploadLink {
    /// Code of the link.
    #[param(missing = NO_CODE)]
    pub code: String,
}

/// An upload link for its visitors. Where there is no limit, nothing is said about it.
#[derive(Debug, PartialEq, Eq, Reply)]
pub struct ShownUploadLinkReply {
    /// What its owner has to say.
    pub comment: String,
    /// Bytes it takes.
    pub maxspace: Option<u64>,
    /// Bytes it has taken.
    pub space: Option<u64>,
    /// Files it takes.
    pub maxfiles: Option<u64>,
    /// Files it has taken.
    pub files: Option<u64>,
    /// When it stops working.
    pub expires: Option<UnixTime>,
}

/// Uploads files through an upload link. The data comes as with `uploadfile`. A name that is taken is never overwritten:
/// the file gets another one. A file that passes a limit is refused whole, and those before it stay.
#[derive(Method, Params)]
#[method(name = "uploadtolink", caller = Anyone, access = Streams,
         fails = [BAD_NAME, UPLOAD_BROKEN, NO_FILES, UPLOAD_FAILED, LINK_UNKNOWN, LINK_DELETED, LINK_EXPIRED,
                  LINK_SPACE_USED, LINK_FILES_USED])]
pub struct UploadToLink {
    /// Code of the link; in a form it stands before the files.
    #[param(missing = NO_CODE)]
    pub code: String,
    /// Name of the file, where the transport does not carry one.
    #[param(missing = BAD_NAME)]
    pub filename: Option<String>,
    /// Save nothing of a file whose upload breaks. Otherwise what has arrived becomes a file.
    pub nopartial: bool,
    /// Key for `uploadlinkprogress`.
    pub progresshash: Option<String>,
    /// Who uploads; the owner is told.
    pub names: Option<String>,
}

/// Tells how far a running upload through an upload link is.
#[derive(Method, Params)]
#[method(name = "uploadlinkprogress", caller = Anyone, access = Public, reply = LinkProgressReply,
         fails = [UPLOAD_UNKNOWN, LINK_UNKNOWN])]
pub struct UploadLinkProgress {
    /// Code of the link.
    #[param(missing = NO_CODE)]
    pub code: String,
    /// The key that the upload was given.
    #[param(missing = NO_PROGRESSHASH)]
    pub progresshash: String,
}

/// How far an upload through a link is.
#[derive(Reply)]
pub struct LinkProgressReply {
    /// Bytes of the whole request; 0 if it did not tell.
    pub total: u64,
    /// Bytes of it that have arrived.
    pub uploaded: u64,
    /// Name of the file that is arriving.
    pub currentfile: Option<String>,
    /// Bytes of that file that have arrived.
    pub currentfileuploaded: Option<u64>,
    /// Number of the file that is arriving, from 1.
    pub filenumber: u64,
    /// Whether the upload has ended.
    pub finished: bool,
}

/// Copies a file of the caller into the folder of an upload link, which need not be the caller's. That counts as an
/// upload; a name that is taken is not overwritten.
#[derive(Method, Params)]
#[method(name = "copytolink", caller = User, access = Write,
         fails = [BAD_NAME, NO_PARENT, FILE_MISSING, BAD_PATH, REVISION_MISSING, LINK_UNKNOWN, LINK_DELETED,
                  LINK_EXPIRED, LINK_SPACE_USED, LINK_FILES_USED])]
pub struct CopyToLink {
    /// Code of the link.
    #[param(missing = NO_CODE)]
    pub code: String,
    /// The file, or one of its revisions.
    pub file: VersionArg,
    /// Name of the copy; that of the file, if not given.
    #[param(missing = BAD_NAME)]
    pub toname: Option<String>,
}

/// Says that a visitor has uploaded everything. The owner gets a mail, unless that was the case a short while ago.
#[derive(Method, Params)]
#[method(name = "notifyuploadlink", caller = Anyone, access = Public, fails = [CODE_INVALID])]
pub struct NotifyUploadLink {
    /// Code of the link.
    #[param(missing = NO_CODE)]
    pub code: String,
}
