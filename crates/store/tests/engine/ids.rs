//! Ids are never given out twice.

use crate::{INSERT, Refusal, count, on_both_engines, open_with_table, runtime};
use pileus_store::testing::TestDatabase;
use pileus_store::{ID_LIMIT, StoreError, args};
use std::collections::HashSet;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

on_both_engines! {
    ids_are_unique_across_edits_nodes_and_restarts,
    a_rolled_back_edit_gives_no_id_back,
    an_edit_gets_as_many_ids_as_it_needs,
    reserved_ids_last_for_one_run,
    an_impossible_number_of_ids_is_refused,
}

fn ids_are_unique_across_edits_nodes_and_restarts(place: &TestDatabase) {
    let mut seen = HashSet::new();
    for _ in 0..2 {
        let nodes = [open_node(place), open_node(place)];
        let drawn = runtime().block_on(async {
            let tasks: Vec<_> = (0..200)
                .map(|turn: usize| {
                    let db = nodes[turn % 2].clone();
                    tokio::spawn(async move {
                        db.edit(|tx| {
                            (0..150)
                                .map(|_| tx.id())
                                .collect::<Result<Vec<_>, StoreError>>()
                        })
                        .await
                    })
                })
                .collect();
            let mut drawn = Vec::new();
            for task in tasks {
                drawn.extend(task.await.expect("no panic").expect("ids"));
            }
            drawn
        });
        assert_eq!(drawn.len(), 30_000);
        for id in drawn {
            assert!((1..ID_LIMIT).contains(&id), "{id}");
            assert!(seen.insert(id), "{id} was given out twice");
        }
    }
}

fn open_node(place: &TestDatabase) -> pileus_store::Db {
    place.open()
}

fn a_rolled_back_edit_gives_no_id_back(place: &TestDatabase) {
    let db = place.open();
    let first = db.edit_blocking(|tx| tx.id()).expect("an id");
    let lost: Result<(), Refusal> = db.edit_blocking(|tx| {
        tx.id()?;
        Err(Refusal::NameTaken)
    });
    assert_eq!(lost, Err(Refusal::NameTaken));
    let next = db.edit_blocking(|tx| tx.id()).expect("an id");
    assert!(next > first + 1, "{first}, then {next}");
}

fn an_edit_gets_as_many_ids_as_it_needs(place: &TestDatabase) {
    let db = open_with_table(place);
    let (runs, commits) = (Arc::new(AtomicU32::new(0)), Arc::new(AtomicU32::new(0)));
    let (counted, committed) = (runs.clone(), commits.clone());
    let ids = db
        .edit_blocking(move |tx| {
            counted.fetch_add(1, Ordering::SeqCst);
            let committed = committed.clone();
            tx.after_commit(move || {
                committed.fetch_add(1, Ordering::SeqCst);
            });
            tx.exec(INSERT, args![1, "a run"])?;
            (0..50_000)
                .map(|_| tx.id())
                .collect::<Result<HashSet<_>, StoreError>>()
        })
        .expect("ids");
    assert_eq!(ids.len(), 50_000);
    assert!(
        runs.load(Ordering::SeqCst) > 1,
        "it ran out of ids at first"
    );
    assert_eq!(
        commits.load(Ordering::SeqCst),
        1,
        "only the last run counts"
    );
    assert_eq!(count(&db), 1);
}

fn reserved_ids_last_for_one_run(place: &TestDatabase) {
    let db = place.open();
    let used_up_in = Arc::new(AtomicU32::new(0));
    let runs = used_up_in.clone();
    let ids = db
        .edit_blocking(move |tx| {
            tx.reserve_ids(100_000)?;
            // Only the run that has them gets here.
            runs.fetch_add(1, Ordering::SeqCst);
            (0..100_000)
                .map(|_| tx.id())
                .collect::<Result<HashSet<_>, StoreError>>()
        })
        .expect("ids");
    assert_eq!(ids.len(), 100_000);
    assert_eq!(used_up_in.load(Ordering::SeqCst), 1);
}

fn an_impossible_number_of_ids_is_refused(place: &TestDatabase) {
    let db = place.open();
    let outcome = db.edit_blocking(|tx| tx.reserve_ids(1 << 54));
    assert!(matches!(outcome, Err(StoreError::Other(_))), "{outcome:?}");
    db.edit_blocking(|tx| tx.id())
        .expect("the failed attempt took nothing");
}
