//! Lending the hash threads to others who compute on contents.

use std::io;

use bytes::Bytes;
use tokio::sync::oneshot;
use tokio::try_join;

use crate::{BlobStore, Error, Hasher, Result};

/// Pieces from this size on are hashed on two threads.
const SPLIT_BYTES: usize = 64 * 1024;

impl BlobStore {
    /// Runs a job that keeps a processor core busy for a moment on one of the threads that hash, in
    /// turn with what they have to do already, and answers what it came to.
    ///
    /// Such work would hold up the network loop, and on tokio's blocking threads hundreds of jobs
    /// would compete with it. A job should take a few milliseconds at most: longer ones belong cut
    /// into pieces, so that uploads get their turn.
    ///
    /// # Errors
    ///
    /// When the job panics.
    pub async fn compute<T: Send + 'static>(
        &self,
        job: impl FnOnce() -> T + Send + 'static,
    ) -> Result<T> {
        let (answer, wait) = oneshot::channel();
        self.shared.pool.run(Box::new(move || {
            // Nobody waits when the caller was dropped.
            let _ = answer.send(job());
        }));
        wait.await
            .map_err(|e| Error::io("computing on a content", io::Error::other(e)))
    }

    /// [`Hasher::update`] with several pieces in turn, on the threads that hash, and on two of them if that is worth it.
    /// The hasher stays what it was if the future is dropped or fails.
    ///
    /// # Errors
    ///
    /// As for [`BlobStore::compute`].
    pub async fn update(&self, hasher: &mut Hasher, pieces: &[Bytes]) -> Result<()> {
        let (mut next, here) = (hasher.clone(), pieces.to_vec());
        if pieces.iter().map(Bytes::len).sum::<usize>() < SPLIT_BYTES {
            let update = move || {
                here.iter().for_each(|piece| next.update(piece));
                next
            };
            *hasher = self.compute(update).await?;
            return Ok(());
        }
        let Hasher { mut sha, mut md5 } = next;
        let there = pieces.to_vec();
        let sha = self.compute(move || {
            here.iter().for_each(|piece| sha.update(piece));
            sha
        });
        let md5 = self.compute(move || {
            there.iter().for_each(|piece| md5.update(piece));
            md5
        });
        let (sha, md5) = try_join!(sha, md5)?;
        *hasher = Hasher { sha, md5 };
        Ok(())
    }
}
