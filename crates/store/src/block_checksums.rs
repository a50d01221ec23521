//! Checksums of the blocks of contents, kept once somebody has asked for them.
//!
//! They lie in parts, so that nobody needs the table of a large content at once. Parts are a cache: each can be computed
//! again from the content.

use crate::{Stored, Tx, args, sql};

sql! {
    PART = "SELECT bytes FROM block_checksum WHERE blob = $1 AND part = $2";
    LIVING = "SELECT id FROM blob WHERE id = $1", locking = "FOR UPDATE";
    KEEP = "INSERT INTO block_checksum (blob, part, bytes) VALUES ($1, $2, $3) ON CONFLICT DO NOTHING";
    REMOVE = "DELETE FROM block_checksum WHERE blob = $1";
}

impl Tx<'_> {
    /// One part of the block checksums of a content, if it is kept.
    pub fn block_checksums(&mut self, blob: i64, part: i64) -> Stored<Option<Vec<u8>>> {
        Ok(self
            .opt::<(Vec<u8>,)>(PART, args![blob, part])?
            .map(|(bytes,)| bytes))
    }

    /// Keeps one part, unless the content is gone or somebody else was faster.
    pub fn keep_block_checksums(&mut self, blob: i64, part: i64, bytes: &[u8]) -> Stored<()> {
        if self.opt::<(i64,)>(LIVING, args![blob])?.is_some() {
            self.exec(KEEP, args![blob, part, bytes])?;
        }
        Ok(())
    }

    /// Forgets the block checksums of a content.
    pub(crate) fn remove_block_checksums(&mut self, blob: i64) -> Stored<()> {
        self.exec(REMOVE, args![blob]).map(drop)
    }
}
