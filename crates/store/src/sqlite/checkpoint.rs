//! Moving committed pages from the write-ahead log into the database file.
//!
//! SQLite would do it inside some unlucky commit. Here a thread of its own does
//! it while the writer goes on.

use crate::error::Stored;
use crate::sqlite::spawn;
use rusqlite::Connection;
use std::sync::mpsc::{self, SyncSender};
use std::thread::JoinHandle;

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

/// Starts the thread. It checkpoints once for each poke and ends when the sender
/// is dropped; a poke while it is at work may be lost.
pub(super) fn start(connection: Connection) -> Stored<(JoinHandle<()>, SyncSender<()>)> {
    let (poke, poked) = mpsc::sync_channel(1);
    let thread = spawn("sqlite-checkpoint".to_owned(), move || {
        while poked.recv().is_ok() {
            if let Err(error) = connection.query_row(PASSIVE, [], |_| Ok(())) {
                tracing::warn!(%error, "a checkpoint of the write-ahead log failed");
            }
        }
    })?;
    Ok((thread, poke))
}
