//! What a client knows to be in its folder.

use sha2::{Digest, Sha256};
use std::collections::BTreeMap;
use std::fmt;
use std::sync::Arc;

/// Contents that are written through descriptors have a hash of their bytes up to this size; that of larger ones is
/// drawn.
const HASHED_BYTES: usize = 1 << 20;

/// Content of a file.
#[derive(Clone, PartialEq, Eq)]
pub struct File {
    /// The bytes.
    pub bytes: Arc<Vec<u8>>,
    /// Hash as metadata shows it; `None` if nobody has told it yet.
    pub hash: Option<u64>,
}

impl File {
    /// A content that was uploaded.
    pub fn new(bytes: Vec<u8>) -> Self {
        let mut first = [0; 8];
        first.copy_from_slice(&Sha256::digest(&bytes)[..8]);
        let hash = Some(u64::from_le_bytes(first).max(1));
        let bytes = Arc::new(bytes);
        Self { bytes, hash }
    }

    /// A content that was written through a descriptor.
    pub fn written(bytes: Vec<u8>) -> Self {
        if bytes.len() <= HASHED_BYTES {
            return Self::new(bytes);
        }
        let bytes = Arc::new(bytes);
        Self { bytes, hash: None }
    }
}

impl fmt::Debug for File {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes with hash {:?}", self.bytes.len(), self.hash)
    }
}

/// What a listing tells of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Listed {
    /// Bytes.
    pub len: usize,
    /// Hash.
    pub hash: u64,
}

/// A listing: files by path, and `None` for folders, whose paths end with a slash.
pub type Listing = BTreeMap<String, Option<Listed>>;

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
            .filter_map(|(path, entry)| Some((path.as_str(), entry.clone()?)))
            .collect()
    }

    /// The file with this path.
    pub fn file(&self, path: &str) -> Option<&File> {
        self.0.get(path)?.as_ref()
    }

    /// Bytes of all files.
    pub fn size(&self) -> u64 {
        let files = self.0.values().flatten();
        files.map(|file| file.bytes.len() as u64).sum()
    }

    /// How a listing differs from this tree, as lines of text; empty if it does not.
    pub fn differences(&self, listing: &Listing) -> String {
        let surplus = listing.keys().filter(|path| !self.0.contains_key(*path));
        let differs = |path: &&String| match (self.0.get(*path), listing.get(*path)) {
            (Some(None), Some(None)) => false,
            (Some(Some(file)), Some(Some(listed))) => {
                let has_hash = file.hash.is_none_or(|hash| hash == listed.hash);
                !has_hash || file.bytes.len() != listed.len
            }
            _ => true,
        };
        let paths = self.0.keys().chain(surplus).filter(differs);
        paths
            .map(|path| {
                let (known, found) = (self.0.get(path), listing.get(path));
                format!("\n  {path}: {known:?} and {found:?}")
            })
            .collect()
    }

    /// Takes the hashes that nobody has told before from a listing; answers of which files that were.
    pub fn learn_hashes(&mut self, listing: &Listing) -> Vec<String> {
        let mut learnt = Vec::new();
        for (path, entry) in &mut self.0 {
            let listed = listing.get(path).copied().flatten();
            if let (Some(file @ File { hash: None, .. }), Some(listed)) = (entry, listed) {
                file.hash = Some(listed.hash);
                learnt.push(path.clone());
            }
        }
        learnt
    }
}
