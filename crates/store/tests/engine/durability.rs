//! What has been handed in is carried out, whoever goes away.

use crate::{INSERT, count, insert, on_both_engines, open_with_table, runtime};
use pileus_store::testing::TestDatabase;
use pileus_store::{StoreError, Tx, args};
use std::sync::mpsc;

on_both_engines! {
    an_edit_outlives_its_caller,
    closing_finishes_what_was_handed_in,
    a_hook_may_hold_the_last_clone,
    nodes_may_open_an_empty_database_at_once,
}

fn an_edit_outlives_its_caller(place: &TestDatabase) {
    let db = open_with_table(place);
    let (started, has_started) = mpsc::channel();
    let (go_on, goes_on) = mpsc::channel::<()>();
    let (committed, has_committed) = mpsc::channel();
    runtime().block_on(async {
        let edit = {
            let db = db.clone();
            tokio::spawn(async move {
                db.edit(move |tx| {
                    let committed = committed.clone();
                    tx.after_commit(move || committed.send(()).expect("the test listens"));
                    started.send(()).expect("the test listens");
                    goes_on.recv().expect("the test says so");
                    tx.exec(INSERT, args![1, "one"])
                })
                .await
            })
        };
        has_started.recv().expect("the edit runs");
        edit.abort();
        assert!(edit.await.expect_err("the caller is gone").is_cancelled());
    });
    go_on.send(()).expect("the edit waits");
    has_committed.recv().expect("the hook runs without the caller");
    assert_eq!(count(&db), 1);
}

fn closing_finishes_what_was_handed_in(place: &TestDatabase) {
    let db = open_with_table(place);
    let (go_on, goes_on) = mpsc::channel::<()>();
    let runtime = runtime();
    runtime.spawn({
        let db = db.clone();
        async move {
            db.edit(move |_| {
                let _ = goes_on.recv();
                Ok::<_, StoreError>(())
            })
            .await
        }
    });
    let tasks: Vec<_> = (0..100)
        .map(|id| {
            let db = db.clone();
            runtime.spawn(async move { db.edit(move |tx| tx.exec(INSERT, args![id, "late"])).await })
        })
        .collect();
    go_on.send(()).expect("the first edit waits or will");
    drop(db);
    runtime.block_on(async {
        for task in tasks {
            assert_eq!(task.await.expect("no panic"), Ok(1));
        }
    });
    drop(runtime);
    let db = place.open();
    assert_eq!(count(&db), 100);
}

fn a_hook_may_hold_the_last_clone(place: &TestDatabase) {
    let db = open_with_table(place);
    let (sender, receiver) = mpsc::channel();
    let last = std::sync::Mutex::new(Some(db.clone()));
    let runtime = runtime();
    let task = runtime.spawn(async move {
        let clone = db.clone();
        // The handle this task holds goes first; the hook's clone closes the database
        // on the database's own thread.
        let edit = clone.edit(move |tx: &mut Tx<'_>| {
            let (held, sender) = (last.lock().expect("one thread").take(), sender.clone());
            tx.after_commit(move || {
                drop(held);
                sender.send(()).expect("the test listens");
            });
            tx.exec(INSERT, args![1, "one"])
        });
        drop(db);
        edit.await
    });
    receiver.recv().expect("the hook ran");
    assert_eq!(runtime.block_on(task).expect("no panic"), Ok(1));
    assert_eq!(count(&place.open()), 1);
}

fn nodes_may_open_an_empty_database_at_once(place: &TestDatabase) {
    std::thread::scope(|scope| {
        let nodes: Vec<_> = (0..4).map(|_| scope.spawn(|| place.open())).collect();
        for node in nodes {
            let db = node.join().expect("it opens");
            db.edit_blocking(Tx::id).expect("it works");
        }
    });
    let db = open_with_table(place);
    insert(&db, 1).expect("it works");
}
