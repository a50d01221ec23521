//! Contents of files: the ones that are uploaded, and what becomes of them through descriptors.

use crate::random::content;
use sha2::{Digest, Sha256};
use std::fmt;
use std::ops::Range;
use std::rc::Rc;

/// Sizes of the contents that are uploaded: nothing, little, and on both sides of what the database holds.
const SIZES: [usize; 7] = [0, 5, 5, 100, 32_768, 32_769, 70_000];

/// The content of a file. All files and revisions that hold it share it.
pub(super) struct Content {
    /// The bytes.
    pub(super) bytes: Vec<u8>,
    /// Hash, as metadata shows it.
    pub(super) hash: u64,
}

impl Content {
    /// A content of these bytes.
    pub(super) fn new(bytes: Vec<u8>) -> Rc<Self> {
        let mut first = [0; 8];
        first.copy_from_slice(&Sha256::digest(&bytes)[..8]);
        let hash = u64::from_le_bytes(first);
        Rc::new(Self { bytes, hash })
    }

    /// How many bytes it has.
    pub(super) fn size(&self) -> u64 {
        self.bytes.len() as u64
    }
}

/// Clients know contents apart by size and hash.
impl PartialEq for Content {
    fn eq(&self, other: &Self) -> bool {
        (self.size(), self.hash) == (other.size(), other.hash)
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} bytes with hash {}", self.size(), self.hash)
    }
}

/// The contents that are uploaded.
#[derive(Debug)]
pub(super) struct Contents(Vec<Rc<Content>>);

impl Default for Contents {
    fn default() -> Self {
        let contents = (1..).zip(SIZES);
        Self(
            contents
                .map(|(seed, len)| Content::new(content(len, seed)))
                .collect(),
        )
    }
}

impl Contents {
    /// One of them; any number stands for one.
    pub(super) fn get(&self, number: u64) -> &Rc<Content> {
        &self.0[index(number, self.0.len())]
    }

    /// A stretch of one of them, chosen by three numbers.
    pub(super) fn piece(&self, [which, start, len]: [u64; 3]) -> Vec<u8> {
        let bytes = &self.get(which).bytes;
        bytes[range_in(bytes.len(), start, len)].to_vec()
    }
}

/// A place among `count`, which is not 0, for any number.
pub(super) fn index(number: u64, count: usize) -> usize {
    usize::try_from(number % count.max(1) as u64).unwrap_or_default()
}

/// A range of `len` bytes for any two numbers; one in four goes to the end.
pub(super) fn range_in(len: usize, start: u64, length: u64) -> Range<usize> {
    let start = index(start, len + 1);
    let most = len - start;
    let length = if length.is_multiple_of(4) {
        most
    } else {
        index(length / 4, most + 1)
    };
    start..start + length
}
