//! Running uploads that somebody may ask about.

use crate::body::Body;
use pileus_api::Metadata;
use pileus_api::progress::Uploading;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a finished upload is remembered. Clients poll, and the last poll may be late.
const KEPT: Duration = Duration::from_secs(600);

/// Uploads remembered at most; the oldest go first.
const ENTRIES_MAX: usize = 10_000;

/// The key: whose it is, which is an account, an app's folder or an upload link, and the client's `progresshash`. The
/// ids of all three come from one sequence.
type Key = (i64, String);

/// Uploads by account and key.
#[derive(Debug, Default)]
pub struct Progresses {
    table: Mutex<HashMap<Key, Arc<Progress>>>,
}

/// How far one upload is.
#[derive(Debug)]
pub struct Progress {
    /// Bytes of the whole request; 0 if unknown.
    pub total: u64,
    /// Bytes of it that have arrived.
    pub received: Arc<AtomicU64>,
    began: Instant,
    state: Mutex<State>,
}

/// What changes while an upload runs.
#[derive(Clone, Debug, Default)]
pub struct State {
    /// Name of the file that is arriving.
    pub current: Option<String>,
    /// Bytes of it that have arrived.
    pub current_bytes: u64,
    /// Number of that file, from 1.
    pub number: u64,
    /// Complete files.
    pub files: Vec<Metadata>,
    /// When the upload ended.
    pub ended: Option<Instant>,
}

impl Progresses {
    /// A new upload; one of the same key is replaced.
    pub fn begin(
        &self,
        account: i64,
        hash: &str,
        total: u64,
        received: Arc<AtomicU64>,
    ) -> Arc<Progress> {
        let began = Instant::now();
        let progress = Arc::new(Progress {
            total,
            received,
            began,
            state: Mutex::default(),
        });
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        if table.len() >= ENTRIES_MAX {
            table.retain(|_, progress| !progress.is_forgotten(began));
        }
        if table.len() >= ENTRIES_MAX {
            let oldest = table
                .iter()
                .min_by_key(|(_, progress)| progress.began)
                .map(|(key, _)| key.clone());
            oldest.and_then(|key| table.remove(&key));
        }
        table.insert((account, hash.to_owned()), progress.clone());
        progress
    }

    /// Forgets an upload, since its key is used for something else now.
    pub fn forget(&self, account: i64, hash: &str) {
        let mut table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table.remove(&(account, hash.to_owned()));
    }

    /// The upload of this key, if it is running or ended not long ago.
    pub fn find(&self, account: i64, hash: &str) -> Option<Arc<Progress>> {
        let table = self.table.lock().unwrap_or_else(PoisonError::into_inner);
        table
            .get(&(account, hash.to_owned()))
            .filter(|progress| !progress.is_forgotten(Instant::now()))
            .cloned()
    }
}

impl Progress {
    /// The part that changes.
    pub fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Bytes of the request that have arrived.
    pub fn received(&self) -> u64 {
        self.received.load(Ordering::Relaxed)
    }

    /// What may be told about it now.
    pub fn uploading(&self) -> Uploading {
        let state = self.state().clone();
        Uploading {
            total: self.total,
            uploaded: self.received(),
            currentfileuploaded: state.current.as_ref().map(|_| state.current_bytes),
            currentfile: state.current,
            filenumber: state.number,
            files: state.files,
            finished: state.ended.is_some(),
        }
    }

    fn is_forgotten(&self, now: Instant) -> bool {
        self.state()
            .ended
            .is_some_and(|ended| now.duration_since(ended) >= KEPT)
    }
}

/// An upload while it runs, watched or not. It has ended when this goes away, whatever became of it.
#[derive(Debug, Default)]
pub struct Running(Option<Arc<Progress>>);

impl Running {
    /// The upload that a call brings. `owner` is whose key `hash` is.
    pub fn begin(table: &Progresses, owner: i64, hash: Option<&String>, body: &Body<'_>) -> Self {
        let total = body.total.unwrap_or(0);
        Self(hash.map(|hash| table.begin(owner, hash, total, body.received_counter())))
    }

    /// A file begins to arrive.
    pub fn begin_file(&self, number: u64, name: &str) {
        if let Some(progress) = &self.0 {
            let mut state = progress.state();
            (state.current, state.current_bytes, state.number) = (Some(name.to_owned()), 0, number);
        }
    }

    /// More of it has arrived.
    pub fn grow_file(&self, bytes: u64) {
        if let Some(progress) = &self.0 {
            progress.state().current_bytes += bytes;
        }
    }

    /// It is complete; who watches may know this of it.
    pub fn end_file(&self, metadata: Option<Metadata>) {
        if let Some(progress) = &self.0 {
            progress.state().files.extend(metadata);
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if let Some(progress) = &self.0 {
            let mut state = progress.state();
            state.current = None;
            state.ended = Some(Instant::now());
        }
    }
}
