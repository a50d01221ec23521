//! SQLite: one writer thread with group commit, and a few reader threads.

mod checkpoint;
mod reader;
pub(crate) mod session;
mod writer;

use crate::error::{StoreError, Stored};
use crate::lane::Lane;
use crate::migrate;
use checkpoint::Checkpointer;
use rusqlite::{Connection, ErrorCode, OpenFlags, ffi};
use std::path::{Path, PathBuf};
use std::time::Duration;

/// When a committed edit is on stable storage.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Synchronous {
    /// Before the caller gets its answer. Nothing acknowledged is ever lost.
    #[default]
    Full,
    /// Some seconds later. A loss of power may undo the last edits; the database
    /// stays whole.
    Normal,
}

/// How to open an SQLite database.
#[derive(Clone, Debug)]
pub struct SqliteOptions {
    /// Durability of edits.
    pub synchronous: Synchronous,
    /// Threads that run views, at least 1.
    pub readers: usize,
    /// Page cache of the writer in KiB. Each reader has half of it.
    pub cache_kib: u32,
    /// How long to wait for a lock that another process holds.
    pub busy_timeout: Duration,
}

impl Default for SqliteOptions {
    fn default() -> Self {
        Self {
            synchronous: Synchronous::Full,
            readers: 3,
            cache_kib: 8 * 1024,
            busy_timeout: Duration::from_secs(5),
        }
    }
}

/// Starts the threads for views and for edits.
pub(crate) fn start(path: &Path, options: &SqliteOptions) -> Stored<(Lane, Lane)> {
    let place = Place {
        path: path.to_owned(),
        options: options.clone(),
    };
    let mut first = place.open(Role::Writer)?;
    migrate::sqlite(&mut first)?;
    let mut edits = Lane::new();
    let checkpointer = Checkpointer::start(place.open(Role::Checkpointer)?)?;
    writer::start(&mut edits, first, checkpointer)?;
    let mut views = Lane::new();
    for number in 0..options.readers.max(1) {
        reader::start(&mut views, number, place.open(Role::Reader)?)?;
    }
    Ok((views, edits))
}

/// What a connection is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Role {
    Writer,
    Reader,
    Checkpointer,
}

/// Where the database is and how it is opened.
#[derive(Clone, Debug)]
struct Place {
    path: PathBuf,
    options: SqliteOptions,
}

impl Place {
    fn open(&self, role: Role) -> Stored<Connection> {
        // Without SQLITE_OPEN_URI: a path is never anything but a path.
        let flags = OpenFlags::SQLITE_OPEN_READ_WRITE
            | OpenFlags::SQLITE_OPEN_CREATE
            | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection =
            Connection::open_with_flags(&self.path, flags).map_err(|error| store_error(&error))?;
        self.configure(&connection, role)
            .map_err(|error| store_error(&error))?;
        Ok(connection)
    }

    fn configure(&self, connection: &Connection, role: Role) -> rusqlite::Result<()> {
        connection.busy_timeout(self.options.busy_timeout)?;
        if role == Role::Writer {
            // Stored in the file; switching takes an exclusive lock.
            connection.pragma_update(None, "journal_mode", "wal")?;
        }
        let synchronous = match self.options.synchronous {
            Synchronous::Full => "full",
            Synchronous::Normal => "normal",
        };
        connection.pragma_update(None, "synchronous", synchronous)?;
        // The bundled build switches them on; rows refer to each other by rules
        // that are checked in code, the same for both engines.
        connection.pragma_update(None, "foreign_keys", false)?;
        connection.pragma_update(None, "temp_store", "memory")?;
        // Checkpoints are made by their own thread, never by a commit.
        connection.pragma_update(None, "wal_autocheckpoint", 0)?;
        connection.pragma_update(None, "journal_size_limit", checkpoint::KEPT_WAL_BYTES)?;
        let cache_kib = match role {
            Role::Writer => self.options.cache_kib,
            Role::Reader => self.options.cache_kib / 2,
            Role::Checkpointer => 64,
        };
        // Negative means KiB instead of pages.
        connection.pragma_update(None, "cache_size", -i64::from(cache_kib))?;
        connection.pragma_update(None, "query_only", role != Role::Writer)
    }
}

/// Translates an error of SQLite.
pub(crate) fn store_error(error: &rusqlite::Error) -> StoreError {
    let text = error.to_string();
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return StoreError::Other(text);
    };
    match failure.code {
        ErrorCode::DatabaseBusy | ErrorCode::DatabaseLocked => StoreError::Locked(text),
        ErrorCode::DiskFull => StoreError::Full(text),
        ErrorCode::ReadOnly => StoreError::ReadOnly(text),
        ErrorCode::CannotOpen | ErrorCode::PermissionDenied | ErrorCode::SystemIoFailure => {
            StoreError::Io(text)
        }
        ErrorCode::DatabaseCorrupt | ErrorCode::NotADatabase => StoreError::Corrupt(text),
        _ => StoreError::Other(text),
    }
}

/// Whether bytes may have been lost that the operating system was asked to keep.
/// What a failed fsync has done to the data is unknown, so the program must not
/// build upon it (PostgreSQL stops its server for the same reason).
fn is_failed_sync(error: &rusqlite::Error) -> bool {
    let rusqlite::Error::SqliteFailure(failure, _) = error else {
        return false;
    };
    matches!(
        failure.extended_code,
        ffi::SQLITE_IOERR_FSYNC | ffi::SQLITE_IOERR_DIR_FSYNC
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn failure(code: i32) -> rusqlite::Error {
        rusqlite::Error::SqliteFailure(ffi::Error::new(code), None)
    }

    #[test]
    fn only_a_failed_sync_puts_an_end_to_writing() {
        assert!(is_failed_sync(&failure(ffi::SQLITE_IOERR_FSYNC)));
        assert!(is_failed_sync(&failure(ffi::SQLITE_IOERR_DIR_FSYNC)));
        assert!(!is_failed_sync(&failure(ffi::SQLITE_IOERR_WRITE)));
        assert!(!is_failed_sync(&failure(ffi::SQLITE_FULL)));
        assert!(!is_failed_sync(&rusqlite::Error::QueryReturnedNoRows));
    }

    #[test]
    fn extended_codes_are_told_by_their_kind() {
        let kinds = |code| store_error(&failure(code));
        assert!(matches!(
            kinds(ffi::SQLITE_BUSY_SNAPSHOT),
            StoreError::Locked(_)
        ));
        assert!(matches!(
            kinds(ffi::SQLITE_READONLY_DIRECTORY),
            StoreError::ReadOnly(_)
        ));
        assert!(matches!(
            kinds(ffi::SQLITE_IOERR_SHMSIZE),
            StoreError::Io(_)
        ));
        assert!(matches!(kinds(ffi::SQLITE_CANTOPEN), StoreError::Io(_)));
        assert!(matches!(
            kinds(ffi::SQLITE_CORRUPT_INDEX),
            StoreError::Corrupt(_)
        ));
        assert!(matches!(
            kinds(ffi::SQLITE_CONSTRAINT_UNIQUE),
            StoreError::Other(_)
        ));
    }
}
