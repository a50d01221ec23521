//! Files that rest on others: only the blocks that were changed are in them.
//!
//! Such a file is sparse and has its full length. Beside it lies a record ([`super::journal`]) of the blocks that are in
//! it; all others are those of its base, a blob, and behind the end of that they are zeros. A blob of this kind becomes
//! an ordinary one when [`super::Disk::read_to_settle`] has put the missing blocks into it.

use std::fs::File;
use std::io;
use std::ops::Range;
use std::os::unix::fs::FileExt;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, RwLock};

use super::extents::Extents;
use super::journal::{Journal, Told};
use crate::BlobKey;

/// The unit of what an overlay has itself. Most programs write in multiples of it.
pub(crate) const BLOCK_BYTES: u64 = 4096;

/// Files on top of each other at most.
pub(crate) const MOST_LAYERS: usize = 8;

/// A file, and what is below it.
#[derive(Clone, Debug)]
pub(crate) struct Layer {
    pub(crate) file: Arc<File>,
    pub(crate) over: Option<Arc<Overlay>>,
}

/// How a file rests on a blob.
#[derive(Debug)]
pub(crate) struct Overlay {
    /// The blob.
    pub(crate) base: BlobKey,
    below: Layer,
    /// How many bytes of the blob are visible.
    base_len: AtomicU64,
    own: RwLock<Extents>,
    journal: Mutex<Journal>,
}

impl Overlay {
    pub(crate) fn new(below: Layer, journal: Journal, told: Told) -> Self {
        Self {
            base: told.base,
            below,
            base_len: AtomicU64::new(told.base_len),
            own: RwLock::new(told.own),
            journal: Mutex::new(journal),
        }
    }

    pub(crate) fn journal(&self) -> MutexGuard<'_, Journal> {
        self.journal.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// The blocks that are in the file itself.
    pub(crate) fn own(&self) -> Extents {
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        own.clone()
    }

    /// What another file rests on that has these blocks itself, and otherwise looks the same up to a size.
    pub(crate) fn rested_on(&self, own: Extents, size: u64) -> (Layer, Told) {
        let told = Told {
            base: self.base,
            base_len: self.base_len().min(size),
            own,
        };
        (self.below.clone(), told)
    }

    fn base_len(&self) -> u64 {
        self.base_len.load(Ordering::Acquire)
    }

    /// Cuts a range of bytes into pieces that are in the file itself, marked true, and such that are not.
    fn pieces(&self, range: Range<u64>) -> Vec<(Range<u64>, bool)> {
        let blocks = range.start / BLOCK_BYTES..range.end.div_ceil(BLOCK_BYTES);
        let own = self.own.read().unwrap_or_else(PoisonError::into_inner);
        let pieces = own.pieces(blocks).into_iter();
        let in_bytes = pieces.map(|(blocks, is_own)| {
            let start = (blocks.start * BLOCK_BYTES).max(range.start);
            let end = blocks.end.saturating_mul(BLOCK_BYTES).min(range.end);
            (start..end, is_own)
        });
        in_bytes.collect()
    }
}

impl Layer {
    /// How many files are on top of each other.
    pub(crate) fn depth(&self) -> usize {
        let mut depth = 1;
        let mut at = self;
        while let Some(over) = &at.over {
            depth += 1;
            at = &over.below;
        }
        depth
    }

    /// Reads bytes at an offset. What is behind the end is zeros in an overlay, and an error in a whole file.
    pub(crate) fn read(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let Some(over) = &self.over else {
            return self.file.read_exact_at(buf, offset);
        };
        for (piece, is_own) in over.pieces(offset..offset + buf.len() as u64) {
            let within = (piece.start - offset) as usize..(piece.end - offset) as usize;
            let buf = &mut buf[within];
            if is_own {
                read_or_zeros(&self.file, piece.start, buf)?;
            } else {
                over.read_base(piece.start, buf)?;
            }
        }
        Ok(())
    }

    /// Writes bytes at an offset.
    pub(crate) fn write(&self, offset: u64, bytes: &[u8]) -> io::Result<()> {
        let Some(over) = &self.over else {
            return self.file.write_all_at(bytes, offset);
        };
        let end = offset + bytes.len() as u64;
        let blocks = offset / BLOCK_BYTES..end.div_ceil(BLOCK_BYTES);
        let new: Vec<_> = {
            let own = over.own.read().unwrap_or_else(PoisonError::into_inner);
            let pieces = own.pieces(blocks.clone()).into_iter();
            pieces.filter(|(_, is_own)| !is_own).collect()
        };
        // Blocks that are written in part get the rest from below.
        for block in [blocks.start, blocks.end - 1] {
            let is_new = new.iter().any(|(blocks, _)| blocks.contains(&block));
            let whole = block * BLOCK_BYTES..(block + 1) * BLOCK_BYTES;
            if is_new && (whole.start < offset || end < whole.end) {
                self.fill(over, whole)?;
            }
        }
        self.file.write_all_at(bytes, offset)?;
        if !new.is_empty() {
            over.journal().has(blocks.start, blocks.end)?;
            let mut own = over.own.write().unwrap_or_else(PoisonError::into_inner);
            own.insert(blocks);
        }
        Ok(())
    }

    /// Makes the file so long.
    pub(crate) fn set_size(&self, size: u64) -> io::Result<()> {
        self.file.set_len(size)?;
        if let Some(over) = &self.over
            && size < over.base_len()
        {
            over.journal().cut(size)?;
            over.base_len.store(size, Ordering::Release);
        }
        Ok(())
    }

    /// Puts what is below of a range of bytes into the file itself.
    pub(crate) fn settle(&self, range: Range<u64>) -> io::Result<()> {
        let Some(over) = &self.over else {
            return Ok(());
        };
        for (piece, is_own) in over.pieces(range) {
            if !is_own {
                self.fill(over, piece)?;
            }
        }
        Ok(())
    }

    fn fill(&self, over: &Overlay, range: Range<u64>) -> io::Result<()> {
        let end = range.end.min(over.base_len());
        if range.start >= end {
            return Ok(());
        }
        let mut bytes = vec![0; (end - range.start) as usize];
        over.below.read(range.start, &mut bytes)?;
        self.file.write_all_at(&bytes, range.start)
    }
}

impl Overlay {
    /// Reads bytes that are not in the file itself.
    fn read_base(&self, offset: u64, buf: &mut [u8]) -> io::Result<()> {
        let there = self.base_len().saturating_sub(offset).min(buf.len() as u64) as usize;
        let (from_base, behind) = buf.split_at_mut(there);
        behind.fill(0);
        if from_base.is_empty() {
            return Ok(());
        }
        self.below.read(offset, from_base)
    }
}

/// Reads bytes at an offset; zeros behind the end.
pub(crate) fn read_or_zeros(file: &File, offset: u64, buf: &mut [u8]) -> io::Result<()> {
    let mut done = 0;
    while done < buf.len() {
        match file.read_at(&mut buf[done..], offset + done as u64) {
            Ok(0) => break,
            Ok(count) => done += count,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
    buf[done..].fill(0);
    Ok(())
}
