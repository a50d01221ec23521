//! Moving committed pages from the write-ahead log into the database file.
//!
//! SQLite would do it inside some unlucky commit. Here a thread of its own does
//! it while the writer goes on.

use crate::error::Stored;
use crate::lane::Joined;
use rusqlite::Connection;
use std::sync::mpsc::{self, SyncSender};

/// The log is checkpointed when it holds this many pages.
pub(super) const EAGER_PAGES: i64 = 4000;

/// From this many pages on the writer helps. While it does, nothing is appended,
/// so the log can be emptied and begun anew however busy the server is.
pub(super) const HELPED_PAGES: i64 = 16_000;

/// A log file that has grown larger than this is cut when it is begun anew.
pub(super) const KEPT_WAL_BYTES: i64 = 64 << 20;

/// Moves what can be moved without waiting for anybody. Answers whether another
/// checkpoint is running, the pages in the log and the pages moved.
pub(super) const PASSIVE: &str = "PRAGMA wal_checkpoint(PASSIVE)";

/// As above, without moving anything.
pub(super) const MEASURE: &str = "PRAGMA wal_checkpoint(NOOP)";

/// The thread, which checkpoints once for each poke. Dropping this ends it.
pub(super) struct Checkpointer {
    /// Declared first, and so dropped first: the thread ends without a sender.
    poke: SyncSender<()>,
    _thread: Joined,
}

impl Checkpointer {
    pub(super) fn start(connection: Connection) -> Stored<Self> {
        let (poke, poked) = mpsc::sync_channel(1);
        let thread = Joined::spawn("sqlite-checkpoint".to_owned(), move || {
            while poked.recv().is_ok() {
                if let Err(error) = connection.query_row(PASSIVE, [], |_| Ok(())) {
                    tracing::warn!(%error, "a checkpoint of the write-ahead log failed");
                }
            }
        })?;
        Ok(Self {
            poke,
            _thread: thread,
        })
    }

    /// Has the thread checkpoint, unless it has been told so already.
    pub(super) fn poke(&self) {
        let _ = self.poke.try_send(());
    }
}
