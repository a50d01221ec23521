//! File descriptors: opening, reading, writing and locking files on a connection.

use crate::args::FolderRef;
use crate::codes::Code;
use crate::field::{Field, is_left_out, put, spec, text_value};
use crate::method::ParamSpec;
use crate::name::{Path, check_name};
use crate::reply::Done;
use pileus_api_derive::{Method, Params, Reply};
use pileus_wire::{Params as Given, Value};

/// Reads and writes a type as the number in it, with a code of its own where a declaration names none.
macro_rules! number {
    ($name:ident($type:ty), $missing:ident) => {
        impl Field for $name {
            fn take(
                name: &'static str,
                missing: Option<Code>,
                params: &Given,
            ) -> Result<Self, Code> {
                let missing = missing.unwrap_or(Code::$missing);
                <$type>::take(name, Some(missing), params).map(Self)
            }
            fn put(&self, name: &'static str, params: &mut Given) {
                self.0.put(name, params);
            }
            fn describe(
                name: &'static str,
                doc: &'static str,
                missing: Option<Code>,
                out: &mut Vec<ParamSpec>,
            ) {
                let missing = missing.unwrap_or(Code::$missing);
                <$type>::describe(name, doc, Some(missing), out);
            }
        }
    };
}

/// A file descriptor of the connection: its number, or -1 for the one opened last, -2 for the one before, and so on,
/// failed opens included.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Fd(pub i64);

number!(Fd(i64), BAD_DESCRIPTOR);

/// A parameter whose trouble is told by the method: that there is no such descriptor counts more than what is wrong with an
/// offset.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Checked<T>(pub Result<T, Code>);

impl<T: Field> Field for Checked<T> {
    fn take(name: &'static str, missing: Option<Code>, params: &Given) -> Result<Self, Code> {
        Ok(Self(T::take(name, missing, params)))
    }
    fn put(&self, name: &'static str, params: &mut Given) {
        if let Ok(value) = &self.0 {
            value.put(name, params);
        }
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        T::describe(name, doc, missing, out);
    }
}

/// What an offset counts from. The start of the file, if it is left out; what is unknown answers 1009.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Whence {
    /// The start of the file.
    #[default]
    Start,
    /// The descriptor's offset.
    Offset,
    /// The end of the file.
    End,
}

impl Field for Whence {
    fn take(name: &'static str, _missing: Option<Code>, params: &Given) -> Result<Self, Code> {
        match params.uint(name) {
            Some(0) => Ok(Self::Start),
            Some(1) => Ok(Self::Offset),
            Some(2) => Ok(Self::End),
            None if is_left_out(name, params) => Ok(Self::Start),
            _ => Err(Code::NO_OFFSET),
        }
    }
    fn put(&self, name: &'static str, params: &mut Given) {
        put(params, name, Value::Num(*self as u64));
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        _missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        out.push(spec(name, "int", doc, None));
    }
}

/// What a file is opened for. Bits without a meaning are ignored.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct OpenFlags(pub u64);

impl OpenFlags {
    /// Rights and space are checked when the file is opened, not only with the first write.
    pub const WRITE: Self = Self(0x0002);
    /// A missing file is made.
    pub const CREAT: Self = Self(0x0040);
    /// With [`Self::CREAT`]: the file must not exist.
    pub const EXCL: Self = Self(0x0080);
    /// The file is emptied.
    pub const TRUNC: Self = Self(0x0200);
    /// Every `file_write` goes to the end of the file.
    pub const APPEND: Self = Self(0x0400);

    /// Whether all bits of `flag` are set.
    pub fn has(self, flag: Self) -> bool {
        self.0 & flag.0 == flag.0
    }
}

number!(OpenFlags(u64), NO_FLAGS);

/// The file to open: its path, or folder and name, or its id. A file that may have to be made needs a place, so the
/// id alone is not enough then.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum OpenArg {
    /// By its id.
    Id(u64),
    /// By its place.
    Place {
        /// The folder.
        parent: FolderRef,
        /// The name in it.
        name: String,
    },
}

impl Field for OpenArg {
    fn take(_name: &'static str, _missing: Option<Code>, params: &Given) -> Result<Self, Code> {
        let may_make = params
            .uint("flags")
            .is_some_and(|flags| OpenFlags(flags).has(OpenFlags::CREAT));
        if let Some(id) = params.uint("fileid").filter(|_| !may_make) {
            return Ok(Self::Id(id));
        }
        // Ids count more than paths.
        if let (Some(folder), Some(name)) = (params.uint("folderid"), params.text("name")) {
            let name = name.map_err(|_| Code::BAD_NAME)?.into_owned();
            check_name(&name)?;
            let parent = FolderRef::Id(folder);
            return Ok(Self::Place { parent, name });
        }
        if is_left_out("path", params) {
            return Err(if may_make {
                Code::NO_PATH_OR_NAME
            } else {
                Code::NO_FILE
            });
        }
        let path = params.text("path").and_then(Result::ok);
        let path = path.ok_or(Code::BAD_NAME)?;
        let path = Path::parse(&path).ok_or(Code::BAD_PATH)?;
        let (parent, name) = path.split_last().ok_or(Code::BAD_NAME)?;
        check_name(&name)?;
        let parent = FolderRef::Path(parent);
        Ok(Self::Place { parent, name })
    }
    fn put(&self, _name: &'static str, params: &mut Given) {
        match self {
            Self::Id(id) => put(params, "fileid", Value::Num(*id)),
            Self::Place { parent, name } => match parent {
                FolderRef::Id(id) => {
                    put(params, "folderid", Value::Num(*id));
                    put(params, "name", text_value(name));
                }
                FolderRef::Path(path) => {
                    let mut path = path.clone();
                    path.parts.push(name.clone());
                    put(params, "path", text_value(&path.to_text()));
                }
            },
        }
    }
    fn describe(
        _name: &'static str,
        doc: &'static str,
        _missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        let missing = Some(Code::NO_FILE);
        out.push(spec("path", "string", doc, missing));
        let of_id = "A file that exists, instead of `path`; not together with flag 0x0040.";
        out.push(spec("fileid", "int", of_id, missing));
        let of_folder = "The folder, together with `name`, instead of `path`.";
        out.push(spec("folderid", "int", of_folder, missing));
        out.push(spec("name", "string", "Name in the folder.", missing));
    }
}

/// Opens a file on this connection, and perhaps makes it.
///
/// The descriptor lives as long as the connection. All descriptors of a file see the same content, wherever they are;
/// everybody else sees what was last committed: when a descriptor that wrote is closed or lost with its connection,
/// after ten seconds without a write, and every thirty seconds while writing.
#[derive(Method, Params)]
#[method(name = "file_open", caller = User, access = Waits, reply = OpenReply,
         fails = [NO_PATH_OR_NAME, BAD_NAME, NO_PARENT, DENIED, NAME_TAKEN, OVER_QUOTA, FILE_MISSING, BAD_PATH,
                  REVISION_MISSING, UPLOAD_FAILED])]
pub struct FileOpen {
    /// What for: the sum of 0x0002 (check now that the file can be written), 0x0040 (make it if it is missing), 0x0080
    /// (refuse if it is there), 0x0200 (empty it) and 0x0400 (every `file_write` goes to its end).
    pub flags: OpenFlags,
    /// Full path of the file.
    pub file: OpenArg,
    /// Read an earlier revision.
    pub revisionid: Option<u64>,
}

/// An open file.
#[derive(Reply)]
pub struct OpenReply {
    /// The descriptor.
    pub fd: u64,
    /// The file.
    pub fileid: u64,
}

/// Writes data at the descriptor's offset, or at the end of a file that was opened so, and moves the offset behind it.
#[derive(Method, Params)]
#[method(name = "file_write", caller = User, access = Streams, reply = WrittenReply,
         fails = [BAD_DESCRIPTOR, DENIED, OVER_QUOTA, WRITE_FAILED])]
pub struct FileWrite {
    /// The descriptor.
    pub fd: Fd,
}

/// Writes data at an offset. A gap behind the end of the file is filled with zeros.
#[derive(Method, Params)]
#[method(name = "file_pwrite", caller = User, access = Streams, reply = WrittenReply,
         fails = [BAD_DESCRIPTOR, DENIED, OVER_QUOTA, WRITE_FAILED])]
pub struct FilePwrite {
    /// The descriptor.
    pub fd: Fd,
    /// First byte.
    #[param(missing = NO_OFFSET)]
    pub offset: u64,
}

/// How much was written.
#[derive(Reply)]
pub struct WrittenReply {
    /// Bytes.
    pub bytes: u64,
}

/// Reads from the descriptor's offset and moves it. The answer is the bytes themselves: fewer than asked for only at the
/// end of the file.
#[derive(Method, Params)]
#[method(name = "file_read", caller = User, access = Streams, fails = [BAD_DESCRIPTOR, READ_FAILED])]
pub struct FileRead {
    /// The descriptor.
    pub fd: Fd,
    /// Number of bytes.
    #[param(missing = NO_COUNT)]
    pub count: u64,
}

/// Reads at an offset. The answer is the bytes themselves: fewer than asked for only at the end of the file.
#[derive(Method, Params)]
#[method(name = "file_pread", caller = User, access = Streams, fails = [BAD_DESCRIPTOR, READ_FAILED])]
pub struct FilePread {
    /// The descriptor.
    pub fd: Fd,
    /// Number of bytes.
    #[param(missing = NO_COUNT)]
    pub count: u64,
    /// First byte.
    #[param(missing = NO_OFFSET)]
    pub offset: u64,
}

/// Reads at an offset, unless the client has these bytes already.
#[derive(Method, Params)]
#[method(name = "file_pread_ifmod", caller = User, access = Streams,
         fails = [BAD_DESCRIPTOR, NO_CHECKSUM, READ_FAILED, NOT_MODIFIED])]
pub struct FilePreadIfmod {
    /// The descriptor.
    pub fd: Fd,
    /// Number of bytes.
    #[param(missing = NO_COUNT)]
    pub count: u64,
    /// First byte.
    #[param(missing = NO_OFFSET)]
    pub offset: u64,
    /// SHA-1 of what the client has, in hex; this or `md5`.
    #[param(missing = NO_CHECKSUM)]
    pub sha1: Option<String>,
    /// MD5 of what the client has, in hex.
    #[param(missing = NO_CHECKSUM)]
    pub md5: Option<String>,
}

/// Tells the checksums of a range of the file, uncommitted writes included.
#[derive(Method, Params)]
#[method(name = "file_checksum", caller = User, access = Streams, reply = RangeChecksumReply,
         fails = [BAD_DESCRIPTOR, READ_FAILED])]
pub struct FileChecksum {
    /// The descriptor.
    pub fd: Fd,
    /// Number of bytes.
    #[param(missing = NO_COUNT)]
    pub count: u64,
    /// First byte.
    #[param(missing = NO_OFFSET)]
    pub offset: u64,
}

/// Checksums of a range, in lower-case hex.
#[derive(Reply)]
pub struct RangeChecksumReply {
    /// SHA-1.
    pub sha1: String,
    /// MD5.
    pub md5: String,
    /// SHA-256.
    pub sha256: String,
    /// Bytes of the range that are within the file.
    pub size: u64,
}

/// Tells the size of the file, uncommitted writes included, and the descriptor's offset.
#[derive(Method, Params)]
#[method(name = "file_size", caller = User, access = Streams, reply = SizeReply, fails = [BAD_DESCRIPTOR, READ_FAILED])]
pub struct FileSize {
    /// The descriptor.
    pub fd: Fd,
}

/// The size of an open file.
#[derive(Reply)]
pub struct SizeReply {
    /// Bytes.
    pub size: u64,
    /// Where the descriptor reads or writes next.
    pub offset: u64,
}

/// Cuts the file, or extends it with zeros. The descriptor's offset stays.
#[derive(Method, Params)]
#[method(name = "file_truncate", caller = User, access = Streams, reply = Done,
         fails = [BAD_DESCRIPTOR, DENIED, OVER_QUOTA, WRITE_FAILED])]
pub struct FileTruncate {
    /// The descriptor.
    pub fd: Fd,
    /// New size in bytes.
    #[param(missing = NO_LENGTH)]
    pub length: u64,
}

/// Moves the descriptor's offset.
#[derive(Method, Params)]
#[method(name = "file_seek", caller = User, access = Streams, reply = SeekReply,
         fails = [BAD_DESCRIPTOR, NO_OFFSET, READ_FAILED])]
pub struct FileSeek {
    /// The descriptor.
    pub fd: Fd,
    /// By how much; may be negative.
    #[param(missing = NO_OFFSET)]
    pub offset: i64,
    /// From where: 0, if not given, is the start of the file, 1 the present offset, 2 the end of the file.
    pub whence: Checked<Whence>,
}

/// Where a descriptor reads or writes next.
#[derive(Reply)]
pub struct SeekReply {
    /// The offset from the start of the file.
    pub offset: u64,
}

/// Closes a descriptor. What was written is then committed, and visible to everybody.
#[derive(Method, Params)]
#[method(name = "file_close", caller = User, access = Streams, reply = Done, fails = [BAD_DESCRIPTOR, WRITE_FAILED])]
pub struct FileClose {
    /// The descriptor.
    pub fd: Fd,
}

/// Locks a region of the file, or unlocks it. Locks bind only those who ask for them.
///
/// Locks of different descriptors exclude each other, across connections, users and protocols. Whoever waits is served
/// in the order of arrival.
#[derive(Method, Params)]
#[method(name = "file_lock", caller = User, access = Waits, reply = LockReply,
         fails = [BAD_DESCRIPTOR, NO_OFFSET, BAD_LOCK_TYPE, READ_FAILED])]
pub struct FileLock {
    /// The descriptor.
    pub fd: Fd,
    /// 0 unlocks, 1 locks for reading together with others, 2 locks for oneself alone.
    #[param(missing = NO_LOCK_TYPE)]
    pub r#type: i64,
    /// First byte; 0, if not given.
    pub offset: Option<i64>,
    /// Bytes; 0, if not given, is everything from `offset` on, however far the file grows.
    pub length: Option<u64>,
    /// What `offset` counts from: 0, if not given, is the start of the file, 1 the descriptor's offset, 2 the end of the
    /// file.
    pub whence: Checked<Whence>,
    /// Only tell whether the lock could be had.
    pub get: bool,
    /// Do not wait for the lock.
    pub noblock: bool,
}

/// What came of a lock.
#[derive(Reply)]
pub struct LockReply {
    /// Whether the lock is held now; with `get`, whether it could be; after unlocking, true.
    pub locked: bool,
}
