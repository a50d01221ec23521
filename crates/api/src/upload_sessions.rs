//! Upload sessions: contents that arrive over many calls, survive broken connections and restarts, and become files at
//! last. The sync client and the drive use them for all but small files.
//!
//! A session is seen by nobody else, makes no events and uses no quota until it is saved. It ends 30 days after the last
//! write.

use crate::args::IntoFolderArg;
use crate::field::Seconds;
use crate::file::{Checksums, IfHash};
use crate::metadata::Metadata;
use pileus_api_derive::{Method, Params, Reply};

/// Begins an upload session. An account has at most 1,000 of them at a time; more answer 4010.
#[derive(Method, Params)]
#[method(name = "upload_create", caller = User, access = Write, reply = UploadCreated, fails = [OVER_QUOTA])]
pub struct UploadCreate {
    /// Bytes that the file will have. Only a hint: what cannot fit is refused at once.
    pub filesize: Option<u64>,
}

/// A new session.
#[derive(Reply)]
pub struct UploadCreated {
    /// Its id, which is never used again.
    pub uploadid: u64,
}

/// Writes the data of the request into a session, in any order. A gap behind the present end is filled with zeroes.
///
/// What has arrived is kept if the connection breaks; `upload_info` tells where to go on.
#[derive(Method, Params)]
#[method(name = "upload_write", caller = User, access = Streams, reply = UploadSize,
         fails = [OVER_QUOTA, UPLOAD_BROKEN, UPLOADID_MISSING, UPLOAD_UNWRITABLE, UPLOAD_FAILED])]
pub struct UploadWrite {
    /// The session.
    #[param(missing = UPLOADID_MISSING)]
    pub uploadid: u64,
    /// Where the data goes.
    #[param(missing = NO_OFFSET)]
    pub uploadoffset: u64,
}

/// How far a session is.
#[derive(Reply)]
pub struct UploadSize {
    /// Bytes of the session.
    pub size: u64,
}

/// Writes a piece of a file's content into a session, so that the client need not send what the server has.
#[derive(Method, Params)]
#[method(name = "upload_writefromfile", caller = User, access = Streams, reply = UploadSize,
         fails = [OVER_QUOTA, FILE_MISSING, UPLOADID_MISSING, UPLOAD_UNWRITABLE, UPLOAD_FAILED])]
pub struct UploadWriteFromFile {
    /// The session.
    #[param(missing = UPLOADID_MISSING)]
    pub uploadid: u64,
    /// Where the piece goes.
    #[param(missing = NO_OFFSET)]
    pub uploadoffset: u64,
    /// The file.
    #[param(missing = NO_FILEID)]
    pub fileid: u64,
    /// Hash of the content version, current or earlier; the current one, if not given.
    pub hash: Option<u64>,
    /// First byte of the piece.
    #[param(missing = NO_OFFSET)]
    pub offset: u64,
    /// Bytes of the piece. A content that ends earlier answers 2009.
    #[param(missing = NO_COUNT)]
    pub count: u64,
}

/// Writes a piece of another session of the caller into a session.
#[derive(Method, Params)]
#[method(name = "upload_writefromupload", caller = User, access = Streams, reply = UploadSize,
         fails = [OVER_QUOTA, FILE_MISSING, UPLOADID_MISSING, UPLOAD_UNWRITABLE, UPLOAD_FAILED])]
pub struct UploadWriteFromUpload {
    /// The session.
    #[param(missing = UPLOADID_MISSING)]
    pub uploadid: u64,
    /// Where the piece goes.
    #[param(missing = NO_OFFSET)]
    pub uploadoffset: u64,
    /// The session that is read.
    #[param(missing = UPLOADID_MISSING)]
    pub readuploadid: u64,
    /// First byte of the piece.
    #[param(missing = NO_OFFSET)]
    pub offset: u64,
    /// Bytes of the piece. A session that ends earlier answers 2009.
    #[param(missing = NO_COUNT)]
    pub count: u64,
}

/// Tells how far a session is, and the checksums of what it holds.
#[derive(Method, Params)]
#[method(name = "upload_info", caller = User, access = Streams, reply = UploadState,
         fails = [UPLOADID_MISSING, UPLOAD_UNWRITABLE, UPLOAD_FAILED])]
pub struct UploadInfo {
    /// The session.
    #[param(missing = UPLOADID_MISSING)]
    pub uploadid: u64,
}

/// What a session holds.
#[derive(Reply)]
pub struct UploadState {
    /// Bytes.
    pub size: u64,
    /// SHA-1 of them in lower-case hex.
    pub sha1: String,
    /// MD5 in lower-case hex.
    pub md5: String,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
}

/// Sends the block checksums of a session, in the form that `getchecksumlink` describes. They follow the answer as raw
/// bytes whose number is not told; over HTTP they are the body. An empty session has none and answers 2067.
#[derive(Method, Params)]
#[method(name = "upload_blockchecksums", caller = User, access = Streams,
         fails = [UPLOADID_MISSING, UPLOAD_UNWRITABLE, UPLOAD_FAILED])]
pub struct UploadBlockChecksums {
    /// The session.
    #[param(missing = UPLOADID_MISSING)]
    pub uploadid: u64,
}

/// Drops a session with what it holds.
#[derive(Method, Params)]
#[method(name = "upload_delete", caller = User, access = Streams, fails = [UPLOADID_MISSING])]
pub struct UploadDelete {
    /// The session.
    #[param(missing = UPLOADID_MISSING)]
    pub uploadid: u64,
}

/// Makes a file of a session, as an upload of its bytes would. That takes no longer for a large one than for a small one.
/// The session is gone then; if it is refused, it stays.
#[derive(Method, Params)]
#[method(name = "upload_save", caller = User, access = Streams, reply = UploadSaved,
         fails = [BAD_NAME, DENIED, FOLDER_MISSING, OVER_QUOTA, UPLOADID_MISSING, UPLOAD_UNWRITABLE, UPLOAD_FAILED])]
pub struct UploadSave {
    /// The session.
    #[param(missing = UPLOADID_MISSING)]
    pub uploadid: u64,
    /// The folder that takes the file.
    pub folder: IntoFolderArg,
    /// Name of the file.
    #[param(missing = BAD_NAME)]
    pub name: String,
    /// Modification time to record; now, if not given.
    pub mtime: Option<Seconds>,
    /// Creation time to record; only together with `mtime`.
    pub ctime: Option<Seconds>,
    /// Replace a file only on this condition; otherwise the upload is saved beside it under another name.
    pub ifhash: Option<IfHash>,
    /// If the name is taken, choose another instead of replacing the file.
    pub renameifexists: bool,
    /// Save into an encrypted folder; refused, since encryption is not offered.
    pub encrypted: bool,
}

/// The file that a session has become.
#[derive(Reply)]
pub struct UploadSaved {
    /// The file.
    pub metadata: Metadata,
    /// Its checksums, as a list of one.
    pub checksums: Vec<Checksums>,
}
