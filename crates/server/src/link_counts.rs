//! Use of public links that is not written yet.
//!
//! What no limit hangs on is counted here and written every few seconds, for all links in one transaction: a row that is
//! written for every download would be most of the work of a small one. A crash loses what was counted since then. What is
//! limited is written before it is allowed, see [`crate::content`].

use crate::app::App;
use pileus_store::public_link_counts::LinkUse;
use pileus_store::{Db, StoreError};
use std::collections::{HashMap, HashSet};
use std::mem::take;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;
use tokio::sync::{Mutex as Turn, Notify};

/// How long counts wait for each other.
const EVERY: Duration = Duration::from_secs(2);

/// Links that one transaction writes.
const LINKS_AT_ONCE: usize = 500;

/// Paths that are remembered for sure, of those last used.
const PATHS_MAX: usize = 100_000;

/// Counts that are still to be written.
#[derive(Debug, Default)]
pub struct LinkCounts {
    waiting: Mutex<HashMap<i64, LinkUse>>,
    paths: Mutex<Paths>,
    /// Held while counts are being written, so that who flushes them also waits for those of others.
    writing: Turn<()>,
    soon: Notify,
}

/// Paths to content that have been counted as downloads, in two generations: when one is full, the older one goes.
#[derive(Debug, Default)]
struct Paths {
    new: HashSet<i64>,
    old: HashSet<i64>,
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl LinkCounts {
    /// Counts use of a link.
    pub fn add(&self, link: i64, used: LinkUse) {
        let mut waiting = lock(&self.waiting);
        let sum = waiting.entry(link).or_default();
        sum.downloads += used.downloads;
        sum.traffic += used.traffic;
        sum.views += used.views;
        // What is given back may decide whether the next request is allowed.
        if used.traffic < 0 {
            self.soon.notify_one();
        }
    }

    /// Whether downloads of a link may still have to be written.
    pub fn has_downloads(&self, link: i64) -> bool {
        let waiting = lock(&self.waiting);
        let is_waiting = waiting.get(&link).is_some_and(|used| used.downloads > 0);
        is_waiting || self.writing.try_lock().is_err()
    }

    /// Whether a path to content is used for the first time, as far as is remembered.
    pub fn is_first(&self, path: i64) -> bool {
        let mut paths = lock(&self.paths);
        if paths.new.contains(&path) || paths.old.contains(&path) {
            return false;
        }
        if paths.new.len() >= PATHS_MAX {
            paths.old = take(&mut paths.new);
        }
        paths.new.insert(path)
    }

    /// Writes what is waiting. When this returns, all that was counted before it began has been written.
    pub async fn flush(&self, db: &Db) -> Result<(), StoreError> {
        let _turn = self.writing.lock().await;
        loop {
            let counts: Vec<(i64, LinkUse)> = {
                let mut waiting = lock(&self.waiting);
                let mut links: Vec<i64> = waiting.keys().copied().take(LINKS_AT_ONCE).collect();
                // One order for everybody who locks these rows.
                links.sort_unstable();
                let taken = links.into_iter().map(|link| waiting.remove_entry(&link));
                taken.flatten().collect()
            };
            if counts.is_empty() {
                return Ok(());
            }
            let written = counts.clone();
            let written = db.edit(move |tx| {
                written
                    .iter()
                    .try_for_each(|&(link, used)| tx.add_public_link_use(link, used))
            });
            if let Err(error) = written.await {
                for (link, used) in counts {
                    self.add(link, used);
                }
                return Err(error);
            }
        }
    }
}

/// Writes counts until the server stops.
pub async fn run(app: Arc<App>) {
    loop {
        let is_stopping = tokio::select! {
            () = tokio::time::sleep(EVERY) => false,
            () = app.link_counts.soon.notified() => false,
            () = app.stopped() => true,
        };
        if is_stopping {
            return;
        }
        flush(&app).await;
    }
}

/// Writes what is waiting. Trouble is logged, and the counts wait on.
pub async fn flush(app: &App) {
    if let Err(error) = app.link_counts.flush(&app.db).await {
        tracing::warn!(%error, "the use of public links could not be written");
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_path_counts_once_while_it_is_remembered() {
        let counts = LinkCounts::default();
        assert!(counts.is_first(-1));
        assert!(!counts.is_first(-1));
        let most = i64::try_from(PATHS_MAX).unwrap();
        for path in 0..most {
            assert!(counts.is_first(path));
        }
        assert!(!counts.is_first(-1), "one generation later");
        for path in most..2 * most {
            assert!(counts.is_first(path));
        }
        assert!(counts.is_first(-1), "two generations later");
        assert!(lock(&counts.paths).new.len() <= PATHS_MAX);
    }
}
