//! `pileus check` looks at files that are being written, and at upload sessions.

use crate::check::{assert_told, damage, problems};
use crate::site::Site;
use std::fs::{self, File};
use std::time::{Duration, SystemTime};

/// A place with one file, whose server has run.
fn site() -> Site {
    let site = Site::with_user();
    let server = site.serve();
    server.put(&site.file("a", b"bytes"), "/");
    site
}

/// Adds a working copy to the database: of the file there is, of a session, or of nothing.
fn add_copy(site: &Site, id: u64, owner: &str, size: u64, changed: &str) {
    let node = fs::read_to_string(site.data().join("working/name")).unwrap();
    let statement = format!(
        "INSERT INTO working_copy (id, account, {owner}, node, lease_until, size, changed) \
         SELECT {id}, account.id, {}, '{node}', 0, {size}, {changed} FROM account",
        match owner {
            "file" => "(SELECT id FROM file)",
            "upload" => "(SELECT max(id) FROM upload)",
            _ => "NULL",
        }
    );
    damage(site, statement.leak());
}

/// Seconds since 1970, as SQL.
const NOW: &str = "unixepoch()";
const LONG_AGO: &str = "unixepoch() - 7200";

#[test]
fn working_files_without_a_row_are_found_once_they_are_old() {
    let site = site();
    let orphan = site.data().join("working/77");
    fs::write(&orphan, b"nobody knows me").unwrap();
    assert_eq!(problems(&site, &[]), [""; 0]);
    assert_eq!(site.json(&["check"])["youngworking"], 1);
    let old = SystemTime::now() - Duration::from_secs(7200);
    let file = File::options().append(true).open(&orphan).unwrap();
    file.set_modified(old).unwrap();
    let found = problems(&site, &[]);
    assert_told(&found, "leftover", "working file 77: no row knows it");
    assert_eq!(found.len(), 1, "{found:?}");
    // The next start removes it.
    site.serve().listing();
    assert_eq!(problems(&site, &[]), [""; 0]);
    assert!(!orphan.exists());
}

#[test]
fn working_copies_that_nobody_wants_are_found_once_they_are_old() {
    let site = site();
    add_copy(&site, 1001, "base_blob", 0, NOW);
    let found = site.json(&["check"]);
    assert_eq!(
        (&found["youngworking"], &found["openfiles"]),
        (&1.into(), &0.into())
    );
    damage(&site, "UPDATE working_copy SET changed = changed - 7200");
    let found = problems(&site, &[]);
    assert_told(&found, "working", "working copy 1001: nobody wants it");
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn files_that_cannot_be_committed_are_found() {
    let site = site();
    add_copy(&site, 1001, "file", 5, NOW);
    assert_eq!(problems(&site, &[]), [""; 0]);
    assert_eq!(site.json(&["check"])["openfiles"], 1);
    damage(&site, "UPDATE working_copy SET changed = changed - 7200");
    assert_told(&problems(&site, &[]), "working", "could not be committed");
}

#[test]
fn sessions_whose_bytes_are_missing_are_found() {
    let site = site();
    damage(
        &site,
        "INSERT INTO upload (id, account, created, modified) SELECT 1001, id, 0, 0 FROM account",
    );
    let found = problems(&site, &[]);
    assert_told(&found, "working", "upload session 1001: nothing says where");
    // However old, a session waits for its client.
    add_copy(&site, 1001, "upload", 10, LONG_AGO);
    let found = problems(&site, &[]);
    assert_told(
        &found,
        "bytes",
        "upload session 1001: 0 of 10 bytes are there",
    );
    assert_eq!(found.len(), 1, "{found:?}");
    fs::write(site.data().join("working/1001"), b"0123456789ab").unwrap();
    assert_eq!(problems(&site, &[]), [""; 0]);
    let found = site.json(&["check"]);
    assert_eq!(
        (&found["uploads"], &found["youngworking"]),
        (&1.into(), &0.into())
    );

    // A backup has no working files, and so no sessions.
    let backup = site.beside("backup");
    site.done(&["backup", backup.to_str().unwrap()]);
    let copy = Site::at(&backup, &[]);
    assert_eq!(problems(&copy, &[]), [""; 0]);
    assert_eq!(copy.json(&["check"])["uploads"], 0);
}
