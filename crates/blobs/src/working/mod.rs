//! Content that still changes: working files in a local directory, which become blobs.
//!
//! ```text
//! <dir>/name         what this directory is called, drawn when it was made
//! <dir>/<id>         the bytes of a working file
//! <dir>/<id>.over    what it rests on, if only its changed blocks are in it
//! <dir>/<id>.new     a working file that is being begun
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

mod begun;
mod file;
mod look;

use std::fmt;
use std::fs::{self, File};
use std::io::{self, ErrorKind};
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use bytes::Bytes;
use futures_util::StreamExt;

use crate::disk::{
    Journal, Layer, Overlay, Trust, blocking, create_dir, remove_if_there, sync_dir,
};
use crate::store::Backend;
use crate::{BlobKey, BlobStore, Error, Result};

pub use file::{Published, WorkingFile};
pub use look::{Look, Seen};

use begun::{Begun, CREATING, begin_over};
use look::ids_in;

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

    /// The record of what a working file rests on.
    fn over(&self, id: i64) -> PathBuf {
        self.root.join(format!("{id}.over"))
    }

    /// The name of a working file until its first bytes are in it: one that is found after a crash is complete.
    fn unfinished(&self, id: i64) -> PathBuf {
        self.root.join(format!("{id}.new"))
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
        self.create_with(id, Bytes::new()).await
    }

    /// Begins a working file with these bytes.
    ///
    /// # Errors
    ///
    /// As for [`WorkingDir::create`].
    pub async fn create_with(&self, id: i64, bytes: Bytes) -> Result<WorkingFile> {
        let shared = Arc::clone(&self.shared);
        blocking(CREATING, move || {
            let begun = Begun::new(&shared, id)?;
            begun
                .file
                .write_all_at(&bytes, 0)
                .map_err(|e| Error::io(CREATING, e))?;
            begun.finish(shared, bytes.len() as u64, None)
        })
        .await
    }

    /// Begins a working file with the first `size` bytes of a blob.
    ///
    /// If the blob is a file, nothing is read: the new file rests on it, see [`WorkingFile::base`]. Otherwise all bytes
    /// are copied.
    ///
    /// # Errors
    ///
    /// As for [`WorkingDir::create`], and when the blob cannot be read.
    pub async fn create_over(&self, id: i64, key: &BlobKey, size: u64) -> Result<WorkingFile> {
        if let Backend::Disk(disk) = &self.shared.blobs.shared.backend {
            let (shared, disk, key) = (Arc::clone(&self.shared), Arc::clone(disk), *key);
            let begun =
                blocking(CREATING, move || begin_over(shared, &disk, id, key, size)).await?;
            if let Some(file) = begun {
                return Ok(file);
            }
        }
        let shared = Arc::clone(&self.shared);
        let begun = blocking(CREATING, move || Begun::new(&shared, id)).await?;
        let begun = Arc::new(begun);
        let mut chunks = self.shared.blobs.read(key, 0..size).await?;
        let mut offset = 0;
        while let Some(chunk) = chunks.next().await {
            let (chunk, to) = (chunk?, Arc::clone(&begun));
            let (at, length) = (offset, chunk.len() as u64);
            blocking(CREATING, move || {
                let written = to.file.write_all_at(&chunk, at);
                written.map_err(|e| Error::io(CREATING, e))
            })
            .await?;
            offset += length;
        }
        let shared = Arc::clone(&self.shared);
        blocking(CREATING, move || begun.finish(shared, offset, None)).await
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
            let opened =
                open_layer(&shared, id).and_then(|layer| Ok((layer.file.metadata()?.len(), layer)));
            match opened {
                Ok((size, layer)) => Ok(Some(WorkingFile::new(shared, id, layer, size))),
                Err(e) if e.kind() == ErrorKind::NotFound && !shared.path(id).exists() => Ok(None),
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
        let shared = Arc::clone(&self.shared);
        let doing = "removing a working file";
        blocking(doing, move || {
            let mut names = [shared.unfinished(id), shared.over(id), shared.path(id)].into_iter();
            names
                .try_for_each(|name| remove_if_there(&name))
                .map_err(|e| Error::io(doing, e))
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

/// Opens a working file with everything it rests on.
fn open_layer(shared: &Shared, id: i64) -> io::Result<Layer> {
    let mut options = File::options();
    let file = options.read(true).write(true).open(shared.path(id))?;
    let over = match Journal::open(&shared.over(id), Trust::SameRun)? {
        None => None,
        Some((journal, told)) => {
            let Backend::Disk(disk) = &shared.blobs.shared.backend else {
                let trouble = "what the file rests on is not among the blobs of this server";
                return Err(io::Error::other(trouble));
            };
            let below = disk.layer(&told.base)?;
            Some(Arc::new(Overlay::new(below, journal, told)))
        }
    };
    Ok(Layer {
        file: Arc::new(file),
        over,
    })
}

impl fmt::Debug for WorkingDir {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("WorkingDir")
            .field("root", &self.shared.root)
            .finish_non_exhaustive()
    }
}
