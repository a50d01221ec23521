//! Commit, rollback, snapshots, values, panics.

use crate::{
    COUNT, INSERT, NAME, Refusal, count, insert, on_both_engines, open_with_table, runtime,
};
use pileus_store::testing::TestDatabase;
use pileus_store::{Arg, StoreError, args};
use std::sync::atomic::{AtomicU32, Ordering};
use std::sync::{Arc, mpsc};

on_both_engines! {
    ok_commits_and_err_rolls_back,
    values_come_back_as_they_went_in,
    a_value_of_another_type_is_an_error,
    a_missing_row_does_not_doom_the_edit,
    a_failed_statement_dooms_the_edit,
    a_view_cannot_write,
    a_view_sees_one_snapshot,
    a_panic_is_the_jobs_own,
    hooks_run_only_after_a_commit,
    a_panicking_hook_harms_nobody,
    each_hands_out_rows_until_told_to_stop,
    edits_of_one_group_do_not_touch_each_other,
    more_callers_than_places_in_the_queue,
}

fn ok_commits_and_err_rolls_back(place: &TestDatabase) {
    let db = open_with_table(place);
    assert_eq!(insert(&db, 1), Ok(1));
    let refused: Result<(), Refusal> = db.edit_blocking(|tx| {
        tx.exec(INSERT, args![2, "two"])?;
        Err(Refusal::NameTaken)
    });
    assert_eq!(refused, Err(Refusal::NameTaken));
    assert_eq!(count(&db), 1);
}

/// A row of the table: id, name, data.
type Probe<N> = (i64, Option<N>, Option<Vec<u8>>);

fn values_come_back_as_they_went_in(place: &TestDatabase) {
    let db = open_with_table(place);
    let long = vec![0xAB_u8; 100_000];
    let cases: Vec<Probe<&'static str>> = vec![
        (i64::MIN, Some(""), Some(Vec::new())),
        (i64::MAX, Some("Grüße, 世界 \u{10FFFF} '\"\\"), Some(long)),
        (0, None, None),
        (-1, Some("a\nb\u{1}"), Some(vec![0, 255, 0])),
    ];
    for (id, name, data) in cases.clone() {
        db.edit_blocking(move |tx| {
            tx.exec(
                "INSERT INTO probe (id, name, data) VALUES ($1, $2, $3)",
                args![id, name, data.as_deref()],
            )
        })
        .expect("the row is accepted");
    }
    let mut found: Vec<Probe<String>> = db
        .view_blocking(|tx| tx.all("SELECT id, name, data FROM probe ORDER BY id", &[]))
        .expect("rows");
    let mut wanted: Vec<_> = cases
        .into_iter()
        .map(|(id, name, data)| (id, name.map(str::to_owned), data))
        .collect();
    wanted.sort();
    found.sort();
    assert_eq!(found, wanted);
}

fn a_value_of_another_type_is_an_error(place: &TestDatabase) {
    let db = open_with_table(place);
    insert(&db, 1).expect("a row");
    let number = db.view_blocking(|tx| tx.one::<(i64,)>(NAME, args![1]));
    assert!(matches!(number, Err(StoreError::Corrupt(_))), "{number:?}");
    let null = db
        .view_blocking(|tx| tx.one::<(Vec<u8>,)>("SELECT data FROM probe WHERE id = $1", args![1]));
    assert!(matches!(null, Err(StoreError::Corrupt(_))), "{null:?}");
}

fn a_missing_row_does_not_doom_the_edit(place: &TestDatabase) {
    let db = open_with_table(place);
    db.edit_blocking(|tx| {
        assert_eq!(
            tx.one::<(String,)>(NAME, args![1]),
            Err(StoreError::Missing)
        );
        assert_eq!(tx.opt::<(String,)>(NAME, args![1]), Ok(None));
        tx.exec(INSERT, args![1, "one"])
    })
    .expect("the edit goes on");
    assert_eq!(count(&db), 1);
}

fn a_failed_statement_dooms_the_edit(place: &TestDatabase) {
    let db = open_with_table(place);
    insert(&db, 1).expect("a row");
    let outcome = db.edit_blocking(|tx| {
        tx.exec(INSERT, args![2, "two"])?;
        let taken = tx
            .exec(INSERT, args![1, "again"])
            .expect_err("the key is taken");
        assert_eq!(tx.exec(INSERT, args![3, "three"]), Err(taken.clone()));
        assert_eq!(tx.one::<(i64,)>(COUNT, &[]), Err(taken.clone()));
        assert_eq!(tx.id(), Err(taken));
        // Says that all is well, which must not be believed.
        Ok::<_, StoreError>(())
    });
    assert!(matches!(outcome, Err(StoreError::Other(_))), "{outcome:?}");
    assert_eq!(count(&db), 1);
}

fn a_view_cannot_write(place: &TestDatabase) {
    let db = open_with_table(place);
    let written = db.view_blocking(|tx| tx.exec(INSERT, args![1, "one"]));
    assert!(
        matches!(written, Err(StoreError::ReadOnly(_))),
        "{written:?}"
    );
    let id = db.view_blocking(|tx| tx.id());
    assert!(id.is_err(), "{id:?}");
    assert_eq!(count(&db), 0);
}

fn a_view_sees_one_snapshot(place: &TestDatabase) {
    let db = open_with_table(place);
    insert(&db, 1).expect("a row");
    let (counted, now_count_again) = (mpsc::channel(), mpsc::channel());
    let reading = {
        let db = db.clone();
        std::thread::spawn(move || {
            db.view_blocking(move |tx| {
                let before: (i64,) = tx.one(COUNT, &[])?;
                counted.0.send(()).expect("the test waits");
                now_count_again.1.recv().expect("the test answers");
                let after: (i64,) = tx.one(COUNT, &[])?;
                Ok::<_, StoreError>((before.0, after.0))
            })
        })
    };
    counted.1.recv().expect("the view runs");
    insert(&db, 2).expect("an edit does not wait for a view");
    now_count_again.0.send(()).expect("the view waits");
    assert_eq!(reading.join().expect("no panic"), Ok((1, 1)));
    assert_eq!(count(&db), 2);
}

fn a_panic_is_the_jobs_own(place: &TestDatabase) {
    let db = open_with_table(place);
    let outcome = db.edit_blocking(|tx| {
        tx.exec(INSERT, args![1, "one"])?;
        if tx.opt::<(String,)>(NAME, args![1])?.is_some() {
            panic!("on purpose");
        }
        Ok(())
    });
    assert_eq!(outcome, Err(StoreError::Panicked));
    let outcome: Result<(), _> =
        db.view_blocking(|_| -> Result<(), StoreError> { panic!("on purpose") });
    assert_eq!(outcome, Err(StoreError::Panicked));
    assert_eq!(count(&db), 0);
    assert_eq!(insert(&db, 1), Ok(1));
}

fn hooks_run_only_after_a_commit(place: &TestDatabase) {
    let db = open_with_table(place);
    let ran = Arc::new(AtomicU32::new(0));
    let committing = ran.clone();
    let reader = db.clone();
    db.edit_blocking(move |tx| {
        let (ran, reader) = (committing.clone(), reader.clone());
        tx.after_commit(move || {
            // Another connection sees the row, so the commit is over.
            ran.fetch_add(count(&reader) as u32, Ordering::SeqCst);
        });
        tx.exec(INSERT, args![1, "one"])
    })
    .expect("committed");
    assert_eq!(
        ran.load(Ordering::SeqCst),
        1,
        "the hook ran before the answer"
    );

    let refusing = ran.clone();
    let refused: Result<(), Refusal> = db.edit_blocking(move |tx| {
        let ran = refusing.clone();
        tx.after_commit(move || {
            ran.fetch_add(100, Ordering::SeqCst);
        });
        Err(Refusal::NameTaken)
    });
    assert_eq!(refused, Err(Refusal::NameTaken));
    let failing = ran.clone();
    let failed = db.edit_blocking(move |tx| {
        let ran = failing.clone();
        tx.after_commit(move || {
            ran.fetch_add(100, Ordering::SeqCst);
        });
        tx.exec(INSERT, args![1, "again"])
    });
    assert!(failed.is_err());
    assert_eq!(ran.load(Ordering::SeqCst), 1);
}

fn a_panicking_hook_harms_nobody(place: &TestDatabase) {
    let db = open_with_table(place);
    let (sender, receiver) = mpsc::channel();
    let outcome = db.edit_blocking(move |tx| {
        tx.after_commit(|| panic!("on purpose"));
        let sender = sender.clone();
        tx.after_commit(move || sender.send(()).expect("the test listens"));
        tx.exec(INSERT, args![1, "one"])
    });
    assert_eq!(outcome, Ok(1));
    receiver.recv().expect("the other hook ran");
    assert_eq!(count(&db), 1);
}

fn each_hands_out_rows_until_told_to_stop(place: &TestDatabase) {
    let db = open_with_table(place);
    db.edit_blocking(|tx| {
        for id in 0..1000 {
            tx.exec(INSERT, args![id, "row"])?;
        }
        Ok::<_, StoreError>(())
    })
    .expect("rows");
    let all = db.view_blocking(|tx| {
        let mut sum = 0;
        tx.each("SELECT id FROM probe", &[], |(id,): (i64,)| {
            sum += id;
            Ok(())
        })?;
        Ok::<_, StoreError>(sum)
    });
    assert_eq!(all, Ok(499_500));
    let stopped = db.view_blocking(|tx| {
        tx.each(
            "SELECT id FROM probe ORDER BY id",
            &[],
            |(id,): (i64,)| match id {
                10 => Err(StoreError::Other("enough".to_owned())),
                _ => Ok(()),
            },
        )
    });
    assert_eq!(stopped, Err(StoreError::Other("enough".to_owned())));
    assert_eq!(count(&db), 1000, "the connection is fit for the next job");
}

/// Many edits at once, of which some refuse, some fail, some panic.
fn edits_of_one_group_do_not_touch_each_other(place: &TestDatabase) {
    let db = open_with_table(place);
    insert(&db, -1).expect("a row");
    runtime().block_on(async {
        let tasks: Vec<_> = (0..400_i64)
            .map(|id| {
                let db = db.clone();
                tokio::spawn(async move {
                    let outcome: Result<u64, Refusal> = db
                        .edit(move |tx| {
                            let changed = tx.exec(INSERT, args![id, "mine"])?;
                            match id % 4 {
                                0 => Ok(changed),
                                1 => Err(Refusal::NameTaken),
                                2 => Ok(tx.exec(INSERT, args![-1, "taken"])?),
                                _ => panic!("on purpose"),
                            }
                        })
                        .await;
                    match id % 4 {
                        0 => assert_eq!(outcome, Ok(1)),
                        1 => assert_eq!(outcome, Err(Refusal::NameTaken)),
                        2 => assert!(matches!(
                            outcome,
                            Err(Refusal::Trouble(StoreError::Other(_)))
                        )),
                        _ => assert_eq!(outcome, Err(Refusal::Trouble(StoreError::Panicked))),
                    }
                })
            })
            .collect();
        for task in tasks {
            task.await.expect("as expected");
        }
    });
    let others: Vec<(i64,)> = db
        .view_blocking(|tx| {
            tx.all(
                "SELECT id FROM probe WHERE id % 4 <> 0 AND id <> $1",
                &[Arg::Int(-1)],
            )
        })
        .expect("rows");
    assert_eq!(others, []);
    assert_eq!(count(&db), 101);
}

fn more_callers_than_places_in_the_queue(place: &TestDatabase) {
    let db = open_with_table(place);
    runtime().block_on(async {
        let tasks: Vec<_> = (0..6000_i64)
            .map(|id| {
                let db = db.clone();
                tokio::spawn(async move {
                    db.edit(move |tx| tx.exec(INSERT, args![id, "one of many"]))
                        .await
                })
            })
            .collect();
        for task in tasks {
            assert_eq!(task.await.expect("no panic"), Ok(1));
        }
    });
    assert_eq!(count(&db), 6000);
}
