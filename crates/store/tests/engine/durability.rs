//! What has been handed in is carried out, whoever goes away.

use crate::{INSERT, count, insert, on_both_engines, open_with_table, runtime};
use pileus_store::testing::TestDatabase;
use pileus_store::{Db, StoreError, Stored, args};
use std::sync::{Arc, Barrier, Mutex, mpsc};

on_both_engines! {
    an_edit_outlives_its_caller,
    closing_finishes_what_was_handed_in,
    a_hook_may_hold_the_last_clone,
    nodes_may_open_an_empty_database_at_once,
    an_abandoned_view_is_left_out,
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
    has_committed
        .recv()
        .expect("the hook runs without the caller");
    assert_eq!(count(&db), 1);
}

fn closing_finishes_what_was_handed_in(place: &TestDatabase) {
    let db = open_with_table(place);
    runtime().block_on(async {
        for id in 0..100 {
            hand_in(db.edit(move |tx| tx.exec(INSERT, args![id, "late"]))).await;
        }
    });
    drop(db);
    assert_eq!(count(&place.open()), 100);
}

/// Polls a call once, which queues its job, and drops it.
async fn hand_in<T>(call: impl Future<Output = T>) {
    tokio::select! {
        biased;
        _ = call => {}
        () = std::future::ready(()) => {}
    }
}

fn a_hook_may_hold_the_last_clone(place: &TestDatabase) {
    let db = open_with_table(place);
    let (others_gone, others_are_gone) = mpsc::channel::<()>();
    let (closed, is_closed) = mpsc::channel();
    let last = Mutex::new(Some(db.clone()));
    runtime().block_on(hand_in(db.edit(move |tx| {
        others_are_gone.recv().expect("the test says so");
        let (held, closed) = (last.lock().expect("one thread").take(), closed.clone());
        tx.after_commit(move || {
            drop(held);
            closed.send(()).expect("the test listens");
        });
        tx.exec(INSERT, args![1, "one"])
    })));
    drop(db);
    others_gone.send(()).expect("the edit waits");
    is_closed
        .recv()
        .expect("closing on the database's own thread comes to an end");
    assert_eq!(count(&place.open()), 1);
}

fn nodes_may_open_an_empty_database_at_once(place: &TestDatabase) {
    std::thread::scope(|scope| {
        let nodes: Vec<_> = (0..4).map(|_| scope.spawn(|| place.open())).collect();
        for node in nodes {
            let db = node.join().expect("it opens");
            db.edit_blocking(|tx| tx.id()).expect("it works");
        }
    });
    let db = open_with_table(place);
    insert(&db, 1).expect("it works");
}

/// A view nobody waits for any more is not begun.
fn an_abandoned_view_is_left_out(place: &TestDatabase) {
    let db = open_with_table(place);
    let (ran, runs) = mpsc::channel();
    let (started, has_started) = mpsc::channel();
    let finish = Arc::new(Barrier::new(3));
    runtime().block_on(async {
        // As many as there are threads for views.
        let busy: Vec<_> = (0..2)
            .map(|_| {
                let (db, started, finish) = (db.clone(), started.clone(), finish.clone());
                tokio::spawn(async move {
                    db.view(move |_| {
                        started.send(()).expect("the test listens");
                        finish.wait();
                        Ok::<_, StoreError>(())
                    })
                    .await
                })
            })
            .collect();
        has_started
            .recv()
            .and(has_started.recv())
            .expect("both threads are busy");
        hand_in(view(&db, &ran, "abandoned")).await;
        finish.wait();
        for view in busy {
            view.await.expect("no panic").expect("a good view");
        }
        view(&db, &ran, "wanted").await.expect("a good view");
    });
    drop((db, ran));
    assert_eq!(runs.iter().collect::<Vec<_>>(), ["wanted"]);
}

/// A view that says its name.
async fn view(db: &Db, ran: &mpsc::Sender<&'static str>, name: &'static str) -> Stored<()> {
    let ran = ran.clone();
    db.view(move |_| {
        ran.send(name).expect("the test listens");
        Ok(())
    })
    .await
}
