//! Bringing a database to the current schema.
//!
//! Migrations are numbered SQL files, one folder for each engine, that only ever
//! grow in number. They go forward only.

use crate::error::{StoreError, Stored};
use refinery::{Migration, Runner};
use std::time::Duration;

/// One step of the schema, for both engines.
struct Step {
    /// Number and name, as in the file names.
    name: &'static str,
    sqlite: &'static str,
    postgres: &'static str,
}

macro_rules! steps {
    ($($name:literal),+ $(,)?) => {
        &[$(Step {
            name: $name,
            sqlite: include_str!(concat!("../migrations/sqlite/", $name, ".sql")),
            postgres: include_str!(concat!("../migrations/postgres/", $name, ".sql")),
        }),+]
    };
}

const STEPS: &[Step] = steps!["V1__initial"];

/// How often a migration is tried. Another process or node may be at it too: one
/// of them wins, and the others find the work done when they look again.
const TRIES: u32 = 20;

/// The pause between tries.
const PAUSE: Duration = Duration::from_millis(250);

/// Migrates an SQLite database.
pub(crate) fn sqlite(connection: &mut rusqlite::Connection) -> Stored<()> {
    let runner = runner(|step| step.sqlite)?;
    persist(|| runner.run(connection))
}

/// Migrates a PostgreSQL database.
pub(crate) fn postgres(client: &mut postgres::Client) -> Stored<()> {
    let runner = runner(|step| step.postgres)?;
    persist(|| runner.run(client))
}

fn runner(text: impl Fn(&Step) -> &'static str) -> Stored<Runner> {
    let migrations: Result<Vec<_>, _> = STEPS
        .iter()
        .map(|step| Migration::unapplied(step.name, text(step)))
        .collect();
    migrations
        .map(|migrations| Runner::new(&migrations))
        .map_err(|error| failed(&error))
}

fn persist(mut migrate: impl FnMut() -> Result<refinery::Report, refinery::Error>) -> Stored<()> {
    let mut tries = 1;
    loop {
        match migrate() {
            Ok(report) => {
                for done in report.applied_migrations() {
                    tracing::info!(migration = %done, "the database schema was migrated");
                }
                return Ok(());
            }
            Err(error) if tries >= TRIES || !may_pass(&error) => return Err(failed(&error)),
            Err(_) => {
                tries += 1;
                std::thread::sleep(PAUSE);
            }
        }
    }
}

/// Whether the database refused, as opposed to the migrations being wrong for it.
fn may_pass(error: &refinery::Error) -> bool {
    matches!(error.kind(), refinery::error::Kind::Connection(..))
}

fn failed(error: &refinery::Error) -> StoreError {
    StoreError::Other(format!("migrating the database failed: {error}"))
}

/// The names of the steps, for tests of their files.
#[cfg(test)]
pub(crate) fn names() -> impl Iterator<Item = &'static str> {
    STEPS.iter().map(|step| step.name)
}

/// The steps of both engines with the checksums that databases record of them.
#[cfg(test)]
pub(crate) fn checksums() -> impl Iterator<Item = String> {
    STEPS.iter().flat_map(|step| {
        [("sqlite", step.sqlite), ("postgres", step.postgres)].map(|(engine, text)| {
            let migration = Migration::unapplied(step.name, text).expect("a well-formed name");
            format!("{engine} {} {:016x}", step.name, migration.checksum())
        })
    })
}
