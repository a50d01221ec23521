//! File methods.

use crate::args::{FileArg, FileRef, IntoFolderArg, TargetArg, VersionArg};
use crate::codes::Code;
use crate::field::{Field, KnownTime, Optional, Seconds, put, spec, text_value};
use crate::metadata::Metadata;
use crate::method::{Decode, ParamSpec};
use crate::progress::ProgressReply;
use pileus_api_derive::{Method, Params, Reply};
use pileus_wire::{Params as Given, Value};

/// On which condition an upload may replace a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IfHash {
    /// Only if its content has this hash.
    Is(u64),
    /// Never: the name must be free.
    New,
}

impl Field for IfHash {
    fn take(name: &'static str, missing: Option<Code>, params: &Given) -> Result<Self, Code> {
        Self::take_optional(name, params)?.ok_or(missing.unwrap_or(Code::INTERNAL))
    }
    fn put(&self, name: &'static str, params: &mut Given) {
        put(
            params,
            name,
            match self {
                Self::Is(hash) => Value::Num(*hash),
                Self::New => text_value("new"),
            },
        );
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        out.push(spec(name, "int or \"new\"", doc, missing));
    }
}

impl Optional for IfHash {
    fn take_optional(name: &'static str, params: &Given) -> Result<Option<Self>, Code> {
        let is_new = matches!(params.text(name), Some(Ok(text)) if text == "new");
        Ok(if is_new {
            Some(Self::New)
        } else {
            params.uint(name).map(Self::Is)
        })
    }
}

/// Uploads files. The data comes as multipart parts with a file name, as the body of a PUT or POST, or as the data of
/// a binary request.
#[derive(Method, Params)]
#[method(name = "uploadfile", caller = User, access = Streams, reply = UploadReply,
         fails = [BAD_NAME, DENIED, FOLDER_MISSING, OVER_QUOTA, UPLOAD_BROKEN, UPLOAD_FAILED])]
pub struct UploadFile {
    /// The folder that takes the files.
    pub folder: IntoFolderArg,
    /// Name of the file, where the transport does not carry one.
    #[param(missing = BAD_NAME)]
    pub filename: Option<String>,
    /// Save nothing if the connection breaks. Otherwise what has arrived becomes a file.
    pub nopartial: bool,
    /// Key for `uploadprogress`.
    pub progresshash: Option<String>,
    /// If the name is taken, choose another instead of replacing the file.
    pub renameifexists: bool,
    /// Modification time to record; now, if not given.
    pub mtime: Option<Seconds>,
    /// Creation time to record; only together with `mtime`.
    pub ctime: Option<Seconds>,
    /// Replace a file only on this condition; otherwise the upload is saved beside it under another name.
    pub ifhash: Option<IfHash>,
    /// Upload into an encrypted folder; refused, since encryption is not offered.
    pub encrypted: bool,
}

/// The uploaded files.
#[derive(Reply)]
pub struct UploadReply {
    /// Ids, in the order of the upload.
    pub fileids: Vec<u64>,
    /// The files, in the same order.
    pub metadata: Vec<Metadata>,
    /// Checksums, in the same order.
    pub checksums: Vec<Checksums>,
}

/// Checksums of one content, in lower-case hex.
#[derive(Clone, Debug, PartialEq, Eq, Reply)]
pub struct Checksums {
    /// SHA-1.
    pub sha1: String,
    /// MD5.
    pub md5: String,
    /// SHA-256.
    pub sha256: String,
}

/// Tells how far a running upload is, or a download from URLs.
#[derive(Method, Params)]
#[method(name = "uploadprogress", caller = User, access = Public, reply = ProgressReply, fails = [UPLOAD_UNKNOWN])]
pub struct UploadProgress {
    /// The key that the upload or download was given.
    #[param(missing = NO_PROGRESSHASH)]
    pub progresshash: String,
}

/// Fetches files from URLs, and answers when that is done. A URL of which nothing comes is no error of the call; its file
/// is missing in the answer.
#[derive(Method, Params)]
#[method(name = "downloadfile", caller = Account, access = Waits, reply = DownloadReply,
         fails = [BAD_NAME, DENIED, FOLDER_MISSING, OVER_QUOTA])]
pub struct DownloadFile {
    /// What to fetch.
    pub order: DownloadArg,
}

/// Fetches files from URLs, and answers at once. The work goes on when the connection ends.
#[derive(Method, Params)]
#[method(name = "downloadfileasync", caller = Account, access = Waits, reply = DownloadReply,
         fails = [BAD_NAME, DENIED, FOLDER_MISSING, OVER_QUOTA])]
pub struct DownloadFileAsync {
    /// What to fetch.
    pub order: DownloadArg,
}

/// What is to be fetched from URLs, and where to.
#[derive(Clone, Debug, PartialEq, Eq, Params)]
pub struct DownloadArg {
    /// URLs with `http` or `https`, separated by blanks; at most 16.
    #[param(missing = NO_URL)]
    pub url: String,
    /// The folder that takes the files.
    pub folder: IntoFolderArg,
    /// Names for the files, percent-encoded, separated by commas; those left out come from the URLs.
    pub target: Option<String>,
    /// Key for `uploadprogress`.
    pub progresshash: Option<String>,
}

/// The parameters are a group that keeps its names.
impl Field for DownloadArg {
    fn take(_name: &'static str, _missing: Option<Code>, params: &Given) -> Result<Self, Code> {
        Self::decode(params)
    }
    fn put(&self, _name: &'static str, params: &mut Given) {
        self.encode(params);
    }
    fn describe(
        _name: &'static str,
        _doc: &'static str,
        _missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        <Self as Decode>::describe(out);
    }
}

/// Files that were fetched.
#[derive(Reply)]
pub struct DownloadReply {
    /// The files, in the order of the URLs. Empty where the call does not wait for them.
    pub metadata: Vec<Metadata>,
}

/// Copies a file. No data is moved.
///
/// A copy onto itself with `mtime` sets the file's times.
#[derive(Method, Params)]
#[method(name = "copyfile", caller = User, access = Write, reply = FileReply,
         fails = [BAD_FOLDERID, BAD_NAME, NO_PARENT, DENIED, NAME_TAKEN, FOLDER_MISSING, OVER_QUOTA, FILE_MISSING,
                  BAD_PATH, REVISION_MISSING])]
pub struct CopyFile {
    /// The file.
    pub file: VersionArg,
    /// Copy the version with this content hash, current or earlier.
    pub hash: Option<u64>,
    /// Full path of the copy, or with a final slash the folder that takes it.
    #[param(missing = NO_TARGET)]
    pub to: TargetArg,
    /// Refuse if the target exists.
    pub noover: bool,
    /// Modification time to record; now, if not given.
    pub mtime: Option<Seconds>,
    /// Creation time to record; only together with `mtime`.
    pub ctime: Option<Seconds>,
}

/// A file.
#[derive(Reply)]
pub struct FileReply {
    /// The file.
    pub metadata: Metadata,
}

/// Tells a file's checksums.
#[derive(Method, Params)]
#[method(name = "checksumfile", caller = User, access = Read, reply = ChecksumReply,
         fails = [BAD_NAME, NO_PARENT, FILE_MISSING, BAD_PATH, REVISION_MISSING])]
pub struct ChecksumFile {
    /// The file.
    pub file: VersionArg,
}

/// A file with its checksums.
#[derive(Reply)]
pub struct ChecksumReply {
    /// SHA-1 in lower-case hex.
    pub sha1: String,
    /// MD5 in lower-case hex.
    pub md5: String,
    /// SHA-256 in lower-case hex.
    pub sha256: String,
    /// The file.
    pub metadata: Metadata,
}

/// Deletes a file. It goes to the trash with its revisions.
#[derive(Method, Params)]
#[method(name = "deletefile", caller = User, access = Write, reply = FileReply,
         fails = [BAD_NAME, NO_PARENT, DENIED, FILE_MISSING, BAD_PATH])]
pub struct DeleteFile {
    /// The file.
    pub file: FileArg,
}

/// Renames or moves a file. It keeps its id and its times; a file of the target's name is replaced.
#[derive(Method, Params)]
#[method(name = "renamefile", caller = User, access = Write, reply = FileReply,
         fails = [BAD_FOLDERID, BAD_NAME, NO_PARENT, DENIED, FOLDER_MISSING, OVER_QUOTA, FILE_MISSING, BAD_PATH,
                  SAME_FILE])]
pub struct RenameFile {
    /// The file.
    pub file: FileArg,
    /// New full path; with a final slash, the folder to move into.
    pub to: TargetArg,
}

/// Tells about one file, or by path about one file or folder.
#[derive(Method, Params)]
#[method(name = "stat", caller = User, access = Read, reply = FileReply,
         fails = [BAD_NAME, BAD_PATH, FILE_MISSING, NOTHING_THERE, REVISION_MISSING])]
pub struct Stat {
    /// The file.
    pub file: VersionArg,
}

/// Finds the caller's own files with a given content, so that a client can copy instead of uploading.
#[derive(Method, Params)]
#[method(name = "getfilesbychecksum", caller = User, access = Read, reply = FilesReply)]
pub struct GetFilesByChecksum {
    /// Bytes.
    #[param(missing = NO_CHECKSUM)]
    pub size: u64,
    /// SHA-1 in hex.
    #[param(missing = NO_CHECKSUM)]
    pub sha1: String,
}

/// Files.
#[derive(Reply)]
pub struct FilesReply {
    /// The files; empty if there are none.
    pub metadata: Vec<Metadata>,
}

/// Sets a file's time, if it still is what the client believes.
#[derive(Method, Params)]
#[method(name = "setfilemtime", caller = User, access = Write, reply = FileReply, fails = [DENIED, FILE_MISSING])]
pub struct SetFileMtime {
    /// The file.
    #[param(missing = NO_FILEID)]
    pub fileid: u64,
    /// The time it has now; not looked at if not given. No file has one that cannot be read.
    pub oldtm: Option<KnownTime>,
    /// The time it gets.
    pub newtm: Option<Seconds>,
    /// Set the creation time instead of the modification time.
    pub isctime: bool,
}

/// Reads a piece of one content version. The answer is the bytes themselves.
#[derive(Method, Params)]
#[method(name = "readfile", caller = User, access = Streams, fails = [FILE_MISSING, READ_FAILED])]
pub struct ReadFile {
    /// The file.
    #[param(missing = NO_FILEID)]
    pub fileid: u64,
    /// Hash of the content version, current or earlier; the current one, if not given.
    pub hash: Option<u64>,
    /// First byte.
    #[param(missing = NO_OFFSET)]
    pub offset: u64,
    /// Number of bytes; fewer are answered at the end of the file.
    #[param(missing = NO_COUNT)]
    pub count: u64,
}

impl From<VersionArg> for FileRef {
    fn from(version: VersionArg) -> Self {
        version.file
    }
}
