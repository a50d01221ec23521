//! Jobs are done by one node at a time, and by another one when that is gone.

use crate::{on_both_engines, runtime};
use pileus_store::jobs::{DOWNLOAD, Job, Lease, NAMES, NewJob};
use pileus_store::testing::TestDatabase;
use pileus_store::{Db, Engine};
use std::collections::HashSet;

on_both_engines! {
    a_job_is_taken_when_it_is_due_and_when_its_lease_is_over,
    who_has_lost_a_job_can_do_nothing_to_it,
    jobs_are_given_back_put_off_ended_and_forgotten,
    nodes_that_take_jobs_together_share_them,
}

fn add(db: &Db, account: i64, run_at: i64) -> i64 {
    db.edit_blocking(move |tx| {
        tx.add_job(&NewJob {
            kind: DOWNLOAD,
            account,
            progress_key: Some("key"),
            payload: "{}",
            progress: "[]",
            run_at,
            created: 1,
        })
    })
    .expect("a job is added")
}

/// Takes one job for a minute.
fn take(db: &Db, node: &'static str, now: i64) -> Option<Lease> {
    let jobs = db
        .edit_blocking(move |tx| tx.take_jobs(DOWNLOAD, node, now, now + 60, 1))
        .expect("jobs are taken");
    jobs.into_iter().next().map(|job| lease(&job))
}

fn lease(job: &Job) -> Lease {
    Lease {
        job: job.id,
        node: job.node.clone(),
        attempt: job.attempts,
    }
}

fn is_due(db: &Db, now: i64) -> bool {
    db.view_blocking(move |tx| tx.has_due_job(DOWNLOAD, now))
        .expect("looked")
}

fn a_job_is_taken_when_it_is_due_and_when_its_lease_is_over(place: &TestDatabase) {
    let db = place.open();
    let (late, early) = (add(&db, 1, 200), add(&db, 1, 100));
    assert_eq!(take(&db, "a", 99), None);
    assert!(!is_due(&db, 99) && is_due(&db, 100));
    assert_eq!(take(&db, "a", 200).map(|lease| lease.job), Some(early));
    assert_eq!(take(&db, "b", 210).map(|lease| lease.job), Some(late));
    assert_eq!(take(&db, "b", 259), None);
    let again = take(&db, "b", 260).expect("the lease is over");
    assert_eq!((again.job, again.attempt), (early, 2));
    let open = db
        .view_blocking(|tx| tx.open_jobs(1, DOWNLOAD))
        .expect("counted");
    assert_eq!(open, 2);
    assert_eq!(
        db.view_blocking(|tx| tx.open_jobs(1, NAMES))
            .expect("counted"),
        0
    );
}

fn who_has_lost_a_job_can_do_nothing_to_it(place: &TestDatabase) {
    let db = place.open();
    let id = add(&db, 1, 0);
    let lost = take(&db, "a", 0).expect("a job");
    // The same node takes it again, as it would after it was stopped for a while.
    let held = take(&db, "a", 60).expect("the lease is over");
    let old = lost.clone();
    let changed = db
        .edit_blocking(move |tx| {
            Ok::<_, pileus_store::StoreError>([
                tx.renew_job(&old, 999)?,
                tx.set_job_progress(&old, "[1]")?,
                tx.put_off_job(&old, 0)?,
                tx.give_job_back(&old, 0)?,
                tx.end_job(&old, 0)?,
            ])
        })
        .expect("nothing fails");
    assert_eq!(changed, [false; 5]);
    let new = held.clone();
    let changed = db.edit_blocking(move |tx| {
        Ok::<_, pileus_store::StoreError>(
            tx.renew_job(&new, 500)? && tx.set_job_progress(&new, "[2]")?,
        )
    });
    assert_eq!(changed, Ok(true));
    let job = db
        .view_blocking(move |tx| tx.job(id))
        .expect("read")
        .expect("there");
    assert_eq!(
        (job.progress.as_str(), job.run_at, job.attempts),
        ("[2]", 500, 2)
    );
}

fn jobs_are_given_back_put_off_ended_and_forgotten(place: &TestDatabase) {
    let db = place.open();
    let id = add(&db, 1, 0);
    let held = take(&db, "a", 0).expect("a job");
    assert_eq!(
        db.edit_blocking(move |tx| tx.give_job_back(&held, 10)),
        Ok(true)
    );
    let held = take(&db, "b", 10).expect("it was given back");
    assert_eq!(held.attempt, 1, "what was given back was no attempt");
    assert_eq!(
        db.edit_blocking(move |tx| tx.put_off_job(&held, 30)),
        Ok(true)
    );
    assert_eq!(take(&db, "b", 29), None);
    let held = take(&db, "b", 30).expect("it was put off");
    assert_eq!(held.attempt, 2);
    assert_eq!(db.edit_blocking(|tx| tx.release_jobs(NAMES)), Ok(0));
    assert_eq!(db.edit_blocking(|tx| tx.release_jobs(DOWNLOAD)), Ok(1));
    let held = take(&db, "c", 31).expect("it was released");
    assert_eq!(db.edit_blocking(move |tx| tx.end_job(&held, 100)), Ok(true));
    assert_eq!(take(&db, "c", 1000), None);
    let newest = db
        .view_blocking(|tx| tx.job_by_key(1, "key"))
        .expect("read");
    assert_eq!(newest.map(|job| job.id), Some(id));
    assert_eq!(db.edit_blocking(|tx| tx.forget_jobs(DOWNLOAD, 99)), Ok(0));
    assert_eq!(db.edit_blocking(|tx| tx.forget_jobs(DOWNLOAD, 100)), Ok(1));
    assert_eq!(db.view_blocking(move |tx| tx.job(id)), Ok(None));
}

fn nodes_that_take_jobs_together_share_them(place: &TestDatabase) {
    let db = place.open();
    for _ in 0..60 {
        add(&db, 1, 0);
    }
    let nodes = match place.engine() {
        Engine::Sqlite => vec![db.clone(), db],
        Engine::Postgres => vec![db, place.open()],
    };
    let taken = runtime().block_on(async {
        let takers: Vec<_> = (0..20)
            .map(|turn: usize| {
                let db = nodes[turn % 2].clone();
                let node = ["a", "b"][turn % 2];
                tokio::spawn(async move {
                    db.edit(move |tx| tx.take_jobs(DOWNLOAD, node, 0, 60, 3))
                        .await
                })
            })
            .collect();
        let mut taken = Vec::new();
        for taker in takers {
            taken.extend(taker.await.expect("no panic").expect("taken"));
        }
        taken
    });
    let ids: HashSet<i64> = taken.iter().map(|job| job.id).collect();
    assert_eq!(ids.len(), taken.len(), "no job is taken twice");
    assert!(taken.iter().all(|job| job.attempts == 1));
}
