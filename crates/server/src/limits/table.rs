//! How often whom has been wrong, in bounded memory.

use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;
use std::time::{Duration, Instant};
use tokio::sync::Notify;
use tokio::sync::futures::OwnedNotified;

/// Wrong tries that are allowed within [`WINDOW`].
pub(super) const WRONG_MAX: u32 = 10;

/// How long wrong tries count.
pub(super) const WINDOW: Duration = Duration::from_secs(600);

/// Tries that wait for others of the same key.
const WAITING_MAX: usize = 100;

/// How often a table is looked through for what is over.
const TIDY_EVERY: Duration = Duration::from_secs(60);

/// How often one that is full of what it must not forget is looked through.
const FULL_TIDY_EVERY: Duration = Duration::from_secs(1);

/// How a key stands.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Place {
    /// Another try is allowed.
    Free,
    /// Another one might be too many, which those under way decide.
    Busy,
    /// Too many were wrong.
    Locked,
}

#[derive(Debug)]
struct Entry {
    /// When the first wrong try of this window was.
    since: Instant,
    wrong: u32,
    under_way: u32,
    /// Wakes those who wait.
    ended: Option<Arc<Notify>>,
}

impl Entry {
    fn is_over(&self, now: Instant) -> bool {
        now.duration_since(self.since) >= WINDOW
    }

    fn is_locked(&self) -> bool {
        self.wrong >= WRONG_MAX
    }

    fn is_idle(&self) -> bool {
        self.under_way == 0
    }
}

/// What a table does that is full of locks.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum WhenFull {
    /// Counts no further keys.
    KeepsLocks,
    /// Forgets its locks.
    ForgetsLocks,
}

/// Keys, and how often each has been wrong lately.
#[derive(Debug)]
pub(super) struct Table<K> {
    entries: HashMap<K, Entry>,
    entries_max: usize,
    when_full: WhenFull,
    tidied: Instant,
}

impl<K: Eq + Hash> Table<K> {
    /// An empty table for so many keys.
    pub fn new(entries_max: usize, when_full: WhenFull) -> Self {
        Self {
            entries: HashMap::new(),
            entries_max,
            when_full,
            tidied: Instant::now(),
        }
    }

    fn is_full(&self) -> bool {
        self.entries.len() >= self.entries_max
    }

    /// How a key stands now.
    pub fn look(&mut self, key: &K, now: Instant) -> Place {
        let Some(entry) = self.entries.get_mut(key) else {
            return Place::Free;
        };
        if entry.is_over(now) {
            entry.wrong = 0;
        }
        if entry.is_locked() {
            Place::Locked
        } else if entry.wrong + entry.under_way >= WRONG_MAX {
            Place::Busy
        } else {
            Place::Free
        }
    }

    /// Resolves when a try of a busy key ends; `None` if too many wait for that.
    pub fn ended(&mut self, key: &K) -> Option<OwnedNotified> {
        let ended = self.entries.get_mut(key)?.ended.get_or_insert_default();
        // Everybody who waits holds one reference, and the table another.
        (Arc::strong_count(ended) <= WAITING_MAX).then(|| ended.clone().notified_owned())
    }

    /// A try begins; it is counted under the key that comes back. `None` if there is no room.
    pub fn enter(&mut self, key: K, now: Instant) -> Option<K>
    where
        K: Copy,
    {
        if !self.entries.contains_key(&key) {
            self.make_room(now);
            if self.is_full() {
                return None;
            }
        }
        let entry = self.entries.entry(key).or_insert(Entry {
            since: now,
            wrong: 0,
            under_way: 0,
            ended: None,
        });
        entry.under_way += 1;
        Some(key)
    }

    /// A try that was entered ends.
    pub fn leave(&mut self, key: &K, is_wrong: bool, now: Instant) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        entry.under_way -= 1;
        if is_wrong {
            if entry.wrong == 0 || entry.is_over(now) {
                (entry.since, entry.wrong) = (now, 0);
            }
            entry.wrong += 1;
        }
        self.settle(key);
    }

    /// Nothing was wrong with a key.
    pub fn forgive(&mut self, key: &K) {
        if let Some(entry) = self.entries.get_mut(key) {
            entry.wrong = 0;
            self.settle(key);
        }
    }

    /// Wakes those who wait for a change of a key, and drops it if there is nothing to remember.
    fn settle(&mut self, key: &K) {
        let Some(entry) = self.entries.get_mut(key) else {
            return;
        };
        if let Some(ended) = entry.ended.take() {
            ended.notify_waiters();
        }
        if entry.wrong == 0 && entry.is_idle() {
            self.entries.remove(key);
        }
    }

    /// Lets go what is over; if the table is full, also what is not locked, and then locks too if it may. To have a count
    /// forgotten that is no lock yet costs as many wrong tries as the table has room for.
    fn make_room(&mut self, now: Instant) {
        let pause = match (self.is_full(), self.when_full) {
            (false, _) => TIDY_EVERY,
            (true, WhenFull::KeepsLocks) => FULL_TIDY_EVERY,
            (true, WhenFull::ForgetsLocks) => Duration::ZERO,
        };
        if now.duration_since(self.tidied) < pause {
            return;
        }
        self.tidied = now;
        self.entries
            .retain(|_, entry| !entry.is_idle() || !entry.is_over(now));
        if self.is_full() {
            self.entries
                .retain(|_, entry| !entry.is_idle() || entry.is_locked());
        }
        if self.is_full() && self.when_full == WhenFull::ForgetsLocks {
            self.entries.retain(|_, entry| !entry.is_idle());
        }
        self.entries.shrink_to(2 * self.entries.len());
    }

    #[cfg(test)]
    pub fn len(&self) -> usize {
        self.entries.len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ROOM: usize = 50;

    fn wrong(table: &mut Table<usize>, key: usize, times: u32, now: Instant) {
        for _ in 0..times {
            if let Some(entered) = table.enter(key, now) {
                table.leave(&entered, true, now);
            }
        }
    }

    #[test]
    fn what_is_over_does_not_count_and_goes() {
        let mut table = Table::new(ROOM, WhenFull::KeepsLocks);
        let now = Instant::now();
        wrong(&mut table, 1, WRONG_MAX, now);
        let last = now + WINDOW.checked_sub(Duration::from_secs(1)).unwrap();
        assert_eq!(table.look(&1, last), Place::Locked);
        assert_eq!(table.look(&1, now + WINDOW), Place::Free);
        wrong(&mut table, 2, 1, now + WINDOW);
        assert_eq!(table.len(), 1);
    }

    #[test]
    fn a_window_begins_with_its_first_wrong_try() {
        let mut table = Table::new(ROOM, WhenFull::KeepsLocks);
        let now = Instant::now();
        wrong(&mut table, 1, 1, now);
        wrong(&mut table, 1, WRONG_MAX - 1, now + WINDOW);
        assert_eq!(table.look(&1, now + WINDOW), Place::Free);
        wrong(&mut table, 1, 1, now + WINDOW);
        assert_eq!(table.look(&1, now + WINDOW), Place::Locked);
    }

    #[test]
    fn locks_outlive_any_number_of_other_keys() {
        let mut table = Table::new(ROOM, WhenFull::KeepsLocks);
        let mut now = Instant::now();
        wrong(&mut table, 0, WRONG_MAX, now);
        for key in 1..20 * ROOM {
            now += Duration::from_millis(100);
            wrong(&mut table, key, 1, now);
            assert!(table.len() <= ROOM);
        }
        assert_eq!(table.look(&0, now), Place::Locked);
        // Full of locks, it has no room, and nobody is locked out by that.
        for key in 1..20 * ROOM {
            now += Duration::from_millis(100);
            wrong(&mut table, key, WRONG_MAX, now);
        }
        now += FULL_TIDY_EVERY;
        assert_eq!(table.look(&0, now), Place::Locked);
        assert_eq!(table.look(&(20 * ROOM), now), Place::Free);
        assert_eq!(table.enter(20 * ROOM, now), None);
        // A key that is counted already stays so.
        assert_eq!(table.enter(0, now), Some(0));
    }

    #[test]
    fn a_table_that_forgets_locks_always_has_room() {
        let mut table = Table::new(ROOM, WhenFull::ForgetsLocks);
        let now = Instant::now();
        let busy = usize::MAX;
        assert_eq!(table.enter(busy, now), Some(busy));
        for key in 0..20 * ROOM {
            wrong(&mut table, key, WRONG_MAX, now);
            assert_eq!(table.look(&key, now), Place::Locked);
            assert!(table.len() <= ROOM);
        }
        // What is under way is not forgotten.
        table.leave(&busy, true, now);
        wrong(&mut table, busy, WRONG_MAX - 1, now);
        assert_eq!(table.look(&busy, now), Place::Locked);
    }
}
