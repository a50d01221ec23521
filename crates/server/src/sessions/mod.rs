//! Upload sessions at work: their bytes, their running hashes, and who may touch them when.
//!
//! A session's row tells what is on stable storage; what is here is ahead of it by what is arriving. All calls that use
//! a session share one [`Session`], whose lock is held for one piece at a time. So a call that takes long, or whose
//! client has gone without a word, holds up nobody: another one sees what has arrived, and goes on from there.
//!
//! The hashes run along with the bytes, which is why saving a session reads nothing. They cover what has arrived in
//! order. Bytes behind a gap wait until the gap is closed, and an overwrite that changes what was hashed begins the hashes
//! again from the front; clients hardly do either. What is not hashed then is read when the session has been quiet for a
//! moment, at a low price for everybody else: a megabyte at a time, and the lock is free between two of them. Only a
//! client that asks for the hashes, or saves, before that is done has to wait for the rest of it.

mod receive;

use crate::app::App;
use crate::call::{Answer, Fail};
use bytes::{Bytes, BytesMut};
use futures_util::StreamExt;
use pileus_api::Code;
use pileus_blobs::{Error as BlobError, Hasher, WorkingFile};
use pileus_store::StoreError;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, Weak};
use std::time::Duration;
use tokio::sync::{Mutex as AsyncMutex, MutexGuard};

pub use receive::{Receiving, Source};

/// How long a session waits for the next write: clients go on with uploads of weeks ago from databases of their own.
pub const KEPT_SECONDS: i64 = 30 * 86_400;

/// After so many bytes the row is told, so that the end of the process costs a client no more than that.
const NOTE_BYTES: u64 = 32 << 20;

/// How much is read at a time for hashes that have fallen behind.
const CATCH_UP_BYTES: u64 = 1 << 20;

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
}

/// A session whose file is open.
#[derive(Debug)]
pub struct Open {
    /// Its bytes.
    pub file: Arc<WorkingFile>,
    /// Hashes of the first of them, or of all.
    hasher: Hasher,
    /// Bytes written since the row was told.
    unnoted: u64,
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
    async fn write(&self, app: &App, offset: u64, pieces: Vec<Bytes>) -> Answer<()> {
        self.writes.fetch_add(1, Ordering::Relaxed);
        let mut locked = self.lock().await;
        let written = locked.write(app, offset, pieces).await;
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
        let (size, hashed) = (open.file.size(), open.hasher.size());
        if hashed < size {
            self.catch_up_later(app);
        }
        Ok(size)
    }

    fn catch_up_later(self: &Arc<Self>, app: &Arc<App>) {
        let (session, app) = (self.clone(), app.clone());
        let seen = session.writes.load(Ordering::Relaxed);
        tokio::spawn(async move {
            tokio::time::sleep(QUIET).await;
            // Whoever writes now will come here again.
            while session.writes.load(Ordering::Relaxed) == seen {
                let mut locked = session.lock().await;
                match locked.catch_up(&app).await {
                    Ok(false) => {}
                    Ok(true) => break,
                    Err(fail) => {
                        tracing::warn!(cause = ?fail, "an upload session cannot be hashed");
                        break;
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
        let id = self.session.id;
        let Some(open) = self.state.as_mut().filter(|open| open.unnoted > 0) else {
            return Ok(());
        };
        let noted = open.note(app, id).await;
        if noted.is_err() {
            self.forget();
        }
        noted
    }

    async fn write(&mut self, app: &App, offset: u64, pieces: Vec<Bytes>) -> Answer<()> {
        let id = self.session.id;
        let open = self.open(app).await?;
        let pieces = placed(offset, pieces);
        let length: u64 = pieces.iter().map(|(_, bytes)| bytes.len() as u64).sum();
        if open.changes_hashed(&pieces).await? {
            // The row must not promise hashes of what is about to change, whatever happens next.
            open.hasher = Hasher::new();
            open.note(app, id).await?;
        }
        let next = not_hashed(&pieces, open.hasher.size());
        // The hashes count only once the bytes are written.
        let mut hasher = open.hasher.clone();
        let hashing = async {
            if next.is_empty() {
                return Ok(());
            }
            app.blobs.update(&mut hasher, &next).await
        };
        let writing = async {
            let written = open.file.write_all(pieces).await?;
            written.into_iter().collect::<pileus_blobs::Result<()>>()
        };
        tokio::try_join!(writing, hashing).map_err(disk_failure)?;
        open.hasher = hasher;
        open.unnoted += length;
        if open.unnoted >= NOTE_BYTES {
            open.note(app, id).await?;
        }
        Ok(())
    }

    /// Hashes a piece of what is not hashed yet. True if that was all.
    async fn catch_up(&mut self, app: &App) -> Answer<bool> {
        let open = self.open(app).await?;
        let (hashed, size) = (open.hasher.size(), open.file.size());
        if hashed == size {
            return Ok(true);
        }
        let end = size.min(hashed + CATCH_UP_BYTES);
        let bytes = open.read(hashed..end).await.map_err(disk_failure)?;
        let hashed = app
            .blobs
            .update(&mut open.hasher, std::slice::from_ref(&bytes))
            .await;
        hashed.map_err(disk_failure)?;
        // So that it need not be done twice.
        open.unnoted += bytes.len() as u64;
        if open.unnoted >= NOTE_BYTES || end == size {
            self.note(app).await?;
        }
        Ok(end == size)
    }
}

impl Open {
    /// All bytes of a range, which has to be short.
    pub async fn read(&self, range: std::ops::Range<u64>) -> pileus_blobs::Result<Bytes> {
        let mut chunks = self.file.read(range).await?;
        let mut bytes = BytesMut::new();
        while let Some(chunk) = chunks.next().await {
            bytes.extend_from_slice(&chunk?);
        }
        Ok(bytes.freeze())
    }

    /// Size and hashes, if all is hashed.
    pub fn digests(&self) -> pileus_blobs::Digests {
        self.hasher.clone().finish()
    }

    /// Whether a write would change bytes that were hashed. Clients that resume may send again what has arrived.
    async fn changes_hashed(&self, pieces: &[(u64, Bytes)]) -> Answer<bool> {
        for (offset, bytes) in pieces {
            let hashed = usize::try_from(self.hasher.size().saturating_sub(*offset));
            let length = hashed.unwrap_or(usize::MAX).min(bytes.len());
            if length == 0 {
                break;
            }
            let range = *offset..*offset + length as u64;
            let before = self.read(range).await.map_err(disk_failure)?;
            if before != bytes[..length] {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Puts the bytes on stable storage, then tells the row; 2067 if there is no row any more.
    async fn note(&mut self, app: &App, id: i64) -> Answer<()> {
        self.file.sync().await.map_err(disk_failure)?;
        let size = i64::try_from(self.file.size()).map_err(Fail::internal)?;
        let (hasher, now) = (self.hasher.save(), app.clock.now().0);
        let is_there = app
            .db
            .edit(move |tx| -> Result<bool, StoreError> {
                tx.grow_upload(id, size, Some(&hasher), now)
            })
            .await?;
        if !is_there {
            return Err(Code::UPLOADID_MISSING.into());
        }
        self.unnoted = 0;
        Ok(())
    }
}

/// Pieces with their places.
fn placed(mut offset: u64, pieces: Vec<Bytes>) -> Vec<(u64, Bytes)> {
    let place = |bytes: Bytes| {
        let at = offset;
        offset = offset.saturating_add(bytes.len() as u64);
        (at, bytes)
    };
    pieces.into_iter().map(place).collect()
}

/// What of pieces that lie one behind the other comes next to be hashed, if so many bytes are: nothing if there is a gap.
fn not_hashed(pieces: &[(u64, Bytes)], hashed: u64) -> Vec<Bytes> {
    if pieces.first().is_none_or(|(first, _)| *first > hashed) {
        return Vec::new();
    }
    let rest = |(offset, bytes): &(u64, Bytes)| {
        let known = usize::try_from(hashed.saturating_sub(*offset)).ok()?;
        (known < bytes.len()).then(|| bytes.slice(known..))
    };
    pieces.iter().filter_map(rest).collect()
}

/// Opens the file of a session as its row describes it.
async fn load(app: &App, id: i64) -> Answer<Open> {
    let upload = app
        .db
        .view(move |tx| -> Result<_, StoreError> { tx.upload(id) })
        .await?
        .ok_or(Code::UPLOADID_MISSING)?;
    let working = app.working_dir()?;
    if upload.node != working.name() {
        return Err(Code::UPLOAD_UNWRITABLE.into());
    }
    let size = upload.size.unsigned_abs();
    let file = match working.reopen(id).await.map_err(disk_failure)? {
        Some(file) => file,
        // A session that nothing was written to has no file yet.
        None if size == 0 => working.create(id).await.map_err(disk_failure)?,
        None => return Err(Code::UPLOAD_UNWRITABLE.into()),
    };
    if file.size() < size {
        return Err(Code::UPLOAD_UNWRITABLE.into());
    }
    if file.size() > size {
        // What arrived right before the end of another process: nobody was told of it, and it may be incomplete.
        file.set_size(size).await.map_err(disk_failure)?;
    }
    let hasher = upload
        .hasher
        .and_then(|saved| Hasher::restore(&saved))
        .filter(|hasher| hasher.size() <= size)
        .unwrap_or_default();
    Ok(Open {
        file: Arc::new(file),
        hasher,
        unnoted: 0,
    })
}
