//! Databases for tests: an empty one of either engine for each test.
//!
//! SQLite needs a folder only. For PostgreSQL a private server is started, once
//! for each test process and without touching any other on the machine, from the
//! programs found on it. `PILEUS_TEST_POSTGRES` names a server to be used instead
//! (the URL of a user who may create databases), and `PILEUS_TEST_SKIP_POSTGRES=1`
//! leaves PostgreSQL out. Whatever goes wrong here fails the test by a panic.

mod cluster;

pub use cluster::Durability;

use crate::{Db, Engine, PostgresOptions, SqliteOptions};
use std::path::PathBuf;
use std::process;
use std::sync::atomic::{AtomicU32, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};
use tempfile::TempDir;

/// The engines that tests are to run on.
pub fn engines() -> Vec<Engine> {
    let mut engines = vec![Engine::Sqlite];
    if std::env::var_os("PILEUS_TEST_SKIP_POSTGRES").is_none() {
        engines.push(Engine::Postgres);
    }
    engines
}

/// A database of its own for one test. Its data goes away with it.
#[derive(Debug)]
pub struct TestDatabase {
    place: Place,
}

#[derive(Debug)]
enum Place {
    Sqlite(TempDir),
    Postgres { server: String, name: String },
}

impl TestDatabase {
    /// Makes an empty database.
    pub fn new(engine: Engine) -> Self {
        let place = match engine {
            Engine::Sqlite => {
                Place::Sqlite(TempDir::with_prefix("pileus-store-").expect("a temporary folder"))
            }
            Engine::Postgres => {
                let server = cluster::server(Durability::None);
                let name = unused_name();
                cluster::run(&server, &format!("CREATE DATABASE {name}"));
                Place::Postgres { server, name }
            }
        };
        Self { place }
    }

    /// Makes an empty PostgreSQL database on a private server that keeps its
    /// promises about the disk, for measurements.
    pub fn durable_postgres() -> Self {
        let server = cluster::server(Durability::Full);
        let name = unused_name();
        cluster::run(&server, &format!("CREATE DATABASE {name}"));
        Self {
            place: Place::Postgres { server, name },
        }
    }

    /// The engine.
    pub fn engine(&self) -> Engine {
        match self.place {
            Place::Sqlite(_) => Engine::Sqlite,
            Place::Postgres { .. } => Engine::Postgres,
        }
    }

    /// Opens the database with few threads and short waits. It can be opened
    /// several times, as by several nodes.
    pub fn open(&self) -> Db {
        match &self.place {
            Place::Sqlite(_) => Db::open_sqlite(
                &self.path(),
                &SqliteOptions {
                    readers: 2,
                    busy_timeout: std::time::Duration::from_millis(500),
                    ..SqliteOptions::default()
                },
            ),
            Place::Postgres { .. } => Db::open_postgres(
                &self.url(),
                &PostgresOptions {
                    writers: 4,
                    readers: 2,
                },
            ),
        }
        .expect("the test database opens")
    }

    /// Where the SQLite database file is.
    pub fn path(&self) -> PathBuf {
        match &self.place {
            Place::Sqlite(folder) => folder.path().join("pileus.db"),
            Place::Postgres { .. } => panic!("a PostgreSQL database has no path"),
        }
    }

    /// The URL of the PostgreSQL database.
    pub fn url(&self) -> String {
        match &self.place {
            Place::Sqlite(_) => panic!("an SQLite database has no URL"),
            Place::Postgres { server, name } => cluster::with_database(server, name),
        }
    }

    /// Runs SQL on the PostgreSQL server as another client would.
    pub fn run_aside(&self, sql: &str) {
        cluster::run(&self.url(), sql);
    }
}

impl Drop for TestDatabase {
    fn drop(&mut self) {
        if let Place::Postgres { server, name } = &self.place
            && !std::thread::panicking()
        {
            cluster::run(server, &format!("DROP DATABASE {name} WITH (FORCE)"));
        }
    }
}

/// A name that no other test, process or earlier run on the same server uses.
fn unused_name() -> String {
    static COUNT: AtomicU32 = AtomicU32::new(0);
    let count = COUNT.fetch_add(1, Ordering::Relaxed);
    let now = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |age| age.as_micros());
    format!("pileus_test_{}_{now}_{count}", process::id())
}
