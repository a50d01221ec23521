//! Threads that do the work the network loop must not do.

use std::collections::VecDeque;
use std::io;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;

use tokio::runtime::Handle;

/// A piece of work.
pub(crate) type Job = Box<dyn FnOnce() + Send>;

/// A fixed number of threads for work that keeps a processor core busy.
///
/// Hashing does not use tokio's blocking pool: hundreds of uploads would there run hundreds of
/// busy threads, between which the few threads of the network loop would have to queue.
///
/// The queue needs no bound of its own, since every lane has at most one job in it.
#[derive(Clone)]
pub(crate) struct Pool(Arc<Owner>);

/// Ends the threads when the last handle of the pool goes away.
struct Owner(Arc<Shared>);

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    work: Condvar,
}

#[derive(Default)]
struct State {
    jobs: VecDeque<Job>,
    closed: bool,
}

impl Pool {
    /// Starts the threads: one per core, and at least two, so that the two halves of the
    /// hashes of one content always run side by side.
    pub(crate) fn start() -> io::Result<Self> {
        let threads = thread::available_parallelism().map_or(2, |cores| cores.get().max(2));
        let pool = Self(Arc::new(Owner(Arc::default())));
        for _ in 0..threads {
            let shared = Arc::clone(&pool.0.0);
            thread::Builder::new()
                .name("blob-hash".to_owned())
                .spawn(move || shared.work())?;
        }
        Ok(pool)
    }

    /// Runs `job` on a thread of the pool, after the jobs that are waiting already.
    pub(crate) fn run(&self, job: Job) {
        self.0.0.lock().jobs.push_back(job);
        self.0.0.work.notify_one();
    }

    /// Whether jobs wait for a thread.
    fn is_contended(&self) -> bool {
        !self.0.0.lock().jobs.is_empty()
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// What each thread does until the pool is gone and the last job is done.
    fn work(&self) {
        let mut state = self.lock();
        loop {
            if let Some(job) = state.jobs.pop_front() {
                drop(state);
                // A job that panics has told its lane so; the thread serves the next one.
                let _ = catch_unwind(AssertUnwindSafe(job));
                state = self.lock();
            } else if state.closed {
                return;
            } else {
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
            }
        }
    }
}

impl Drop for Owner {
    fn drop(&mut self) {
        self.0.lock().closed = true;
        self.0.work.notify_all();
    }
}

/// Where the jobs of a lane run.
#[derive(Clone)]
pub(crate) enum Runner {
    /// On the pool: work that keeps a core busy.
    Cpu(Pool),
    /// On tokio's blocking threads: work that mostly waits for a disk.
    Io(Handle),
}

impl Runner {
    /// Runs `job` some time soon, on another thread.
    pub(crate) fn run(&self, job: Job) {
        match self {
            Self::Cpu(pool) => pool.run(job),
            Self::Io(handle) => drop(handle.spawn_blocking(job)),
        }
    }

    /// Whether other jobs wait for the thread of the caller.
    pub(crate) fn is_contended(&self) -> bool {
        match self {
            Self::Cpu(pool) => pool.is_contended(),
            Self::Io(_) => false,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;

    #[test]
    fn a_panic_does_not_end_the_thread() {
        let pool = Pool::start().unwrap();
        for _ in 0..100 {
            pool.run(Box::new(|| panic!("on purpose")));
        }
        let (done, wait) = mpsc::channel();
        pool.run(Box::new(move || done.send(()).unwrap()));
        wait.recv().unwrap();
    }

    #[test]
    fn jobs_given_before_the_end_are_done() {
        let pool = Pool::start().unwrap();
        let (done, wait) = mpsc::channel();
        for number in 0..50 {
            let done = done.clone();
            pool.run(Box::new(move || done.send(number).unwrap()));
        }
        drop((pool, done));
        assert_eq!(wait.into_iter().count(), 50);
    }
}
