//! States of the hashes of contents and of upload sessions, after each so many of their bytes.
//!
//! Whoever copies the unchanged beginning of a content into an upload session takes the state from here in place of hashing
//! those bytes again. The states of a session become those of the content it is saved as. What is missing costs time only.

use crate::{Stored, Tx, args, sql};
use std::ops::RangeInclusive;

/// The state of the hashes after the first bytes of a content or of a session.
pub type HashState = (i64, Vec<u8>);

sql! {
    WITHIN = "SELECT at, state FROM hash_state WHERE holder = $1 AND at >= $2 AND at <= $3 ORDER BY at";
    KEEP = "INSERT INTO hash_state (holder, at, state) VALUES ($1, $2, $3)";
    REMOVE = "DELETE FROM hash_state WHERE holder = $1";
}

impl Tx<'_> {
    /// The states after so many bytes of a content or of an upload session, the first ones first. There are only a few
    /// for each GiB, and none for the parts of very large ones that come late.
    pub fn hash_states(
        &mut self,
        holder: i64,
        bytes: RangeInclusive<i64>,
    ) -> Stored<Vec<HashState>> {
        self.all(WITHIN, args![holder, *bytes.start(), *bytes.end()])
    }

    /// Keeps states that were not kept before.
    pub fn keep_hash_states(&mut self, holder: i64, states: &[HashState]) -> Stored<()> {
        for (at, state) in states {
            self.exec(KEEP, args![holder, *at, state])?;
        }
        Ok(())
    }

    /// Forgets all states of a content or of a session.
    pub fn remove_hash_states(&mut self, holder: i64) -> Stored<()> {
        self.exec(REMOVE, args![holder]).map(drop)
    }
}
