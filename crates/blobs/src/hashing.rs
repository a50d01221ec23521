//! Hashing a content beside what else is done with its bytes.
//!
//! While the bytes pass by, the states of the hashes are kept that they had after each [`STATE_STEP_BYTES`]: whoever
//! copies the beginning of the content later need not hash it again, see [`KnownBytes`](crate::KnownBytes).

use std::collections::VecDeque;
use std::fmt;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::future::try_join;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::digests::ShaHasher;
use crate::lane::{Batch, Found, Lane, Stage};
use crate::md5::Md5;
use crate::pool::{Pool, Runner};
use crate::store::Shared;
use crate::writer::{BATCH_BYTES, acquire};
use crate::{BlobStore, Hasher, Result};

/// How far apart the states are that are kept. Official clients copy pieces of this size.
pub const STATE_STEP_BYTES: u64 = 32 * 1024 * 1024;

/// States that are kept of one content: those of its first 32 GiB, about 300 KiB.
const MOST_STATES: u64 = 1024;

/// A place in a content: the state there is known once the hashes have come so far.
pub struct HashMark {
    sha: Found<ShaStage, ShaHasher>,
    md5: Found<Md5Stage, Md5>,
}

impl HashMark {
    /// Whether the hashes have come so far.
    pub fn is_reached(&self) -> bool {
        self.sha.is_there() && self.md5.is_there()
    }

    /// Waits until the hashes have come so far.
    ///
    /// # Errors
    ///
    /// As for [`RunningHash::push`].
    pub async fn state(self) -> Result<Hasher> {
        let (sha, md5) = try_join(self.sha.wait(), self.md5.wait()).await?;
        Ok(Hasher { sha, md5 })
    }
}

impl fmt::Debug for HashMark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("HashMark")
            .field("is_reached", &self.is_reached())
            .finish_non_exhaustive()
    }
}

/// The hashes of one content, on two threads.
pub(crate) struct Hashing {
    pool: Pool,
    sha: Lane<ShaStage>,
    md5: Lane<Md5Stage>,
    /// Bytes that were handed over.
    size: u64,
    /// The steps that were handed over, as far as their states were not taken yet.
    steps: VecDeque<HashMark>,
}

impl Hashing {
    pub(crate) fn new(pool: &Pool, from: Hasher) -> Self {
        let cpu = Runner::Cpu(pool.clone());
        Self {
            pool: pool.clone(),
            size: from.size(),
            sha: Lane::new(cpu.clone(), ShaStage(from.sha)),
            md5: Lane::new(cpu, Md5Stage(from.md5)),
            steps: VecDeque::new(),
        }
    }

    /// Hands over the next bytes.
    pub(crate) fn push(&mut self, mut batch: Batch) -> Result<()> {
        while !batch.bytes.is_empty() {
            let to_mark = STATE_STEP_BYTES - self.size % STATE_STEP_BYTES;
            let length = usize::try_from(to_mark).unwrap_or(usize::MAX);
            let next = Batch {
                bytes: batch.bytes.split_to(length.min(batch.bytes.len())),
                room: Arc::clone(&batch.room),
            };
            self.size += next.bytes.len() as u64;
            self.sha.push(next.clone())?;
            self.md5.push(next)?;
            self.mark_step()?;
        }
        Ok(())
    }

    /// Goes on after bytes that were not handed over, since the state behind them is known.
    pub(crate) fn jump(&mut self, to: Hasher) -> Result<()> {
        let steps = std::mem::take(&mut self.steps);
        *self = Self::new(&self.pool, to);
        self.steps = steps;
        self.mark_step()
    }

    fn mark_step(&mut self) -> Result<()> {
        let is_step = self.size.is_multiple_of(STATE_STEP_BYTES);
        if is_step && self.size / STATE_STEP_BYTES <= MOST_STATES {
            let mark = self.mark()?;
            self.steps.push_back(mark);
        }
        Ok(())
    }

    pub(crate) fn mark(&self) -> Result<HashMark> {
        Ok(HashMark {
            sha: self.sha.look(|stage| stage.0.clone())?,
            md5: self.md5.look(|stage| stage.0.clone())?,
        })
    }

    /// The states after the steps that were reached since this was last called.
    pub(crate) async fn take_states(&mut self) -> Result<Vec<Hasher>> {
        take_reached(&mut self.steps).await
    }

    /// Waits until everything is hashed; answers the states after the steps as well.
    pub(crate) async fn finish(mut self) -> Result<(Hasher, Vec<Hasher>)> {
        let (sha, md5) = try_join(self.sha.finish(), self.md5.finish()).await?;
        let states = take_reached(&mut self.steps).await?;
        Ok((Hasher { sha, md5 }, states))
    }
}

/// The states at the first of these places, as far as the hashes have come.
async fn take_reached(places: &mut VecDeque<HashMark>) -> Result<Vec<Hasher>> {
    let mut states = Vec::new();
    while let Some(place) = places.pop_front_if(|place| place.is_reached()) {
        states.push(place.state().await?);
    }
    Ok(states)
}

/// Batches of one content that may wait to be hashed: 8 MiB. What sends the bytes may have stopped to wait for the disk
/// by the time they are hashed.
const HASH_BATCHES: usize = 32;

/// The running hashes of a content that somebody else stores.
///
/// Handing over bytes does not wait for them to be hashed, unless there are too many already.
pub struct RunningHash {
    shared: Arc<Shared>,
    hashing: Hashing,
    room: Arc<Semaphore>,
}

impl BlobStore {
    /// Goes on hashing a content on the threads that hash.
    pub fn hash_on(&self, from: Hasher) -> RunningHash {
        RunningHash {
            hashing: Hashing::new(&self.shared.pool, from),
            shared: Arc::clone(&self.shared),
            room: Arc::new(Semaphore::new(HASH_BATCHES)),
        }
    }
}

impl RunningHash {
    /// How many bytes were taken.
    pub fn size(&self) -> u64 {
        self.hashing.size
    }

    /// Takes the next bytes of the content. If the future is dropped, the first of them may have been taken:
    /// [`RunningHash::size`] tells.
    ///
    /// # Errors
    ///
    /// When hashing has failed, which it does not unless there is a fault in this program.
    pub async fn push(&mut self, mut bytes: Bytes) -> Result<()> {
        while !bytes.is_empty() {
            let room = room(&self.room, &self.shared).await?;
            let bytes = bytes.split_to(BATCH_BYTES.min(bytes.len()));
            self.hashing.push(Batch { bytes, room })?;
        }
        Ok(())
    }

    /// Goes on behind bytes that were not taken, since the state after them is known.
    ///
    /// # Errors
    ///
    /// As for [`RunningHash::push`].
    pub fn jump(&mut self, to: Hasher) -> Result<()> {
        self.hashing.jump(to)
    }

    /// Waits until everything is hashed that was taken.
    ///
    /// # Errors
    ///
    /// As for [`RunningHash::push`].
    pub async fn state(&self) -> Result<Hasher> {
        self.mark()?.state().await
    }

    /// Marks the place behind the bytes that were taken so far.
    ///
    /// # Errors
    ///
    /// As for [`RunningHash::push`].
    pub fn mark(&self) -> Result<HashMark> {
        self.hashing.mark()
    }

    /// The states after each [`STATE_STEP_BYTES`], as far as the hashes have come since this was last called. Does not wait
    /// for them to come further.
    ///
    /// # Errors
    ///
    /// As for [`RunningHash::push`].
    pub async fn take_states(&mut self) -> Result<Vec<Hasher>> {
        self.hashing.take_states().await
    }
}

impl fmt::Debug for RunningHash {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("RunningHash")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// Room for a batch: first the own, then the common one, so that nobody holds common room while waiting.
pub(crate) async fn room(
    own: &Arc<Semaphore>,
    shared: &Shared,
) -> Result<Arc<[OwnedSemaphorePermit]>> {
    let own = acquire(own).await?;
    let common = acquire(&shared.room).await?;
    Ok(vec![own, common].into())
}

/// All hashes but MD5.
struct ShaStage(ShaHasher);

impl Stage for ShaStage {
    type Output = ShaHasher;

    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.update(bytes);
        Ok(())
    }

    fn finish(self) -> Result<ShaHasher> {
        Ok(self.0)
    }
}

/// MD5 takes as long as the others together, so it has a lane of its own.
struct Md5Stage(Md5);

impl Stage for Md5Stage {
    type Output = Md5;

    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.0.update(bytes);
        Ok(())
    }

    fn finish(self) -> Result<Md5> {
        Ok(self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const STEP: usize = STATE_STEP_BYTES as usize;

    /// The content of so many bytes, whose every part is different.
    fn content(length: usize) -> Bytes {
        let words = (0..length.div_ceil(8) as u64).map(|n| n.wrapping_mul(0x9e37_79b9_7f4a_7c15));
        let bytes: Vec<u8> = words.flat_map(u64::to_le_bytes).collect();
        Bytes::from(bytes).slice(..length)
    }

    fn after(bytes: &[u8]) -> Hasher {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        hasher
    }

    #[tokio::test]
    async fn states_are_those_after_each_step_however_the_bytes_come() {
        let blobs = BlobStore::memory().unwrap();
        let content = content(STEP + 1000);
        let (step, all) = (after(&content[..STEP]), after(&content));
        for piece in [STEP - 1, 3 * STEP] {
            let mut hash = blobs.hash_on(Hasher::new());
            let mut rest = content.clone();
            while !rest.is_empty() {
                let piece = rest.split_to(piece.min(rest.len()));
                hash.push(piece).await.unwrap();
            }
            assert_eq!(hash.size(), content.len() as u64);
            assert_eq!(hash.state().await.unwrap(), all);
            let states = hash.take_states().await.unwrap();
            assert_eq!(states, std::slice::from_ref(&step), "pieces of {piece}");
            assert!(hash.take_states().await.unwrap().is_empty());
        }
    }

    #[tokio::test]
    async fn a_jump_is_as_good_as_hashing() {
        let blobs = BlobStore::memory().unwrap();
        let content = content(2 * STEP + 1);
        let mut hash = blobs.hash_on(Hasher::new());
        hash.jump(after(&content[..STEP])).unwrap();
        hash.push(content.slice(STEP..)).await.unwrap();
        assert_eq!(hash.state().await.unwrap(), after(&content));
        let steps = [&content[..STEP], &content[..2 * STEP]].map(after);
        assert_eq!(hash.take_states().await.unwrap(), steps);
        // What a hash begins with is no news.
        let hash = blobs.hash_on(after(&content[..STEP])).take_states().await;
        assert!(hash.unwrap().is_empty());
    }

    #[tokio::test]
    async fn writers_keep_the_states_of_what_they_wrote() {
        let blobs = BlobStore::memory().unwrap();
        let content = content(STEP + 5);
        let mut writer = blobs.writer(100);
        for piece in content.chunks(100_000) {
            writer.write(content.slice_ref(piece)).await.unwrap();
        }
        let stored = writer.finish().await.unwrap();
        assert_eq!(stored.states, [after(&content[..STEP])]);
        assert_eq!(stored.digests, after(&content).finish());
    }

    #[tokio::test]
    async fn the_room_of_what_is_hashed_is_free_again() {
        let blobs = BlobStore::memory().unwrap();
        let mut hash = blobs.hash_on(Hasher::new());
        // More than there is room for at a time.
        let length = 2 * HASH_BATCHES * BATCH_BYTES;
        hash.push(content(length)).await.unwrap();
        hash.state().await.unwrap();
        assert_eq!(hash.room.available_permits(), HASH_BATCHES);
    }
}
