//! What a client knows to be in its folder.

use pileus_scenarios::random::content;
use sha2::{Digest, Sha256};
use std::collections::BTreeMap;

/// Content of a file: generated, so that it need not be kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct File {
    /// Bytes.
    pub len: usize,
    /// What fixes them.
    pub seed: u64,
    /// Hash as metadata shows it.
    pub hash: u64,
}

impl File {
    /// A content of this length, with its bytes.
    pub fn new(len: usize, seed: u64) -> (Self, Vec<u8>) {
        let bytes = content(len, seed);
        let mut first = [0; 8];
        first.copy_from_slice(&Sha256::digest(&bytes)[..8]);
        (
            Self {
                len,
                seed,
                hash: u64::from_le_bytes(first).max(1),
            },
            bytes,
        )
    }

    /// The bytes.
    pub fn bytes(&self) -> Vec<u8> {
        content(self.len, self.seed)
    }
}

/// Folders and files by their paths below the client's folder, such as `/sub/a`. `None` is a folder.
///
/// A file and a folder of the same name may stand side by side, so a folder's path ends with a slash here.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tree(BTreeMap<String, Option<File>>);

impl Tree {
    /// Adds a folder by its path with the final slash.
    pub fn add_folder(&mut self, path: String) {
        self.0.insert(path, None);
    }

    /// Adds a file, or another content of it.
    pub fn add_file(&mut self, path: String, file: File) {
        self.0.insert(path, Some(file));
    }

    /// Removes a file, or a folder with everything in it, and tells what that was, by paths below it.
    pub fn take(&mut self, path: &str) -> Vec<(String, Option<File>)> {
        let is_in_it =
            |other: &str| other == path || (path.ends_with('/') && other.starts_with(path));
        let paths: Vec<String> = self
            .0
            .keys()
            .filter(|other| is_in_it(other))
            .cloned()
            .collect();
        let take = |other: String| {
            let below = other[path.len()..].to_owned();
            (below, self.0.remove(&other).flatten())
        };
        paths.into_iter().map(take).collect()
    }

    /// Puts what was taken below another path.
    pub fn put(&mut self, path: &str, taken: Vec<(String, Option<File>)>) {
        self.0.extend(
            taken
                .into_iter()
                .map(|(below, entry)| (format!("{path}{below}"), entry)),
        );
    }

    /// Whether a path is taken.
    pub fn has(&self, path: &str) -> bool {
        self.0.contains_key(path)
    }

    /// Paths of all folders, with their final slashes.
    pub fn folders(&self) -> Vec<&str> {
        self.0
            .keys()
            .filter(|path| path.ends_with('/'))
            .map(String::as_str)
            .collect()
    }

    /// All files.
    pub fn files(&self) -> Vec<(&str, File)> {
        self.0
            .iter()
            .filter_map(|(path, entry)| Some((path.as_str(), (*entry)?)))
            .collect()
    }

    /// How this tree differs from another, as lines of text.
    pub fn differences(&self, other: &Self) -> String {
        let paths = self
            .0
            .keys()
            .chain(other.0.keys().filter(|path| !self.0.contains_key(*path)));
        let differs = |path: &&String| self.0.get(*path) != other.0.get(*path);
        paths
            .filter(differs)
            .map(|path| {
                format!(
                    "\n  {path}: {:?} and {:?}",
                    self.0.get(path),
                    other.0.get(path)
                )
            })
            .collect()
    }
}
