//! What lies in a directory of working files.

use super::WorkingDir;
use crate::disk::blocking;
use crate::{Error, Result};
use std::fs;
use std::io::{self, ErrorKind};
use std::path::Path;
use std::time::UNIX_EPOCH;

/// What lies in a directory of working files.
#[derive(Clone, PartialEq, Eq, Debug)]
pub struct Look {
    /// What the directory is called, if it was ever opened.
    pub name: Option<String>,
    /// Its working files.
    pub files: Vec<Seen>,
}

/// A working file as it lies in its directory.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct Seen {
    /// The id it was created with.
    pub id: i64,
    /// Its size in bytes; `None` if only a beginning or a record of it is there.
    pub size: Option<u64>,
    /// When it was last written, in seconds since 1970.
    pub modified: u64,
}

impl WorkingDir {
    /// Looks into a directory without opening it, so also while another process works in it. Files that come or go
    /// meanwhile may be there or not. A directory that does not exist is empty.
    ///
    /// # Errors
    ///
    /// When it cannot be read.
    pub async fn look(dir: impl AsRef<Path>) -> Result<Look> {
        let dir = dir.as_ref().to_owned();
        let doing = "looking at working files";
        blocking(doing, move || look(&dir).map_err(|e| Error::io(doing, e))).await
    }
}

fn look(dir: &Path) -> io::Result<Look> {
    let name = match fs::read_to_string(dir.join("name")) {
        Err(e) if e.kind() == ErrorKind::NotFound => None,
        name => Some(name?),
    };
    let ids = match ids_in(dir) {
        Err(e) if e.kind() == ErrorKind::NotFound => Vec::new(),
        ids => ids?,
    };
    let mut files = Vec::new();
    for id in ids {
        let names = [format!("{id}"), format!("{id}.over"), format!("{id}.new")];
        for name in names {
            let metadata = match fs::metadata(dir.join(&name)) {
                Err(e) if e.kind() == ErrorKind::NotFound => continue,
                metadata => metadata?,
            };
            let since = metadata.modified()?.duration_since(UNIX_EPOCH);
            files.push(Seen {
                id,
                size: (!name.contains('.')).then_some(metadata.len()),
                modified: since.map_or(0, |since| since.as_secs()),
            });
            break;
        }
    }
    Ok(Look { name, files })
}

/// What is not named by a number is not ours.
pub(super) fn ids_in(root: &Path) -> io::Result<Vec<i64>> {
    let mut ids = Vec::new();
    for entry in fs::read_dir(root)? {
        let name = entry?.file_name();
        let name = name.to_str().unwrap_or_default();
        let stem = name
            .strip_suffix(".over")
            .or_else(|| name.strip_suffix(".new"))
            .unwrap_or(name);
        ids.extend(stem.parse::<i64>());
    }
    ids.sort_unstable();
    ids.dedup();
    Ok(ids)
}
