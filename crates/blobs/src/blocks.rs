//! Checksums of the blocks of a content, by which a client finds out what of a changed file the
//! other side has already.
//!
//! The table is the one the official sync client reads: a head with the size of the content and of
//! a block, then SHA-1 and Adler-32 of each block, the last one filled up with zeroes.

use sha1::{Digest as _, Sha1};
use simd_adler32::Adler32;

/// Bytes of the table's head, and of one entry of it: 20 of SHA-1 and 4 of Adler-32.
const HEAD_BYTES: u64 = 24;
const ENTRY_BYTES: u64 = 24;

/// The smallest block.
const BLOCK_BYTES: u32 = 4096;

/// Blocks grow until there are no more than this many: whoever changes a little of a large file has
/// to fetch the whole table, which so stays below 1.5 MiB. The client keeps 28 bytes for each block
/// and gives up at 64 MiB, which is far away.
const BLOCKS_MAX: u64 = 65_536;

/// How a content is divided, which follows from its size.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct BlockLayout {
    size: u64,
    block_bytes: u32,
}

impl BlockLayout {
    /// The head of the table, in bytes.
    pub const HEAD_BYTES: u64 = HEAD_BYTES;
    /// One entry of the table, in bytes.
    pub const ENTRY_BYTES: u64 = ENTRY_BYTES;

    /// Of a content of `size` bytes.
    pub fn of(size: u64) -> Self {
        let mut layout = Self {
            size,
            block_bytes: BLOCK_BYTES,
        };
        while layout.blocks() > BLOCKS_MAX && layout.block_bytes < 1 << 31 {
            layout.block_bytes *= 2;
        }
        layout
    }

    /// Bytes of the content.
    pub fn size(&self) -> u64 {
        self.size
    }

    /// Bytes of a block; a power of two.
    pub fn block_bytes(&self) -> u64 {
        u64::from(self.block_bytes)
    }

    /// How many blocks there are. The last one may be shorter than the others.
    pub fn blocks(&self) -> u64 {
        self.size.div_ceil(self.block_bytes())
    }

    /// Bytes of the whole table.
    pub fn table_bytes(&self) -> u64 {
        HEAD_BYTES + self.blocks() * ENTRY_BYTES
    }

    /// The first bytes of the table.
    pub fn head(&self) -> [u8; HEAD_BYTES as usize] {
        let mut head = [0; HEAD_BYTES as usize];
        head[..8].copy_from_slice(&self.size.to_le_bytes());
        head[8..12].copy_from_slice(&self.block_bytes.to_le_bytes());
        head
    }
}

/// Computes entries of the table from a content, or a run of whole blocks of it, that arrives in
/// pieces of any size.
pub struct BlockHasher {
    block_bytes: u64,
    /// Bytes of the present block that were taken.
    taken: u64,
    sha1: Sha1,
    adler32: Adler32,
    entries: Vec<u8>,
}

impl BlockHasher {
    /// A hasher that has seen no bytes.
    pub fn new(layout: &BlockLayout) -> Self {
        Self {
            block_bytes: layout.block_bytes(),
            taken: 0,
            sha1: Sha1::new(),
            adler32: Adler32::new(),
            entries: Vec::new(),
        }
    }

    /// Takes the next bytes. Keeps a processor core busy, so large pieces belong on a thread that
    /// nobody waits for: see [`BlobStore::compute`](crate::BlobStore::compute).
    pub fn update(&mut self, mut bytes: &[u8]) {
        while !bytes.is_empty() {
            let left = usize::try_from(self.block_bytes - self.taken).unwrap_or(usize::MAX);
            let (piece, rest) = bytes.split_at(left.min(bytes.len()));
            self.add(piece);
            bytes = rest;
        }
    }

    /// Takes bytes that fit into the present block.
    fn add(&mut self, piece: &[u8]) {
        self.sha1.update(piece);
        self.adler32.write(piece);
        self.taken += piece.len() as u64;
        if self.taken == self.block_bytes {
            self.taken = 0;
            self.entries.extend_from_slice(&self.sha1.finalize_reset());
            let adler32 = std::mem::take(&mut self.adler32).finish();
            self.entries.extend_from_slice(&adler32.to_le_bytes());
        }
    }

    /// Takes out the entries of the blocks that are complete, for who passes them on at once.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.entries)
    }

    /// The entries of everything that was taken, but for those that were taken out. The last block is filled up with zeroes.
    pub fn finish(mut self) -> Vec<u8> {
        const ZEROES: [u8; BLOCK_BYTES as usize] = [0; BLOCK_BYTES as usize];
        while self.taken > 0 {
            let left = (self.block_bytes - self.taken).min(u64::from(BLOCK_BYTES));
            self.add(&ZEROES[..left as usize]);
        }
        self.entries
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entries(content: &[u8], piece: usize) -> Vec<u8> {
        let mut hasher = BlockHasher::new(&BlockLayout::of(content.len() as u64));
        content.chunks(piece).for_each(|piece| hasher.update(piece));
        hasher.finish()
    }

    #[test]
    fn blocks_grow_with_the_content() {
        let of = |size| {
            let layout = BlockLayout::of(size);
            (layout.block_bytes(), layout.blocks())
        };
        assert_eq!(of(0), (4096, 0));
        assert_eq!(of(1), (4096, 1));
        assert_eq!(of(4096), (4096, 1));
        assert_eq!(of(4097), (4096, 2));
        assert_eq!(of(4096 * 65_536), (4096, 65_536));
        assert_eq!(of(4096 * 65_536 + 1), (8192, 32_769));
        for size in [1 << 40, u64::MAX >> 20] {
            let (block, count) = of(size);
            assert!(block.is_power_of_two() && count <= BLOCKS_MAX, "{size}");
        }
    }

    #[test]
    fn the_head_tells_both_sizes() {
        let layout = BlockLayout::of(0x0102_0304_0506);
        let mut expected = vec![6, 5, 4, 3, 2, 1, 0, 0];
        expected.extend_from_slice(&(layout.block_bytes() as u32).to_le_bytes());
        expected.extend_from_slice(&[0; 12]);
        assert_eq!(layout.head().as_slice(), expected);
    }

    #[test]
    fn an_entry_is_sha1_and_adler32_of_a_block_filled_with_zeroes() {
        let mut block = b"hello".to_vec();
        block.resize(4096, 0);
        let mut expected = Sha1::digest(&block).to_vec();
        // By RFC 1950: a is 1 plus the sum of the bytes, b the sum of all values of a.
        let (mut a, mut b) = (1_u32, 0_u32);
        for byte in &block {
            a = (a + u32::from(*byte)) % 65_521;
            b = (b + a) % 65_521;
        }
        expected.extend_from_slice(&(b << 16 | a).to_le_bytes());
        assert_eq!(entries(b"hello", 5), expected);
        assert_eq!(entries(&block, 4096), expected);
    }

    #[test]
    fn pieces_make_no_difference() {
        let content: Vec<u8> = (0..50_001_u32).map(|i| (i % 251) as u8).collect();
        let whole = entries(&content, content.len());
        assert_eq!(whole.len(), 13 * 24);
        for piece in [1, 7, 4095, 4096, 4097, 9000] {
            assert_eq!(entries(&content, piece), whole, "{piece}");
        }
        assert!(entries(b"", 1).is_empty());
    }
}
