//! How much is measured.

use crate::load::closed_loop::Pace;
use std::time::Duration;

/// Sizes and times of all measurements.
#[derive(Clone)]
pub struct Scale {
    /// How often each line is measured.
    pub runs: usize,
    /// How long one run of a throughput line takes.
    pub pace: Pace,
    /// Entries of the recursive listing, in folders of 1,000 files.
    pub recursive_entries: u64,
    /// Size of a big file.
    pub bulk_bytes: u64,
    /// Changes per run whose way to a waiting client is timed.
    pub feed_changes: usize,
    /// Connections that wait in `diff` at the same time.
    pub parked: usize,
    /// Files of the tree that is copied and deleted.
    pub tree_files: u64,
    /// Sizes of the growing account, in files: 1,000 first, then multiples of 10,000.
    pub account_files: &'static [u64],
}

impl Scale {
    /// The sizes that the goals are about.
    pub fn full() -> Self {
        Self {
            runs: 3,
            pace: Pace {
                warm_up: Duration::from_millis(500),
                window: Duration::from_secs(3),
            },
            recursive_entries: 100_000,
            bulk_bytes: 1 << 30,
            feed_changes: 300,
            parked: 10_000,
            tree_files: 10_000,
            account_files: &[1_000, 100_000, 1_000_000],
        }
    }

    /// Small sizes, to see within two minutes whether everything works.
    pub fn quick() -> Self {
        Self {
            runs: 3,
            pace: Pace {
                warm_up: Duration::from_millis(200),
                window: Duration::from_secs(1),
            },
            recursive_entries: 10_000,
            bulk_bytes: 64 << 20,
            feed_changes: 50,
            parked: 1_000,
            tree_files: 2_000,
            account_files: &[1_000, 20_000],
        }
    }
}
