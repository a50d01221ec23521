//! The way from async code to a database thread and back.

use crate::dialect::Engine;
use crate::error::{StoreError, Stored};
use crate::job::{self, BoxedWork};
use crate::lane::Lane;
use crate::postgres::{self, Notice, NoticeThread, PostgresOptions};
use crate::queue::Queue;
use crate::sqlite::{self, SqliteOptions};
use crate::tx::Tx;
use std::path::Path;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, Wake, Waker};
use std::thread::Thread;

/// A database. Clones share it; it is closed when the last one is dropped, after
/// the transactions already handed in.
#[derive(Clone)]
pub struct Db {
    shared: Arc<Shared>,
}

/// The parts are closed in this order.
struct Shared {
    engine: Engine,
    views: Lane,
    edits: Lane,
    notices: Option<NoticeThread>,
}

impl Db {
    /// Opens an SQLite database, making and migrating it as needed.
    ///
    /// Blocks while it does. The folder must exist.
    pub fn open_sqlite(path: &Path, options: &SqliteOptions) -> Stored<Self> {
        let (views, edits) = sqlite::start(path, options)?;
        Ok(Self {
            shared: Arc::new(Shared {
                engine: Engine::Sqlite,
                views,
                edits,
                notices: None,
            }),
        })
    }

    /// Opens a PostgreSQL database that exists, migrating it as needed.
    ///
    /// Blocks while it does. `url` is a connection URL or a list of `key=value`
    /// as `libpq` takes them.
    pub fn open_postgres(url: &str, options: &PostgresOptions) -> Stored<Self> {
        let (views, edits, notices) = postgres::start(url, options)?;
        Ok(Self {
            shared: Arc::new(Shared {
                engine: Engine::Postgres,
                views,
                edits,
                notices: Some(notices),
            }),
        })
    }

    /// The engine in use.
    pub fn engine(&self) -> Engine {
        self.shared.engine
    }

    /// Runs a job that only reads, all of it on one snapshot of the database. An
    /// attempt to write fails.
    ///
    /// If this future is dropped before the job has begun, it never will.
    pub async fn view<T, E>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        let mut once = Some(job);
        let job = move |tx: &mut Tx<'_>| match once.take() {
            Some(job) => job(tx),
            None => Err(E::from(StoreError::Other("a view ran twice".to_owned()))),
        };
        submit(self.shared.views.queue(), job).await
    }

    /// Runs a job that may write: `Ok` commits, `Err` rolls back. Answers once the
    /// commit is durable.
    ///
    /// The job may run several times and must therefore do nothing that a rollback
    /// cannot undo; [`Tx::after_commit`] is for that. Once it is in the queue it is
    /// carried out, even if this future is dropped meanwhile.
    pub async fn edit<T, E>(
        &self,
        job: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        submit(self.shared.edits.queue(), job).await
    }

    /// [`view`](Self::view) for code that is not async. It blocks the thread, and
    /// must not be called from async code or from a job.
    pub fn view_blocking<T, E>(
        &self,
        job: impl FnOnce(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        block_on(self.view(job))
    }

    /// [`edit`](Self::edit) for code that is not async. It blocks the thread, and
    /// must not be called from async code or from a job.
    pub fn edit_blocking<T, E>(
        &self,
        job: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
    ) -> Result<T, E>
    where
        T: Send + 'static,
        E: From<StoreError> + Send + 'static,
    {
        block_on(self.edit(job))
    }

    /// Has `listener` called with what [`Tx::notify`] told on any node, this one
    /// included. It replaces the listener before it, and is never called on SQLite.
    ///
    /// It is called on a thread that everybody's notices come through and must be
    /// quick.
    pub fn on_notify(&self, listener: impl Fn(Notice) + Send + Sync + 'static) {
        if let Some(notices) = &self.shared.notices {
            notices.listen(Arc::new(listener));
        }
    }
}

async fn submit<T, E>(
    queue: &Queue<BoxedWork>,
    job: impl FnMut(&mut Tx<'_>) -> Result<T, E> + Send + 'static,
) -> Result<T, E>
where
    T: Send + 'static,
    E: From<StoreError> + Send + 'static,
{
    let (work, answer) = job::pack(job);
    if queue.push(work).await.is_err() {
        return Err(E::from(StoreError::Closed));
    }
    answer
        .await
        .unwrap_or_else(|_| Err(E::from(StoreError::Closed)))
}

/// Waits for a future on a thread that has nothing else to do.
fn block_on<T>(future: impl Future<Output = T>) -> T {
    struct Unpark(Thread);
    impl Wake for Unpark {
        fn wake(self: Arc<Self>) {
            self.0.unpark();
        }
    }
    let waker = Waker::from(Arc::new(Unpark(std::thread::current())));
    let mut future = pin!(future);
    loop {
        match future.as_mut().poll(&mut Context::from_waker(&waker)) {
            Poll::Ready(answer) => return answer,
            Poll::Pending => std::thread::park(),
        }
    }
}
