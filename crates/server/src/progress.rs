//! Running uploads that somebody may ask about.

use crate::body::Body;
use pileus_api::Metadata;
use pileus_api::progress::Uploading;
use sha2::{Digest as _, Sha256};
use std::collections::BTreeMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

/// How long a finished upload is remembered. Clients poll, and the last poll may be late.
const KEPT: Duration = Duration::from_secs(600);

/// Uploads remembered at most.
const ENTRIES_MAX: usize = 10_000;

/// Uploads remembered at most of one owner: visitors of one link cannot push out everybody else's.
const ENTRIES_OF_OWNER_MAX: usize = 200;

/// The key: whose it is, which is an account, an app's folder or an upload link, and the digest of the client's
/// `progresshash`, which may be of any length. The ids of all three come from one sequence.
type Key = (i64, [u8; 32]);

fn key(owner: i64, hash: &str) -> Key {
    (owner, Sha256::digest(hash.as_bytes()).into())
}

/// Uploads by owner and key.
#[derive(Debug, Default)]
pub struct Progresses {
    table: Mutex<BTreeMap<Key, Arc<Progress>>>,
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
    fn table(&self) -> MutexGuard<'_, BTreeMap<Key, Arc<Progress>>> {
        self.table.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// A new upload; one of the same key is replaced. Where there are too many, the oldest goes.
    fn begin(&self, key: Key, total: u64, received: Arc<AtomicU64>) -> Arc<Progress> {
        let began = Instant::now();
        let progress = Arc::new(Progress {
            total,
            received,
            began,
            state: Mutex::default(),
        });
        let mut table = self.table();
        table.remove(&key);
        let of_owner = (key.0, [u8::MIN; 32])..=(key.0, [u8::MAX; 32]);
        if table.range(of_owner.clone()).count() >= ENTRIES_OF_OWNER_MAX {
            let oldest = oldest(table.range(of_owner));
            oldest.and_then(|key| table.remove(&key));
        }
        if table.len() >= ENTRIES_MAX {
            table.retain(|_, progress| !progress.is_forgotten(began));
        }
        if table.len() >= ENTRIES_MAX {
            let oldest = oldest(table.iter());
            oldest.and_then(|key| table.remove(&key));
        }
        table.insert(key, progress.clone());
        progress
    }

    /// Forgets an upload, since its key is used for something else now.
    pub fn forget(&self, owner: i64, hash: &str) {
        self.table().remove(&key(owner, hash));
    }

    /// The upload of this key, if it is running or ended not long ago.
    pub fn find(&self, owner: i64, hash: &str) -> Option<Arc<Progress>> {
        self.table()
            .get(&key(owner, hash))
            .filter(|progress| !progress.is_forgotten(Instant::now()))
            .cloned()
    }
}

/// The key of the upload that began first.
fn oldest<'t>(entries: impl Iterator<Item = (&'t Key, &'t Arc<Progress>)>) -> Option<Key> {
    entries
        .min_by_key(|(_, progress)| progress.began)
        .map(|(key, _)| *key)
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

/// An upload while it runs, watched or not. It can be watched from its first file on, and has ended when this goes away,
/// whatever became of it.
#[derive(Debug)]
pub struct Running<'t> {
    /// What to watch it by, if somebody wants to.
    asked: Option<Asked<'t>>,
    progress: Option<Arc<Progress>>,
}

/// An upload that is to be watched.
#[derive(Debug)]
struct Asked<'t> {
    table: &'t Progresses,
    key: Key,
    total: u64,
    received: Arc<AtomicU64>,
}

impl<'t> Running<'t> {
    /// The upload that a call brings. `owner` is whose key `hash` is.
    pub fn new(table: &'t Progresses, owner: i64, hash: Option<&String>, body: &Body<'_>) -> Self {
        let asked = hash.map(|hash| Asked {
            table,
            key: key(owner, hash),
            total: body.total.unwrap_or(0),
            received: body.received_counter(),
        });
        Self {
            asked,
            progress: None,
        }
    }

    /// A file begins to arrive.
    pub fn begin_file(&mut self, number: u64, name: &str) {
        // A call that brings nothing takes no room.
        if let Some(asked) = self.asked.take() {
            let Asked {
                table,
                key,
                total,
                received,
            } = asked;
            self.progress = Some(table.begin(key, total, received));
        }
        if let Some(progress) = &self.progress {
            let mut state = progress.state();
            (state.current, state.current_bytes, state.number) = (Some(name.to_owned()), 0, number);
        }
    }

    /// More of it has arrived.
    pub fn grow_file(&self, bytes: u64) {
        if let Some(progress) = &self.progress {
            progress.state().current_bytes += bytes;
        }
    }

    /// It is complete; who watches may know this of it.
    pub fn end_file(&self, metadata: Option<Metadata>) {
        if let Some(progress) = &self.progress {
            progress.state().files.extend(metadata);
        }
    }
}

impl Drop for Running<'_> {
    fn drop(&mut self) {
        if let Some(progress) = &self.progress {
            let mut state = progress.state();
            state.current = None;
            state.ended = Some(Instant::now());
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn begin(table: &Progresses, owner: i64, hash: &str) {
        let body = Body::none();
        let mut running = Running::new(table, owner, Some(&hash.to_owned()), &body);
        assert!(
            table.find(owner, hash).is_none(),
            "there is nothing to watch before the first file"
        );
        running.begin_file(1, "a.txt");
    }

    #[test]
    fn nobody_pushes_out_the_uploads_of_others() {
        let table = Progresses::default();
        begin(&table, 1, "mine");
        for number in 0..=ENTRIES_OF_OWNER_MAX {
            begin(&table, 2, &format!("{number}"));
        }
        assert!(table.find(1, "mine").is_some());
        assert!(table.find(2, "0").is_none(), "the oldest one goes");
        assert!(table.find(2, "1").is_some());
        assert_eq!(table.table().len(), ENTRIES_OF_OWNER_MAX + 1);
    }

    #[test]
    fn there_are_not_more_than_fit() {
        let table = Progresses::default();
        for number in 0..i64::try_from(ENTRIES_MAX).unwrap() + 10 {
            begin(&table, number / 100, &format!("{number}"));
        }
        assert_eq!(table.table().len(), ENTRIES_MAX);
        assert!(table.find(0, "9").is_none());
        assert!(table.find(0, "10").is_some());
    }

    #[test]
    fn keys_take_the_same_room_whatever_their_length() {
        let table = Progresses::default();
        let long = "x".repeat(1 << 20);
        begin(&table, 1, &long);
        assert!(table.find(1, &long).is_some());
        assert!(table.find(1, &long[1..]).is_none());
        assert!(size_of_val(table.table().first_key_value().unwrap().0) <= 48);
    }
}
