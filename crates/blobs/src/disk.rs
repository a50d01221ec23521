//! Blobs as files of a directory.
//!
//! ```text
//! <dir>/staging/<key>        being written; emptied at start
//! <dir>/blobs/ab/cd/<key>    complete, on stable storage, never changed again
//! <dir>/blobs/ab/cd/<key>.over   there for a while if the blob rests on another one, see [`layer`]
//! ```
//!
//! Both lie on one file system, so that a blob becomes visible by one rename.

mod extents;
mod journal;
mod layer;
mod read;
mod staged;
mod walk;

use std::fs::{self, DirBuilder, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use tokio::task::spawn_blocking;

use self::staged::Staged;
use crate::{BlobKey, Error, Result};

pub(crate) use extents::Extents;
pub(crate) use journal::{Journal, Told, Trust};
pub(crate) use layer::{BLOCK_BYTES, Layer, MOST_LAYERS, Overlay, read_or_zeros};
pub(crate) use staged::DiskStage;

/// A directory that holds blobs.
pub(crate) struct Disk {
    root: PathBuf,
    leaves: Leaves,
    /// The staging directory, locked (shared) while this store may have files in it.
    _in_use: File,
}

impl Disk {
    /// Makes the directories, if need be, and removes what a crash left half-written.
    pub(crate) fn open(root: &Path) -> Result<Self> {
        let open = |root: &Path| {
            create_dir(&root.join("staging"))?;
            let blobs = root.join("blobs");
            create_dir(&blobs)?;
            for branch in 0..=u8::MAX {
                match new_dir(&blobs.join(BlobKey::from_bytes([branch; 16]).branch())) {
                    Err(e) if e.kind() == ErrorKind::AlreadyExists => {}
                    result => result?,
                }
            }
            // What exists may have been made by a run that was killed before it could sync.
            sync_dir(&blobs)?;
            sync_dir(root)?;
            clean_staging(&root.join("staging"))
        };
        let opened = std::path::absolute(root).and_then(|root| Ok((open(&root)?, root)));
        let (staging, root) = opened.map_err(|e| Error::io("opening the blob directory", e))?;
        Ok(Self {
            root,
            leaves: Leaves::new(),
            _in_use: staging,
        })
    }

    fn staging(&self, name: &str) -> PathBuf {
        self.root.join("staging").join(name)
    }

    fn branch(&self, key: &BlobKey) -> PathBuf {
        self.root.join("blobs").join(key.branch())
    }

    fn leaf(&self, key: &BlobKey) -> PathBuf {
        self.branch(key).join(key.leaf())
    }

    fn blob(&self, key: &BlobKey) -> PathBuf {
        self.leaf(key).join(key.to_string())
    }

    /// Makes the leaf directory of `key`, if need be.
    fn make_leaf(&self, key: &BlobKey) -> io::Result<()> {
        if self.leaves.is_durable(key.leaf_number()) {
            return Ok(());
        }
        match new_dir(&self.leaf(key)) {
            Err(e) if e.kind() == ErrorKind::AlreadyExists => Ok(()),
            result => result,
        }
    }

    /// Puts the entries of the leaf directory of `key`, and it itself, on stable storage.
    fn sync_leaf(&self, key: &BlobKey) -> io::Result<()> {
        sync_dir(&self.leaf(key))?;
        if !self.leaves.is_durable(key.leaf_number()) {
            sync_dir(&self.branch(key))?;
            self.leaves.set_durable(key.leaf_number());
        }
        Ok(())
    }
}

impl Disk {
    /// Removes a blob; one that does not exist is removed already.
    pub(crate) async fn delete(&self, key: &BlobKey) -> Result<()> {
        let doing = "deleting a blob";
        let (path, over) = (self.blob(key), self.over(key));
        blocking(doing, move || {
            remove_if_there(&path)
                .and_then(|()| remove_if_there(&over))
                .map_err(|e| Error::io(doing, e))
        })
        .await
    }

    /// The size of a blob, if it exists.
    pub(crate) async fn size(&self, key: &BlobKey) -> Result<Option<u64>> {
        let doing = "looking up a blob";
        let path = self.blob(key);
        blocking(doing, move || match fs::metadata(path) {
            Ok(metadata) => Ok(Some(metadata.len())),
            Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
            Err(e) => Err(Error::io(doing, e)),
        })
        .await
    }

    /// Proves that a blob could be written now: writes, syncs and removes a staging file.
    pub(crate) async fn probe(self: &Arc<Self>) -> Result<()> {
        let this = Arc::clone(self);
        blocking("probing the blob directory", move || {
            let mut staged = Staged::new(this, BlobKey::random()?)?;
            staged.append(b"probe")?;
            staged.sync()
            // Dropping the staged file removes it.
        })
        .await
    }
}

/// More layers than there can be: their records are damaged.
const ENDLESS_LAYERS: usize = 4 * MOST_LAYERS;

impl Disk {
    /// Opens a blob with everything it rests on.
    pub(crate) fn layer(&self, key: &BlobKey) -> io::Result<Layer> {
        self.layer_within(key, false, ENDLESS_LAYERS)
    }

    fn layer_within(&self, key: &BlobKey, is_written: bool, depth: usize) -> io::Result<Layer> {
        if depth == 0 {
            return Err(io::Error::other("a blob rests on itself"));
        }
        // The record first: when it goes, the file is whole already.
        let journal = Journal::open(&self.over(key), Trust::All)?;
        let mut options = File::options();
        let file = options.read(true).write(is_written).open(self.blob(key))?;
        let over = match journal {
            None => None,
            Some((journal, told)) => {
                let below = self.layer_within(&told.base, false, depth - 1)?;
                Some(Arc::new(Overlay::new(below, journal, told)))
            }
        };
        Ok(Layer {
            file: Arc::new(file),
            over,
        })
    }

    fn over(&self, key: &BlobKey) -> PathBuf {
        self.leaf(key).join(format!("{key}.over"))
    }

    /// Makes a synced file of a working directory a blob, under a second name: the file is the caller's to remove. With
    /// it goes the record of what it rests on, if it does. Answers `None` if that file system has no place for it here.
    pub(crate) fn adopt(&self, path: &Path, over: Option<&Path>) -> Result<Option<BlobKey>> {
        let key = BlobKey::random()?;
        let link = || {
            self.make_leaf(&key)?;
            if let Some(over) = over
                && !link_if_possible(over, &self.over(&key))?
            {
                return Ok(None);
            }
            if !link_if_possible(path, &self.blob(&key))? {
                return Ok(None);
            }
            self.sync_leaf(&key)?;
            Ok(Some(key))
        };
        link().map_err(|e| Error::io("publishing a working file", e))
    }
}

/// Gives a file a second name. Answers whether the file system can.
fn link_if_possible(path: &Path, name: &Path) -> io::Result<bool> {
    match fs::hard_link(path, name) {
        Err(e)
            if matches!(
                e.kind(),
                ErrorKind::CrossesDevices
                    | ErrorKind::Unsupported
                    | ErrorKind::TooManyLinks
                    | ErrorKind::PermissionDenied
            ) =>
        {
            Ok(false)
        }
        result => result.map(|()| true),
    }
}

/// Which leaf directories are known to survive a power failure.
///
/// That a directory exists does not tell: another writer, or this program before it was
/// killed, may have made it without the parent being on stable storage yet. So the parents are
/// synced once per leaf and run of the program.
struct Leaves(Box<[AtomicU64]>);

impl Leaves {
    fn new() -> Self {
        Self((0..65536 / 64).map(|_| AtomicU64::new(0)).collect())
    }

    fn is_durable(&self, leaf: u16) -> bool {
        let (word, bit) = self.place(leaf);
        word.load(Ordering::Acquire) & bit != 0
    }

    fn set_durable(&self, leaf: u16) {
        let (word, bit) = self.place(leaf);
        word.fetch_or(bit, Ordering::Release);
    }

    fn place(&self, leaf: u16) -> (&AtomicU64, u64) {
        (&self.0[usize::from(leaf / 64)], 1 << (leaf % 64))
    }
}

/// Empties the staging directory, if no other process uses it, and answers it locked.
///
/// A server and the admin commands beside it open the same directory: the second one must not
/// remove what the first one is writing. The lock is advisory and ends with the process.
fn clean_staging(dir: &Path) -> io::Result<File> {
    let staging = File::open(dir)?;
    if staging.try_lock().is_ok() {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            // What is not named like a blob is not ours.
            let name = entry.file_name();
            if name
                .to_str()
                .is_some_and(|name| name.parse::<BlobKey>().is_ok())
            {
                fs::remove_file(entry.path())?;
            }
        }
    }
    // Not every network file system has locks. Without them nothing is ever removed, which
    // wastes room but harms nobody.
    if let Err(error) = staging.lock_shared() {
        tracing::warn!(dir = %dir.display(), %error, "leftovers of crashes are not removed");
    }
    Ok(staging)
}

/// Removes a file; one that does not exist is removed already.
pub(crate) fn remove_if_there(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// Makes a directory that nobody else can look into.
fn new_dir(dir: &Path) -> io::Result<()> {
    DirBuilder::new().mode(0o700).create(dir)
}

/// Makes a directory and its missing parents, and puts them on stable storage.
pub(crate) fn create_dir(dir: &Path) -> io::Result<()> {
    match (new_dir(dir), dir.parent()) {
        (Err(e), Some(parent)) if e.kind() == ErrorKind::NotFound => {
            create_dir(parent)?;
            create_dir(dir)
        }
        (Err(e), _) if e.kind() == ErrorKind::AlreadyExists && dir.is_dir() => Ok(()),
        (Ok(()), Some(parent)) => sync_dir(parent),
        (result, _) => result,
    }
}

/// Puts the entries of a directory on stable storage.
pub(crate) fn sync_dir(dir: &Path) -> io::Result<()> {
    File::open(dir)?.sync_all()
}

/// Runs `job` on a thread that may block.
pub(crate) async fn blocking<T: Send + 'static>(
    doing: &'static str,
    job: impl FnOnce() -> Result<T> + Send + 'static,
) -> Result<T> {
    match spawn_blocking(job).await {
        Ok(result) => result,
        Err(ended) => Err(Error::io(doing, io::Error::other(ended))),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_are_told_apart() {
        let leaves = Leaves::new();
        for leaf in [0, 1, 63, 64, 0xabcd, u16::MAX] {
            assert!(!leaves.is_durable(leaf));
            leaves.set_durable(leaf);
            assert!(leaves.is_durable(leaf));
        }
        assert!(!leaves.is_durable(2));
    }
}
