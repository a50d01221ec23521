//! Copies from a content to the same place of a session: what is known of their hashes.
//!
//! A client that has changed a large file a little copies what comes before the change, at the offset it had, from the
//! content that the server has. The hashes of that beginning are states that were kept with the content. Where the
//! session's own hashes are in the same state as those of the content were, the beginnings are the same bytes; so once
//! more of the content is copied, the session's hashes are in the content's next state.
//!
//! That the copied bytes are those of back then is not taken for granted: see [`KnownBytes`]. And it holds only for what
//! one copy writes without anybody else writing in between, which [`super::Open`] looks after. In all other cases the
//! bytes are hashed as any others are.

use pileus_blobs::{Hasher, KnownBytes, STATE_STEP_BYTES};
use pileus_store::{Stored, Tx};
use std::ops::Range;

/// A copy of a part of a content to the same place of a session.
#[derive(Debug)]
pub struct Copied {
    /// States of the content's hashes within that part, by size.
    states: Vec<Hasher>,
}

impl Copied {
    /// Reads what is known of the hashes of a part of a content; `None` if nothing is that helps.
    pub fn of(tx: &mut Tx<'_>, blob: i64, part: &Range<u64>) -> Stored<Option<Self>> {
        if !part.start.is_multiple_of(STATE_STEP_BYTES) {
            return Ok(None);
        }
        let (Ok(start), Ok(end)) = (i64::try_from(part.start), i64::try_from(part.end)) else {
            return Ok(None);
        };
        let kept = tx.hash_states(blob, start..=end)?;
        let mut states: Vec<Hasher> = kept
            .into_iter()
            .filter_map(|(_, state)| Hasher::restore(&state))
            .collect();
        if part.start == 0 {
            states.insert(0, Hasher::new());
        }
        Ok((states.len() > 1).then_some(Self { states }))
    }

    /// Whether there is a state after so many bytes.
    pub(super) fn knows(&self, size: u64) -> bool {
        self.place(size).is_ok()
    }

    /// The bytes from a state of a session's hashes to the next state that is known of the content, if they are known.
    pub(super) fn behind(&self, state: &Hasher) -> Option<KnownBytes> {
        let place = self.place(state.size()).ok()?;
        let next = self.states.get(place + 1)?;
        if self.states[place] != *state {
            return None;
        }
        KnownBytes::between(state, next.clone())
    }

    fn place(&self, size: u64) -> Result<usize, usize> {
        self.states.binary_search_by_key(&size, Hasher::size)
    }
}
