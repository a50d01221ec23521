//! What only PostgreSQL does: conflicts, lost connections, notices.

use crate::{INSERT, count, insert, open_with_table};
use pileus_store::testing::{TestDatabase, engines};
use pileus_store::{Db, Engine, Notice, PostgresOptions, Sql, StoreError, args};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, Barrier, mpsc};
use std::time::Duration;

/// How long the tests wait for something that should happen soon.
const SOON: Duration = Duration::from_secs(30);

const LOCK: Sql = Sql::new("SELECT name FROM probe WHERE id = $1").locking("FOR UPDATE");

/// Breaks every connection to the database but the one it comes in by.
const KILL_OTHERS: &str = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity \
     WHERE datname = current_database() AND pid <> pg_backend_pid()";

fn postgres() -> Option<TestDatabase> {
    engines()
        .contains(&Engine::Postgres)
        .then(|| TestDatabase::new(Engine::Postgres))
}

#[test]
fn a_deadlock_is_resolved_by_running_again() {
    let Some(place) = postgres() else { return };
    let db = open_with_table(&place);
    insert(&db, 1).and(insert(&db, 2)).expect("two rows");
    let both_have_one = Arc::new(Barrier::new(2));
    let runs = Arc::new(AtomicU32::new(0));
    let threads: Vec<_> = [(1_i64, 2_i64), (2, 1)]
        .into_iter()
        .map(|(first, second)| {
            let (db, both_have_one, runs) = (db.clone(), both_have_one.clone(), runs.clone());
            std::thread::spawn(move || {
                let mut first_run = true;
                db.edit_blocking(move |tx| {
                    runs.fetch_add(1, Ordering::SeqCst);
                    tx.one::<(String,)>(LOCK, args![first])?;
                    if std::mem::take(&mut first_run) {
                        both_have_one.wait();
                    }
                    tx.one::<(String,)>(LOCK, args![second])?;
                    tx.exec(
                        "UPDATE probe SET name = name || $1 WHERE id = $2",
                        args!["!", first],
                    )
                })
            })
        })
        .collect();
    for thread in threads {
        assert_eq!(thread.join().expect("no panic"), Ok(1));
    }
    assert_eq!(runs.load(Ordering::SeqCst), 3, "one of the two ran twice");
}

#[test]
fn a_conflict_is_repeated_whatever_the_job_makes_of_the_error() {
    let Some(place) = postgres() else { return };
    let db = open_with_table(&place);
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let outcome: Result<u64, String> = db
        .edit_blocking(move |tx| {
            if counted.fetch_add(1, Ordering::SeqCst) < 3 {
                tx.exec(CONFLICT, &[]).map_err(|_| Lost)?;
            }
            Ok(tx.exec(INSERT, args![1, "one"])?)
        })
        .map_err(|error: Lost| format!("{error:?}"));
    assert_eq!(outcome, Ok(1));
    assert_eq!(runs.load(Ordering::SeqCst), 4);
}

/// An error that says nothing about its cause.
#[derive(Debug)]
struct Lost;

impl From<StoreError> for Lost {
    fn from(_: StoreError) -> Self {
        Self
    }
}

const CONFLICT: &str = "DO $$ BEGIN RAISE EXCEPTION 'lost' USING ERRCODE = '40001'; END $$";

#[test]
fn a_conflict_without_end_is_given_up() {
    let Some(place) = postgres() else { return };
    let db = open_with_table(&place);
    let runs = Arc::new(AtomicU32::new(0));
    let counted = runs.clone();
    let outcome = db.edit_blocking(move |tx| {
        counted.fetch_add(1, Ordering::SeqCst);
        tx.exec(CONFLICT, &[])
    });
    assert!(
        matches!(outcome, Err(StoreError::Conflict(_))),
        "{outcome:?}"
    );
    assert_eq!(runs.load(Ordering::SeqCst), 11);
}

#[test]
fn connections_that_died_at_rest_are_replaced_unseen() {
    let Some(place) = postgres() else { return };
    let db = open_with_table(&place);
    // Every thread has a connection now.
    std::thread::scope(|scope| {
        for id in 0..32 {
            let db = &db;
            scope.spawn(move || {
                insert(db, id).expect("a row");
                count(db);
            });
        }
    });
    place.run_aside(KILL_OTHERS);
    for id in 32..64 {
        insert(&db, id).expect("a row");
        assert_eq!(count(&db), id + 1);
    }
}

#[test]
fn a_connection_lost_during_an_edit_is_reported_and_replaced() {
    let Some(place) = postgres() else { return };
    let place = Arc::new(place);
    let db = open_with_table(&place);
    let killer = place.clone();
    let outcome = db.edit_blocking(move |tx| {
        tx.exec(INSERT, args![1, "one"])?;
        killer.run_aside(KILL_OTHERS);
        tx.exec(INSERT, args![2, "two"])
    });
    assert!(
        matches!(outcome, Err(StoreError::Unavailable(_))),
        "{outcome:?}"
    );
    assert_eq!(count(&db), 0);
    assert_eq!(insert(&db, 1), Ok(1));
}

#[test]
fn a_connection_lost_before_the_commit_is_reported() {
    let Some(place) = postgres() else { return };
    let place = Arc::new(place);
    let db = open_with_table(&place);
    let killer = place.clone();
    let outcome = db.edit_blocking(move |tx| {
        tx.after_commit(|| panic!("it was not committed"));
        let changed = tx.exec(INSERT, args![1, "one"])?;
        killer.run_aside(KILL_OTHERS);
        Ok(changed)
    });
    assert!(
        matches!(outcome, Err(StoreError::Unavailable(_))),
        "{outcome:?}"
    );
    assert_eq!(count(&db), 0);
}

#[test]
fn a_server_that_is_not_there_is_an_error() {
    let opened = Db::open_postgres(
        "host=127.0.0.1 port=1 user=nobody",
        &PostgresOptions::default(),
    );
    assert!(
        matches!(opened, Err(StoreError::Unavailable(_))),
        "{:?}",
        opened.err()
    );
    let opened = Db::open_postgres("nonsense", &PostgresOptions::default());
    assert!(
        matches!(opened, Err(StoreError::Other(_))),
        "{:?}",
        opened.err()
    );
}

#[test]
fn a_row_lock_ends_with_its_edit_and_keeps_no_view_waiting() {
    let Some(place) = postgres() else { return };
    let db = open_with_table(&place);
    insert(&db, 1).expect("a row");
    let (locked, is_locked) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel::<()>();
    std::thread::scope(|scope| {
        let holder = scope.spawn({
            let db = db.clone();
            move || {
                db.edit_blocking(move |tx| {
                    tx.one::<(String,)>(LOCK, args![1])?;
                    locked.send(()).expect("the test listens");
                    goes_on.recv().expect("the test says so");
                    tx.exec(
                        "UPDATE probe SET name = $1 WHERE id = $2",
                        args!["first", 1],
                    )
                })
            }
        });
        is_locked.recv().expect("the lock is taken");
        // As many edits wait for the lock as there are threads for edits.
        let waiting: Vec<_> = (0..8)
            .map(|_| scope.spawn(|| db.edit_blocking(|tx| tx.one::<(String,)>(LOCK, args![1]))))
            .collect();
        assert_eq!(count(&db), 1);
        go_on.send(()).expect("the holder waits");
        assert_eq!(holder.join().expect("no panic"), Ok(1));
        for edit in waiting {
            assert_eq!(edit.join().expect("no panic"), Ok(("first".to_owned(),)));
        }
    });
}

#[test]
fn notices_reach_every_node_once_committed() {
    let Some(place) = postgres() else { return };
    let (nodes, heard): (Vec<_>, Vec<_>) = (0..2).map(|_| listening(&place)).unzip();
    let refused: Result<(), StoreError> = nodes[0].edit_blocking(|tx| {
        tx.notify(6, 1);
        Err(StoreError::Missing)
    });
    assert_eq!(refused, Err(StoreError::Missing));
    nodes[0]
        .edit_blocking(|tx| committed(tx, &[(7, 41), (7, 42), (8, 1)]))
        .expect("committed");
    for heard in &heard {
        let notices: Vec<_> = (0..2).map(|_| next(heard)).collect();
        assert!(
            notices.contains(&Notice::Feed {
                account: 7,
                diffid: 42
            }),
            "{notices:?}"
        );
        assert!(
            notices.contains(&Notice::Feed {
                account: 8,
                diffid: 1
            }),
            "{notices:?}"
        );
    }
}

#[test]
fn closing_sends_what_was_to_be_told() {
    let Some(place) = postgres() else { return };
    let (_db, heard) = listening(&place);
    let (other, _) = listening(&place);
    other
        .edit_blocking(|tx| committed(tx, &[(7, 42)]))
        .expect("committed");
    drop(other);
    assert_eq!(
        next(&heard),
        Notice::Feed {
            account: 7,
            diffid: 42
        }
    );
}

#[test]
fn more_notices_than_one_message_holds() {
    let Some(place) = postgres() else { return };
    let (db, heard) = listening(&place);
    let feeds: Vec<(i64, i64)> = (0..2000)
        .map(|account| (account + (1 << 50), account))
        .collect();
    let told = feeds.clone();
    db.edit_blocking(move |tx| committed(tx, &told))
        .expect("committed");
    let mut notices: Vec<_> = (0..2000)
        .map(|_| match next(&heard) {
            Notice::Feed { account, diffid } => (account, diffid),
            Notice::Missed => panic!("nothing was missed"),
        })
        .collect();
    notices.sort_unstable();
    assert_eq!(notices, feeds);
}

#[test]
fn a_listener_is_told_when_it_may_have_missed_something() {
    let Some(place) = postgres() else { return };
    let (db, heard) = listening(&place);
    place.run_aside(KILL_OTHERS);
    assert_eq!(next(&heard), Notice::Missed);
    // The lost connection's own notices became one to look at everything.
    while heard.recv_timeout(Duration::from_millis(300)) == Ok(Notice::Missed) {}
    db.edit_blocking(|tx| committed(tx, &[(7, 42)]))
        .expect("committed");
    assert_eq!(
        next(&heard),
        Notice::Feed {
            account: 7,
            diffid: 42
        }
    );
}

fn committed(tx: &mut pileus_store::Tx<'_>, feeds: &[(i64, i64)]) -> Result<(), StoreError> {
    for &(account, diffid) in feeds {
        tx.notify(account, diffid);
    }
    Ok(())
}

/// A node that listens, and what it hears.
fn listening(place: &TestDatabase) -> (Db, mpsc::Receiver<Notice>) {
    let db = place.open();
    let (sender, heard) = mpsc::channel();
    db.on_notify(move |notice| {
        let _ = sender.send(notice);
    });
    // Connected once a notice of its own comes back. The first try may be too early.
    loop {
        db.edit_blocking(|tx| committed(tx, &[(PROBE, 1)]))
            .expect("committed");
        if matches!(
            heard.recv_timeout(Duration::from_millis(500)),
            Ok(Notice::Feed { .. })
        ) {
            break;
        }
    }
    while heard.recv_timeout(Duration::from_millis(100)).is_ok() {}
    (db, heard)
}

/// The account by which nodes find out that they are connected.
const PROBE: i64 = 1;

/// The next notice that is not a probe of this or another node.
fn next(heard: &mpsc::Receiver<Notice>) -> Notice {
    loop {
        let notice = heard.recv_timeout(SOON).expect("a notice");
        if !matches!(notice, Notice::Feed { account: PROBE, .. }) {
            return notice;
        }
    }
}

/// Reads most of a table through another one. Without being told, the server would rather read all of it.
const JOIN: &str = "EXPLAIN SELECT e.name FROM shared_event s CROSS JOIN event e \
     WHERE s.owner = 1 AND s.folder = 2 AND e.account = s.owner AND e.diffid = s.diffid \
     ORDER BY s.diffid LIMIT 15000";

#[test]
fn rows_are_looked_up_by_indexes() {
    let Some(place) = postgres() else { return };
    let db = place.open();
    let plan = db.edit_blocking(|tx| {
        tx.exec(
            "INSERT INTO event (account, diffid, time, kind, flags) \
             SELECT 1, n, 0, 4, 0 FROM generate_series(1, 20000) n",
            args![],
        )?;
        tx.exec(
            "INSERT INTO shared_event (owner, folder, diffid) SELECT 1, 2, n FROM generate_series(1, 20000) n",
            args![],
        )?;
        tx.exec("ANALYZE event", args![])?;
        tx.exec("ANALYZE shared_event", args![])?;
        tx.all::<(String,)>(JOIN, args![])
    });
    let plan: Vec<String> = plan
        .expect("a plan")
        .into_iter()
        .map(|(line,)| line)
        .collect();
    let plan = plan.join("\n");
    assert!(plan.contains("Index"), "{plan}");
    for other in ["Seq Scan", "Hash Join", "Merge Join"] {
        assert!(!plan.contains(other), "{plan}");
    }
}
