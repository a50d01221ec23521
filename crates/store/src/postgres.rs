//! PostgreSQL: threads with a connection each, and one connection for notices.

mod notices;
pub(crate) mod session;
mod worker;

use crate::error::{StoreError, Stored};
use crate::ids::Ids;
use crate::lane::Lane;
use crate::migrate;
pub use notices::Notice;
pub(crate) use notices::{NoticeThread, Notices};
use postgres::error::{DbError, SqlState};
use std::sync::Arc;
use std::time::Duration;
use worker::Worker;

/// How to open a PostgreSQL database.
#[derive(Clone, Debug)]
pub struct PostgresOptions {
    /// Threads, each with a connection, that run edits; at least 1.
    pub writers: usize,
    /// Threads, each with a connection, that run views; at least 1. They are
    /// separate, so that edits waiting for row locks never keep views waiting.
    pub readers: usize,
}

impl Default for PostgresOptions {
    fn default() -> Self {
        let cores = std::thread::available_parallelism().map_or(1, usize::from);
        let writers = (2 * cores).max(8);
        Self {
            writers,
            readers: writers / 2,
        }
    }
}

/// How long connecting may take, for each address of the server.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(5);

/// After this time without a sign of life the server counts as gone.
const SILENCE_LIMIT: Duration = Duration::from_secs(30);

/// Bounds on every wait inside the server. A lock is waited for much longer than
/// any edit takes; a statement may run as long as the largest edits need.
const SESSION_SETTINGS: &str = "SET lock_timeout = '10s'; \
     SET statement_timeout = '300s'; \
     SET idle_in_transaction_session_timeout = '60s'";

/// Has the server look rows up by indexes, one table after the other, as the statements are made for. It keeps a plan for all
/// values of the parameters, without knowing that a page is short, or that a table that was small will be large; so it would
/// rather read whole tables. Servers that do not know a setting go without it.
const PLANNER_SETTINGS: &str = "SELECT set_config(name, 'off', false) FROM pg_settings \
     WHERE name IN ('enable_seqscan', 'enable_hashjoin', 'enable_mergejoin')";

/// Starts the threads for views, for edits and for notices.
pub(crate) fn start(url: &str, options: &PostgresOptions) -> Stored<(Lane, Lane, NoticeThread)> {
    let config = configure(url)?;
    let blocking = postgres::Config::from(config.clone());
    // The blocking client has a runtime inside, which must not be entered from an
    // async caller's thread.
    let migrated = std::thread::scope(|scope| {
        scope
            .spawn(|| migrate::postgres(&mut connect(&blocking)?))
            .join()
    });
    migrated.unwrap_or(Err(StoreError::Panicked))?;

    let notices = NoticeThread::start(config)?;
    let mut edits = Lane::new();
    let mut views = Lane::new();
    for (kind, count, lane) in [
        (worker::Kind::Edits, options.writers, &mut edits),
        (worker::Kind::Views, options.readers, &mut views),
    ] {
        // Shared by the threads of a kind; views never draw any.
        let ids = Arc::new(Ids::default());
        for number in 0..count.max(1) {
            let worker = Worker::new(kind, blocking.clone(), ids.clone(), notices.notices());
            lane.spawn(format!("{}-{number}", kind.name()), |queue| {
                worker.serve(queue);
            })?;
        }
    }
    Ok((views, edits, notices))
}

fn configure(url: &str) -> Stored<tokio_postgres::Config> {
    let mut config: tokio_postgres::Config = url
        .parse()
        .map_err(|error| StoreError::Other(format!("the database URL: {error}")))?;
    if config.get_application_name().is_none() {
        config.application_name("pileus");
    }
    if config.get_connect_timeout().is_none() {
        config.connect_timeout(CONNECT_TIMEOUT);
    }
    config.tcp_user_timeout(SILENCE_LIMIT);
    config.keepalives_idle(SILENCE_LIMIT / 2);
    Ok(config)
}

fn connect(config: &postgres::Config) -> Stored<postgres::Client> {
    let mut client = config
        .connect(postgres::NoTls)
        .map_err(|error| StoreError::Unavailable(describe(&error)))?;
    client
        .batch_execute(SESSION_SETTINGS)
        .and_then(|()| client.batch_execute(PLANNER_SETTINGS))
        .map_err(|error| store_error(&error))?;
    Ok(client)
}

/// Translates an error of PostgreSQL.
fn store_error(error: &postgres::Error) -> StoreError {
    let text = describe(error);
    let Some(state) = error.code() else {
        // No answer of the server: the connection is gone, or what was sent or
        // received made no sense to the driver.
        return if error.is_closed() || std::error::Error::source(error).is_some_and(is_io) {
            StoreError::Unavailable(text)
        } else {
            StoreError::Other(text)
        };
    };
    match *state {
        SqlState::T_R_SERIALIZATION_FAILURE | SqlState::T_R_DEADLOCK_DETECTED => {
            StoreError::Conflict(text)
        }
        SqlState::LOCK_NOT_AVAILABLE => StoreError::Locked(text),
        SqlState::DISK_FULL => StoreError::Full(text),
        SqlState::READ_ONLY_SQL_TRANSACTION => StoreError::ReadOnly(text),
        SqlState::IO_ERROR => StoreError::Io(text),
        SqlState::DATA_CORRUPTED | SqlState::INDEX_CORRUPTED => StoreError::Corrupt(text),
        SqlState::ADMIN_SHUTDOWN
        | SqlState::CRASH_SHUTDOWN
        | SqlState::CANNOT_CONNECT_NOW
        | SqlState::TOO_MANY_CONNECTIONS
        | SqlState::IDLE_IN_TRANSACTION_SESSION_TIMEOUT => StoreError::Unavailable(text),
        _ if state.code().starts_with("08") => StoreError::Unavailable(text),
        _ => StoreError::Other(text),
    }
}

fn is_io(error: &(dyn std::error::Error + 'static)) -> bool {
    error.is::<std::io::Error>()
}

/// The text of an error with its causes, which the driver's own text leaves out.
fn describe(error: &postgres::Error) -> String {
    use std::error::Error as _;
    match error.as_db_error() {
        Some(refusal) => describe_refusal(refusal),
        None => match error.source() {
            Some(cause) => format!("{error}: {cause}"),
            None => error.to_string(),
        },
    }
}

fn describe_refusal(refusal: &DbError) -> String {
    let mut text = format!("{} ({})", refusal.message(), refusal.code().code());
    if let Some(detail) = refusal.detail() {
        text.push_str(": ");
        text.push_str(detail);
    }
    text
}
