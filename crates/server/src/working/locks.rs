//! Locks on regions of a file: advisory, served in the order of arrival.

use std::collections::VecDeque;
use std::ops::Range;
use std::sync::{Mutex, MutexGuard, PoisonError};
use tokio::sync::oneshot;

/// Regions of one file that may be locked at the same time.
const MOST_REGIONS: usize = 10_000;

/// What a lock keeps others from.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind {
    /// Locking exclusively.
    Shared,
    /// Locking at all.
    Exclusive,
}

/// A lock that somebody wants.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Wish {
    /// The descriptor that is to own it.
    pub owner: u64,
    /// What it keeps others from.
    pub kind: Kind,
    /// The bytes; [`u64::MAX`] stands for the end of the file, however far it grows.
    pub region: Range<u64>,
}

impl Wish {
    /// Whether two locks exclude each other.
    fn conflicts(&self, other: &Self) -> bool {
        self.owner != other.owner
            && (self.kind == Kind::Exclusive || other.kind == Kind::Exclusive)
            && self.region.start < other.region.end
            && other.region.start < self.region.end
    }
}

/// Why a lock is not to be had at all.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Refused {
    /// The file is gone.
    Gone,
    /// Too many regions are locked.
    TooMany,
}

/// The locks of a file.
#[derive(Debug, Default)]
pub struct Locks {
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    held: Vec<Wish>,
    waiting: VecDeque<Waiting>,
    last_ticket: u64,
}

#[derive(Debug)]
struct Waiting {
    ticket: u64,
    wish: Wish,
    /// Answered when the lock is granted; dropped when the file is gone.
    granted: oneshot::Sender<()>,
}

/// What asking for a lock came to.
#[derive(Debug)]
pub enum Asked<'a> {
    /// It is held.
    Held,
    /// Others are in the way.
    Waits(Waiter<'a>),
}

impl Locks {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether a lock could be had now.
    pub fn could_have(&self, wish: &Wish) -> bool {
        self.state().is_free(wish)
    }

    /// Takes a lock if it can be had now.
    pub fn try_lock(&self, wish: Wish) -> Result<bool, Refused> {
        let mut state = self.state();
        let is_free = state.is_free(&wish);
        if is_free {
            state.hold(wish)?;
        }
        Ok(is_free)
    }

    /// Asks for a lock. What the owner holds of the region already is given up while it waits, so that two who both
    /// want to go from a shared lock to an exclusive one do not wait for each other.
    pub fn lock(&self, wish: Wish) -> Result<Asked<'_>, Refused> {
        let mut state = self.state();
        if state.is_free(&wish) {
            state.hold(wish)?;
            return Ok(Asked::Held);
        }
        if state.held.len() + state.waiting.len() >= MOST_REGIONS {
            return Err(Refused::TooMany);
        }
        let (owner, region) = (wish.owner, wish.region.clone());
        let (granted, wait) = oneshot::channel();
        state.last_ticket += 1;
        let ticket = state.last_ticket;
        state.waiting.push_back(Waiting {
            ticket,
            wish,
            granted,
        });
        state.release(owner, &region);
        Ok(Asked::Waits(Waiter {
            locks: self,
            ticket,
            owner,
            region,
            wait: Some(wait),
        }))
    }

    /// Gives up what an owner holds of a region.
    pub fn unlock(&self, owner: u64, region: &Range<u64>) {
        self.state().release(owner, region);
    }

    /// Gives up everything an owner holds.
    pub fn release_all(&self, owner: u64) {
        self.unlock(owner, &(0..u64::MAX));
    }

    /// Whether an owner holds any part of a region exclusively.
    pub fn is_exclusive(&self, owner: u64, region: &Range<u64>) -> bool {
        let asked = Wish {
            owner: u64::MAX,
            kind: Kind::Shared,
            region: region.clone(),
        };
        let state = self.state();
        let mut own = state.held.iter().filter(|held| held.owner == owner);
        own.any(|held| held.conflicts(&asked))
    }

    /// The file is gone: all locks end, and nobody gets one of those that are waited for.
    pub fn end(&self) {
        let mut state = self.state();
        state.held.clear();
        state.waiting.clear();
    }
}

impl State {
    /// Whether nobody is in the way who has the lock or came before. Who came before does not count for an owner that
    /// holds the whole region exclusively: it has been served already.
    fn is_free(&self, wish: &Wish) -> bool {
        let is_own = self.held.iter().any(|held| {
            held.owner == wish.owner
                && held.kind == Kind::Exclusive
                && held.region.start <= wish.region.start
                && wish.region.end <= held.region.end
        });
        let waiting = self.waiting.iter().map(|waiting| &waiting.wish);
        !self.held.iter().any(|held| held.conflicts(wish))
            && (is_own || !waiting.clone().any(|before| before.conflicts(wish)))
    }

    /// Gives a lock to its owner, in place of what it has of the region.
    fn hold(&mut self, wish: Wish) -> Result<(), Refused> {
        // Cutting a hole into a lock makes two of it.
        if self.held.len() + 2 > MOST_REGIONS {
            return Err(Refused::TooMany);
        }
        self.cut(wish.owner, &wish.region);
        self.held.push(wish);
        self.grant();
        Ok(())
    }

    fn release(&mut self, owner: u64, region: &Range<u64>) {
        self.cut(owner, region);
        self.grant();
    }

    /// Takes a region out of what an owner holds.
    fn cut(&mut self, owner: u64, region: &Range<u64>) {
        let mut left = Vec::new();
        self.held.retain(|held| {
            let is_met = held.owner == owner
                && held.region.start < region.end
                && region.start < held.region.end;
            if is_met {
                let parts = [held.region.start..region.start, region.end..held.region.end];
                let parts = parts.into_iter().filter(|part| part.start < part.end);
                left.extend(parts.map(|region| Wish {
                    region,
                    ..held.clone()
                }));
            }
            !is_met
        });
        self.held.extend(left);
    }

    /// Serves those who wait, the first ones first. Nobody overtakes somebody who is in the way.
    fn grant(&mut self) {
        let mut still: VecDeque<Waiting> = VecDeque::new();
        for waiting in std::mem::take(&mut self.waiting) {
            let wish = &waiting.wish;
            let is_blocked = self.held.iter().any(|held| held.conflicts(wish))
                || still.iter().any(|before| before.wish.conflicts(wish));
            if is_blocked {
                still.push_back(waiting);
                continue;
            }
            let wish = waiting.wish;
            // Somebody who has just stopped waiting gets nothing.
            if waiting.granted.send(()).is_ok() {
                self.cut(wish.owner, &wish.region);
                self.held.push(wish);
            }
        }
        self.waiting = still;
    }
}

/// Somebody who waits for a lock. Who stops waiting leaves the queue, and does not keep the lock that may have been
/// granted meanwhile.
#[derive(Debug)]
pub struct Waiter<'a> {
    locks: &'a Locks,
    ticket: u64,
    owner: u64,
    region: Range<u64>,
    wait: Option<oneshot::Receiver<()>>,
}

impl Waiter<'_> {
    /// Waits for the lock.
    ///
    /// # Errors
    /// When the file is gone.
    pub async fn granted(mut self) -> Result<(), Refused> {
        let Some(wait) = &mut self.wait else {
            return Err(Refused::Gone);
        };
        let granted = wait.await;
        self.wait = None;
        granted.map_err(|_| Refused::Gone)
    }
}

impl Drop for Waiter<'_> {
    fn drop(&mut self) {
        if self.wait.take().is_none() {
            return;
        }
        let mut state = self.locks.state();
        let before = state.waiting.len();
        state
            .waiting
            .retain(|waiting| waiting.ticket != self.ticket);
        if state.waiting.len() == before {
            // It was granted, or the file is gone.
            state.release(self.owner, &self.region);
        } else {
            state.grant();
        }
    }
}

#[cfg(test)]
mod tests;
