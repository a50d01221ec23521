//! Bytes that were read, but left in the kernel.
//!
//! Copying a piece of a file to the program and back is most of what it costs to send it. So a piece can be *kept*: a
//! pipe takes hold of the pages in which the kernel has the file, and hands them on to a socket. By then reading has
//! been done and has succeeded, and sending never waits for a disk.
//!
//! The pages are no copies: who writes to the file changes what is sent. So only files are kept that nobody writes to.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::fd::{AsFd, OwnedFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::Bytes;
use rustix::io::Errno;
use rustix::pipe::{PipeFlags, SpliceFlags, fcntl_setpipe_size, pipe_with, splice};

use crate::{Error, Result};

/// Fewer bytes than this are sooner copied.
const LEAST_BYTES: u64 = 16 * 1024;
const PAGE_BYTES: u64 = 4096;
/// The room that Linux gives every new pipe.
const GIVEN_PAGES: u64 = 16;
/// The most room that a pipe is made to have, which is what Linux allows everybody.
const MOST_PAGES: u64 = 256;

/// Bytes that were read.
#[derive(Debug)]
pub enum Piece {
    /// They are in memory.
    Bytes(Bytes),
    /// They are in the kernel.
    Kept(Kept),
}

impl Piece {
    /// How many bytes there are.
    pub fn len(&self) -> usize {
        match self {
            Self::Bytes(bytes) => bytes.len(),
            Self::Kept(kept) => kept.length,
        }
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// Brings the bytes into memory, which waits for nothing.
    ///
    /// # Errors
    ///
    /// As for [`Kept::send`].
    pub fn into_bytes(self) -> Result<Bytes> {
        match self {
            Self::Bytes(bytes) => Ok(bytes),
            Self::Kept(kept) => kept
                .into_bytes()
                .map_err(|e| Error::io("reading what was kept", e)),
        }
    }
}

/// Bytes that wait in a pipe, behind those of the pieces that were read before.
#[derive(Debug)]
pub struct Kept {
    pipe: Arc<Pipe>,
    /// How many bytes have to be taken out of the pipe before these.
    start: usize,
    length: usize,
}

#[derive(Debug)]
struct Pipe {
    reader: OwnedFd,
    /// How many bytes have been taken out.
    taken: AtomicUsize,
}

impl Kept {
    /// Whether all bytes have been sent.
    pub fn is_sent(&self) -> bool {
        self.length == 0
    }

    /// Hands bytes on to a socket that does not block, as many as it takes; answers how many these were.
    ///
    /// # Errors
    ///
    /// What the socket says; and when pieces that were read together are not taken one after the other.
    pub fn send(&mut self, socket: impl AsFd) -> io::Result<usize> {
        self.take(|pipe, most| splice(pipe, None, socket, None, most, SpliceFlags::NONBLOCK))
    }

    fn into_bytes(mut self) -> io::Result<Bytes> {
        let mut bytes = vec![0; self.length];
        while self.length > 0 {
            let done = bytes.len() - self.length;
            self.take(|pipe, _| rustix::io::read(pipe, &mut bytes[done..]))?;
        }
        Ok(bytes.into())
    }

    fn take(
        &mut self,
        take: impl FnOnce(&OwnedFd, usize) -> rustix::io::Result<usize>,
    ) -> io::Result<usize> {
        if self.pipe.taken.load(Ordering::Relaxed) != self.start {
            return Err(io::Error::other("a piece was left out"));
        }
        let count = take(&self.pipe.reader, self.length)?;
        if count == 0 {
            return Err(ErrorKind::UnexpectedEof.into());
        }
        self.start += count;
        self.length -= count;
        self.pipe.taken.store(self.start, Ordering::Relaxed);
        Ok(count)
    }
}

/// Keeps pieces, as long as there is room for them.
#[derive(Default)]
pub(crate) struct Keeper {
    /// Both ends of a pipe.
    pipe: Option<(Arc<Pipe>, OwnedFd)>,
    filled: usize,
}

impl Keeper {
    /// Makes room for pieces. Without room nothing is kept, as with the default.
    pub(crate) fn new(ranges: &[Range<u64>]) -> Self {
        let pages: u64 = ranges
            .iter()
            .filter(|range| is_worth_it(range))
            .map(pages)
            .sum();
        let pipe = (pages > 0).then(|| pipe(pages).ok()).flatten();
        Self { pipe, filled: 0 }
    }

    /// Reads a range of a file that nobody writes to. `None` if it has to be read in another way, which also finds out
    /// what is wrong with it.
    pub(crate) fn keep(&mut self, file: &File, range: &Range<u64>) -> Option<Kept> {
        let (pipe, writer) = self.pipe.as_ref().filter(|_| is_worth_it(range))?;
        let mut at = range.start;
        while at < range.end {
            let left = (range.end - at) as usize;
            match splice(
                file,
                Some(&mut at),
                writer,
                None,
                left,
                SpliceFlags::NONBLOCK,
            ) {
                Ok(1..) | Err(Errno::INTR) => {}
                Ok(0) | Err(_) => {
                    // Nothing can stand in the pipe behind a part of a piece.
                    self.pipe = None;
                    return None;
                }
            }
        }
        let (start, length) = (self.filled, (range.end - range.start) as usize);
        self.filled += length;
        Some(Kept {
            pipe: Arc::clone(pipe),
            start,
            length,
        })
    }
}

fn is_worth_it(range: &Range<u64>) -> bool {
    range.end - range.start >= LEAST_BYTES
}

/// How many pages a range touches.
fn pages(range: &Range<u64>) -> u64 {
    range.end.div_ceil(PAGE_BYTES) - range.start / PAGE_BYTES
}

/// A pipe with room for so many pages, if possible.
fn pipe(pages: u64) -> rustix::io::Result<(Arc<Pipe>, OwnedFd)> {
    let (reader, writer) = pipe_with(PipeFlags::CLOEXEC | PipeFlags::NONBLOCK)?;
    if pages > GIVEN_PAGES {
        // Who has many pipes gets no more room. Then it is what fits that is kept.
        let _ = fcntl_setpipe_size(&writer, (pages.min(MOST_PAGES) * PAGE_BYTES) as usize);
    }
    let taken = AtomicUsize::new(0);
    Ok((Arc::new(Pipe { reader, taken }), writer))
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::io::Write;

    const LENGTH: u64 = 2 << 20;

    fn file() -> (File, Vec<u8>) {
        let bytes: Vec<u8> = (0..LENGTH).map(|at| (at % 251) as u8).collect();
        let mut file = tempfile::tempfile().unwrap();
        file.write_all(&bytes).unwrap();
        (file, bytes)
    }

    fn keep_all(file: &File, ranges: &[Range<u64>]) -> Vec<Option<Kept>> {
        let mut keeper = Keeper::new(ranges);
        ranges
            .iter()
            .map(|range| keeper.keep(file, range))
            .collect()
    }

    #[test]
    fn pieces_are_told_apart() {
        let (file, bytes) = file();
        let ranges = [
            0..65_536,
            10..20,
            70_001..200_000,
            LENGTH - LEAST_BYTES..LENGTH,
        ];
        let kept = keep_all(&file, &ranges);
        assert!(kept[1].is_none(), "a short piece is not worth it");
        assert_eq!(kept.iter().flatten().count(), 3);
        for (kept, range) in kept.into_iter().zip(ranges) {
            let Some(kept) = kept else { continue };
            let read = Piece::Kept(kept).into_bytes().unwrap();
            assert!(read == bytes[range.start as usize..range.end as usize]);
        }
    }

    #[test]
    fn a_piece_cannot_be_left_out() {
        let (file, _) = file();
        let mut kept = keep_all(&file, &[0..65_536, 65_536..131_072]);
        let second = kept.pop().flatten().unwrap();
        assert!(Piece::Kept(second).into_bytes().is_err());
        let first = kept.pop().flatten().unwrap();
        assert!(Piece::Kept(first).into_bytes().is_ok());
    }

    #[test]
    fn what_finds_no_room_is_not_kept() {
        let (file, bytes) = file();
        let half = LENGTH / 2;
        let kept = keep_all(&file, &[0..half, half..LENGTH, 0..65_536]);
        assert!(kept[1].is_none() && kept[2].is_none());
        let first = kept.into_iter().flatten().next().unwrap();
        assert!(Piece::Kept(first).into_bytes().unwrap() == bytes[..half as usize]);
    }

    #[test]
    fn a_file_that_ends_early_is_not_kept() {
        let (file, bytes) = file();
        let ranges = [0..65_536, LENGTH - 40_000..LENGTH + 1, 0..65_536];
        let kept = keep_all(&file, &ranges);
        assert!(kept[1].is_none() && kept[2].is_none());
        let first = kept.into_iter().flatten().next().unwrap();
        assert!(Piece::Kept(first).into_bytes().unwrap() == bytes[..65_536]);
    }

    #[test]
    fn what_is_kept_outlives_the_file() {
        let (file, bytes) = file();
        let ranges = [4096..65_536, 65_536..131_072];
        let kept = keep_all(&file, &ranges);
        drop(file);
        for (kept, range) in kept.into_iter().zip(ranges) {
            let read = Piece::Kept(kept.unwrap()).into_bytes().unwrap();
            assert!(read == bytes[range.start as usize..range.end as usize]);
        }
    }
}
