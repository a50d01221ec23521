//! Calls to the methods of file descriptors: random numbers that become calls once the state is known.

use super::account::{Account, LINES};
use super::contents::{Contents, index};
use super::step::{Choice, Wish, name};
use crate::connection::Call;

/// The largest file that descriptors make.
const MOST_BYTES: u64 = 150_000;

/// How a file is opened.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct OpenFlags {
    /// Bit 0x0002.
    write: bool,
    /// Bit 0x0040.
    pub(super) create: bool,
    /// Bit 0x0080.
    pub(super) exclusive: bool,
    /// Bit 0x0200.
    pub(super) truncate: bool,
    /// Bit 0x0400.
    pub(super) append: bool,
}

impl OpenFlags {
    fn bits(self) -> u64 {
        let bits = [
            (self.write, 0x0002),
            (self.create, 0x0040),
            (self.exclusive, 0x0080),
            (self.truncate, 0x0200),
            (self.append, 0x0400),
        ];
        let set = bits.iter().filter(|(is_set, _)| *is_set);
        set.map(|(_, bit)| bit).sum()
    }
}

/// What is opened.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Place {
    Id(u64),
    Name { folder: u64, name: String },
}

/// A call about an open file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum FdStep {
    Open {
        flags: OpenFlags,
        place: Place,
    },
    Write {
        fd: i64,
        bytes: Vec<u8>,
    },
    Pwrite {
        fd: i64,
        offset: u64,
        bytes: Vec<u8>,
    },
    Truncate {
        fd: i64,
        length: u64,
    },
    Read {
        fd: i64,
        count: u64,
    },
    Pread {
        fd: i64,
        offset: u64,
        count: u64,
    },
    Checksum {
        fd: i64,
        offset: u64,
        count: u64,
    },
    Size {
        fd: i64,
    },
    Seek {
        fd: i64,
        offset: i64,
        whence: u8,
    },
    Close {
        fd: i64,
    },
}

/// What happens on a connection with open files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum LineStep {
    /// A call.
    Call(FdStep),
    /// The connection breaks, perhaps behind so many bytes of the data of a last `file_write`.
    Break(Option<(i64, Vec<u8>, usize)>),
}

impl Wish {
    /// The connection and what happens on it in the present state.
    pub(super) fn line_step(
        &self,
        choice: Choice<'_>,
        contents: &Contents,
    ) -> Option<(usize, LineStep)> {
        let [kind, a, b, c, d, e, f] = self.numbers();
        let account = choice.account;
        let line = index(a, LINES);
        let fd = account.some_fd(line, b);
        let size = account
            .file_of(line, fd)
            .map_or(0, |file| account.seen_size(file));
        // Within the file, at its end, or some way behind it.
        let offset = match c % 6 {
            0 => size,
            1 => size.saturating_add(c / 6 % 5_000),
            2 => 0,
            _ => c / 6 % (size + 1),
        };
        let bytes = || contents.piece([d, e, f]);
        let count = match d % 4 {
            0 => u64::MAX >> 1,
            _ => d / 4 % (size + 10),
        };
        let is_empty = account.lines[line].open.is_empty();
        let step = match kind % 100 {
            0..20 => open(kind / 100, [b, c, d], choice),
            _ if is_empty => open(kind / 100, [b, c, d], choice),
            20..32 => FdStep::Write { fd, bytes: bytes() },
            32..48 => FdStep::Pwrite {
                fd,
                offset,
                bytes: bytes(),
            },
            48..54 => FdStep::Truncate { fd, length: offset },
            54..61 => FdStep::Read { fd, count },
            61..68 => FdStep::Pread { fd, offset, count },
            68..71 => FdStep::Checksum { fd, offset, count },
            71..75 => FdStep::Size { fd },
            75..82 => {
                let distance = i64::try_from(e % (size + 100)).unwrap_or_default();
                FdStep::Seek {
                    fd,
                    offset: if e % 2 == 0 { distance } else { -distance },
                    whence: u8::try_from(f % 4).unwrap_or_default(),
                }
            }
            82..94 => FdStep::Close { fd },
            _ => {
                let bytes = bytes();
                let sent = index(kind / 100, bytes.len().max(1));
                let is_own = account.file_of(line, fd).is_some();
                let part = (is_own && sent > 0).then_some((fd, bytes, sent));
                let grows = part
                    .as_ref()
                    .map_or(0, |(_, bytes, _)| bytes.len() as u64 + size);
                return (grows <= MOST_BYTES).then_some((line, LineStep::Break(part)));
            }
        };
        let is_small = account.size_after(line, &step) <= MOST_BYTES;
        is_small.then_some((line, LineStep::Call(step)))
    }
}

/// A call to `file_open`.
fn open(modes: u64, [a, b, c]: [u64; 3], choice: Choice<'_>) -> FdStep {
    let is_set = |bit: u32, often: u64| (modes >> (4 * bit)) % 16 < often;
    let mut flags = OpenFlags {
        write: is_set(0, 8),
        create: is_set(1, 9),
        exclusive: is_set(2, 2),
        truncate: is_set(3, 3),
        append: is_set(4, 4),
    };
    let place = if a.is_multiple_of(3) {
        flags.create = false;
        Place::Id(choice.file(b))
    } else {
        Place::Name {
            folder: choice.folder(b),
            name: name(c),
        }
    };
    FdStep::Open { flags, place }
}

impl Account {
    /// Mostly the number of an open descriptor, absolute or relative; now and then one that is closed, or never was
    /// open.
    fn some_fd(&self, line: usize, number: u64) -> i64 {
        let line = &self.lines[line];
        if number.is_multiple_of(20) {
            return i64::try_from(number / 20 % 50).unwrap_or_default() - 10;
        }
        let open = line
            .open
            .keys()
            .nth(index(number / 20, line.open.len()))
            .copied()
            .unwrap_or(1);
        if number % 20 < 5 {
            open - line.last - 1
        } else {
            open
        }
    }

    /// The most bytes that the file of a descriptor may have after a call.
    fn size_after(&self, line: usize, step: &FdStep) -> u64 {
        let size = self
            .file_of(line, step.fd())
            .map_or(0, |file| self.seen_size(file));
        match step {
            // The offset may lie far behind the end.
            FdStep::Write { fd, bytes } => self.offset_of(line, *fd).max(size) + bytes.len() as u64,
            FdStep::Pwrite { offset, bytes, .. } => offset + bytes.len() as u64,
            FdStep::Truncate { length, .. } => *length,
            FdStep::Seek { offset, .. } => {
                // However it counts, it does not get further than this.
                self.offset_of(line, step.fd()).max(size) + offset.unsigned_abs()
            }
            _ => 0,
        }
    }
}

impl FdStep {
    /// The descriptor; 0, which is never open, if the call is to make one.
    pub(super) fn fd(&self) -> i64 {
        match self {
            Self::Open { .. } => 0,
            Self::Write { fd, .. }
            | Self::Pwrite { fd, .. }
            | Self::Truncate { fd, .. }
            | Self::Read { fd, .. }
            | Self::Pread { fd, .. }
            | Self::Checksum { fd, .. }
            | Self::Size { fd }
            | Self::Seek { fd, .. }
            | Self::Close { fd } => *fd,
        }
    }

    /// Whether the call changes the file.
    pub(super) fn writes(&self) -> bool {
        matches!(
            self,
            Self::Write { .. } | Self::Pwrite { .. } | Self::Truncate { .. }
        )
    }

    /// The call, without credentials.
    pub(super) fn call(&self) -> Call {
        let call = |method| Call::new(method).with("fd", self.fd());
        match self {
            Self::Open { flags, place } => {
                let call = Call::new("file_open").with("flags", flags.bits());
                match place {
                    Place::Id(id) => call.with("fileid", *id),
                    Place::Name { folder, name } => {
                        call.with("folderid", *folder).with("name", name.as_str())
                    }
                }
            }
            Self::Write { bytes, .. } => call("file_write").with_data(bytes.clone()),
            Self::Pwrite { offset, bytes, .. } => call("file_pwrite")
                .with("offset", *offset)
                .with_data(bytes.clone()),
            Self::Truncate { length, .. } => call("file_truncate").with("length", *length),
            Self::Read { count, .. } => call("file_read").with("count", *count),
            Self::Pread { offset, count, .. } => call("file_pread")
                .with("offset", *offset)
                .with("count", *count),
            Self::Checksum { offset, count, .. } => call("file_checksum")
                .with("offset", *offset)
                .with("count", *count),
            Self::Size { .. } => call("file_size"),
            Self::Seek { offset, whence, .. } => call("file_seek")
                .with("offset", *offset)
                .with("whence", u64::from(*whence)),
            Self::Close { .. } => call("file_close"),
        }
    }
}
