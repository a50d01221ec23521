//! How the client uploads.

use super::wire::{Connection, Param, fetch, list, num, number, request, string, text, timestamps};
use crate::server::Server;
use pileus_wire::Tree;
use sha1::{Digest, Sha1};
use std::ops::Range;

/// Files up to this size go in one call, larger ones through sessions.
pub const SESSION_BYTES: usize = 64 * 1024;

/// How much is copied or sent by one call.
const PIECE_BYTES: usize = 4 << 20;

/// Calls that may be on their way.
const AHEAD: usize = 16;

/// Modification time of all files.
pub const MTIME: u64 = 1_000_000_000;

pub fn sha1(content: &[u8]) -> String {
    hex::encode(Sha1::digest(content))
}

/// Content that does not repeat itself.
pub fn noise(length: usize, seed: u64) -> Vec<u8> {
    let mut state = seed.wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1;
    let mut out = Vec::with_capacity(length + 8);
    while out.len() < length {
        state ^= state << 13;
        state ^= state >> 7;
        state ^= state << 17;
        out.extend_from_slice(&state.to_le_bytes());
    }
    out.truncate(length);
    out
}

/// Where a file goes, and the version it is to take the place of.
pub struct Target<'a> {
    pub folderid: u64,
    pub name: &'a str,
    pub ifhash: Option<u64>,
}

impl Target<'_> {
    fn params(&self, name: &'static str) -> Vec<Param<'static>> {
        let mut params = vec![
            timestamps(),
            num("folderid", self.folderid),
            text(name, self.name),
            num("mtime", MTIME),
        ];
        if let Some(hash) = self.ifhash {
            params.push(if hash == 0 {
                text("ifhash", "new")
            } else {
                num("ifhash", hash)
            });
        }
        params
    }
}

/// Uploads a file and answers its metadata.
pub fn upload(connection: &mut Connection, target: &Target<'_>, content: &[u8]) -> Tree {
    if content.len() <= SESSION_BYTES {
        let mut params = target.params("filename");
        params.push(("nopartial", true.into()));
        let answer = connection.call_with("uploadfile", &params, content);
        let checksums = list(&answer, "checksums");
        assert_eq!(string(&checksums[0], "sha1"), sha1(content));
        return list(&answer, "metadata").swap_remove(0);
    }
    let uploadid = create(connection, content.len());
    send(
        connection,
        uploadid,
        &[Step::Send(0..content.len())],
        content,
    );
    save(connection, target, uploadid, content)
}

pub fn create(connection: &mut Connection, size: usize) -> u64 {
    let params = [num("filesize", size as u64)];
    number(&connection.call("upload_create", &params), "uploadid")
}

/// A part of a new content.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Step {
    /// Has to be sent.
    Send(Range<usize>),
    /// Stands in the same place of this version of a file.
    Copy(Range<usize>, u64, u64),
}

/// Fills a session, with many calls on their way. The answers come in order, by number.
pub fn send(connection: &mut Connection, uploadid: u64, steps: &[Step], content: &[u8]) {
    let mut pieces = Vec::new();
    for step in steps {
        let (Step::Send(range) | Step::Copy(range, ..)) = step;
        for start in range.clone().step_by(PIECE_BYTES) {
            let range = start..range.end.min(start + PIECE_BYTES);
            pieces.push(match step {
                Step::Send(_) => Step::Send(range),
                Step::Copy(_, fileid, hash) => Step::Copy(range, *fileid, *hash),
            });
        }
    }
    let mut answered = 0;
    let mut answer = |connection: &mut Connection| {
        let answer = connection.answer();
        assert_eq!(number(&answer, "result"), 0, "{answer:?}");
        assert_eq!(number(&answer, "id"), answered);
        answered += 1;
    };
    for (place, piece) in pieces.iter().enumerate() {
        if place >= AHEAD {
            answer(connection);
        }
        let mut params = vec![num("uploadid", uploadid), num("id", place as u64)];
        match piece {
            Step::Send(range) => {
                params.push(num("uploadoffset", range.start as u64));
                let length = range.len() as u64;
                connection.send(&request("upload_write", &params, Some(length)));
                connection.send(&content[range.clone()]);
            }
            Step::Copy(range, fileid, hash) => {
                params.extend([
                    num("uploadoffset", range.start as u64),
                    num("fileid", *fileid),
                    num("hash", *hash),
                    num("offset", range.start as u64),
                    num("count", range.len() as u64),
                ]);
                connection.send(&request("upload_writefromfile", &params, None));
            }
        }
    }
    for _ in 0..pieces.len().min(AHEAD) {
        answer(connection);
    }
}

/// Compares what the session holds, and makes a file of it.
pub fn save(
    connection: &mut Connection,
    target: &Target<'_>,
    uploadid: u64,
    content: &[u8],
) -> Tree {
    let info = connection.call("upload_info", &[num("uploadid", uploadid)]);
    assert_eq!(number(&info, "size"), content.len() as u64);
    assert_eq!(string(&info, "sha1"), sha1(content));
    let mut params = target.params("name");
    params.push(num("uploadid", uploadid));
    let answer = connection.call("upload_save", &params);
    let gone = connection.try_call("upload_delete", &[num("uploadid", uploadid)]);
    assert_eq!(number(&gone, "result"), 2067);
    answer.get("metadata").unwrap().clone()
}

/// Finds what of a content the server has in a version of a file, by its block checksums.
pub fn compare(
    server: &Server,
    connection: &mut Connection,
    (fileid, hash): (u64, u64),
    content: &[u8],
) -> Vec<Step> {
    let params = [num("fileid", fileid), num("hash", hash)];
    let link = connection.call("getchecksumlink", &params);
    let size = number(&link, "size");
    let table = fetch(server, &link, 24 + 24 * size.div_ceil(4096) as usize);
    assert_eq!(table[..8], size.to_le_bytes());
    assert_eq!(table[8..12], 4096_u32.to_le_bytes());
    let known = table[24..].chunks_exact(24);
    let mut steps: Vec<Step> = Vec::new();
    let mut known = known.map(Some).chain(std::iter::repeat(None));
    for (place, block) in content.chunks(4096).enumerate() {
        let is_known = known
            .next()
            .flatten()
            .is_some_and(|entry| block.len() == 4096 && entry[..20] == Sha1::digest(block)[..]);
        let range = place * 4096..place * 4096 + block.len();
        match (steps.last_mut(), is_known) {
            (Some(Step::Copy(last, ..)), true) | (Some(Step::Send(last)), false) => {
                last.end = range.end;
            }
            (_, true) => steps.push(Step::Copy(range, fileid, hash)),
            (_, false) => steps.push(Step::Send(range)),
        }
    }
    steps
}
