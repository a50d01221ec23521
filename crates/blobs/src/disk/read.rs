//! Reading ranges of files with large reads, one chunk ahead of the consumer.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use rustix::buffer::spare_capacity;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Disk, ENDLESS_LAYERS, Layer, blocking, remove_if_there};
use crate::kept::{Keeper, Piece};
use crate::reader::READ_CHUNK_BYTES;
use crate::{BlobKey, Error, Result};

/// Context of errors.
const READING: &str = "reading a blob";

/// What is left to read of a blob.
struct Rest {
    key: BlobKey,
    layer: Layer,
    /// Whether what is read is put into the file itself, if it is not there.
    settles: bool,
    range: Range<u64>,
}

impl Rest {
    /// Splits the next chunk off and starts reading it.
    fn start(&mut self) -> Option<JoinHandle<Result<Bytes>>> {
        let chunk = self.next_chunk()?;
        let (key, layer, settles) = (self.key, self.layer.clone(), self.settles);
        Some(spawn_blocking(move || {
            read_chunk(key, &layer, settles, chunk)
        }))
    }

    fn next_chunk(&mut self) -> Option<Range<u64>> {
        let start = self.range.start;
        let end = self
            .range
            .end
            .min(start.saturating_add(READ_CHUNK_BYTES as u64));
        self.range.start = end;
        (start < end).then_some(start..end)
    }
}

impl Disk {
    /// Opens a blob and reads the first chunk, in one hop to a thread that may block.
    ///
    /// A range that ends behind the end of the file is damage: the caller knows the size of what
    /// was stored.
    pub(crate) async fn read(
        self: &Arc<Self>,
        key: BlobKey,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.read_range(key, range, false).await
    }

    /// Reads several ranges of a blob, in one hop to a thread that may block. If it `keeps` them, as many as can be.
    pub(crate) async fn read_all(
        self: &Arc<Self>,
        key: BlobKey,
        ranges: Vec<Range<u64>>,
        keeps: bool,
    ) -> Result<Vec<Piece>> {
        let this = Arc::clone(self);
        blocking(READING, move || {
            let (layer, size) = this.open_to_read(key, false)?;
            // A blob that rests on another one is still being put together.
            let mut keeper = match keeps && layer.over.is_none() {
                true => Keeper::new(&ranges),
                false => Keeper::default(),
            };
            let read = |range: Range<u64>| {
                check(key, size, &range)?;
                match keeper.keep(&layer.file, &range) {
                    Some(kept) => Ok(Piece::Kept(kept)),
                    None => read_chunk(key, &layer, false, range).map(Piece::Bytes),
                }
            };
            ranges.into_iter().map(read).collect()
        })
        .await
    }

    /// Reads the first `size` bytes of a blob, and puts into its file what is not there because the blob rests on
    /// another one.
    pub(crate) async fn read_to_settle(
        self: &Arc<Self>,
        key: BlobKey,
        size: u64,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        self.read_range(key, 0..size, true).await
    }

    /// Ends what [`Disk::read_to_settle`] has begun, once everything has been read: the blob is independent.
    pub(crate) async fn settled(self: &Arc<Self>, key: BlobKey) -> Result<()> {
        let this = Arc::clone(self);
        let doing = "settling a blob";
        blocking(doing, move || {
            let settle = || {
                if !this.over(&key).exists() {
                    return Ok(());
                }
                File::open(this.blob(&key))?.sync_all()?;
                remove_if_there(&this.over(&key))?;
                this.sync_leaf(&key)
            };
            settle().map_err(|e| Error::io(doing, e))
        })
        .await
    }

    async fn read_range(
        self: &Arc<Self>,
        key: BlobKey,
        range: Range<u64>,
        settles: bool,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let this = Arc::clone(self);
        let (first, mut rest) = blocking(READING, move || {
            let (layer, size) = this.open_to_read(key, settles)?;
            check(key, size, &range)?;
            let mut rest = Rest {
                key,
                layer,
                settles,
                range,
            };
            let first = match rest.next_chunk() {
                Some(chunk) => Some(read_chunk(key, &rest.layer, settles, chunk)?),
                None => None,
            };
            Ok((first, rest))
        })
        .await?;

        let ahead = rest.start();
        let chunks = stream::try_unfold((rest, ahead), |(mut rest, ahead)| async {
            let Some(ahead) = ahead else { return Ok(None) };
            let chunk = ahead
                .await
                .map_err(|e| Error::io(READING, io::Error::other(e)))??;
            let ahead = rest.start();
            Ok(Some((chunk, (rest, ahead))))
        });
        Ok(stream::iter(first.map(Ok)).chain(chunks).boxed())
    }

    /// Opens a blob; answers its size as well.
    fn open_to_read(&self, key: BlobKey, settles: bool) -> Result<(Layer, u64)> {
        let layer = self.layer_within(&key, settles, ENDLESS_LAYERS);
        let layer = layer.map_err(|e| match e.kind() {
            ErrorKind::NotFound => Error::NotFound(key),
            _ => Error::io(READING, e),
        })?;
        let metadata = layer.file.metadata();
        let size = metadata.map_err(|e| Error::io(READING, e))?.len();
        Ok((layer, size))
    }
}

/// Refuses a range that a blob does not have.
fn check(key: BlobKey, size: u64, range: &Range<u64>) -> Result<()> {
    if range.end > size {
        let detail = format!("{size} bytes long, bytes {range:?} were asked for");
        return Err(Error::Corrupt { key, detail });
    }
    Ok(())
}

/// Reads exactly these bytes.
fn read_chunk(key: BlobKey, layer: &Layer, settles: bool, range: Range<u64>) -> Result<Bytes> {
    // A chunk is at most READ_CHUNK_BYTES long.
    let length = (range.end - range.start) as usize;
    if layer.over.is_some() {
        if settles {
            layer
                .settle(range.clone())
                .map_err(|e| Error::io("settling a blob", e))?;
        }
        let mut chunk = vec![0; length];
        layer
            .read(range.start, &mut chunk)
            .map_err(|e| Error::io(READING, e))?;
        return Ok(chunk.into());
    }
    let file = &layer.file;
    let mut chunk = Vec::with_capacity(length);
    while chunk.len() < length {
        let offset = range.start + chunk.len() as u64;
        match rustix::io::pread(file, spare_capacity(&mut chunk), offset) {
            Ok(0) => {
                let detail = format!("ends at byte {offset}, before the end that was asked for");
                return Err(Error::Corrupt { key, detail });
            }
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(Error::io(READING, e.into())),
        }
    }
    // The allocator may have given more room than was asked for, and reading may have filled it.
    chunk.truncate(length);
    Ok(chunk.into())
}
