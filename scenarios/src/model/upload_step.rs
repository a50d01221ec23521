//! Calls to the methods of upload sessions: random numbers that become calls once the state is known.

use super::account::Account;
use super::contents::{Contents, index, range_in};
use super::step::{Choice, NO_ID, Wish, name, time};
use crate::connection::Call;
use std::ops::Range;

/// Sessions above which no more are begun.
const MANY_UPLOADS: usize = 6;
/// The most bytes that a session is given.
const MOST_BYTES: usize = 200_000;

/// On which condition a session may become the content of a file that is there.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum IfHash {
    /// If there is none.
    New,
    /// If it has this hash.
    Is(u64),
}

/// A call about an upload session.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum UploadStep {
    Create {
        filesize: Option<u64>,
    },
    /// Writes that are sent one behind the other without waiting for answers.
    Write {
        upload: u64,
        pieces: Vec<(u64, Vec<u8>)>,
    },
    /// A write whose connection breaks behind so many bytes; the client goes on.
    Broken {
        upload: u64,
        offset: u64,
        bytes: Vec<u8>,
        sent: usize,
    },
    FromFile {
        upload: u64,
        at: u64,
        file: u64,
        hash: u64,
        from: u64,
        count: u64,
    },
    FromUpload {
        upload: u64,
        at: u64,
        source: u64,
        from: u64,
        count: u64,
    },
    Info {
        upload: u64,
    },
    Save {
        upload: u64,
        folder: u64,
        name: String,
        mtime: Option<u64>,
        if_hash: Option<IfHash>,
        rename: bool,
    },
    Delete {
        upload: u64,
    },
}

impl Wish {
    /// The call about an upload session that it stands for in the present state.
    pub(super) fn upload_step(
        &self,
        choice: Choice<'_>,
        contents: &Contents,
    ) -> Option<UploadStep> {
        let [kind, a, b, c, d, e, f] = self.numbers();
        let account = choice.account;
        let upload = choice.upload(a);
        let held = account.uploads.get(&upload).map_or(0, Vec::len);
        // Mostly where a client goes on, else anywhere in what is there, now and then behind it.
        let at = match b % 8 {
            0..5 => held,
            5..7 => index(b / 8, held + 1),
            _ => held + index(b / 8, 3_000),
        };
        let is_small = |len: usize| at + len <= MOST_BYTES;
        let offset = at as u64;
        let step = match kind % 100 {
            0..12 if account.uploads.len() < MANY_UPLOADS => UploadStep::Create {
                filesize: c.is_multiple_of(2).then_some(c % 1_000_000),
            },
            12..45 => {
                let bytes = contents.piece([c, d, e]);
                let pieces = split(&bytes, offset, kind / 100, f);
                is_small(bytes.len()).then_some(UploadStep::Write { upload, pieces })?
            }
            45..55 => {
                let bytes = contents.piece([c, d, e]);
                let sent = index(f, bytes.len().max(1));
                let is_own = account.uploads.contains_key(&upload) && !bytes.is_empty();
                let step = UploadStep::Broken {
                    upload,
                    offset,
                    bytes,
                    sent,
                };
                (is_own && is_small(0)).then_some(step)?
            }
            55..65 => {
                let file = choice.file(c);
                let (hash, size) = account.version(file, d);
                let Range { start, end } = range_in(size, e, f);
                is_small(end - start).then_some(UploadStep::FromFile {
                    upload,
                    at: offset,
                    file,
                    hash,
                    from: start as u64,
                    // Now and then more than there is.
                    count: (end - start) as u64 + u64::from(f % 15 == 7),
                })?
            }
            65..72 => {
                let source = choice.upload(c);
                let size = account.uploads.get(&source).map_or(0, Vec::len);
                let Range { start, end } = range_in(size, e, f);
                // What a session is to get from itself is not settled while it changes.
                (is_small(end - start) && source != upload).then_some(UploadStep::FromUpload {
                    upload,
                    at: offset,
                    source,
                    from: start as u64,
                    count: (end - start) as u64 + u64::from(f % 15 == 7),
                })?
            }
            72..82 => UploadStep::Info { upload },
            82..95 => {
                let (folder, name) = (choice.folder(c), name(d));
                let there = account.file_child(folder, &name);
                let present = there.and_then(|there| Some(account.live_file(there)?.content.hash));
                let if_hash = match f % 6 {
                    0 => Some(IfHash::New),
                    1 => Some(IfHash::Is(present.unwrap_or(f))),
                    2 => Some(IfHash::Is(f)),
                    _ => None,
                };
                UploadStep::Save {
                    upload,
                    folder,
                    name,
                    mtime: time(e),
                    if_hash,
                    rename: f % 6 == 3,
                }
            }
            _ => UploadStep::Delete { upload },
        };
        Some(step)
    }
}

/// Splits bytes into pieces for successive writes; now and then a piece begins before the one before it ends, or is sent
/// twice.
fn split(bytes: &[u8], offset: u64, count: u64, places: u64) -> Vec<(u64, Vec<u8>)> {
    let mut pieces = Vec::new();
    let mut start = 0;
    for turn in 0..=count % 4 {
        let rest = bytes.len() - start;
        let end = if turn == count % 4 {
            bytes.len()
        } else {
            start + index(places >> (16 * turn), rest + 1)
        };
        let piece = (offset + start as u64, bytes[start..end].to_vec());
        if (places >> turn).is_multiple_of(7) {
            pieces.push(piece.clone());
        }
        pieces.push(piece);
        let back = if (places >> turn).is_multiple_of(5) {
            index(places, end + 1)
        } else {
            0
        };
        start = end - back;
    }
    pieces
}

impl Choice<'_> {
    /// The id of an upload session.
    fn upload(&self, number: u64) -> u64 {
        let uploads = match number % 40 {
            0 => &self.foreign.uploads,
            1 => return NO_ID,
            _ => &self.account.uploads,
        };
        let id = uploads.keys().nth(index(number / 40, uploads.len()));
        id.copied().unwrap_or(NO_ID)
    }
}

impl Account {
    /// Hash and size of one of the contents that a file has or had; of none, if there is none.
    fn version(&self, file: u64, number: u64) -> (u64, usize) {
        let Some(file) = self.live_file(file).filter(|_| !number.is_multiple_of(30)) else {
            return (number, 0);
        };
        let earlier = file.revisions.values();
        let mut contents = std::iter::once(&file.content).chain(earlier);
        let content = contents.nth(index(number / 30, file.revisions.len() + 1));
        content.map_or((number, 0), |content| (content.hash, content.bytes.len()))
    }
}

impl UploadStep {
    /// The session; `None` if the call is to begin one.
    pub(super) fn upload(&self) -> Option<u64> {
        match self {
            Self::Create { .. } => None,
            Self::Write { upload, .. }
            | Self::Broken { upload, .. }
            | Self::FromFile { upload, .. }
            | Self::FromUpload { upload, .. }
            | Self::Info { upload }
            | Self::Save { upload, .. }
            | Self::Delete { upload } => Some(*upload),
        }
    }

    /// The calls, without credentials. `id` comes back in the answers.
    pub(super) fn calls(&self) -> Vec<Call> {
        let call = |method| {
            let call = Call::new(method).with("timeformat", "timestamp");
            let upload = self.upload();
            upload.map_or(call.clone(), |upload| call.with("uploadid", upload))
        };
        let take = |method, at: &u64, from: &u64, count: &u64| {
            call(method)
                .with("uploadoffset", *at)
                .with("offset", *from)
                .with("count", *count)
        };
        match self {
            Self::Create { filesize } => {
                let create = call("upload_create");
                vec![filesize.map_or(create.clone(), |size| create.with("filesize", size))]
            }
            Self::Write { upload, pieces } => {
                let write = |(id, (offset, bytes)): (u64, &(u64, Vec<u8>))| {
                    write_call(*upload, *offset, bytes).with("id", id)
                };
                (1..).zip(pieces).map(write).collect()
            }
            Self::Broken {
                upload,
                offset,
                bytes,
                ..
            } => vec![write_call(*upload, *offset, bytes)],
            Self::FromFile {
                at,
                file,
                hash,
                from,
                count,
                ..
            } => {
                let call = take("upload_writefromfile", at, from, count);
                vec![call.with("fileid", *file).with("hash", *hash)]
            }
            Self::FromUpload {
                at,
                source,
                from,
                count,
                ..
            } => {
                let call = take("upload_writefromupload", at, from, count);
                vec![call.with("readuploadid", *source)]
            }
            Self::Info { .. } => vec![call("upload_info")],
            Self::Save {
                folder,
                name,
                mtime,
                if_hash,
                rename,
                ..
            } => {
                let save = call("upload_save")
                    .with("folderid", *folder)
                    .with("name", name.as_str());
                let save = mtime.map_or(save.clone(), |mtime| save.with("mtime", mtime));
                let save = match if_hash {
                    None => save,
                    Some(IfHash::New) => save.with("ifhash", "new"),
                    Some(IfHash::Is(hash)) => save.with("ifhash", *hash),
                };
                vec![if *rename {
                    save.with("renameifexists", 1u64)
                } else {
                    save
                }]
            }
            Self::Delete { .. } => vec![call("upload_delete")],
        }
    }
}

/// A call to `upload_write`.
pub(super) fn write_call(upload: u64, offset: u64, bytes: &[u8]) -> Call {
    Call::new("upload_write")
        .with("uploadid", upload)
        .with("uploadoffset", offset)
        .with_data(bytes.to_vec())
}
