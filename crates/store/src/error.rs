//! What can go wrong between a transaction and its database.

use std::fmt;

/// The answer of everything that touches the database.
pub type Stored<T> = Result<T, StoreError>;

/// Trouble with the database, as opposed to a decision of the caller.
///
/// The texts are for the log. They may contain SQL and names of database
/// objects and must never reach a client.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum StoreError {
    /// Somebody else held a lock for longer than the engine was willing to wait.
    Locked(String),
    /// The disk under the database is full.
    Full(String),
    /// The database cannot be written to: a read-only file system, a standby
    /// server, or an edit attempted inside a view.
    ReadOnly(String),
    /// Reading or writing the database files failed.
    Io(String),
    /// There is no connection, or it was lost. When it was lost during a commit
    /// nobody knows whether the edit took place.
    Unavailable(String),
    /// Other transactions came in between, again and again, until the engine
    /// gave up repeating the edit.
    Conflict(String),
    /// The block of ids in memory does not reach for this edit. The engine draws
    /// a block of at least `wanted` ids and runs the edit again, so callers see
    /// this only inside their job.
    OutOfIds {
        /// How many ids the next run should be given.
        wanted: u64,
    },
    /// The job has learned what it has to lock first. The engine runs the edit
    /// again, so callers see this only inside their job.
    Again,
    /// [`Tx::one`](crate::Tx::one) found no row.
    Missing,
    /// The job panicked. Its transaction was rolled back.
    Panicked,
    /// The database was closed before the job ran.
    Closed,
    /// The database is damaged, or a row does not have the promised shape.
    Corrupt(String),
    /// Anything else the engine reports, such as a mistake in a statement.
    Other(String),
}

impl StoreError {
    /// Whether repeating the same transaction can succeed because it failed only
    /// for what other transactions did at the same time.
    pub fn is_conflict(&self) -> bool {
        matches!(self, Self::Conflict(_))
    }
}

impl fmt::Display for StoreError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Locked(text) => write!(f, "the database is locked: {text}"),
            Self::Full(text) => write!(f, "the disk of the database is full: {text}"),
            Self::ReadOnly(text) => write!(f, "the database is read-only: {text}"),
            Self::Io(text) => write!(f, "reading or writing the database failed: {text}"),
            Self::Unavailable(text) => write!(f, "the database is unavailable: {text}"),
            Self::Conflict(text) => write!(f, "the transaction lost against others: {text}"),
            Self::OutOfIds { wanted } => write!(f, "a block of {wanted} ids is needed"),
            Self::Again => f.write_str("the edit asked too often to be run again"),
            Self::Missing => f.write_str("a row that must exist is missing"),
            Self::Panicked => f.write_str("the transaction's code panicked"),
            Self::Closed => f.write_str("the database has been closed"),
            Self::Corrupt(text) => write!(f, "the database is damaged: {text}"),
            Self::Other(text) => write!(f, "database error: {text}"),
        }
    }
}

impl std::error::Error for StoreError {}
