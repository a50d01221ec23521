//! One working file.

use std::fmt;
use std::io;
use std::ops::Range;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use futures_util::stream::{self, StreamExt};
use tokio::sync::{Mutex, OwnedMutexGuard};
use tokio::task::{JoinHandle, spawn_blocking};

use super::Shared;
use crate::disk::{Layer, blocking, read_or_zeros};
use crate::store::Backend;
use crate::{BlobKey, BlobReader, Digests, Error, READ_CHUNK_BYTES, Result};

/// After so many bytes a sync is started beside the writing, if none runs, so that the sync at the end has little left to
/// do.
const WINDOW_BYTES: u64 = 4 * 1024 * 1024;

/// With so many bytes that no sync covers yet, writing waits for the one that runs. So the kernel never keeps more than
/// twice this in memory, and a moment of slowness of the disk holds up nobody.
const WINDOWS_BYTES: u64 = 4 * WINDOW_BYTES;

/// Context of errors.
const WRITING: &str = "writing a working file";
const READING: &str = "reading a working file";
const PUBLISHING: &str = "publishing a working file";

/// A file that can be written at any place, until it is published.
///
/// Writes wait for each other; reads see every write that was answered before they began.
pub struct WorkingFile {
    shared: Arc<Shared>,
    id: i64,
    layer: Layer,
    /// Changed only by who holds `state`; read by anybody.
    size: Arc<AtomicU64>,
    /// Held by the thread that writes, whether its caller still waits for it or not.
    state: Arc<Mutex<State>>,
}

#[derive(Default)]
struct State {
    /// The bytes are those of a blob now, which never changes.
    published: bool,
    /// A sync has failed. After that the kernel may have dropped the very pages that it could not
    /// write, and a second sync would succeed.
    failed: bool,
    /// Bytes written since the last sync began.
    unsynced: u64,
    /// The sync that runs beside the writing.
    syncing: Option<JoinHandle<io::Result<()>>>,
}

/// A working file that has become a blob.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Published {
    /// The blob: on stable storage, and visible.
    pub key: BlobKey,
    /// The hashes, if making the blob meant to read all bytes anyway. Otherwise the caller knows
    /// them or finds them out by reading the blob.
    pub digests: Option<Digests>,
    /// The blob whose bytes this one needs until [`crate::BlobStore::settle`] has been called for
    /// it.
    pub base: Option<BlobKey>,
}

impl WorkingFile {
    pub(super) fn new(shared: Arc<Shared>, id: i64, layer: Layer, size: u64) -> Self {
        Self {
            shared,
            id,
            layer,
            size: Arc::new(AtomicU64::new(size)),
            state: Arc::default(),
        }
    }

    /// The id it was created with.
    pub fn id(&self) -> i64 {
        self.id
    }

    /// The blob that it rests on, if it does: bytes that were not written are still that one's, which has to be kept as
    /// long.
    pub fn base(&self) -> Option<BlobKey> {
        self.layer.over.as_ref().map(|over| over.base)
    }

    /// Whether it has been published, and so cannot be written any more.
    pub async fn is_published(&self) -> bool {
        self.state.lock().await.published
    }

    /// Its present size in bytes.
    pub fn size(&self) -> u64 {
        self.size.load(Ordering::Acquire)
    }

    /// Writes `bytes` at `offset`; a gap behind the end is filled with zeros.
    ///
    /// # Errors
    ///
    /// When the bytes could not be written, in which case some of them may have been; when an
    /// earlier sync has failed; and when the file has been published.
    pub async fn write_at(&self, offset: u64, bytes: Bytes) -> Result<()> {
        let mut written = self.write_all(vec![(offset, bytes)]).await?;
        written.pop().unwrap_or(Ok(()))
    }

    /// Writes several pieces, one after the other, each as [`WorkingFile::write_at`] would; answers what became of each.
    /// They take one hop to a thread that may block, which is most of what a small write costs.
    ///
    /// # Errors
    ///
    /// When nothing was written because of the file; and when an earlier sync has failed, in which case everything may
    /// have been written.
    pub async fn write_all(&self, pieces: Vec<(u64, Bytes)>) -> Result<Vec<Result<()>>> {
        let mut state = self.writable().await?;
        let (layer, size) = (self.layer.clone(), Arc::clone(&self.size));
        let (mut state, written) = blocking(WRITING, move || {
            let write = |(offset, bytes): (u64, Bytes)| state.write(&layer, &size, offset, &bytes);
            let written = pieces.into_iter().map(write).collect();
            Ok((state, written))
        })
        .await?;
        if state.wants_sync() {
            state.sync_beside(&self.layer).await?;
        }
        Ok(written)
    }

    /// Cuts the file, or extends it with zeros.
    ///
    /// # Errors
    ///
    /// As for [`WorkingFile::write_at`].
    pub async fn set_size(&self, size: u64) -> Result<()> {
        let state = self.writable().await?;
        let (layer, known) = (self.layer.clone(), Arc::clone(&self.size));
        blocking(WRITING, move || {
            let _state = state;
            layer.set_size(size).map_err(|e| Error::io(WRITING, e))?;
            known.store(size, Ordering::Release);
            Ok(())
        })
        .await
    }

    /// Streams the bytes of `range`, which has to lie within the file. Bytes that are cut off
    /// while they are being read appear as zeros.
    ///
    /// # Errors
    ///
    /// When the first bytes cannot be read; the stream may fail later.
    pub async fn read(&self, range: Range<u64>) -> Result<BlobReader> {
        let mut rest = Rest {
            layer: self.layer.clone(),
            range,
        };
        // The first chunk is read here: what is answered later than this call may have changed.
        let first = match rest.start() {
            Some(first) => Some(done(first).await?),
            None => None,
        };
        let ahead = rest.start();
        let chunks = stream::try_unfold((rest, ahead), |(mut rest, ahead)| async {
            let Some(ahead) = ahead else { return Ok(None) };
            let chunk = done(ahead).await?;
            let ahead = rest.start();
            Ok(Some((chunk, (rest, ahead))))
        });
        let chunks = stream::iter(first.map(Ok)).chain(chunks);
        Ok(BlobReader::new(chunks.boxed()))
    }

    /// Reads several ranges, each of which has to lie within the file, in one hop to a thread that may block.
    ///
    /// # Errors
    ///
    /// When one of them cannot be read.
    pub async fn read_all(&self, ranges: Vec<Range<u64>>) -> Result<Vec<Bytes>> {
        let layer = self.layer.clone();
        blocking(READING, move || {
            let read = |range| read_piece(&layer, range);
            ranges.into_iter().map(read).collect()
        })
        .await
    }

    /// Puts everything that was written on stable storage.
    ///
    /// # Errors
    ///
    /// When that failed; it is not tried again, and all later calls fail.
    pub async fn sync(&self) -> Result<()> {
        self.writable().await?.sync(&self.layer).await
    }

    /// Makes the present content a blob, on stable storage. From now on this file cannot be
    /// written; it stays where it is until [`super::WorkingDir::remove`], and reads go on.
    ///
    /// If the blobs are files of the same file system this takes no longer than
    /// [`WorkingFile::sync`]; otherwise all bytes are copied to where the blobs are.
    ///
    /// If nothing comes to refer to the blob, the caller deletes it and goes on with
    /// [`super::WorkingDir::reopen`].
    ///
    /// # Errors
    ///
    /// When the blob could not be made. The file can then still be written.
    pub async fn publish(&self) -> Result<Published> {
        let mut state = self.writable().await?;
        state.sync(&self.layer).await?;
        let published = match &self.shared.blobs.shared.backend {
            Backend::Disk(disk) => {
                let (disk, path) = (Arc::clone(disk), self.shared.path(self.id));
                let over = self.base().map(|_| self.shared.over(self.id));
                blocking(PUBLISHING, move || disk.adopt(&path, over.as_deref())).await?
            }
            Backend::S3(_) | Backend::Memory(_) => None,
        };
        let published = match published {
            Some(key) => Published {
                key,
                digests: None,
                base: self.base(),
            },
            None => self.copy().await?,
        };
        state.published = true;
        Ok(published)
    }

    /// Copies the bytes to where the blobs are.
    async fn copy(&self) -> Result<Published> {
        let key = BlobKey::random()?;
        let mut writer = self.shared.blobs.writer_of(key);
        let mut chunks = self.read(0..self.size()).await?;
        while let Some(chunk) = chunks.next().await {
            writer.write(chunk?).await?;
        }
        let digests = Some(writer.finish().await?.digests);
        Ok(Published {
            key,
            digests,
            base: None,
        })
    }

    async fn writable(&self) -> Result<OwnedMutexGuard<State>> {
        let state = Arc::clone(&self.state).lock_owned().await;
        let trouble = match &*state {
            State {
                published: true, ..
            } => "the file has been published",
            State { failed: true, .. } => "an earlier sync has failed",
            _ => return Ok(state),
        };
        Err(Error::io(WRITING, io::Error::other(trouble)))
    }
}

impl State {
    fn write(&mut self, layer: &Layer, size: &AtomicU64, offset: u64, bytes: &[u8]) -> Result<()> {
        if bytes.is_empty() {
            return Ok(());
        }
        let length = bytes.len() as u64;
        let end = end_of(offset, length)?;
        layer
            .write(offset, bytes)
            .map_err(|e| Error::io(WRITING, e))?;
        size.fetch_max(end, Ordering::Release);
        self.unsynced += length;
        Ok(())
    }

    fn wants_sync(&self) -> bool {
        let is_idle = self.syncing.as_ref().is_none_or(JoinHandle::is_finished);
        let enough = if is_idle { WINDOW_BYTES } else { WINDOWS_BYTES };
        self.unsynced >= enough
    }

    /// Waits for the last sync and starts the next one.
    async fn sync_beside(&mut self, layer: &Layer) -> Result<()> {
        self.wait_for_sync().await?;
        let layer = layer.clone();
        // Nobody writes at this moment: everything up to here is in the file, and goes to stable storage with it.
        let told = layer.over.as_ref().map(|over| over.journal().length());
        self.syncing = Some(spawn_blocking(move || {
            layer.file.sync_data()?;
            match (&layer.over, told) {
                (Some(over), Some(told)) => over.journal().synced(told),
                _ => Ok(()),
            }
        }));
        self.unsynced = 0;
        Ok(())
    }

    async fn sync(&mut self, layer: &Layer) -> Result<()> {
        self.sync_beside(layer).await?;
        self.wait_for_sync().await
    }

    /// The kernel reports a failed write-back once, so what each sync says must be heard.
    async fn wait_for_sync(&mut self) -> Result<()> {
        let Some(syncing) = &mut self.syncing else {
            return Ok(());
        };
        // Taken only when it has ended: the caller may stop waiting.
        let ended = syncing.await.map_err(io::Error::other).flatten();
        self.syncing = None;
        self.failed |= ended.is_err();
        ended.map_err(|e| Error::io("syncing a working file", e))
    }
}

/// The end of bytes at an offset; file systems end somewhere below 2^63.
fn end_of(offset: u64, length: u64) -> Result<u64> {
    offset
        .checked_add(length)
        .filter(|&end| i64::try_from(end).is_ok())
        .ok_or_else(|| Error::io(WRITING, io::ErrorKind::FileTooLarge.into()))
}

/// What is left to read of a working file.
struct Rest {
    layer: Layer,
    range: Range<u64>,
}

impl Rest {
    /// Splits the next chunk off and starts reading it.
    fn start(&mut self) -> Option<JoinHandle<Result<Bytes>>> {
        let start = self.range.start;
        let chunk_end = start.saturating_add(READ_CHUNK_BYTES as u64);
        let end = self.range.end.min(chunk_end);
        if start >= end {
            return None;
        }
        self.range.start = end;
        let layer = self.layer.clone();
        Some(spawn_blocking(move || read_piece(&layer, start..end)))
    }
}

/// Reads a range, which has to fit into memory.
fn read_piece(layer: &Layer, range: Range<u64>) -> Result<Bytes> {
    let mut piece = vec![0; (range.end - range.start) as usize];
    let read = match &layer.over {
        None => read_or_zeros(&layer.file, range.start, &mut piece),
        Some(_) => layer.read(range.start, &mut piece),
    };
    read.map_err(|e| Error::io(READING, e))?;
    Ok(piece.into())
}

async fn done(reading: JoinHandle<Result<Bytes>>) -> Result<Bytes> {
    reading
        .await
        .map_err(|e| Error::io(READING, io::Error::other(e)))?
}

impl fmt::Debug for WorkingFile {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkingFile")
            .field("id", &self.id)
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}
