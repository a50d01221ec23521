//! Content that still changes: working files in a local directory, which become blobs.
//!
//! ```text
//! <dir>/name         what this directory is called, drawn when it was made
//! <dir>/<id>         the bytes of a working file
//! ```
//!
//! The directory is local even if the blobs are not: writing at any offset is what local file
//! systems are for, and object stores are not. A working file belongs to the process that holds
//! the directory; the caller keeps a row for each, which names it by its id.
//!
//! What a caller can rely on:
//!
//! - What [`WorkingFile::write_at`] or [`WorkingFile::set_size`] has answered survives the end of
//!   the process, however sudden: the kernel has it. It survives the end of the machine as well
//!   after [`WorkingFile::sync`] or [`WorkingFile::publish`].
//! - [`WorkingFile::publish`] leaves the working file where it is. The caller commits the row of
//!   the blob and removes the working file afterwards, so that a crash between the two loses
//!   nothing: the working file is found again, published again, and the first blob is one that
//!   nothing refers to.

mod file;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::OpenOptionsExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use futures_util::StreamExt;

use crate::disk::{blocking, create_dir, sync_dir};
use crate::{BlobKey, BlobStore, Error, Result};

pub use file::{Published, WorkingFile};

/// A directory of working files, beside the blobs they become. Clones share it.
#[derive(Clone)]
pub struct WorkingDir {
    shared: Arc<Shared>,
}

/// What the clones of a directory and its files have in common.
pub(crate) struct Shared {
    root: PathBuf,
    name: String,
    blobs: BlobStore,
    /// The directory, locked: no two processes work on the same files.
    _in_use: File,
}

impl Shared {
    fn path(&self, id: i64) -> PathBuf {
        self.root.join(id.to_string())
    }
}

impl WorkingDir {
    /// Opens the directory, which is created (mode 0700) when it is missing. Its files become
    /// blobs of `blobs`, in constant time if those are files of the same file system.
    ///
    /// # Errors
    ///
    /// When the directory cannot be made or read, or when another process works in it.
    pub async fn open(blobs: &BlobStore, dir: impl AsRef<Path>) -> Result<Self> {
        let (dir, blobs) = (dir.as_ref().to_owned(), blobs.clone());
        let doing = "opening the directory of working files";
        blocking(doing, move || {
            let open = || {
                let root = std::path::absolute(&dir)?;
                create_dir(&root)?;
                let in_use = File::open(&root)?;
                if let Err(fs::TryLockError::WouldBlock) = in_use.try_lock() {
                    return Err(io::Error::other("another server works in it"));
                }
                Ok((root, in_use))
            };
            let (root, in_use) = open().map_err(|e| Error::io(doing, e))?;
            let shared = Shared {
                name: name_of(&root)?,
                root,
                blobs,
                _in_use: in_use,
            };
            Ok(Self {
                shared: Arc::new(shared),
            })
        })
        .await
    }

    /// What the directory is called: 32 hexadecimal digits that no other directory has. Rows that
    /// name working files name their directory by it.
    pub fn name(&self) -> &str {
        &self.shared.name
    }

    /// Begins an empty working file. The id must not have been used before.
    ///
    /// # Errors
    ///
    /// When the file cannot be made, or is there already.
    pub async fn create(&self, id: i64) -> Result<WorkingFile> {
        let shared = Arc::clone(&self.shared);
        blocking("creating a working file", move || {
            let file = create_file(&shared.path(id))?;
            Ok(WorkingFile::new(shared, id, file, 0))
        })
        .await
    }

    /// Begins a working file with the first `size` bytes of a blob.
    ///
    /// # Errors
    ///
    /// When the file cannot be made or is there already, and when the blob cannot be read.
    pub async fn create_over(&self, id: i64, key: &BlobKey, size: u64) -> Result<WorkingFile> {
        let file = self.create(id).await?;
        let mut chunks = self.shared.blobs.read(key, 0..size).await?;
        let mut offset = 0;
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            let length = chunk.len() as u64;
            file.write_at(offset, chunk).await?;
            offset += length;
        }
        Ok(file)
    }

    /// Goes on with a working file of this or of an earlier process.
    ///
    /// # Errors
    ///
    /// When it cannot be opened. A file that does not exist is `None`.
    pub async fn reopen(&self, id: i64) -> Result<Option<WorkingFile>> {
        let shared = Arc::clone(&self.shared);
        let doing = "opening a working file";
        blocking(doing, move || {
            let mut options = File::options();
            let opened = options.read(true).write(true).open(shared.path(id));
            let opened = opened.and_then(|file| Ok((file.metadata()?.len(), file)));
            match opened {
                Ok((size, file)) => Ok(Some(WorkingFile::new(shared, id, file, size))),
                Err(e) if e.kind() == ErrorKind::NotFound => Ok(None),
                Err(e) => Err(Error::io(doing, e)),
            }
        })
        .await
    }

    /// Removes a working file; one that does not exist is removed already. Blobs that were
    /// published from it stay.
    ///
    /// # Errors
    ///
    /// When it may still be there.
    pub async fn remove(&self, id: i64) -> Result<()> {
        let path = self.shared.path(id);
        let doing = "removing a working file";
        blocking(doing, move || {
            remove_file(&path).map_err(|e| Error::io(doing, e))
        })
        .await
    }

    /// The ids of all working files, for finding at start those that nobody knows any more.
    ///
    /// # Errors
    ///
    /// When the directory cannot be read.
    pub async fn list(&self) -> Result<Vec<i64>> {
        let root = self.shared.root.clone();
        let doing = "listing working files";
        blocking(doing, move || {
            ids_in(&root).map_err(|e| Error::io(doing, e))
        })
        .await
    }
}

/// Reads the name of a directory, or gives it one.
fn name_of(root: &Path) -> Result<String> {
    let doing = "naming the directory of working files";
    let path = root.join("name");
    match fs::read_to_string(&path) {
        Ok(name) if name.parse::<BlobKey>().is_ok() => return Ok(name),
        Ok(_) => {}
        Err(e) if e.kind() == ErrorKind::NotFound => {}
        Err(e) => return Err(Error::io(doing, e)),
    }
    let name = BlobKey::random()?.to_string();
    let write = || {
        let fresh = root.join("name.new");
        fs::write(&fresh, &name)?;
        File::open(&fresh)?.sync_all()?;
        fs::rename(&fresh, &path)?;
        sync_dir(root)
    };
    write().map_err(|e| Error::io(doing, e))?;
    Ok(name)
}

fn create_file(path: &Path) -> Result<File> {
    let mut options = File::options();
    options.read(true).write(true).create_new(true).mode(0o600);
    options
        .open(path)
        .map_err(|e| Error::io("creating a working file", e))
}

fn remove_file(path: &Path) -> io::Result<()> {
    match fs::remove_file(path) {
        Err(e) if e.kind() != ErrorKind::NotFound => Err(e),
        _ => Ok(()),
    }
}

/// What is not named by a number is not ours.
fn ids_in(root: &Path) -> io::Result<Vec<i64>> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        ids.extend(name.to_str().and_then(|name| name.parse::<i64>().ok()));
    }
    Ok(ids)
}

impl fmt::Debug for WorkingDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkingDir")
            .field("root", &self.shared.root)
            .finish_non_exhaustive()
    }
}
