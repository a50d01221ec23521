//! Wakes those who wait for changes of an account.
//!
//! A waiter first registers, then looks, then sleeps: a change between the look and the sleep wakes it. An idle waiter
//! costs its registration and nothing else: no thread, no database connection, no timer tick.
//!
//! What happens in a shared folder is told once, with the folder's id: accounts and folders draw their ids from one
//! sequence. It wakes the accounts that follow the folder.

use pileus_store::Tx;
use std::collections::{BTreeSet, HashMap};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use tokio::sync::Notify;
use tokio::sync::futures::Notified;

/// Locks the waiters are spread over, so that accounts rarely share one.
const SHARDS: usize = 64;

/// Waits of one account at a time.
const ASLEEP_MAX: usize = 64;

/// Those who wait for one account.
#[derive(Debug, Default)]
struct Waiters {
    notify: Arc<Notify>,
    count: usize,
    /// How many of them are asleep, or have been.
    asleep: usize,
}

#[derive(Debug, Default)]
struct Shard {
    /// By account.
    waiters: HashMap<i64, Waiters>,
    /// By folder: the accounts that follow it, each with its number of waiters.
    followers: HashMap<i64, HashMap<i64, usize>>,
}

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
    fn shard(&self, id: i64) -> MutexGuard<'_, Shard> {
        let index = usize::try_from(id.unsigned_abs() % SHARDS as u64).unwrap_or(0);
        self.shards[index]
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
    }

    /// Registers interest in an account. Changes from now on wake [`Waiter::changed`].
    pub fn register(&self, account: i64) -> Waiter {
        let mut shard = self.shard(account);
        let waiters = shard.waiters.entry(account).or_default();
        waiters.count += 1;
        Waiter {
            feed: self.clone(),
            account,
            notify: waiters.notify.clone(),
            followed: Mutex::default(),
            has_slept: AtomicBool::new(false),
        }
    }

    /// Something of the account, or in the shared folder, has changed, and is committed.
    pub fn wake(&self, id: i64) {
        let followers: Vec<i64> = {
            let shard = self.shard(id);
            if let Some(waiters) = shard.waiters.get(&id) {
                waiters.notify.notify_waiters();
            }
            let followers = shard.followers.get(&id);
            followers.map_or_else(Vec::new, |accounts| accounts.keys().copied().collect())
        };
        for account in followers {
            if let Some(waiters) = self.shard(account).waiters.get(&account) {
                waiters.notify.notify_waiters();
            }
        }
    }

    /// The same once a transaction is committed, on all nodes. `diffid` is the end of the feed.
    pub fn wake_after_commit(&self, tx: &mut Tx<'_>, id: i64, diffid: i64) {
        tx.notify(id, diffid);
        let feed = self.clone();
        tx.after_commit(move || feed.wake(id));
    }

    /// Changes of other nodes may have been missed: everybody looks.
    pub fn wake_all(&self) {
        for shard in self.shards.iter() {
            let shard = shard.lock().unwrap_or_else(PoisonError::into_inner);
            for waiters in shard.waiters.values() {
                waiters.notify.notify_waiters();
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
    followed: Mutex<BTreeSet<i64>>,
    /// Whether it is counted among those that are asleep.
    has_slept: AtomicBool,
}

impl Waiter {
    /// Whether this one may sleep too, which it may until it goes if it has once done so. Those that only look do not
    /// count.
    pub fn may_sleep(&self) -> bool {
        if self.has_slept.load(Ordering::Relaxed) {
            return true;
        }
        let mut shard = self.feed.shard(self.account);
        let waiters = shard.waiters.get_mut(&self.account);
        let Some(waiters) = waiters.filter(|waiters| waiters.asleep < ASLEEP_MAX) else {
            return false;
        };
        waiters.asleep += 1;
        self.has_slept.store(true, Ordering::Relaxed);
        true
    }

    /// Resolves at the next change after this call. Call it before the look, await it after.
    pub fn changed(&self) -> Notified<'_> {
        self.notify.notified()
    }

    /// Has changes in these shared folders wake the account's waiters too, and in no others. True if there are new ones
    /// among them: what has happened there before is to be looked for.
    pub fn follow(&self, folders: BTreeSet<i64>) -> bool {
        let mut followed = self.followed.lock().unwrap_or_else(PoisonError::into_inner);
        for &folder in folders.difference(&followed) {
            let mut shard = self.feed.shard(folder);
            let followers = shard.followers.entry(folder).or_default();
            *followers.entry(self.account).or_default() += 1;
        }
        for &folder in followed.difference(&folders) {
            self.unfollow(folder);
        }
        let has_new = !folders.is_subset(&followed);
        *followed = folders;
        has_new
    }

    fn unfollow(&self, folder: i64) {
        let mut shard = self.feed.shard(folder);
        let Some(followers) = shard.followers.get_mut(&folder) else {
            return;
        };
        if let Some(waiters) = followers.get_mut(&self.account) {
            *waiters -= 1;
            if *waiters == 0 {
                followers.remove(&self.account);
            }
        }
        if followers.is_empty() {
            shard.followers.remove(&folder);
        }
    }
}

impl Drop for Waiter {
    fn drop(&mut self) {
        self.follow(BTreeSet::new());
        let mut shard = self.feed.shard(self.account);
        if let Some(waiters) = shard.waiters.get_mut(&self.account) {
            waiters.count -= 1;
            waiters.asleep -= usize::from(*self.has_slept.get_mut());
            if waiters.count == 0 {
                shard.waiters.remove(&self.account);
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_account_sleeps_only_so_often_at_a_time() {
        let feed = Feed::default();
        let asleep: Vec<_> = (0..ASLEEP_MAX).map(|_| feed.register(7)).collect();
        assert!(asleep.iter().all(Waiter::may_sleep));
        assert!(asleep.iter().all(Waiter::may_sleep), "they may go on");
        let one_more = feed.register(7);
        assert!(!one_more.may_sleep());
        assert!(
            feed.register(7 + SHARDS as i64).may_sleep(),
            "another account"
        );
        drop(asleep);
        assert!(one_more.may_sleep());
    }

    #[tokio::test]
    async fn a_change_before_the_sleep_is_not_lost() {
        let feed = Feed::default();
        let waiter = feed.register(7);
        let other = feed.register(7);
        let changed = waiter.changed();
        feed.wake(7);
        changed.await;
        drop(waiter);
        assert_eq!(feed.shard(7).waiters.len(), 1);
        drop(other);
        assert_eq!(feed.shard(7).waiters.len(), 0);
    }

    #[tokio::test]
    async fn changes_in_followed_folders_wake() {
        let feed = Feed::default();
        let (one, other) = (feed.register(7), feed.register(7));
        assert!(one.follow([20, 21].into()), "there are new ones");
        assert!(other.follow([20].into()));
        assert!(!one.follow([20].into()), "there is none");
        for folder in [20, 21] {
            let changed = one.changed();
            feed.wake(folder);
            let is_woken = tokio::time::timeout(std::time::Duration::ZERO, changed).await;
            assert_eq!(is_woken.is_ok(), folder == 20);
        }
        drop(one);
        assert_eq!(feed.shard(20).followers[&20][&7], 1);
        drop(other);
        assert!(feed.shard(20).followers.is_empty());
        assert!(feed.shard(21).followers.is_empty());
    }
}
