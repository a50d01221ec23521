//! A check finds nothing where shares fit, and everything about them that does not.

use crate::check::{check, check_damaged};
use crate::on_both_engines;
use crate::world::{self, ACCOUNT, FOLDER, LARGE_FILE, SMALL_FILE, SUBFOLDER};
use pileus_store::accounts::NewAccount;
use pileus_store::check::ProblemKind;
use pileus_store::events::{Event, SHARED};
use pileus_store::folders::NewFolder;
use pileus_store::share_requests::ShareRequest;
use pileus_store::shares::{CREATE, Share};
use pileus_store::testing::TestDatabase;
use pileus_store::{Db, Stored, Tx};

on_both_engines!(
    nothing_is_found_where_shares_fit,
    every_damage_to_shares_is_found,
);

/// Sees the folder of the world, and has it in his root under another name.
const RECIPIENT: i64 = 3;
const RECIPIENT_ROOT: i64 = 4;
const MOUNT: i64 = 30;
const NOW: i64 = 1_000_000;

/// The world, with its folder shared and the subfolder offered.
fn build(db: &Db) {
    world::build(db);
    db.edit_blocking(|tx| {
        recipient(tx)?;
        tx.insert_share(&Share {
            id: 60,
            folder: FOLDER,
            owner: ACCOUNT,
            recipient: RECIPIENT,
            permissions: CREATE,
            name: "folder".to_owned(),
            created: NOW,
            mount: MOUNT,
            request: 59,
            since: 0,
            joined: true,
        })?;
        tx.count_shares(FOLDER, 1)?;
        tx.mark_shared(FOLDER, FOLDER, 0)?;
        let request = ShareRequest {
            id: 61,
            folder: SUBFOLDER,
            owner: ACCOUNT,
            email: "eve@example.com".to_owned(),
            permissions: 0,
            name: "subfolder".to_owned(),
            message: None,
            created: NOW,
            expires: NOW + 1,
        };
        tx.insert_share_request(&request, &[1; 32])?;
        tx.count_shares(SUBFOLDER, 1)?;
        tx.mark_shared(SUBFOLDER, SUBFOLDER, FOLDER)?;
        tell_recipient(tx)
    })
    .expect("the shares are built");
}

fn recipient(tx: &mut Tx<'_>) -> Stored<()> {
    tx.insert_account(&NewAccount {
        id: RECIPIENT,
        email: "bob@example.com",
        email_verified: true,
        password_hash: "hash",
        password_sealed: Some(&[1, 2, 3]),
        language: "en",
        quota: 1 << 40,
        root: RECIPIENT_ROOT,
        created: NOW,
    })?;
    for (id, parent, name, mount) in [
        (RECIPIENT_ROOT, 0, "root of bob", 0),
        (MOUNT, RECIPIENT_ROOT, "mine", FOLDER),
    ] {
        tx.insert_folder(&NewFolder {
            id,
            owner: RECIPIENT,
            parent,
            name,
            created: NOW,
            modified: NOW,
            shared: 0,
            mount,
        })?;
    }
    Ok(())
}

/// Tells the recipient what the owner was told of the shared folder: it, the subfolder, and a file in each. The last event
/// is not in his log: he follows the folder.
fn tell_recipient(tx: &mut Tx<'_>) -> Stored<()> {
    let mut diffid = 0;
    let events = tx.events_after(ACCOUNT, 0, 100)?;
    let of_file = |event: &&Event| event.file == Some(LARGE_FILE);
    let last = events.iter().rfind(of_file).map_or(0, |event| event.diffid);
    tx.follow(RECIPIENT, FOLDER, ACCOUNT, last - 1)?;
    tx.note_shared_event(ACCOUNT, FOLDER, last)?;
    for mut event in events.into_iter().filter(|event| event.diffid != last) {
        let is_shared = [FOLDER, SUBFOLDER].map(Some).contains(&event.folder)
            || [SMALL_FILE, LARGE_FILE].map(Some).contains(&event.file);
        if !is_shared {
            continue;
        }
        diffid += 1;
        (event.account, event.diffid) = (RECIPIENT, diffid);
        if event.folder == Some(FOLDER) {
            (event.parent, event.name) = (Some(RECIPIENT_ROOT), Some("mine".to_owned()));
        }
        tx.insert_event(&event)?;
    }
    for news in tx.news_of_followed(RECIPIENT)? {
        diffid += 1;
        tx.place_news(RECIPIENT, diffid, &news, SHARED)?;
    }
    tx.set_account_counters(RECIPIENT, 0, diffid)
}

fn nothing_is_found_where_shares_fit(place: &TestDatabase) {
    let db = place.open();
    build(&db);
    let found = check(&db);
    assert_eq!(found.problems, []);
    assert_eq!((found.counts.accounts, found.counts.events), (2, 12));
}

fn every_damage_to_shares_is_found(place: &TestDatabase) {
    use ProblemKind::{Feed, Share};
    let db = place.open();
    build(&db);
    for (sql, kind, told) in [
        (
            "UPDATE share SET owner = 3",
            Share,
            "share 60: its folder is gone, or is somebody else's",
        ),
        (
            "UPDATE share SET recipient = 1",
            Share,
            "share 60: no row stands for it in the tree of its recipient",
        ),
        (
            "UPDATE folder SET mount = 11 WHERE id = 30",
            Share,
            "share 60: no row stands for it in the tree of its recipient",
        ),
        (
            "UPDATE folder SET mount = 11 WHERE id = 30",
            Share,
            "folder 30: it stands for 0 shares",
        ),
        (
            "DELETE FROM share",
            Share,
            "folder 30: it stands for 0 shares",
        ),
        (
            "DELETE FROM share",
            Share,
            "folder 10: it counts 1 shares and offers, but has 0",
        ),
        (
            "DELETE FROM share_request",
            Share,
            "folder 11: it counts 1 shares and offers, but has 0",
        ),
        (
            "UPDATE folder SET shares = 2 WHERE id = 10",
            Share,
            "folder 10: it counts 2 shares and offers, but has 1",
        ),
        (
            "UPDATE folder SET shared = 0 WHERE id = 10",
            Share,
            "folder 10: it says that it is shared by folder 0, but is by 10",
        ),
        (
            "UPDATE folder SET shared = 10 WHERE id = 11",
            Share,
            "folder 11: it says that it is shared by folder 10, but is by 11",
        ),
        (
            "DELETE FROM event WHERE account = 3 AND file = 20",
            Feed,
            "account 3: the tree has file 20, the feed has not",
        ),
        (
            "UPDATE event SET name = 'folder' WHERE account = 3 AND folder = 10",
            Feed,
            "account 3: the feed has another folder 10",
        ),
        (
            "UPDATE stretch SET diffid = diffid - 1",
            Feed,
            "account 3: two events have the place",
        ),
        (
            "DELETE FROM shared_event",
            Feed,
            "account 3: the tree has file 21, the feed has not",
        ),
        (
            "DELETE FROM follow",
            Share,
            "share 60: its recipient does not follow what happens in the folder",
        ),
        (
            "UPDATE share SET joined = 0",
            Feed,
            "account 3: the feed has folder 10, the tree has not",
        ),
    ] {
        let found = check_damaged(&db, sql);
        let mut problems = found.problems.iter();
        let is_told = problems.any(|problem| problem.kind == kind && problem.text.contains(told));
        assert!(is_told, "{sql}: {:#?}", found.problems);
    }
    assert_eq!(check(&db).problems, [], "the damage was not undone");
}
