//! The back ends behind one type.

use std::fmt;
use std::ops::Range;
use std::path::Path;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_util::TryStreamExt;
use futures_util::stream::{BoxStream, Stream};
use tokio::sync::Semaphore;

use crate::disk::{self, Disk};
use crate::memory::Memory;
use crate::pool::Pool;
use crate::s3::{S3, S3Config};
use crate::writer::{self, BlobWriter};
use crate::{BlobKey, BlobReader, Digests, Error, Piece, Result};

/// A place for blobs. Clones share it.
///
/// All methods have to be called within a tokio runtime.
#[derive(Clone)]
pub struct BlobStore {
    pub(crate) shared: Arc<Shared>,
}

/// What the clones of a store and its writers have in common.
pub(crate) struct Shared {
    pub(crate) backend: Backend,
    /// Threads for hashing.
    pub(crate) pool: Pool,
    /// Room for the bytes that all writers together have handed to threads.
    pub(crate) room: Arc<Semaphore>,
}

pub(crate) enum Backend {
    Disk(Arc<Disk>),
    S3(Arc<S3>),
    Memory(Arc<Memory>),
}

impl BlobStore {
    /// Blobs as files below `dir`, which is created (mode 0700) when it is missing.
    ///
    /// What writers of a killed process left unfinished is removed, unless another process
    /// has the directory open as well.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made, read or synced.
    pub async fn disk(dir: impl AsRef<Path>) -> Result<Self> {
        let dir = dir.as_ref().to_owned();
        let disk = disk::blocking("opening the blob directory", move || Disk::open(&dir)).await?;
        Self::new(Backend::Disk(Arc::new(disk)))
    }

    /// Blobs as objects of a bucket. Does not contact the service: see [`BlobStore::probe`].
    ///
    /// # Errors
    ///
    /// When the configuration cannot be right, for example because the endpoint is no URL.
    pub fn s3(config: &S3Config) -> Result<Self> {
        Self::new(Backend::S3(Arc::new(S3::new(config)?)))
    }

    /// Blobs in the memory of this process, without any limit: for tests.
    ///
    /// # Errors
    ///
    /// When the threads for hashing cannot be started.
    pub fn memory() -> Result<Self> {
        Self::new(Backend::Memory(Arc::default()))
    }

    fn new(backend: Backend) -> Result<Self> {
        let pool = Pool::start().map_err(|e| Error::io("starting the hash threads", e))?;
        let room = Arc::new(Semaphore::new(writer::STORE_BATCHES));
        Ok(Self {
            shared: Arc::new(Shared {
                backend,
                pool,
                room,
            }),
        })
    }

    /// Begins a content of unknown size.
    ///
    /// Up to `inline_max` bytes stay in memory and are handed back by
    /// [`BlobWriter::finish`]; a blob comes into being only for more.
    pub fn writer(&self, inline_max: usize) -> BlobWriter {
        BlobWriter::new(Arc::clone(&self.shared), inline_max, None)
    }

    /// Begins the copy of a blob of another store, which is to have the same name here.
    ///
    /// Nothing is kept inline: [`BlobWriter::finish`] answers [`Place::Key`] for anything but an
    /// empty content. What had this name here before is replaced.
    ///
    /// [`Place::Key`]: crate::Place::Key
    pub fn writer_of(&self, key: BlobKey) -> BlobWriter {
        BlobWriter::new(Arc::clone(&self.shared), 0, Some(key))
    }

    /// Streams the bytes of `range`, which has to lie within the blob.
    ///
    /// An empty range yields nothing.
    ///
    /// # Errors
    ///
    /// [`Error::NotFound`] when there is no such blob; [`Error::Corrupt`], here or from the
    /// stream, when the blob ends before the range does.
    pub async fn read(&self, key: &BlobKey, range: Range<u64>) -> Result<BlobReader> {
        let chunks = match &self.shared.backend {
            Backend::Disk(disk) => disk.read(*key, range).await,
            Backend::S3(s3) => s3.read(*key, range).await,
            Backend::Memory(memory) => memory.read(*key, range),
        };
        chunks.map(BlobReader::new)
    }

    /// Reads several ranges of a blob, each of which has to lie within it and to fit into memory. If the blob is a file
    /// this takes one hop to a thread that may block, which is most of what a small read costs. If it `keeps` them, large
    /// pieces are left in the kernel as far as there is room, see [`Kept`](crate::Kept).
    ///
    /// # Errors
    ///
    /// When one of them cannot be read, as for [`BlobStore::read`].
    pub async fn read_all(
        &self,
        key: &BlobKey,
        ranges: Vec<Range<u64>>,
        keeps: bool,
    ) -> Result<Vec<Piece>> {
        if let Backend::Disk(disk) = &self.shared.backend {
            return disk.read_all(*key, ranges, keeps).await;
        }
        let mut pieces = Vec::with_capacity(ranges.len());
        for range in ranges {
            let chunks: Vec<Bytes> = self.read(key, range).await?.try_collect().await?;
            pieces.push(Piece::Bytes(chunks.concat().into()));
        }
        Ok(pieces)
    }

    /// Hashes everything that a reader yields: a blob, a range of one, or of a working file.
    ///
    /// # Errors
    ///
    /// What the reader fails with.
    pub async fn digests(&self, bytes: BlobReader) -> Result<Digests> {
        writer::digests_of_stream(&self.shared.pool, bytes).await
    }

    /// Reads a blob of `size` bytes whole, and makes it independent of the blob it rests on, if it
    /// does; answers its hashes.
    ///
    /// # Errors
    ///
    /// When it cannot be read, or not be made independent. It can be tried again.
    pub async fn settle(&self, key: &BlobKey, size: u64) -> Result<Digests> {
        let Backend::Disk(disk) = &self.shared.backend else {
            return self.digests(self.read(key, 0..size).await?).await;
        };
        let bytes = BlobReader::new(disk.read_to_settle(*key, size).await?);
        let digests = self.digests(bytes).await?;
        disk.settled(*key).await?;
        Ok(digests)
    }

    /// Removes a blob. Deleting one that does not exist succeeds.
    ///
    /// # Errors
    ///
    /// When the blob may still be there.
    pub async fn delete(&self, key: &BlobKey) -> Result<()> {
        match &self.shared.backend {
            Backend::Disk(disk) => disk.delete(key).await,
            Backend::S3(s3) => s3.delete(key).await,
            Backend::Memory(memory) => {
                memory.delete(key);
                Ok(())
            }
        }
    }

    /// The size of a blob in bytes, or `None` when there is no such blob.
    ///
    /// # Errors
    ///
    /// When it could not be found out.
    pub async fn size(&self, key: &BlobKey) -> Result<Option<u64>> {
        match &self.shared.backend {
            Backend::Disk(disk) => disk.size(key).await,
            Backend::S3(s3) => s3.size(key).await,
            Backend::Memory(memory) => Ok(memory.size(key)),
        }
    }

    /// All blobs, in no particular order, for finding those that nothing refers to.
    ///
    /// Blobs that are written or deleted meanwhile may or may not appear; all others appear
    /// exactly once.
    pub fn list(&self) -> BlobList {
        let listed = match &self.shared.backend {
            Backend::Disk(disk) => disk.list(),
            Backend::S3(s3) => s3.list(),
            Backend::Memory(memory) => memory.list(),
        };
        BlobList { listed }
    }

    /// Proves that blobs can be written now: to be called at start and for readiness checks.
    ///
    /// # Errors
    ///
    /// What a writer would meet.
    pub async fn probe(&self) -> Result<()> {
        match &self.shared.backend {
            Backend::Disk(disk) => disk.probe().await,
            Backend::S3(s3) => s3.probe().await,
            Backend::Memory(_) => Ok(()),
        }
    }
}

impl fmt::Debug for BlobStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let backend = match &self.shared.backend {
            Backend::Disk(_) => "disk",
            Backend::S3(_) => "s3",
            Backend::Memory(_) => "memory",
        };
        f.debug_struct("BlobStore")
            .field("backend", &backend)
            .finish_non_exhaustive()
    }
}

/// One blob of a listing.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Listed {
    /// Its name.
    pub key: BlobKey,
    /// Its size in bytes.
    pub size: u64,
    /// When it was written, in seconds since 1970 by the clock of the storage.
    pub modified: u64,
}

/// The stream that [`BlobStore::list`] answers. It ends after the first error.
pub struct BlobList {
    listed: BoxStream<'static, Result<Listed>>,
}

impl Stream for BlobList {
    type Item = Result<Listed>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Listed>>> {
        self.listed.as_mut().poll_next(cx)
    }
}

impl fmt::Debug for BlobList {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobList").finish_non_exhaustive()
    }
}
