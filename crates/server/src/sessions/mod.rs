//! Upload sessions at work: their bytes, their running hashes, and who may touch them when.
//!
//! A session's row tells what is on stable storage; what is here is ahead of it by what is arriving. All calls that use
//! a session share one [`Session`], whose lock is held for one piece at a time. So a call that takes long, or whose
//! client has gone without a word, holds up nobody: another one sees what has arrived, and goes on from there.
//!
//! The hashes run along with the bytes, which is why saving a session reads nothing. They may be a few megabytes behind,
//! and only who asks for them waits. They cover what has arrived in order. Bytes behind a gap wait until the gap is closed,
//! and an overwrite that changes what was hashed begins the hashes again from the front; clients hardly do either. What is
//! not hashed then is read when the session has been quiet for a moment, at a low price for everybody else: a megabyte at
//! a time, and the lock is free between two of them. Only a client that asks for the hashes, or saves, before that is done
//! has to wait for the rest of it.

mod copied;
mod open;
mod receive;

use crate::app::App;
use crate::call::{Answer, Fail};
use bytes::Bytes;
use pileus_api::Code;
use pileus_blobs::{Error as BlobError, Result as BlobResult};
use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

pub use copied::Copied;
pub use open::Open;
pub use receive::{Receiving, Source};

use open::{load, placed};

/// How long a session waits for the next write: clients go on with uploads of weeks ago from databases of their own.
pub const KEPT_SECONDS: i64 = 30 * 86_400;

/// After so many bytes the row is told, so that the end of the process costs a client no more than that.
const NOTE_BYTES: u64 = 32 << 20;

/// How long a session is quiet before its hashes catch up.
const QUIET: Duration = Duration::from_secs(1);

/// Sessions that calls are using. Entries of others are dropped when there are many.
#[derive(Debug, Default)]
pub struct Sessions {
    table: Mutex<HashMap<i64, Weak<Session>>>,
}

/// Entries from which on those that nobody uses are looked for.
const TABLE_ENTRIES: usize = 256;

impl Sessions {
    /// The session with this id, which need not exist. Whether the caller may use it is not looked at.
    pub fn get(&self, id: i64) -> Arc<Session> {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(session) = table.get(&id).and_then(Weak::upgrade) {
            return session;
        }
        if table.len() >= TABLE_ENTRIES {
            table.retain(|_, session| session.strong_count() > 0);
        }
        let session = Arc::new(Session {
            id,
            state: AsyncMutex::default(),
            writes: AtomicU64::new(0),
            is_followed: AtomicBool::new(false),
        });
        table.insert(id, Arc::downgrade(&session));
        session
    }
}

/// One upload session.
#[derive(Debug)]
pub struct Session {
    id: i64,
    /// `None` until somebody looks, and again when the row has to be asked anew.
    state: AsyncMutex<Option<Open>>,
    /// Counts writes, for those who wait for quiet.
    writes: AtomicU64,
    /// Somebody waits for quiet. Changed under the lock.
    is_followed: AtomicBool,
}

/// Bytes that are to be written, one piece behind the other.
struct Run {
    offset: u64,
    pieces: Vec<Bytes>,
    /// The copy that they are part of, if it is one.
    copied: Option<Arc<Copied>>,
}

/// A session under its lock.
pub struct Locked<'a> {
    session: &'a Session,
    state: MutexGuard<'a, Option<Open>>,
}

/// A failure of the disk: the client may try again later.
pub fn disk_failure(error: BlobError) -> Fail {
    Fail::caused(Code::UPLOAD_FAILED, error)
}

impl Session {
    /// Locks the session, without a look at what there is of it.
    pub async fn lock(&self) -> Locked<'_> {
        Locked {
            session: self,
            state: self.state.lock().await,
        }
    }

    /// Locks the session with all of its bytes hashed.
    pub async fn lock_hashed(&self, app: &App) -> Answer<Locked<'_>> {
        loop {
            let mut locked = self.lock().await;
            if locked.catch_up(app).await? {
                return Ok(locked);
            }
        }
    }

    /// Writes pieces, one behind the other. They are kept with the next [`Locked::note`].
    async fn write(&self, app: &App, run: Run) -> Answer<()> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let mut locked = self.lock().await;
        let written = locked.write(app, run).await;
        if written.is_err() {
            locked.forget();
        }
        written
    }

    /// Puts on stable storage what was written, and answers how much the session holds.
    async fn keep(self: &Arc<Self>, app: &Arc<App>) -> Answer<u64> {
        let mut locked = self.lock().await;
        locked.note(app).await?;
        let open = locked.open(app).await?;
        if !open.is_settled() {
            self.follow(app);
        }
        Ok(open.file.size())
    }

    /// Has the hashes catch up, and the row told of it, when the session is quiet. Until then it stays open: who opened it
    /// again would know no more than the row does. Only under the lock.
    fn follow(self: &Arc<Self>, app: &Arc<App>) {
        if self.is_followed.swap(true, Ordering::Relaxed) {
            return;
        }
        let (session, app) = (self.clone(), app.clone());
        tokio::spawn(async move {
            loop {
                let seen = session.writes.load(Ordering::Relaxed);
                tokio::time::sleep(QUIET).await;
                while session.writes.load(Ordering::Relaxed) == seen {
                    let mut locked = session.lock().await;
                    let settled = locked.settle(&app).await;
                    if let Err(fail) = &settled {
                        tracing::warn!(cause = ?fail, "an upload session cannot be hashed");
                    }
                    if settled.unwrap_or(true) {
                        session.is_followed.store(false, Ordering::Relaxed);
                        return;
                    }
                }
            }
        });
    }
}

impl Locked<'_> {
    /// What there is of the session; 2067 if there is no such session, 2068 if its bytes are not here.
    pub async fn open(&mut self, app: &App) -> Answer<&mut Open> {
        if self.state.is_none() {
            *self.state = Some(load(app, self.session.id).await?);
        }
        self.state
            .as_mut()
            .ok_or_else(|| Code::UPLOADID_MISSING.into())
    }

    /// Has the next one ask the row again.
    pub fn forget(&mut self) {
        *self.state = None;
    }

    /// Tells the row what was written since it was told last.
    pub async fn note(&mut self, app: &App) -> Answer<()> {
        match &*self.state {
            Some(open) if open.unnoted > 0 => self.tell_row(app).await,
            _ => Ok(()),
        }
    }

    async fn tell_row(&mut self, app: &App) -> Answer<()> {
        let id = self.session.id;
        let noted = self.open(app).await?.note(app, id).await;
        if noted.is_err() {
            self.forget();
        }
        noted
    }

    /// Does a piece of what is left to do for the hashes. True if that was all.
    async fn settle(&mut self, app: &App) -> Answer<bool> {
        // It may have been saved meanwhile, or deleted.
        if self.state.is_none() {
            return Ok(true);
        }
        if !self.catch_up(app).await? {
            return Ok(false);
        }
        let open = self.open(app).await?;
        if !open.is_settled() {
            open.reach_end().await?;
            self.tell_row(app).await?;
        }
        Ok(true)
    }

    async fn write(&mut self, app: &App, run: Run) -> Answer<()> {
        let id = self.session.id;
        let open = self.open(app).await?;
        let pieces = placed(run.offset, run.pieces);
        let length: u64 = pieces.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        if open.changes_hashed(&pieces).await? {
            // The row must not promise hashes of what is about to change, whatever happens next.
            open.begin_anew(app);
            open.note(app, id).await?;
        }
        // The hashes count only once the bytes are written; the threads that compute them go on beside what follows.
        let written = open.file.write_all(pieces.clone()).await;
        let written = written.and_then(|each| each.into_iter().collect::<BlobResult<()>>());
        written.map_err(disk_failure)?;
        let hashed = open.hash(app, pieces, run.copied.as_ref()).await;
        hashed.map_err(disk_failure)?;
        open.unnoted += length;
        if open.unnoted >= NOTE_BYTES {
            open.note(app, id).await?;
        }
        Ok(())
    }

    /// Hashes a piece of what is not hashed yet. True if that was all.
    async fn catch_up(&mut self, app: &App) -> Answer<bool> {
        let open = self.open(app).await?;
        if open.hashed() == open.file.size() {
            return Ok(true);
        }
        let is_all = open.catch_up(app).await?;
        // So that it need not be done twice.
        if open.unnoted >= NOTE_BYTES || is_all {
            self.note(app).await?;
        }
        Ok(is_all)
    }
}
