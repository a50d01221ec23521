//! Calls that wait for the decision on a page: who may wait, and what wakes them.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, PoisonError};

/// Calls that may wait for one decision.
const WAITERS_MAX: usize = 3;

/// Decisions that are waited for at most.
const DECISIONS_MAX: usize = 10_000;

/// The calls that wait at this moment.
#[derive(Clone, Debug, Default)]
pub struct Polls(Arc<Mutex<HashMap<i64, usize>>>);

/// A place among the calls that wait. It is free again when this is dropped.
#[derive(Debug)]
pub struct Place {
    polls: Polls,
    key: i64,
}

impl Polls {
    /// Takes a place; `None` if too many wait already.
    pub fn enter(&self, key: i64) -> Option<Place> {
        let mut waiting = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        if waiting.len() >= DECISIONS_MAX && !waiting.contains_key(&key) {
            return None;
        }
        let count = waiting.entry(key).or_default();
        if *count >= WAITERS_MAX {
            return None;
        }
        *count += 1;
        Some(Place {
            polls: self.clone(),
            key,
        })
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut waiting = self.polls.0.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(count) = waiting.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                waiting.remove(&self.key);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn places_are_few_and_come_back() {
        let polls = Polls::default();
        let places: Vec<_> = (0..WAITERS_MAX).map(|_| polls.enter(-7)).collect();
        assert!(places.iter().all(Option::is_some));
        assert!(polls.enter(-7).is_none());
        assert!(polls.enter(-8).is_some());
        drop(places);
        assert!(polls.enter(-7).is_some());
        assert!(polls.0.lock().unwrap().is_empty());
    }
}
