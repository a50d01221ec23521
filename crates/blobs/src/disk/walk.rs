//! Walking all blobs of a directory.

use std::fs::{self, DirEntry};
use std::io::{self, ErrorKind};
use std::path::{Path, PathBuf};
use std::time::UNIX_EPOCH;

use futures_util::stream::{self, BoxStream, StreamExt, TryStreamExt};

use super::{Disk, blocking};
use crate::{Error, Listed, Result};

/// Context of errors.
const LISTING: &str = "listing blobs";

/// How many blobs are collected before they are handed to the consumer, give or take one leaf
/// directory.
const PAGE: usize = 4096;

/// Blobs lie below `blobs/ab/cd`.
const LEAF_DEPTH: usize = 2;

impl Disk {
    /// Lists all blobs, page by page, in no particular order.
    pub(crate) fn list(&self) -> BoxStream<'static, Result<Listed>> {
        let walk = Walk {
            pending: vec![(self.root.join("blobs"), 0)],
        };
        stream::try_unfold(walk, |mut walk| {
            blocking(LISTING, move || {
                let page = walk.page().map_err(|e| Error::io(LISTING, e))?;
                Ok((!page.is_empty()).then_some((page, walk)))
            })
        })
        .map_ok(|page| stream::iter(page.into_iter().map(Ok)))
        .try_flatten()
        .boxed()
    }
}

/// The directories that are still to be read, with their depth: depth first, so there are
/// never more than 256 of each depth.
struct Walk {
    pending: Vec<(PathBuf, usize)>,
}

impl Walk {
    /// The next blobs; none when all were seen.
    fn page(&mut self) -> io::Result<Vec<Listed>> {
        let mut page = Vec::new();
        while page.len() < PAGE
            && let Some((dir, depth)) = self.pending.pop()
        {
            self.read_dir(&dir, depth, &mut page)?;
        }
        Ok(page)
    }

    fn read_dir(&mut self, dir: &Path, depth: usize, page: &mut Vec<Listed>) -> io::Result<()> {
        for entry in fs::read_dir(dir)? {
            let entry = entry?;
            if depth == LEAF_DEPTH {
                page.extend(listed(&entry)?);
            } else if entry.file_type()?.is_dir() {
                self.pending.push((entry.path(), depth + 1));
            }
        }
        Ok(())
    }
}

/// The blob behind a directory entry. Files that are not named like a blob are not ours, and
/// one that was deleted since the directory was read is none any more.
fn listed(entry: &DirEntry) -> io::Result<Option<Listed>> {
    let Some(key) = entry
        .file_name()
        .to_str()
        .and_then(|name| name.parse().ok())
    else {
        return Ok(None);
    };
    let metadata = match entry.metadata() {
        Ok(metadata) if metadata.is_file() => metadata,
        Ok(_) => return Ok(None),
        Err(e) if e.kind() == ErrorKind::NotFound => return Ok(None),
        Err(e) => return Err(e),
    };
    let modified = metadata
        .modified()?
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Ok(Some(Listed {
        key,
        size: metadata.len(),
        modified: modified.as_secs(),
    }))
}
