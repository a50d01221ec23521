//! Writing a content of unknown size.

use std::fmt;
use std::io;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use futures_util::future::try_join;
use tokio::runtime::Handle;
use tokio::sync::{OwnedSemaphorePermit, Semaphore, oneshot};

use crate::disk::DiskStage;
use crate::hashing::{Hashing, room};
use crate::lane::{Batch, Lane};
use crate::memory::Memory;
use crate::pool::{Pool, Runner};
use crate::s3::Upload;
use crate::store::{Backend, Shared};
use crate::{BlobKey, BlobReader, Digests, Error, Hasher, Result};

/// Chunks are gathered to batches of this size before they are handed to other threads:
/// hashing one takes over half a millisecond, handing it over some microseconds.
pub(crate) const BATCH_BYTES: usize = 256 * 1024;

/// How many batches of one writer may be on their way, so that a moment of slowness of the
/// disk does not idle the hashes and the other way round.
const WRITER_BATCHES: usize = 16;

/// How many batches of all writers of a store together may be on their way: 64 MiB.
pub(crate) const STORE_BATCHES: usize = 256;

/// Contents up to this size are hashed on the spot: it takes about as long as handing them to
/// another thread and back.
const HASH_INLINE_BYTES: usize = 32 * 1024;

/// A finished content.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Stored {
    /// Its size and hashes.
    pub digests: Digests,
    /// Where it is.
    pub place: Place,
    /// States of the hashes after each [`STATE_STEP_BYTES`](crate::STATE_STEP_BYTES), of a blob that is not very large.
    pub states: Vec<Hasher>,
}

/// Where a finished content is.
#[derive(Clone, PartialEq, Eq, Debug)]
pub enum Place {
    /// Here: the caller keeps it beside its metadata.
    Inline(Bytes),
    /// In the blob store, on stable storage.
    Key(BlobKey),
}

/// Takes a content in pieces, hashes and stores it.
///
/// Dropping a writer removes what it has written. So does an error, and so does dropping the
/// future of [`BlobWriter::write`] before it is ready, since nobody can tell how much of the
/// piece was taken: all later calls fail.
pub struct BlobWriter {
    shared: Arc<Shared>,
    inline_max: usize,
    /// The name the blob is to get; a new one if there is none.
    key: Option<BlobKey>,
    /// Bytes that were not handed over yet.
    gathered: BytesMut,
    /// Bytes taken so far.
    written: u64,
    /// Present as soon as the content does not fit inline.
    blob: Option<BlobInProgress>,
    /// A call has failed or was not awaited to its end.
    broken: bool,
}

impl BlobWriter {
    pub(crate) fn new(shared: Arc<Shared>, inline_max: usize, key: Option<BlobKey>) -> Self {
        Self {
            shared,
            inline_max,
            key,
            gathered: BytesMut::new(),
            written: 0,
            blob: None,
            broken: false,
        }
    }

    /// Takes the next bytes. Waits while the threads and the storage cannot keep up.
    ///
    /// # Errors
    ///
    /// When storing these or earlier bytes has failed.
    pub async fn write(&mut self, bytes: Bytes) -> Result<()> {
        self.check()?;
        self.broken = true;
        self.written += bytes.len() as u64;
        self.gather(bytes).await?;
        self.broken = false;
        Ok(())
    }

    /// How many bytes were taken so far.
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Ends the content. When this returns, a blob is on stable storage and visible.
    ///
    /// # Errors
    ///
    /// When the content could not be stored. A failed sync is never tried again: it is an
    /// error, and the blob does not exist. If the future is dropped before it is ready, the
    /// blob may or may not exist, as after a crash.
    pub async fn finish(mut self) -> Result<Stored> {
        self.check()?;
        let rest = std::mem::take(&mut self.gathered).freeze();
        match self.blob.take() {
            None => {
                let digests = digests_of(&self.shared.pool, rest.clone()).await?;
                Ok(Stored {
                    digests,
                    place: Place::Inline(rest),
                    states: Vec::new(),
                })
            }
            Some(mut blob) => {
                if !rest.is_empty() {
                    blob.hand_over(&self.shared, rest).await?;
                }
                blob.finish().await
            }
        }
    }

    fn check(&self) -> Result<()> {
        if self.broken {
            let source = io::Error::other("the writer has failed before");
            return Err(Error::io("writing a blob", source));
        }
        Ok(())
    }

    async fn gather(&mut self, mut bytes: Bytes) -> Result<()> {
        if self.blob.is_none() {
            if bytes.len() <= self.inline_max.saturating_sub(self.gathered.len()) {
                self.gathered.extend_from_slice(&bytes);
                return Ok(());
            }
            self.blob = Some(BlobInProgress::new(&self.shared, self.key)?);
        }
        let Some(blob) = &mut self.blob else {
            return Ok(());
        };
        // What was gathered for inlining may be more than a batch.
        while self.gathered.len() >= BATCH_BYTES {
            let batch = self.gathered.split_to(BATCH_BYTES).freeze();
            blob.hand_over(&self.shared, batch).await?;
        }
        while !bytes.is_empty() {
            let room = BATCH_BYTES - self.gathered.len();
            let piece = bytes.split_to(room.min(bytes.len()));
            if piece.len() == BATCH_BYTES {
                blob.hand_over(&self.shared, piece).await?;
                continue;
            }
            // Small pieces are copied: keeping them would keep the buffers they are part of.
            self.gathered.reserve(room);
            self.gathered.extend_from_slice(&piece);
            if self.gathered.len() == BATCH_BYTES {
                let batch = std::mem::take(&mut self.gathered).freeze();
                blob.hand_over(&self.shared, batch).await?;
            }
        }
        Ok(())
    }
}

impl fmt::Debug for BlobWriter {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("BlobWriter")
            .field("written", &self.written)
            .finish_non_exhaustive()
    }
}

/// A content that becomes a blob: its hashes and its storage, side by side.
struct BlobInProgress {
    key: BlobKey,
    hashing: Hashing,
    sink: Sink,
    /// Room for batches of this writer.
    room: Arc<Semaphore>,
}

/// Where the bytes go.
enum Sink {
    Disk(Lane<DiskStage>),
    S3(Upload),
    Memory(Arc<Memory>, Vec<Bytes>),
}

impl BlobInProgress {
    fn new(shared: &Shared, key: Option<BlobKey>) -> Result<Self> {
        let key = match key {
            Some(key) => key,
            None => BlobKey::random()?,
        };
        let sink = match &shared.backend {
            Backend::Disk(disk) => {
                let stage = DiskStage::new(Arc::clone(disk), key);
                Sink::Disk(Lane::new(Runner::Io(Handle::current()), stage))
            }
            Backend::S3(s3) => Sink::S3(Upload::new(Arc::clone(s3), key)),
            Backend::Memory(memory) => Sink::Memory(Arc::clone(memory), Vec::new()),
        };
        Ok(Self {
            key,
            hashing: Hashing::new(&shared.pool, Hasher::new()),
            sink,
            room: Arc::new(Semaphore::new(WRITER_BATCHES)),
        })
    }

    async fn hand_over(&mut self, shared: &Shared, bytes: Bytes) -> Result<()> {
        let batch = Batch {
            bytes,
            room: room(&self.room, shared).await?,
        };
        self.hashing.push(batch.clone())?;
        match &mut self.sink {
            Sink::Disk(lane) => lane.push(batch),
            Sink::S3(upload) => upload.push(batch.bytes).await,
            Sink::Memory(_, parts) => {
                parts.push(batch.bytes);
                Ok(())
            }
        }
    }

    async fn finish(self) -> Result<Stored> {
        let key = self.key;
        let store = async {
            match self.sink {
                Sink::Disk(lane) => lane.finish().await,
                Sink::S3(upload) => upload.finish().await,
                Sink::Memory(memory, parts) => {
                    memory.put(key, &parts);
                    Ok(())
                }
            }
        };
        let ((hasher, states), ()) = try_join(self.hashing.finish(), store).await?;
        Ok(Stored {
            digests: hasher.finish(),
            place: Place::Key(key),
            states,
        })
    }
}

/// Hashes what a reader yields, on the threads for hashing.
pub(crate) async fn digests_of_stream(pool: &Pool, mut chunks: BlobReader) -> Result<Digests> {
    let mut hashing = Hashing::new(pool, Hasher::new());
    let room = Arc::new(Semaphore::new(WRITER_BATCHES));
    while let Some(bytes) = chunks.next().await {
        hashing.push(Batch {
            bytes: bytes?,
            room: vec![acquire(&room).await?].into(),
        })?;
    }
    let (hasher, _) = hashing.finish().await?;
    Ok(hasher.finish())
}

/// The digests of a content that stays in memory.
async fn digests_of(pool: &Pool, content: Bytes) -> Result<Digests> {
    if content.len() <= HASH_INLINE_BYTES {
        return Ok(Digests::of(&content));
    }
    let (answer, wait) = oneshot::channel();
    pool.run(Box::new(move || {
        // Nobody waits when the writer was dropped.
        let _ = answer.send(Digests::of(&content));
    }));
    wait.await
        .map_err(|e| Error::io("hashing a content", io::Error::other(e)))
}

/// The semaphores are never closed, but that is not known to the compiler.
pub(crate) async fn acquire(room: &Arc<Semaphore>) -> Result<OwnedSemaphorePermit> {
    let permit = Arc::clone(room).acquire_owned().await;
    permit.map_err(|e| Error::io("writing a blob", io::Error::other(e)))
}
