//! Mails are taken by one node each, and codes are used once.

use pileus_store::mail::NewMail;
use pileus_store::mail_codes::{NewMailCode, RESET};
use pileus_store::testing::{TestDatabase, engines};
use pileus_store::{Db, StoreError};
use std::collections::BTreeSet;

/// Mails to be delivered; more than one lease takes.
const MAILS: i64 = 90;

fn write(db: &Db, count: i64, is_sent: bool) {
    db.edit_blocking(move |tx| {
        for _ in 0..count {
            let id = tx.id()?;
            tx.insert_mail(&NewMail {
                id,
                recipient: "ann@example.com",
                sealed: b"sealed",
                is_sent,
                created: 100,
            })?;
        }
        Ok::<_, StoreError>(())
    })
    .expect("mails are written");
}

/// Takes mails until there are none, as a node does.
fn take_all(db: &Db) -> Vec<i64> {
    let mut taken = Vec::new();
    loop {
        let leased = db
            .edit_blocking(|tx| tx.lease_mails(200, 300))
            .expect("a lease");
        if leased.is_empty() {
            return taken;
        }
        taken.extend(leased.into_iter().map(|mail| mail.id));
    }
}

#[test]
fn no_mail_is_taken_by_two_nodes() {
    for engine in engines() {
        let place = TestDatabase::new(engine);
        // SQLite has one node, which may still ask twice at once.
        let db = place.open();
        write(&db, MAILS, true);
        let taken: Vec<Vec<i64>> = std::thread::scope(|scope| {
            let nodes: Vec<_> = (0..4).map(|_| scope.spawn(|| take_all(&db))).collect();
            nodes
                .into_iter()
                .map(|node| node.join().expect("a node"))
                .collect()
        });
        let all: Vec<i64> = taken.concat();
        let different: BTreeSet<i64> = all.iter().copied().collect();
        assert_eq!(all.len(), different.len(), "{engine:?}: {taken:?}");
        assert_eq!(all.len() as i64, MAILS, "{engine:?}");
        assert!(
            !db.view_blocking(|tx| tx.has_due_mails(299))
                .expect("a look")
        );

        // A node that is gone gives its mails back by and by, and they are counted.
        let again = db
            .edit_blocking(|tx| tx.lease_mails(300, 400))
            .expect("a lease");
        assert!(!again.is_empty(), "{engine:?}");
        assert!(again.iter().all(|mail| mail.attempts == 1), "{engine:?}");
    }
}

#[test]
fn what_is_done_is_counted_and_then_forgotten() {
    for engine in engines() {
        let place = TestDatabase::new(engine);
        let db = place.open();
        write(&db, 2, true);
        // One that is never sent counts the same.
        write(&db, 1, false);
        let count = || {
            db.view_blocking(|tx| tx.count_mails_since("ann@example.com", 99))
                .expect("a count")
        };
        assert_eq!(count(), 3, "{engine:?}");
        assert!(
            db.view_blocking(|tx| tx.has_more_mails_than(1))
                .expect("a look")
        );
        assert!(
            !db.view_blocking(|tx| tx.has_more_mails_than(2))
                .expect("a look")
        );
        let ids = take_all(&db);
        assert_eq!(ids.len(), 2, "{engine:?}");
        let done = ids.clone();
        db.edit_blocking(move |tx| {
            for id in &done {
                tx.finish_mail(*id)?;
                // Too late: there is nothing left to be tried.
                tx.retry_mail(*id, 500)?;
            }
            Ok::<_, StoreError>(())
        })
        .expect("mails are finished");
        assert!(
            !db.view_blocking(|tx| tx.has_due_mails(i64::MAX))
                .expect("a look")
        );
        assert_eq!(count(), 3, "{engine:?}");
        db.edit_blocking(|tx| tx.clear_mails(101)).expect("cleared");
        assert_eq!(count(), 0, "{engine:?}");
    }
}

#[test]
fn of_many_who_use_a_code_one_succeeds() {
    for engine in engines() {
        let place = TestDatabase::new(engine);
        let db = place.open();
        db.edit_blocking(|tx| {
            tx.insert_mail_code(&NewMailCode {
                secret_hash: b"hash",
                account: 1,
                purpose: RESET,
                detail: "ann@example.com",
                created: 100,
                expires: 200,
            })
        })
        .expect("a code");
        let used: Vec<bool> = std::thread::scope(|scope| {
            let take = || db.edit_blocking(|tx| tx.take_mail_code(b"hash"));
            let all: Vec<_> = (0..8).map(|_| scope.spawn(take)).collect();
            all.into_iter()
                .map(|one| one.join().expect("a thread").expect("an answer"))
                .collect()
        });
        assert_eq!(used.iter().filter(|used| **used).count(), 1, "{engine:?}");
    }
}
