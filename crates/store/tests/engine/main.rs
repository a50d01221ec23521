//! What a transaction promises, tried on both engines through the public interface.

mod check;
mod check_shares;
mod durability;
mod hash_states;
mod ids;
mod jobs;
mod kill;
mod mail;
mod names;
mod postgres;
mod sqlite;
mod transactions;
mod transfer;
mod world;

use pileus_store::testing::{TestDatabase, engines};
use pileus_store::{Db, Engine, StoreError, Stored, args};

/// Makes one test for each engine from a function that takes the engine.
macro_rules! on_both_engines {
    ($($test:ident),+ $(,)?) => {
        mod on_sqlite {
            $(#[test] fn $test() { crate::with(pileus_store::Engine::Sqlite, super::$test); })+
        }
        mod on_postgres {
            $(#[test] fn $test() { crate::with(pileus_store::Engine::Postgres, super::$test); })+
        }
    };
}
pub(crate) use on_both_engines;

/// Runs a test on an engine, unless this engine is left out.
fn with(engine: Engine, test: fn(&TestDatabase)) {
    if engines().contains(&engine) {
        test(&TestDatabase::new(engine));
    }
}

/// Opens a database and makes the table the tests work on.
fn open_with_table(place: &TestDatabase) -> Db {
    let db = place.open();
    let (bytes, text) = match place.engine() {
        Engine::Sqlite => ("BLOB", "TEXT"),
        Engine::Postgres => ("BYTEA", "TEXT COLLATE \"C\""),
    };
    let table = format!("CREATE TABLE probe (id BIGINT PRIMARY KEY, name {text}, data {bytes})");
    // Leaked, because statements are constants everywhere else.
    let table: &'static str = table.leak();
    db.edit_blocking(move |tx| tx.exec(table, &[]))
        .expect("the table is made");
    db
}

const INSERT: &str = "INSERT INTO probe (id, name) VALUES ($1, $2)";
const NAME: &str = "SELECT name FROM probe WHERE id = $1";
const COUNT: &str = "SELECT CAST(COUNT(*) AS BIGINT) FROM probe";

fn insert(db: &Db, id: i64) -> Stored<u64> {
    db.edit_blocking(move |tx| tx.exec(INSERT, args![id, "a name"]))
}

fn count(db: &Db) -> i64 {
    db.view_blocking(|tx| tx.one::<(i64,)>(COUNT, &[]).map(|row| row.0))
        .expect("counting works")
}

/// A runtime for tests with many callers.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .enable_all()
        .build()
        .expect("a runtime")
}

/// An error of the caller's own, as opposed to trouble with the database.
#[derive(Debug, PartialEq)]
enum Refusal {
    NameTaken,
    Trouble(StoreError),
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        Self::Trouble(error)
    }
}
