//! Trouble that only SQLite can have: locks of other processes, disks that are
//! full or cannot be written to.

use crate::{count, insert, open_with_table, runtime};
use pileus_store::testing::TestDatabase;
use pileus_store::{Db, Engine, SqliteOptions, StoreError, Stored, args};
use rusqlite::Connection;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::time::Duration;

#[test]
fn a_lock_of_another_process_fails_edits_only_and_only_while_it_lasts() {
    let place = TestDatabase::new(Engine::Sqlite);
    let db = open_with_table(&place);
    let other = Connection::open(place.path()).expect("another connection");
    other.execute_batch("BEGIN EXCLUSIVE").expect("a lock");
    let outcome = insert(&db, 1);
    assert!(matches!(outcome, Err(StoreError::Locked(_))), "{outcome:?}");
    assert_eq!(count(&db), 0, "views go on");
    other.execute_batch("ROLLBACK").expect("unlocked");
    assert_eq!(insert(&db, 1), Ok(1));
}

#[test]
fn an_edit_waits_for_a_short_lock_of_another_process() {
    let place = TestDatabase::new(Engine::Sqlite);
    let db = open_with_table(&place);
    let other = Connection::open(place.path()).expect("another connection");
    other.execute_batch("BEGIN IMMEDIATE").expect("a lock");
    runtime().block_on(async {
        let edit = tokio::spawn({
            let db = db.clone();
            async move { db.edit(|tx| tx.exec(crate::INSERT, args![1, "one"])).await }
        });
        other
            .execute_batch("INSERT INTO probe (id) VALUES (2); COMMIT")
            .expect("committed");
        assert_eq!(edit.await.expect("no panic"), Ok(1));
    });
    assert_eq!(count(&db), 2);
}

#[test]
fn a_file_that_is_no_database_is_named_as_such() {
    let place = TestDatabase::new(Engine::Sqlite);
    std::fs::write(place.path(), [b'x'; 8192]).expect("a file");
    let opened = open(&place.path());
    assert!(
        matches!(opened, Err(StoreError::Corrupt(_))),
        "{:?}",
        opened.err()
    );
}

#[test]
fn a_missing_folder_is_an_error() {
    let place = TestDatabase::new(Engine::Sqlite);
    let opened = open(&place.path().join("deeper/pileus.db"));
    assert!(
        matches!(opened, Err(StoreError::Io(_))),
        "{:?}",
        opened.err()
    );
}

#[test]
fn the_write_ahead_log_does_not_grow_without_end() {
    let place = TestDatabase::new(Engine::Sqlite);
    let db = open_with_table(&place);
    let row = vec![7_u8; 1 << 20];
    for id in 0..200 {
        let row = row.clone();
        db.edit_blocking(move |tx| {
            tx.exec(
                "INSERT INTO probe (id, data) VALUES ($1, $2)",
                args![id, &row],
            )
        })
        .expect("a row");
    }
    let log = std::fs::metadata(place.path().with_extension("db-wal"))
        .expect("a log")
        .len();
    assert!(log < 150 << 20, "200 MiB of rows left {log} bytes of log");
    drop(db);
    assert!(
        !place.path().with_extension("db-wal").exists(),
        "closing leaves no log behind"
    );
}

#[test]
fn a_full_disk_fails_edits_until_there_is_room() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    let db = open(&disk.database()).expect("it opens");
    make_table(&db);
    let row = vec![7_u8; 100_000];
    let fill = |id: i64| {
        let row = row.clone();
        db.edit_blocking(move |tx| {
            tx.exec(
                "INSERT INTO probe (id, data) VALUES ($1, $2)",
                args![id, &row],
            )
        })
    };
    let mut stored = 0;
    let trouble = loop {
        match fill(stored) {
            Ok(_) => stored += 1,
            Err(error) => break error,
        }
        assert!(stored < 1000, "the disk has 8 MiB");
    };
    assert!(matches!(trouble, StoreError::Full(_)), "{trouble:?}");
    assert_eq!(
        count(&db),
        stored,
        "views go on, and nothing acknowledged is missing"
    );
    disk.remount("size=64m");
    fill(stored).expect("there is room again");
    assert_eq!(count(&db), stored + 1);
    drop(db);
    assert_eq!(
        count(&open(&disk.database()).expect("it opens")),
        stored + 1
    );
}

#[test]
fn a_disk_that_cannot_be_written_to_is_an_error_until_it_can() {
    let Some(disk) = SmallDisk::mount() else {
        return;
    };
    make_table(&open(&disk.database()).expect("it opens"));
    disk.remount("ro");
    let opened = open(&disk.database());
    assert!(
        matches!(opened, Err(StoreError::ReadOnly(_) | StoreError::Io(_))),
        "{:?}",
        opened.err()
    );
    disk.remount("rw");
    insert(&open(&disk.database()).expect("it opens"), 1).expect("it works again");
}

fn open(path: &Path) -> Stored<Db> {
    let options = SqliteOptions {
        busy_timeout: Duration::from_millis(500),
        ..SqliteOptions::default()
    };
    Db::open_sqlite(path, &options)
}

fn make_table(db: &Db) {
    db.edit_blocking(|tx| {
        tx.exec(
            "CREATE TABLE probe (id BIGINT PRIMARY KEY, name TEXT, data BLOB)",
            &[],
        )
    })
    .expect("the table is made");
}

/// A file system of 8 MiB in memory.
struct SmallDisk {
    folder: tempfile::TempDir,
}

impl SmallDisk {
    /// Mounts it, which only root can.
    fn mount() -> Option<Self> {
        let folder = tempfile::TempDir::with_prefix("pileus-disk-").expect("a folder");
        let mounted = run(Command::new("mount")
            .args(["-t", "tmpfs", "-o", "size=8m", "tmpfs"])
            .arg(folder.path()));
        if !mounted {
            eprintln!("skipped: mounting a small file system takes root");
            return None;
        }
        Some(Self { folder })
    }

    fn database(&self) -> PathBuf {
        self.folder.path().join("pileus.db")
    }

    fn remount(&self, option: &str) {
        let options = format!("remount,{option}");
        assert!(
            run(Command::new("mount")
                .args(["-o", &options])
                .arg(self.folder.path())),
            "{options}"
        );
    }
}

impl Drop for SmallDisk {
    fn drop(&mut self) {
        // Lazily: a failed test may still have the database open.
        run(Command::new("umount").arg("-l").arg(self.folder.path()));
    }
}

fn run(command: &mut Command) -> bool {
    command.output().is_ok_and(|output| output.status.success())
}
