//! Wakes those who wait for changes of an account.
//!
//! A waiter first registers, then looks, then sleeps: a change between the look and the sleep wakes it. An idle waiter
//! costs its registration and nothing else: no thread, no database connection, no timer tick.

use std::collections::HashMap;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;

/// Locks the waiters are spread over, so that accounts rarely share one.
const SHARDS: usize = 64;

type Shard = HashMap<i64, Arc<Notify>>;

/// The waiters of all accounts.
#[derive(Clone, Debug)]
pub struct Feed {
    shards: Arc<[Mutex<Shard>; SHARDS]>,
}

impl Default for Feed {
    fn default() -> Self {
        Self {
            shards: Arc::new(std::array::from_fn(|_| Mutex::default())),
        }
    }
}

impl Feed {
    fn shard(&self, account: i64) -> MutexGuard<'_, Shard> {
        let index = usize::try_from(account.unsigned_abs() % SHARDS as u64).unwrap_or(0);
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers interest in an account. Changes from now on wake [`Waiter::changed`].
    pub fn register(&self, account: i64) -> Waiter {
        let notify = self.shard(account).entry(account).or_default().clone();
        Waiter {
            feed: self.clone(),
            account,
            notify,
        }
    }

    /// Something of the account has changed, and is committed.
    pub fn wake(&self, account: i64) {
        let notify = self.shard(account).get(&account).cloned();
        if let Some(notify) = notify {
            notify.notify_waiters();
        }
    }

    /// Changes of other nodes may have been missed: everybody looks.
    pub fn wake_all(&self) {
        for shard in self.shards.iter() {
            for notify in shard
                .lock()
                .unwrap_or_else(PoisonError::into_inner)
                .values()
            {
                notify.notify_waiters();
            }
        }
    }
}

/// A registration. It ends when it is dropped.
#[derive(Debug)]
pub struct Waiter {
    feed: Feed,
    account: i64,
    notify: Arc<Notify>,
}

impl Waiter {
    /// Resolves at the next change after this call. Call it before the look, await it after.
    pub fn changed(&self) -> tokio::sync::futures::Notified<'_> {
        self.notify.notified()
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        let mut shard = self.feed.shard(self.account);
        // Two references are the table's and this one's: nobody else waits.
        if Arc::strong_count(&self.notify) <= 2 {
            shard.remove(&self.account);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn a_change_before_the_sleep_is_not_lost() {
        let feed = Feed::default();
        let waiter = feed.register(7);
        let other = feed.register(7);
        let changed = waiter.changed();
        feed.wake(7);
        changed.await;
        drop(waiter);
        assert_eq!(feed.shard(7).len(), 1);
        drop(other);
        assert_eq!(feed.shard(7).len(), 0);
    }
}
