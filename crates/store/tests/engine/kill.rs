//! Killing the process at any moment loses nothing that was acknowledged.

use crate::{INSERT, on_both_engines, open_with_table};
use pileus_store::testing::TestDatabase;
use pileus_store::{Db, Engine, PostgresOptions, SqliteOptions, StoreError, args};
use std::collections::HashSet;
use std::env;
use std::io::{BufRead, BufReader};
use std::path::Path;
use std::process::{Command, Stdio};

on_both_engines! { what_was_acknowledged_survives_kills }

/// Where the process to be killed finds its database.
const SQLITE: &str = "PILEUS_TEST_KILLED_SQLITE";
const POSTGRES: &str = "PILEUS_TEST_KILLED_POSTGRES";

const KILLS: usize = 4;
const EDITS_BEFORE_KILL: usize = 400;
const CALLERS: usize = 16;

fn what_was_acknowledged_survives_kills(place: &TestDatabase) {
    drop(open_with_table(place));
    let mut acknowledged = HashSet::new();
    for _ in 0..KILLS {
        for id in run_and_kill(place) {
            assert!(acknowledged.insert(id), "{id} was given out twice");
        }
        let db = place.open();
        let rows: Vec<(i64,)> = db
            .view_blocking(|tx| tx.all("SELECT id FROM probe", &[]))
            .expect("rows");
        let found: HashSet<i64> = rows.into_iter().map(|row| row.0).collect();
        let lost: Vec<_> = acknowledged.difference(&found).collect();
        assert!(lost.is_empty(), "acknowledged but lost: {lost:?}");
        // At most the edits that were on their way may be there without an answer.
        assert!(found.len() <= acknowledged.len() + KILLS * CALLERS);
    }
    if place.engine() == Engine::Sqlite {
        let connection = rusqlite::Connection::open(place.path()).expect("it opens");
        let verdict: String = connection
            .query_row("PRAGMA integrity_check", [], |row| row.get(0))
            .expect("a verdict");
        assert_eq!(verdict, "ok");
    }
}

/// Has another process edit the database, kills it, and answers the ids of the rows
/// whose edits were acknowledged.
fn run_and_kill(place: &TestDatabase) -> Vec<i64> {
    let mut command = Command::new(env::current_exe().expect("this program"));
    command.args([
        "--exact",
        "kill::edits_until_killed",
        "--ignored",
        "--nocapture",
    ]);
    match place.engine() {
        Engine::Sqlite => command.env(SQLITE, place.path()),
        Engine::Postgres => command.env(POSTGRES, place.url()),
    };
    let mut child = command
        .stdout(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .expect("a process");
    let output = BufReader::new(child.stdout.take().expect("a pipe"));
    let mut ids = output
        .lines()
        .map_while(Result::ok)
        .filter_map(|line| line.strip_prefix("row ")?.parse().ok());
    let mut acknowledged: Vec<i64> = ids.by_ref().take(EDITS_BEFORE_KILL).collect();
    assert_eq!(
        acknowledged.len(),
        EDITS_BEFORE_KILL,
        "the process ended by itself"
    );
    child.kill().expect("killed");
    child.wait().expect("gone");
    // What it had said before it was killed.
    acknowledged.extend(ids);
    acknowledged
}

#[test]
#[ignore = "the other process of the test above"]
fn edits_until_killed() {
    let db = match (env::var(SQLITE), env::var(POSTGRES)) {
        (Ok(path), _) => Db::open_sqlite(Path::new(&path), &SqliteOptions::default()),
        (_, Ok(url)) => Db::open_postgres(&url, &PostgresOptions::default()),
        _ => return,
    }
    .expect("it opens");
    std::thread::scope(|scope| {
        for _ in 0..CALLERS {
            scope.spawn(|| {
                loop {
                    let added = db.edit_blocking(|tx| {
                        let id = tx.id()?;
                        tx.exec(INSERT, args![id, "a row"])?;
                        Ok::<_, StoreError>(id)
                    });
                    println!("row {}", added.expect("a good edit"));
                }
            });
        }
    });
}
