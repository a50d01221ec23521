//! Beginning a working file: it gets its name when its first bytes are in it.

use super::{Shared, WorkingFile};
use crate::disk::{
    BLOCK_BYTES, Disk, Extents, Journal, Layer, MOST_LAYERS, Overlay, Told, read_or_zeros,
    remove_if_there, sync_dir,
};
use crate::{BlobKey, Error, Result};
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::os::unix::fs::{FileExt, OpenOptionsExt};
use std::path::PathBuf;
use std::sync::Arc;

/// Context of errors.
pub(super) const CREATING: &str = "creating a working file";

/// A blob that rests on another one, and has no more than this in its own file, is not rested on: its blocks are copied,
/// and the new file rests on what is below. So a file that is changed again and again does not get many layers.
const COPIED_BYTES: u64 = 64 * 1024 * 1024;

/// How much is copied at once.
const COPY_BYTES: u64 = 1024 * 1024;

/// A working file without its name.
pub(super) struct Begun {
    id: i64,
    unfinished: PathBuf,
    path: PathBuf,
    pub(super) file: Arc<File>,
}

impl Begun {
    pub(super) fn new(shared: &Shared, id: i64) -> Result<Self> {
        let (unfinished, path) = (shared.unfinished(id), shared.path(id));
        let create = || {
            if path.exists() {
                return Err(ErrorKind::AlreadyExists.into());
            }
            remove_if_there(&unfinished)?;
            let mut options = File::options();
            options.read(true).write(true).create_new(true).mode(0o600);
            options.open(&unfinished)
        };
        let file = create().map_err(|e| Error::io(CREATING, e))?;
        Ok(Self {
            id,
            unfinished,
            path,
            file: Arc::new(file),
        })
    }

    /// Gives the file its name.
    pub(super) fn finish(
        &self,
        shared: Arc<Shared>,
        size: u64,
        over: Option<Arc<Overlay>>,
    ) -> Result<WorkingFile> {
        fs::rename(&self.unfinished, &self.path).map_err(|e| Error::io(CREATING, e))?;
        let file = Arc::clone(&self.file);
        Ok(WorkingFile::new(
            shared,
            self.id,
            Layer { file, over },
            size,
        ))
    }
}

/// Begins a file that rests on a blob; `None` if that would make too many layers.
pub(super) fn begin_over(
    shared: Arc<Shared>,
    disk: &Disk,
    id: i64,
    key: BlobKey,
    size: u64,
) -> Result<Option<WorkingFile>> {
    let opened = disk.layer(&key).map_err(|e| match e.kind() {
        ErrorKind::NotFound => Error::NotFound(key),
        _ => Error::io(CREATING, e),
    })?;
    let copied = match &opened.over {
        Some(over) => Some(over.own()).filter(|own| own.count() <= COPIED_BYTES / BLOCK_BYTES),
        None => None,
    };
    let (below, told) = match (&opened.over, &copied) {
        (Some(over), Some(own)) => over.rested_on(own.clone(), size),
        _ => (
            opened.clone(),
            Told {
                base: key,
                base_len: size,
                own: Extents::default(),
            },
        ),
    };
    if below.depth() >= MOST_LAYERS {
        return Ok(None);
    }
    let begun = Begun::new(&shared, id)?;
    let begin = || {
        remove_if_there(&shared.over(id))?;
        let journal = Journal::create(&shared.over(id), &told)?;
        // Without its record the file would be taken for a whole one.
        sync_dir(&shared.root)?;
        begun.file.set_len(size)?;
        for blocks in copied.iter().flat_map(Extents::iter) {
            copy(&opened.file, &begun.file, &blocks, size)?;
        }
        Ok(Arc::new(Overlay::new(below, journal, told)))
    };
    let over = begin().map_err(|e| Error::io(CREATING, e))?;
    begun.finish(shared, size, Some(over)).map(Some)
}

/// Copies blocks from one file to another, up to a size.
fn copy(from: &File, to: &File, blocks: &Range<u64>, size: u64) -> io::Result<()> {
    let end = blocks.end.saturating_mul(BLOCK_BYTES).min(size);
    let mut at = blocks.start.saturating_mul(BLOCK_BYTES);
    while at < end {
        let mut bytes = vec![0; (end - at).min(COPY_BYTES) as usize];
        read_or_zeros(from, at, &mut bytes)?;
        to.write_all_at(&bytes, at)?;
        at += bytes.len() as u64;
    }
    Ok(())
}
