//! Ids, drawn from the database in blocks and handed out from memory.
//!
//! A block is drawn in a transaction of its own, committed before the first id of
//! it is used. So an edit that is rolled back, or a crash, can waste ids but never
//! makes one be given out twice, and no edit waits for another one's ids.

use crate::error::{StoreError, Stored};
use crate::sql;
use crate::tx::Tx;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};

/// Ids stay below this, so that JavaScript clients can hold them in a number.
pub const LIMIT: i64 = 1 << 53;

/// How many ids a node draws at a time.
pub(crate) const BLOCK: u64 = 10_000;

/// The first id that is ever given out. Smaller ones are free for rows that the
/// program makes by name.
const FIRST: i64 = 1000;

sql! {
    /// Moves the end of the ids given out so far, and answers the new end.
    DRAW = "INSERT INTO sequence (name, next) VALUES ('id', $1) \
            ON CONFLICT (name) DO UPDATE SET next = sequence.next + $2 RETURNING next";
}

/// Draws `count` ids that nobody else will ever be given. To be committed before
/// any of them is used.
pub(crate) fn draw(tx: &mut Tx<'_>, count: u64) -> Stored<Range<i64>> {
    let exhausted = || StoreError::Other(format!("no {count} ids are left below 2^53"));
    let count = i64::try_from(count).map_err(|_| exhausted())?;
    let fresh_end = FIRST.checked_add(count).ok_or_else(exhausted)?;
    let (end,): (i64,) = tx.one(DRAW, &[fresh_end.into(), count.into()])?;
    if end > LIMIT {
        return Err(exhausted());
    }
    Ok(end - count..end)
}

/// The ids that this process has drawn and not given out yet.
#[derive(Debug, Default)]
pub(crate) struct Ids {
    block: Mutex<Range<i64>>,
    refilling: Mutex<()>,
}

impl Ids {
    /// Takes one id.
    pub(crate) fn take(&self) -> Option<i64> {
        self.lock().next()
    }

    /// Takes `count` ids, or none if there are fewer.
    pub(crate) fn take_many(&self, count: u64) -> Option<Range<i64>> {
        let count = i64::try_from(count).ok()?;
        let mut block = self.lock();
        if block.end - block.start < count {
            return None;
        }
        let taken = block.start..block.start + count;
        block.start = taken.end;
        Some(taken)
    }

    /// Whether it is time to draw the next block.
    pub(crate) fn is_low(&self) -> bool {
        let block = self.lock();
        block.end - block.start < BLOCK as i64 / 8
    }

    /// Adds drawn ids. Only one range is kept, the later one: whoever makes two things one after the other
    /// sees their ids rise.
    pub(crate) fn put(&self, drawn: Range<i64>) {
        let mut block = self.lock();
        if drawn.start > block.start {
            *block = drawn;
        }
    }

    /// Held while drawing a block for everybody, so that it is done once.
    pub(crate) fn refilling(&self) -> MutexGuard<'_, ()> {
        self.refilling
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Range<i64>> {
        self.block.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
