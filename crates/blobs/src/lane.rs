//! Lanes: each batch of bytes goes through several stages (hashes, disk), which run side by
//! side on other threads, each in the order of the bytes.
//!
//! A lane occupies a thread only while it has something to do, so that thousands of slow
//! uploads need no threads.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;

use bytes::Bytes;
use tokio::sync::{OwnedSemaphorePermit, oneshot};

use crate::pool::Runner;
use crate::{Error, Result};

/// What is done with the bytes of one content, on threads that may block.
pub(crate) trait Stage: Send + 'static {
    /// What is known when all bytes have passed.
    type Output: Send + 'static;

    /// Takes the next bytes.
    fn take(&mut self, bytes: &[u8]) -> Result<()>;

    /// Called after the last byte. A stage that is dropped instead undoes what it did.
    fn finish(self) -> Result<Self::Output>;
}

/// Bytes on their way through the lanes of one writer.
#[derive(Clone)]
pub(crate) struct Batch {
    /// The bytes.
    pub(crate) bytes: Bytes,
    /// The room that the bytes take up in memory; free again when the last lane is done.
    pub(crate) room: Arc<[OwnedSemaphorePermit]>,
}

/// The queue in front of a stage. Dropping it before [`Lane::finish`] drops the stage, on a
/// thread that may block.
pub(crate) struct Lane<S: Stage>(Arc<Shared<S>>);

struct Shared<S: Stage> {
    runner: Runner,
    state: Mutex<State<S>>,
}

struct State<S: Stage> {
    /// The stage, while no thread works on it.
    idle: Option<S>,
    queue: VecDeque<Task<S>>,
    /// No task is taken any more: the stage has finished or failed, or nobody wants it.
    closed: bool,
    /// Why the stage failed, until somebody asks.
    error: Option<Error>,
}

enum Task<S: Stage> {
    Take(Batch),
    Look(Box<dyn FnOnce(&S) + Send>),
    Finish(oneshot::Sender<Result<S::Output>>),
}

/// What [`Lane::look`] will have found.
pub(crate) struct Found<S: Stage, T> {
    answer: oneshot::Receiver<T>,
    shared: Arc<Shared<S>>,
}

impl<S: Stage, T> Found<S, T> {
    /// Whether there is nothing to wait for any more.
    pub(crate) fn is_there(&self) -> bool {
        !self.answer.is_empty()
    }

    /// Waits until everything that was queued before the look is through.
    ///
    /// # Errors
    ///
    /// When the stage failed on it, or the lane was dropped.
    pub(crate) async fn wait(self) -> Result<T> {
        let answer = self.answer.await;
        answer.map_err(|_| self.shared.lock().take_error())
    }
}

impl<S: Stage> Lane<S> {
    pub(crate) fn new(runner: Runner, stage: S) -> Self {
        Self(Arc::new(Shared {
            runner,
            state: Mutex::new(State {
                idle: Some(stage),
                queue: VecDeque::new(),
                closed: false,
                error: None,
            }),
        }))
    }

    /// Queues a batch. How many can be queued is bounded by the room each of them holds.
    ///
    /// # Errors
    ///
    /// When the stage has failed on an earlier batch.
    pub(crate) fn push(&self, batch: Batch) -> Result<()> {
        self.send(Task::Take(batch))
    }

    /// Has a look at the stage as it is after what has been queued so far. It can be waited for at any later time.
    ///
    /// # Errors
    ///
    /// When the stage has failed on an earlier batch.
    pub(crate) fn look<T: Send + 'static>(
        &self,
        look: impl FnOnce(&S) -> T + Send + 'static,
    ) -> Result<Found<S, T>> {
        let (answer, wait) = oneshot::channel();
        // Nobody waits when what would have been found is not wanted any more.
        let look = move |stage: &S| drop(answer.send(look(stage)));
        self.send(Task::Look(Box::new(look)))?;
        Ok(Found {
            answer: wait,
            shared: Arc::clone(&self.0),
        })
    }

    /// Waits until everything is through, and finishes the stage.
    pub(crate) async fn finish(self) -> Result<S::Output> {
        let (answer, wait) = oneshot::channel();
        self.send(Task::Finish(answer))?;
        // The sender is dropped when the stage fails on a batch that was queued before.
        wait.await
            .unwrap_or_else(|_| Err(self.0.lock().take_error()))
    }

    fn send(&self, task: Task<S>) -> Result<()> {
        let mut state = self.0.lock();
        if state.closed {
            return Err(state.take_error());
        }
        state.queue.push_back(task);
        let idle = state.idle.take();
        drop(state);
        if let Some(stage) = idle {
            Shared::start(&self.0, stage);
        }
        Ok(())
    }
}

impl<S: Stage> Drop for Lane<S> {
    fn drop(&mut self) {
        // What is dropped here may hold files: not under the lock, and not on this thread,
        // which may be one of the network loop.
        if let Some(stage) = self.0.close(None) {
            self.0.runner.run(Box::new(move || drop(stage)));
        }
    }
}

impl<S: Stage> Shared<S> {
    fn lock(&self) -> MutexGuard<'_, State<S>> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Takes no more tasks and forgets those that wait. Answers the stage, if it is idle.
    fn close(&self, error: Option<Error>) -> Option<S> {
        let mut state = self.lock();
        state.closed = true;
        state.error = error.or(state.error.take());
        let queue = std::mem::take(&mut state.queue);
        let idle = state.idle.take();
        drop(state);
        drop(queue);
        idle
    }

    fn start(this: &Arc<Self>, stage: S) {
        let shared = Arc::clone(this);
        this.runner.run(Box::new(move || shared.work(stage)));
    }

    /// Works off the queue, on a thread of the runner.
    fn work(self: Arc<Self>, mut stage: S) {
        let _guard = CloseOnPanic(&self);
        loop {
            let task = {
                let mut state = self.lock();
                if state.closed {
                    None
                } else if let Some(task) = state.queue.pop_front() {
                    Some(task)
                } else {
                    state.idle = Some(stage);
                    return;
                }
            };
            match task {
                None => return,
                Some(Task::Take(batch)) => {
                    if let Err(error) = stage.take(&batch.bytes) {
                        self.close(Some(error));
                        return;
                    }
                }
                Some(Task::Look(look)) => look(&stage),
                Some(Task::Finish(answer)) => {
                    let result = stage.finish();
                    self.close(None);
                    // Nobody waits when the writer was dropped while finishing.
                    let _ = answer.send(result);
                    return;
                }
            }
            // Batches of all uploads take turns.
            if self.runner.is_contended() {
                return Self::start(&self, stage);
            }
        }
    }
}

impl<S: Stage> State<S> {
    fn take_error(&mut self) -> Error {
        self.error.take().unwrap_or_else(|| {
            Error::io(
                "writing a blob",
                io::Error::other("the writer has failed before"),
            )
        })
    }
}

/// Keeps a writer from waiting for ever for a stage that is gone.
struct CloseOnPanic<'a, S: Stage>(&'a Shared<S>);

impl<S: Stage> Drop for CloseOnPanic<'_, S> {
    fn drop(&mut self) {
        if thread::panicking() {
            let source = io::Error::other("a stage of the writer panicked");
            self.0.close(Some(Error::io("writing a blob", source)));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::pool::Pool;
    use std::sync::mpsc;
    use tokio::sync::Semaphore;

    /// Collects bytes; fails on `!`, panics on `?`, tells when it is dropped.
    struct Collect {
        seen: Vec<u8>,
        dropped: mpsc::Sender<()>,
    }

    impl Stage for Collect {
        type Output = Vec<u8>;

        fn take(&mut self, bytes: &[u8]) -> Result<()> {
            match bytes {
                b"!" => Err(Error::io("testing", io::ErrorKind::StorageFull.into())),
                b"?" => panic!("on purpose"),
                _ => {
                    self.seen.extend_from_slice(bytes);
                    Ok(())
                }
            }
        }

        fn finish(mut self) -> Result<Vec<u8>> {
            Ok(std::mem::take(&mut self.seen))
        }
    }

    impl Drop for Collect {
        fn drop(&mut self) {
            let _ = self.dropped.send(());
        }
    }

    struct Bench {
        lane: Lane<Collect>,
        room: Arc<Semaphore>,
        dropped: mpsc::Receiver<()>,
    }

    fn bench(pool: &Pool) -> Bench {
        let (tell, dropped) = mpsc::channel();
        let stage = Collect {
            seen: Vec::new(),
            dropped: tell,
        };
        let lane = Lane::new(Runner::Cpu(pool.clone()), stage);
        Bench {
            lane,
            room: Arc::new(Semaphore::new(4)),
            dropped,
        }
    }

    impl Bench {
        async fn push(&self, bytes: &'static [u8]) -> Result<()> {
            let one = Arc::clone(&self.room).acquire_owned().await.unwrap();
            let two = Arc::clone(&self.room).acquire_owned().await.unwrap();
            self.lane.push(Batch {
                bytes: Bytes::from_static(bytes),
                room: Arc::new([one, two]),
            })
        }
    }

    #[tokio::test]
    async fn batches_of_many_lanes_stay_in_order() {
        let pool = Pool::start().unwrap();
        let benches: Vec<_> = (0..20).map(|_| bench(&pool)).collect();
        for _ in 0..100 {
            for bench in &benches {
                bench.push(b"ab").await.unwrap();
                bench.push(b"c").await.unwrap();
            }
        }
        for bench in benches {
            assert_eq!(bench.lane.finish().await.unwrap(), b"abc".repeat(100));
        }
    }

    #[tokio::test]
    async fn a_failure_frees_the_room_and_is_told_once() {
        let pool = Pool::start().unwrap();
        let bench = bench(&pool);
        bench.push(b"!").await.unwrap();
        // The next pushes must neither hang nor succeed for ever.
        let error = loop {
            if let Err(error) = bench.push(b"a").await {
                break error;
            }
        };
        assert!(matches!(error, Error::Full { .. }), "{error}");
        assert!(matches!(bench.lane.finish().await, Err(Error::Io { .. })));
        bench.dropped.recv().unwrap();
        assert_eq!(bench.room.available_permits(), 4);
    }

    #[tokio::test]
    async fn finish_reports_an_earlier_failure() {
        let pool = Pool::start().unwrap();
        let bench = bench(&pool);
        bench.push(b"!").await.unwrap();
        assert!(matches!(bench.lane.finish().await, Err(Error::Full { .. })));
    }

    #[tokio::test]
    async fn a_look_finds_what_was_queued_before_it_and_no_more() {
        let pool = Pool::start().unwrap();
        let bench = bench(&pool);
        bench.push(b"ab").await.unwrap();
        let early = bench.lane.look(|stage| stage.seen.clone()).unwrap();
        bench.push(b"c").await.unwrap();
        assert_eq!(bench.lane.finish().await.unwrap(), b"abc");
        // It waits for nothing but what came before it, and is kept until it is asked for.
        assert_eq!(early.wait().await.unwrap(), b"ab");
    }

    #[tokio::test]
    async fn a_look_behind_a_failure_is_an_error() {
        let pool = Pool::start().unwrap();
        let bench = bench(&pool);
        bench.push(b"!").await.unwrap();
        if let Ok(late) = bench.lane.look(|stage| stage.seen.clone()) {
            assert!(matches!(late.wait().await, Err(Error::Full { .. })));
        }
    }

    #[tokio::test]
    async fn a_panic_is_an_error() {
        let pool = Pool::start().unwrap();
        let bench = bench(&pool);
        bench.push(b"?").await.unwrap();
        assert!(matches!(bench.lane.finish().await, Err(Error::Io { .. })));
        bench.dropped.recv().unwrap();
    }

    #[tokio::test]
    async fn dropping_the_lane_drops_the_stage() {
        let pool = Pool::start().unwrap();
        let bench = bench(&pool);
        bench.push(b"a").await.unwrap();
        drop(bench.lane);
        bench.dropped.recv().unwrap();
    }
}
