//! A queue of jobs with the threads that serve it.

use crate::error::{StoreError, Stored};
use crate::job::BoxedWork;
use crate::queue::Queue;
use std::sync::Arc;
use std::thread::JoinHandle;

/// How many transactions may wait in a lane. Callers beyond that wait for a place.
const QUEUE_LIMIT: usize = 4096;

/// A queue of jobs with the threads that serve it. Dropping it lets the threads finish
/// what is queued, and waits for them.
pub(crate) struct Lane {
    queue: Arc<Queue<BoxedWork>>,
    threads: Vec<Joined>,
}

impl Lane {
    /// An empty lane without threads.
    pub(crate) fn new() -> Self {
        Self {
            queue: Arc::new(Queue::new(QUEUE_LIMIT)),
            threads: Vec::new(),
        }
    }

    /// The queue.
    pub(crate) fn queue(&self) -> &Queue<BoxedWork> {
        &self.queue
    }

    /// Adds a thread. Its body serves the queue until that is closed and empty.
    pub(crate) fn spawn(
        &mut self,
        name: String,
        body: impl FnOnce(&Queue<BoxedWork>) + Send + 'static,
    ) -> Stored<()> {
        let queue = self.queue.clone();
        self.threads
            .push(Joined::spawn(name, move || body(&queue))?);
        Ok(())
    }
}

impl Drop for Lane {
    fn drop(&mut self) {
        self.queue.close();
        // A job or hook that held the last clone of a database drops this on one of these
        // threads, and its siblings may still work for longer than it should wait.
        if self.threads.iter().any(Joined::is_current) {
            self.threads.drain(..).for_each(Joined::detach);
        }
    }
}

/// A thread that is waited for when this is dropped, except by itself.
pub(crate) struct Joined(Option<JoinHandle<()>>);

impl Joined {
    /// Starts a named thread.
    pub(crate) fn spawn(name: String, body: impl FnOnce() + Send + 'static) -> Stored<Self> {
        std::thread::Builder::new()
            .name(name)
            .spawn(body)
            .map(|thread| Self(Some(thread)))
            .map_err(|error| StoreError::Other(format!("cannot start a thread: {error}")))
    }

    fn is_current(&self) -> bool {
        let here = std::thread::current().id();
        self.0
            .as_ref()
            .is_some_and(|thread| thread.thread().id() == here)
    }

    fn detach(mut self) {
        self.0 = None;
    }
}

impl Drop for Joined {
    fn drop(&mut self) {
        if !self.is_current()
            && let Some(thread) = self.0.take()
            && thread.join().is_err()
        {
            tracing::error!("a database thread panicked");
        }
    }
}
