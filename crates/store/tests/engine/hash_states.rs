//! Hash states live as long as what holds them.

use crate::on_both_engines;
use pileus_store::contents::{NewContent, Place};
use pileus_store::testing::TestDatabase;
use pileus_store::{ContentHash, Db, Stored, Tx};

on_both_engines! {
    states_of_a_content_go_with_it,
    states_of_a_session_go_with_it,
    states_of_sessions_go_with_their_account,
}

const SESSION: i64 = 70;

fn states(sizes: &[i64]) -> Vec<(i64, Vec<u8>)> {
    sizes.iter().map(|&at| (at, vec![1, 2])).collect()
}

fn content() -> NewContent {
    NewContent {
        size: 100,
        hash: ContentHash(100),
        sha1: [1; 20],
        sha256: [1; 32],
        md5: [1; 16],
        crc32: 1,
        place: Place::Key(vec![2; 16]),
        states: states(&[32, 64, 96]),
    }
}

fn edit<T: Send + 'static>(db: &Db, edit: impl Fn(&mut Tx<'_>) -> Stored<T> + Send + 'static) -> T {
    db.edit_blocking(edit).expect("the edit works")
}

fn sizes(tx: &mut Tx<'_>, holder: i64) -> Stored<Vec<i64>> {
    let states = tx.hash_states(holder, 0..=i64::MAX)?;
    Ok(states.into_iter().map(|(at, _)| at).collect())
}

/// A session with states of its own, of an account that need not exist.
fn session(tx: &mut Tx<'_>) -> Stored<()> {
    tx.insert_upload(SESSION, 1, None, None, "node", 0)?;
    tx.keep_hash_states(SESSION, &states(&[32, 64]))
}

fn states_of_a_content_go_with_it(place: &TestDatabase) {
    let db = place.open();
    edit(&db, |tx| {
        let kept = tx.keep_content(&content())?;
        assert_eq!(tx.hash_states(kept.id, 64..=96)?, states(&[64, 96]));
        // Equal bytes are kept once, and so are their states.
        assert!(tx.keep_content(&content())?.duplicate);
        assert_eq!(sizes(tx, kept.id)?, [32, 64, 96]);
        tx.release_content(kept.id, 0)?;
        assert!(!tx.remove_content(kept.id, 0)?, "it is still held");
        assert_eq!(sizes(tx, kept.id)?, [32, 64, 96]);
        tx.release_content(kept.id, 0)?;
        assert!(tx.remove_content(kept.id, 0)?);
        assert!(sizes(tx, kept.id)?.is_empty());
        Ok(())
    });
}

fn states_of_a_session_go_with_it(place: &TestDatabase) {
    let db = place.open();
    edit(&db, |tx| {
        session(tx)?;
        tx.keep_hash_states(SESSION + 1, &states(&[32]))?;
        assert!(tx.remove_upload(SESSION)?);
        assert!(sizes(tx, SESSION)?.is_empty());
        assert_eq!(sizes(tx, SESSION + 1)?, [32]);
        Ok(())
    });
}

fn states_of_sessions_go_with_their_account(place: &TestDatabase) {
    let db = place.open();
    crate::world::build(&db);
    edit(&db, session);
    while !edit(&db, |tx| tx.remove_account_piece(crate::world::ACCOUNT, 0)) {}
    edit(&db, |tx| {
        assert!(tx.upload(SESSION)?.is_none());
        assert!(sizes(tx, SESSION)?.is_empty());
        Ok(())
    });
}
