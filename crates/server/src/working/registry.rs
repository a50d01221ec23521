//! The open files of the server.

use super::locks::Locks;
use pileus_blobs::WorkingFile;
use pileus_store::working::WorkingCopy;
use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};
use tokio::sync::{Notify, RwLock};

/// Commits of one file this close to each other make one revision: of the content before the first of them.
const ONE_REVISION_SECONDS: i64 = 600;

/// Files whose last commit is remembered at most.
const REMEMBERED_COMMITS: usize = 100_000;

/// A file that somebody has open, or that has a working copy.
#[derive(Debug)]
pub struct OpenFile {
    /// The file's id.
    pub id: i64,
    /// Who has locked which region.
    pub locks: Locks,
    /// Where its content is. Held for reading while a reader finds its bytes, and for writing while they change.
    pub(super) state: RwLock<State>,
}

/// Where the content of an open file is.
#[derive(Debug, Default)]
pub(super) enum State {
    /// It is the committed one.
    #[default]
    Committed,
    /// It is a working copy.
    Working(Working),
}

/// A working copy.
#[derive(Debug)]
pub(super) struct Working {
    /// Its row.
    pub(super) copy: WorkingCopy,
    /// Its bytes.
    pub(super) file: Arc<WorkingFile>,
    /// By how many bytes it is longer than the committed content.
    pub(super) growth: i64,
    /// Where the next appended bytes go, if earlier ones are still arriving.
    pub(super) appended: u64,
}

/// A working copy that is to be committed.
#[derive(Debug)]
struct Dirty {
    /// Keeps the file open.
    file: Arc<OpenFile>,
    began: Instant,
    written: Instant,
    /// A commit has been started.
    is_committing: bool,
}

/// The commit that made the present content of a file.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastCommit {
    /// Id that content will have among the revisions.
    pub(super) revisionid: i64,
    /// When the first of a run of commits was.
    pub(super) since: i64,
}

impl LastCommit {
    /// Whether the next commit continues the run, so that the content in between is no revision.
    pub(super) fn continues(&self, revisionid: i64, now: i64) -> bool {
        self.revisionid == revisionid && now.saturating_sub(self.since) < ONE_REVISION_SECONDS
    }
}

/// All open files.
#[derive(Debug, Default)]
pub struct OpenFiles {
    files: Mutex<HashMap<i64, Weak<OpenFile>>>,
    dirty: Mutex<HashMap<i64, Dirty>>,
    commits: Mutex<HashMap<i64, LastCommit>>,
    /// Uncommitted growth in bytes, by account.
    growth: Mutex<HashMap<i64, i64>>,
    /// Open descriptors, by account.
    descriptors: Mutex<HashMap<i64, u64>>,
    owners: AtomicU64,
    /// Told when there are checksums to be computed.
    pub(super) unsummed: Notify,
    /// Held while checksums are computed, so that this takes at most the processor time of one content.
    pub(super) summing: tokio::sync::Mutex<()>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl OpenFiles {
    /// The open file with this id, opened if need be.
    pub fn open(&self, id: i64) -> Arc<OpenFile> {
        let mut files = lock(&self.files);
        if let Some(file) = files.get(&id).and_then(Weak::upgrade) {
            return file;
        }
        // Closed files are swept out when they are as many as the open ones might be.
        if files.len() >= 64 && files.len().is_power_of_two() {
            files.retain(|_, file| file.strong_count() > 0);
        }
        let file = Arc::new(OpenFile {
            id,
            locks: Locks::default(),
            state: RwLock::default(),
        });
        files.insert(id, Arc::downgrade(&file));
        file
    }

    /// The file with this id, if it is open.
    pub fn find(&self, id: i64) -> Option<Arc<OpenFile>> {
        lock(&self.files).get(&id).and_then(Weak::upgrade)
    }

    /// Whether a file has content that is not committed.
    pub fn is_dirty(&self, id: i64) -> bool {
        lock(&self.dirty).contains_key(&id)
    }

    /// Something was written. The file stays open until it is committed.
    pub(super) fn wrote(&self, file: &Arc<OpenFile>) {
        let now = Instant::now();
        lock(&self.dirty)
            .entry(file.id)
            .and_modify(|dirty| dirty.written = now)
            .or_insert_with(|| Dirty {
                file: Arc::clone(file),
                began: now,
                written: now,
                is_committing: false,
            });
    }

    /// Everything is committed.
    pub(super) fn committed(&self, id: i64) {
        lock(&self.dirty).remove(&id);
    }

    /// A commit has failed; it is tried again later.
    pub(super) fn commit_failed(&self, id: i64) {
        if let Some(dirty) = lock(&self.dirty).get_mut(&id) {
            (dirty.began, dirty.written) = (Instant::now(), Instant::now());
            dirty.is_committing = false;
        }
    }

    /// Working copies that were not written for so long, or begun so long ago. They are not answered again until their
    /// commit has failed.
    pub(super) fn due(&self, idle: Duration, age: Duration) -> Vec<Arc<OpenFile>> {
        let mut due = Vec::new();
        for dirty in lock(&self.dirty).values_mut() {
            let is_due = dirty.written.elapsed() >= idle || dirty.began.elapsed() >= age;
            if is_due && !dirty.is_committing {
                dirty.is_committing = true;
                due.push(Arc::clone(&dirty.file));
            }
        }
        due
    }

    /// All files with a working copy.
    pub(super) fn dirty(&self) -> Vec<Arc<OpenFile>> {
        let dirty = lock(&self.dirty);
        dirty
            .values()
            .map(|dirty| Arc::clone(&dirty.file))
            .collect()
    }

    /// The commit that made the present content of a file, if it is remembered.
    pub(super) fn last_commit(&self, id: i64) -> Option<LastCommit> {
        lock(&self.commits).get(&id).copied()
    }

    /// Remembers a commit.
    pub(super) fn remember_commit(&self, id: i64, commit: LastCommit, now: i64) {
        let mut commits = lock(&self.commits);
        if commits.len() >= REMEMBERED_COMMITS {
            commits.retain(|_, commit| now.saturating_sub(commit.since) < ONE_REVISION_SECONDS);
        }
        if commits.len() < REMEMBERED_COMMITS {
            commits.insert(id, commit);
        }
    }

    /// Bytes that working copies of an account's files will take up when they are committed.
    pub(super) fn growth(&self, account: i64) -> i64 {
        lock(&self.growth).get(&account).copied().unwrap_or(0)
    }

    /// A working copy of an account's file has grown, or shrunk.
    pub(super) fn grow(&self, account: i64, more: i64) {
        add(&mut lock(&self.growth), account, more);
    }

    /// Counts a descriptor of an account; answers false, and does not count it, if it has so many already.
    pub(super) fn count_descriptor(&self, account: i64, most: u64) -> bool {
        let mut descriptors = lock(&self.descriptors);
        let count = descriptors.entry(account).or_default();
        let fits = *count < most;
        *count += u64::from(fits);
        fits
    }

    /// A descriptor of an account is gone.
    pub(super) fn uncount_descriptor(&self, account: i64) {
        let mut descriptors = lock(&self.descriptors);
        if let Some(count) = descriptors.get_mut(&account) {
            *count = count.saturating_sub(1);
            if *count == 0 {
                descriptors.remove(&account);
            }
        }
    }

    /// A number that stands for one descriptor of the whole server.
    pub(super) fn owner(&self) -> u64 {
        self.owners.fetch_add(1, Ordering::Relaxed)
    }
}

/// Adds to a count, which takes no room while it is 0.
fn add(counts: &mut HashMap<i64, i64>, account: i64, more: i64) {
    let count = counts.entry(account).or_default();
    *count = count.saturating_add(more);
    if *count == 0 {
        counts.remove(&account);
    }
}
