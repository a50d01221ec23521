//! Prints how many small transactions each engine carries out in a second.
//!
//! `cargo run --release --example throughput [-- [seconds] [sqlite|postgres]]`
//!
//! An edit has eight statements, about what creating a file costs; a view has two
//! lookups by key. Edits are durable on both engines.

use pileus_store::testing::TestDatabase;
use pileus_store::{Db, Engine, PostgresOptions, Sql, SqliteOptions, StoreError, Stored, args};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, Instant};

const ACCOUNTS: i64 = 1000;
const FILES: i64 = 20_000;

const LOCK: Sql =
    Sql::new("SELECT used, diffid FROM probe_account WHERE id = $1").locking("FOR UPDATE");
const FIND: Sql = Sql::new("SELECT id FROM probe_file WHERE folder = $1 AND name = $2");
const FILE: Sql = Sql::new("SELECT name, size FROM probe_file WHERE id = $1");
const INSERT: Sql =
    Sql::new("INSERT INTO probe_file (id, folder, name, size, hash) VALUES ($1, $2, $3, $4, $5)");
const BLOB: Sql = Sql::new("INSERT INTO probe_blob (id, bytes) VALUES ($1, $2)");
const EVENT: Sql =
    Sql::new("INSERT INTO probe_event (account, diffid, file, name) VALUES ($1, $2, $3, $4)");
const USE: Sql = Sql::new("UPDATE probe_account SET used = $1, diffid = $2 WHERE id = $3");
const TOUCH: Sql = Sql::new("UPDATE probe_file SET hash = $1 WHERE id = $2");

fn main() -> Stored<()> {
    let mut words = std::env::args().skip(1);
    let seconds = words.next().and_then(|word| word.parse().ok()).unwrap_or(5);
    let only = words.next();
    let wanted = |engine: Engine| only.as_deref().is_none_or(|name| name == engine.name());
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build()
        .map_err(|error| StoreError::Other(error.to_string()))?;
    if wanted(Engine::Sqlite) {
        let place = TestDatabase::new(Engine::Sqlite);
        let db = Db::open_sqlite(&place.path(), &SqliteOptions::default())?;
        runtime.block_on(measure(&db, Duration::from_secs(seconds)))?;
    }
    if wanted(Engine::Postgres) {
        let place = TestDatabase::durable_postgres();
        let db = Db::open_postgres(&place.url(), &PostgresOptions::default())?;
        runtime.block_on(measure(&db, Duration::from_secs(seconds)))?;
    }
    Ok(())
}

async fn measure(db: &Db, time: Duration) -> Stored<()> {
    prepare(db).await?;
    let engine = db.engine().name();
    for callers in [1, 16, 64] {
        let report = run(Load::Edits, callers, time, db).await?;
        println!("{engine}: edits of 8 statements, {callers} callers: {report}");
    }
    for callers in [1, 16, 64] {
        let report = run(Load::Views, callers, time, db).await?;
        println!("{engine}: views of 2 statements, {callers} callers: {report}");
    }
    Ok(())
}

async fn prepare(db: &Db) -> Stored<()> {
    let bytes = match db.engine() {
        Engine::Sqlite => "BLOB",
        Engine::Postgres => "BYTEA",
    };
    let text = match db.engine() {
        Engine::Sqlite => "TEXT",
        Engine::Postgres => "TEXT COLLATE \"C\"",
    };
    // Leaked, because statements are constants of the program everywhere else.
    let tables: Vec<&'static str> = [
        "CREATE TABLE probe_account (id BIGINT PRIMARY KEY, used BIGINT, diffid BIGINT)".to_owned(),
        format!(
            "CREATE TABLE probe_file (id BIGINT PRIMARY KEY, folder BIGINT, name {text}, \
             size BIGINT, hash BIGINT)"
        ),
        "CREATE UNIQUE INDEX probe_file_name ON probe_file (folder, name)".to_owned(),
        format!("CREATE TABLE probe_blob (id BIGINT PRIMARY KEY, bytes {bytes})"),
        format!(
            "CREATE TABLE probe_event (account BIGINT, diffid BIGINT, file BIGINT, name {text}, \
             PRIMARY KEY (account, diffid))"
        ),
    ]
    .into_iter()
    .map(|text| &*text.leak())
    .collect();
    db.edit(move |tx| {
        for table in &tables {
            tx.exec(*table, &[])?;
        }
        for account in 0..ACCOUNTS {
            tx.exec(
                "INSERT INTO probe_account (id, used, diffid) VALUES ($1, 0, 0)",
                args![account],
            )?;
        }
        for file in 0..FILES {
            let name = format!("file {file}");
            tx.exec(INSERT, args![file, file % 100, &name, 1000, 1])?;
        }
        Ok::<_, StoreError>(())
    })
    .await
}

/// One caller's transaction number `turn`.
async fn edit(db: &Db, caller: u64, turn: u64) -> Stored<()> {
    let account = ((caller * 16 + turn % 16) % ACCOUNTS as u64) as i64;
    db.edit(move |tx| {
        let id = FILES + tx.id()?;
        let name = format!("upload {id}.jpg");
        let (used, diffid): (i64, i64) = tx.one(LOCK, args![account])?;
        if tx.opt::<(i64,)>(FIND, args![account, &name])?.is_some() {
            return Err(StoreError::Other("the name is taken".to_owned()));
        }
        tx.exec(BLOB, args![id, &[7_u8; 500]])?;
        tx.exec(INSERT, args![id, account, &name, 500, 0])?;
        tx.exec(TOUCH, args![id ^ 0x5555, id])?;
        tx.exec(EVENT, args![account, diffid + 1, id, &name])?;
        tx.exec(USE, args![used + 500, diffid + 1, account])?;
        tx.one::<(String, i64)>(FILE, args![id])?;
        Ok(())
    })
    .await
}

async fn view(db: &Db, caller: u64, turn: u64) -> Stored<()> {
    let file = ((caller * 7919 + turn * 104_729) % FILES as u64) as i64;
    db.view(move |tx| {
        tx.one::<(i64, i64)>(
            "SELECT used, diffid FROM probe_account WHERE id = $1",
            args![file % ACCOUNTS],
        )?;
        tx.one::<(String, i64)>(FILE, args![file])?;
        Ok::<_, StoreError>(())
    })
    .await
}

/// What the callers do.
#[derive(Clone, Copy)]
enum Load {
    Edits,
    Views,
}

/// Has `callers` tasks repeat one kind of transaction.
async fn run(load: Load, callers: u64, time: Duration, db: &Db) -> Stored<String> {
    let stop = Arc::new(AtomicBool::new(false));
    let count = Arc::new(AtomicU64::new(0));
    let cpu = cpu_seconds();
    let begun = Instant::now();
    let tasks: Vec<_> = (0..callers)
        .map(|caller| {
            let (db, stop, count) = (db.clone(), stop.clone(), count.clone());
            tokio::spawn(async move {
                let mut slowest = Duration::ZERO;
                let mut turn = 0;
                while !stop.load(Ordering::Relaxed) {
                    let started = Instant::now();
                    match load {
                        Load::Edits => edit(&db, caller, turn).await?,
                        Load::Views => view(&db, caller, turn).await?,
                    }
                    slowest = slowest.max(started.elapsed());
                    turn += 1;
                }
                count.fetch_add(turn, Ordering::Relaxed);
                Ok::<_, StoreError>(slowest)
            })
        })
        .collect();
    tokio::time::sleep(time).await;
    stop.store(true, Ordering::Relaxed);
    let mut slowest = Duration::ZERO;
    for task in tasks {
        let done = task.await;
        slowest = slowest.max(done.map_err(|error| StoreError::Other(error.to_string()))??);
    }
    let count = count.load(Ordering::Relaxed) as f64;
    Ok(format!(
        "{:.0} per second, {:.1} us of CPU each, slowest {:.1} ms",
        count / begun.elapsed().as_secs_f64(),
        (cpu_seconds() - cpu) / count * 1e6,
        slowest.as_secs_f64() * 1e3,
    ))
}

/// The processor time this process has used. That of a PostgreSQL server is not
/// in it.
fn cpu_seconds() -> f64 {
    let stat = std::fs::read_to_string("/proc/self/stat").unwrap_or_default();
    let ticks: f64 = stat
        .rsplit(')')
        .next()
        .into_iter()
        .flat_map(str::split_whitespace)
        .skip(11)
        .take(2)
        .filter_map(|field| field.parse::<f64>().ok())
        .sum();
    // Linux counts hundredths of a second here.
    ticks / 100.0
}
