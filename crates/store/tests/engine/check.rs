//! A check finds nothing where everything fits, and everything that does not.

use crate::on_both_engines;
use crate::world;
use pileus_store::check::{Findings, ProblemKind};
use pileus_store::testing::TestDatabase;
use pileus_store::{Db, StoreError};

on_both_engines!(
    nothing_is_found_where_everything_fits,
    every_damage_is_found,
    a_loop_of_folders_is_found,
    damaged_roots_do_not_stop_the_check,
);

pub fn check(db: &Db) -> Findings {
    db.view_blocking(|tx| tx.check()).expect("the check runs")
}

fn damage(db: &Db, sql: &'static str) {
    let changed = db.edit_blocking(move |tx| tx.exec(sql, &[]));
    assert!(
        changed.expect("it can be damaged") > 0,
        "{sql} changed nothing"
    );
}

fn nothing_is_found_where_everything_fits(place: &TestDatabase) {
    let db = place.open();
    assert_eq!(check(&db), Findings::default());
    world::build(&db);
    let found = check(&db);
    assert_eq!(found.problems, []);
    let counts = found.counts;
    assert_eq!((counts.accounts, counts.folders, counts.files), (1, 4, 3));
    assert_eq!(
        (counts.revisions, counts.contents, counts.events),
        (1, 3, 8)
    );
    assert_eq!(counts.content_bytes, 70_012);
}

fn every_damage_is_found(place: &TestDatabase) {
    use ProblemKind::{Account, Bytes, Content, Feed, Leftover, Names, Tree};
    let db = place.open();
    world::build(&db);
    for (sql, kind, told) in [
        (
            "UPDATE account SET used = 1",
            Account,
            "counts 1 bytes as used",
        ),
        (
            "UPDATE account SET publinks = 2",
            Account,
            "counts 2 public links, but has 0",
        ),
        (
            "UPDATE account SET uploadlinks = -1",
            Account,
            "counts -1 upload links, but has 0",
        ),
        (
            "UPDATE account SET root = 99",
            Account,
            "its root folder 99 is missing",
        ),
        (
            "UPDATE account SET diffid = 99",
            Feed,
            "counts 99 as its newest event, which is 8",
        ),
        (
            "UPDATE folder SET deleted = 40 WHERE id = 2",
            Account,
            "its root folder is deleted",
        ),
        (
            "UPDATE folder SET owner = 9 WHERE id = 11",
            Tree,
            "its owner 9 does not exist",
        ),
        (
            "UPDATE folder SET parent = 99 WHERE id = 11",
            Tree,
            "its folder 99 does not exist",
        ),
        (
            "UPDATE folder SET parent = 99 WHERE id = 11",
            Tree,
            "1 folders cannot be reached",
        ),
        (
            "UPDATE file SET folder = 99 WHERE id = 20",
            Tree,
            "its folder 99 does not exist",
        ),
        (
            "UPDATE file SET owner = 9 WHERE id = 20",
            Tree,
            "which belongs to account 1",
        ),
        (
            "UPDATE file SET deleted = 0 WHERE id = 22",
            Tree,
            "its folder 12 is deleted",
        ),
        (
            "UPDATE file SET deleted = 41 WHERE id = 22",
            Tree,
            "trash has no entry 41",
        ),
        ("DELETE FROM trash", Tree, "folder 12: it is deleted, but"),
        (
            "UPDATE blob SET refs = refs + 1 WHERE size = 7",
            Content,
            "counts 3 holders, but has 2",
        ),
        (
            "UPDATE blob SET refs = 0 WHERE size = 5",
            Content,
            "counts 0 holders, but has 1",
        ),
        (
            "UPDATE file SET blob = 99 WHERE id = 20",
            Content,
            "file 20: its content 99 does not exist",
        ),
        (
            "UPDATE revision SET blob = 99",
            Content,
            "revision 50: its content 99 does not exist",
        ),
        (
            "UPDATE revision SET file = 99",
            Content,
            "revision 50: its file 99 does not exist",
        ),
        (
            "UPDATE file SET size = 8 WHERE id = 20",
            Content,
            "file 20: size or hash are not those",
        ),
        (
            "UPDATE revision SET hash = 8",
            Content,
            "revision 50: size or hash are not those",
        ),
        (
            "DELETE FROM blob WHERE size = 70000",
            Content,
            "file 21: its content",
        ),
        (
            "DELETE FROM inline_blob",
            Bytes,
            "its bytes are missing from the database",
        ),
        (
            "UPDATE blob SET size = 6 WHERE size = 7",
            Bytes,
            "has 7 bytes instead of 6",
        ),
        (
            "DELETE FROM blob WHERE size = 5",
            Leftover,
            "there are bytes in the database",
        ),
        (
            "DELETE FROM name_new WHERE object = 41",
            Names,
            "file 20 of account 1 is missing in the index",
        ),
        (
            "DELETE FROM name_new WHERE object = 22",
            Names,
            "folder 11 of account 1 is missing in the index",
        ),
        (
            "DELETE FROM event WHERE diffid = 4",
            Feed,
            "the tree has file 20, the feed has not",
        ),
        (
            "DELETE FROM event WHERE diffid = 2",
            Feed,
            "the tree has folder 11, the feed has not",
        ),
        (
            "DELETE FROM event WHERE diffid = 8",
            Feed,
            "the feed has folder 12, the tree has not",
        ),
        (
            "DELETE FROM event WHERE diffid = 7",
            Feed,
            "the feed has file 22, the tree has not",
        ),
        (
            "UPDATE event SET name = 'other' WHERE diffid = 2",
            Feed,
            "the feed has another folder 11",
        ),
        (
            "UPDATE event SET parent = 2 WHERE diffid = 2",
            Feed,
            "the feed has another folder 11",
        ),
        (
            "UPDATE event SET modified = 1 WHERE diffid = 4",
            Feed,
            "the feed has another file 20",
        ),
        (
            "UPDATE event SET created = 1 WHERE diffid = 4",
            Feed,
            "the feed has another file 20",
        ),
        (
            "UPDATE event SET size = 8 WHERE diffid = 4",
            Feed,
            "the feed has another file 20",
        ),
        (
            "UPDATE event SET hash = 8 WHERE diffid = 4",
            Feed,
            "the feed has another file 20",
        ),
        (
            "UPDATE event SET blob = 8 WHERE diffid = 4",
            Feed,
            "the feed has another file 20",
        ),
        (
            "UPDATE event SET revisionid = 8 WHERE diffid = 4",
            Feed,
            "the feed has another file 20",
        ),
        (
            "DELETE FROM file WHERE id = 21",
            Feed,
            "the feed has file 21, the tree has not",
        ),
    ] {
        let found = check_damaged(&db, sql);
        let is_told = found
            .problems
            .iter()
            .any(|problem| problem.kind == kind && problem.text.contains(told));
        assert!(is_told, "{sql}: {:#?}", found.problems);
    }
    assert_eq!(check(&db).problems, [], "the damage was not undone");
}

/// Checks a database with a damage that is undone afterwards.
pub fn check_damaged(db: &Db, sql: &'static str) -> Findings {
    let (sender, receiver) = std::sync::mpsc::channel();
    let undone: Result<(), StoreError> = db.edit_blocking(move |tx| {
        assert!(tx.exec(sql, &[])? > 0, "{sql} changed nothing");
        // Whoever waits is still there.
        let _ = sender.send(tx.check()?);
        Err(StoreError::Missing)
    });
    assert_eq!(undone, Err(StoreError::Missing), "{sql}");
    receiver.recv().expect("the check runs")
}

fn a_loop_of_folders_is_found(place: &TestDatabase) {
    let db = place.open();
    world::build(&db);
    damage(&db, "UPDATE folder SET parent = 11 WHERE id = 10");
    let found = check(&db);
    let is_told = |told: &str| {
        found
            .problems
            .iter()
            .any(|problem| problem.text.contains(told))
    };
    assert!(
        is_told("2 folders cannot be reached from its root"),
        "{:#?}",
        found.problems
    );
}

fn damaged_roots_do_not_stop_the_check(place: &TestDatabase) {
    let db = place.open();
    world::build(&db);
    damage(&db, "UPDATE folder SET parent = 11 WHERE id = 2");
    damage(&db, "UPDATE account SET used = 1");
    let found = check(&db);
    let is_told = |told: &str| {
        found
            .problems
            .iter()
            .any(|problem| problem.text.contains(told))
    };
    assert!(
        is_told("its root folder 2 is missing"),
        "{:#?}",
        found.problems
    );
    assert!(is_told("counts 1 bytes as used"), "{:#?}", found.problems);
}
