//! Revisions: earlier contents of files.

use crate::args::{FileArg, FileRef};
use crate::metadata::Metadata;
use pileus_api_derive::{Method, Params, Reply};
use pileus_wire::UnixTime;

/// Lists the earlier contents of a file, newest first. The current one is not among them.
#[derive(Method, Params)]
#[method(name = "listrevisions", caller = User, access = Read, reply = RevisionsReply,
         fails = [BAD_NAME, NO_PARENT, FILE_MISSING, BAD_PATH])]
pub struct ListRevisions {
    /// The file.
    pub file: FileArg,
    /// Add checksums.
    pub showchecksums: bool,
}

/// Revisions of a file.
#[derive(Reply)]
pub struct RevisionsReply {
    /// The revisions.
    pub revisions: Vec<Revision>,
    /// The file.
    pub metadata: Metadata,
    /// SHA-1 of the current content in lower-case hex, if asked for.
    pub sha1: Option<String>,
    /// MD5 of the current content.
    pub md5: Option<String>,
    /// SHA-256 of the current content.
    pub sha256: Option<String>,
}

/// One earlier content.
#[derive(Reply)]
pub struct Revision {
    /// Its id.
    pub revisionid: u64,
    /// Bytes.
    pub size: u64,
    /// Hash of the content.
    pub hash: u64,
    /// When it was stored.
    pub created: UnixTime,
    /// SHA-1 in lower-case hex, if asked for.
    pub sha1: Option<String>,
    /// MD5.
    pub md5: Option<String>,
    /// SHA-256.
    pub sha256: Option<String>,
}

/// Makes an earlier content the current one. The replaced content becomes a revision.
#[derive(Method, Params)]
#[method(name = "revertrevision", caller = User, access = Write, reply = RevertReply,
         fails = [BAD_NAME, NO_PARENT, DENIED, OVER_QUOTA, FILE_MISSING, BAD_PATH])]
pub struct RevertRevision {
    /// The file.
    pub file: FileArg,
    /// The revision.
    #[param(missing = REVISION_MISSING)]
    pub revisionid: u64,
}

/// A file with its old content.
#[derive(Reply)]
pub struct RevertReply {
    /// The file.
    pub metadata: Metadata,
}

impl From<FileArg> for FileRef {
    fn from(FileArg(file): FileArg) -> Self {
        file
    }
}
