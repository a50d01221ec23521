//! Lending the hash threads to others who compute on contents.

use std::io;

use tokio::sync::oneshot;

use crate::{BlobStore, Error, Result};

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
}
