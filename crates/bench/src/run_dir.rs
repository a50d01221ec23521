//! The folder that holds everything a run writes.

use crate::error::{Context, Result};
use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Mutex;
use std::sync::PoisonError;
use std::thread;

/// How many files are deleted at the same time. On file systems that tell the disk of each freed
/// block, deleting a file takes milliseconds of waiting, and a run leaves hundreds of thousands.
const DELETERS: usize = 32;

/// A new folder, deleted with its contents when this is dropped.
pub struct RunDir {
    path: PathBuf,
}

impl RunDir {
    /// Makes a folder in `parent`, which is made too where it is missing.
    pub fn create(parent: &Path) -> Result<Self> {
        let path = parent.join(format!("run-{}", std::process::id()));
        fs::create_dir_all(&path).context("folder of the run")?;
        // Servers are told absolute paths; nginx would look for others in its own prefix.
        let path = path.canonicalize()?;
        Ok(Self { path })
    }

    /// The absolute path.
    pub fn path(&self) -> &Path {
        &self.path
    }
}

impl Drop for RunDir {
    fn drop(&mut self) {
        let mut files = Vec::new();
        let removed = list_files(&self.path, &mut files).and_then(|()| {
            remove_files(files);
            fs::remove_dir_all(&self.path)
        });
        if let Err(error) = removed {
            eprintln!("bench: {} is left behind: {error}", self.path.display());
        }
    }
}

fn list_files(dir: &Path, files: &mut Vec<PathBuf>) -> io::Result<()> {
    for entry in fs::read_dir(dir)? {
        let entry = entry?;
        if entry.file_type()?.is_dir() {
            list_files(&entry.path(), files)?;
        } else {
            files.push(entry.path());
        }
    }
    Ok(())
}

/// Removes files. What cannot be removed is left to the caller's last sweep.
fn remove_files(files: Vec<PathBuf>) {
    let files = Mutex::new(files);
    let next = || files.lock().unwrap_or_else(PoisonError::into_inner).pop();
    thread::scope(|scope| {
        for _ in 0..DELETERS {
            scope.spawn(|| {
                while let Some(file) = next() {
                    let _ = fs::remove_file(file);
                }
            });
        }
    });
}

#[cfg(test)]
mod tests {
    use super::RunDir;
    use crate::error::Result;
    use std::fs;

    #[test]
    fn everything_is_deleted_at_the_end() -> Result<()> {
        let parent = tempfile::tempdir()?;
        let run = RunDir::create(&parent.path().join("new"))?;
        let path = run.path().to_owned();
        assert!(path.is_absolute());
        for folder in ["a", "a/b", "c"] {
            fs::create_dir(path.join(folder))?;
            for file in 0..50 {
                fs::write(path.join(folder).join(file.to_string()), "x")?;
            }
        }
        drop(run);
        assert!(!path.exists());
        Ok(())
    }
}
