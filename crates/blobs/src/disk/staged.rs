//! Writing a file in the staging directory until it can become a blob.

use std::fs::{self, File};
use std::io::{self, Write};
use std::os::unix::fs::OpenOptionsExt;
use std::path::PathBuf;
use std::sync::Arc;
use std::thread::{self, JoinHandle};

use super::Disk;
use crate::lane::Stage;
use crate::{BlobKey, Error, Result};

/// After so many bytes a sync is started beside the writing.
///
/// The kernel would otherwise keep the file in memory for half a minute, and the sync at the
/// end would have to wait for all of it. It also bounds the unwritten memory of one upload to
/// twice this size.
const WINDOW_BYTES: u64 = 32 * 1024 * 1024;

/// A file in the staging directory. Removed when dropped before [`Staged::publish`].
pub(crate) struct Staged {
    disk: Arc<Disk>,
    key: BlobKey,
    path: PathBuf,
    file: Arc<File>,
    /// Bytes written since the last sync began.
    unsynced: u64,
    /// The sync that runs beside the writing.
    syncing: Option<JoinHandle<io::Result<()>>>,
    /// Whether dropping removes the file.
    temporary: bool,
}

/// Context of errors.
const WRITING: &str = "writing a blob";

impl Staged {
    /// Creates the file of a blob.
    pub(crate) fn new(disk: Arc<Disk>, key: BlobKey) -> Result<Self> {
        let create = || {
            let path = disk.staging(&key.to_string());
            let file = File::options()
                .write(true)
                .create_new(true)
                .mode(0o600)
                .open(&path)?;
            Ok((path, file))
        };
        let (path, file) = create().map_err(|e| Error::io("creating a blob", e))?;
        Ok(Self {
            disk,
            key,
            path,
            file: Arc::new(file),
            unsynced: 0,
            syncing: None,
            temporary: true,
        })
    }

    /// Writes `bytes` at the end of the file.
    pub(crate) fn append(&mut self, bytes: &[u8]) -> Result<()> {
        (&*self.file)
            .write_all(bytes)
            .map_err(|e| Error::io(WRITING, e))?;
        self.unsynced += bytes.len() as u64;
        if self.unsynced >= WINDOW_BYTES {
            self.sync_beside().map_err(|e| Error::io(WRITING, e))?;
        }
        Ok(())
    }

    /// Waits for the last sync and starts the next one, on a thread of its own: the blocking
    /// pool might be full of writers that wait for just this.
    fn sync_beside(&mut self) -> io::Result<()> {
        self.wait_for_sync()?;
        let file = Arc::clone(&self.file);
        let sync = move || file.sync_data();
        self.syncing = Some(
            thread::Builder::new()
                .name("blob-sync".to_owned())
                .spawn(sync)?,
        );
        self.unsynced = 0;
        Ok(())
    }

    /// The kernel reports a failed write-back once, so what each sync says must be heard.
    fn wait_for_sync(&mut self) -> io::Result<()> {
        match self.syncing.take().map(JoinHandle::join) {
            None => Ok(()),
            Some(Ok(result)) => result,
            Some(Err(_panic)) => Err(io::Error::other("the syncing thread panicked")),
        }
    }

    /// Puts the content on stable storage. A failure is final: after it the kernel may have
    /// dropped the very pages that it could not write, and a second sync would succeed.
    pub(crate) fn sync(&mut self) -> Result<()> {
        self.wait_for_sync()
            .and_then(|()| self.file.sync_data())
            .map_err(|e| Error::io("syncing a blob", e))
    }

    /// Gives the file its final name, durably.
    fn publish(&mut self) -> io::Result<()> {
        self.disk.make_leaf(&self.key)?;
        let blob = self.disk.blob(&self.key);
        fs::rename(&self.path, &blob)?;
        // If the next step fails the file must go under its new name.
        self.path = blob;
        self.disk.sync_leaf(&self.key)?;
        self.temporary = false;
        Ok(())
    }
}

impl Drop for Staged {
    fn drop(&mut self) {
        if self.temporary
            && let Err(error) = fs::remove_file(&self.path)
        {
            tracing::warn!(path = %self.path.display(), %error, "an unfinished blob was left behind");
        }
    }
}

/// The stage of a writer that ends in a published file.
///
/// The file is created with the first bytes, on a thread that may block.
pub(crate) struct DiskStage {
    disk: Arc<Disk>,
    key: BlobKey,
    staged: Option<Staged>,
}

impl DiskStage {
    pub(crate) fn new(disk: Arc<Disk>, key: BlobKey) -> Self {
        Self {
            disk,
            key,
            staged: None,
        }
    }

    fn staged(&mut self) -> Result<&mut Staged> {
        match &mut self.staged {
            Some(staged) => Ok(staged),
            none => Ok(none.insert(Staged::new(Arc::clone(&self.disk), self.key)?)),
        }
    }
}

impl Stage for DiskStage {
    type Output = ();

    fn take(&mut self, bytes: &[u8]) -> Result<()> {
        self.staged()?.append(bytes)
    }

    fn finish(mut self) -> Result<()> {
        let staged = self.staged()?;
        staged.sync()?;
        staged
            .publish()
            .map_err(|e| Error::io("publishing a blob", e))
    }
}
