//! `pileus backup`, `restore` and `convert-db`.

use crate::site::{Site, USER, blobs, done, noise, pileus, url};
use pileus_store::testing::{TestDatabase, engines};
use pileus_store::{Db, Engine, SqliteOptions};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::atomic::{AtomicBool, Ordering};

/// A place with small and large files, a revision and a trash.
fn filled(site: Site) -> Site {
    site.add_user();
    let server = site.serve();
    let tree = site.beside("tree");
    fs::create_dir_all(tree.join("deep")).unwrap();
    for (number, size) in [0, 10, 1000, 40_000, 500_000].into_iter().enumerate() {
        fs::write(
            tree.join(format!("deep/{size}")),
            noise(number as u64, size),
        )
        .unwrap();
    }
    fs::write(tree.join("file"), noise(20, 60_000)).unwrap();
    server.put(&tree, "/");
    fs::write(tree.join("file"), noise(21, 70_000)).unwrap();
    server.put(&tree, "/");
    server.remove("/tree/deep/40000");
    drop(server);
    site
}

/// Restores a backup to a new place.
fn restored(backup: &Path) -> Site {
    let site = Site::new();
    site.done(&["restore", backup.to_str().unwrap()]);
    site
}

#[test]
fn a_backup_brings_everything_back() {
    let site = filled(Site::new());
    let token = site.done(&["token", "create", USER]);
    let backup = site.beside("backups/of today");
    let told = site.json(&["backup", backup.to_str().unwrap()]);
    assert_eq!(told["blobs"], 4);
    assert_eq!(told["blobscopied"], 4);
    for file in ["pileus.db", "secret.key", "manifest.json"] {
        let mode = fs::metadata(backup.join(file))
            .unwrap()
            .permissions()
            .mode();
        assert_eq!(mode & 0o077, 0, "others can read {file}");
    }
    assert!(!backup.join("pileus.db-wal").exists());

    let copy = restored(&backup);
    let (before, after) = (
        site.json(&["check", "--hash"]),
        copy.json(&["check", "--hash"]),
    );
    assert_eq!(after, before);
    let (server, other) = (site.serve(), copy.serve());
    assert_eq!(other.listing(), server.listing());
    // What opens accounts is there as well: the token, and what only the key file opens.
    let login = ["--token", token.trim_end()];
    done(other.client_as(&login, "ls", &[]));
    // New rows do not get the ids of old ones.
    other.put(&site.file("new", b"new"), "/new");
    drop(other);
    copy.done(&["check", "--hash"]);
}

#[test]
fn a_backup_is_itself_a_data_folder() {
    let site = filled(Site::new());
    let backup = site.beside("backup");
    let backup = backup.to_str().unwrap();
    site.done(&["backup", backup]);
    let mut check = pileus();
    check.args(["check", "--hash", "--data", backup]);
    done(check);
    // Having been looked at does not spoil it.
    restored(Path::new(backup));
    site.done(&["backup", backup]);
}

#[test]
fn a_second_backup_copies_only_what_is_new() {
    let site = filled(Site::new());
    let backup = site.beside("backup");
    let backup = backup.to_str().unwrap();
    site.done(&["backup", backup]);
    let server = site.serve();
    server.put(&site.file("one more", &noise(30, 80_000)), "/");
    server.put(&site.file("small one", &noise(31, 80)), "/");
    let told = site.json(&["backup", backup]);
    assert_eq!(
        (&told["blobscopied"], &told["bytescopied"]),
        (&1.into(), &80_000.into())
    );
    assert_eq!(
        (&told["blobs"], &told["blobsremoved"]),
        (&5.into(), &0.into())
    );
    assert_eq!(blobs(Path::new(backup)).len(), 5);
    // What is gone for ever goes from the backup too.
    site.done(&["user", "remove", USER]);
    let told = site.json(&["backup", backup]);
    assert_eq!(
        (&told["blobs"], &told["blobsremoved"]),
        (&0.into(), &5.into())
    );
    assert_eq!(told["rows"]["blob"], 0);
    assert!(blobs(Path::new(backup)).is_empty());
    restored(Path::new(backup));
}

#[test]
fn a_backup_under_load_is_of_one_moment() {
    let site = filled(Site::new());
    let server = site.serve();
    let goes_on = AtomicBool::new(true);
    std::thread::scope(|scope| {
        for thread in 0..2u64 {
            let (server, goes_on, site) = (&server, &goes_on, &site);
            scope.spawn(move || {
                let mut number = 0;
                while goes_on.load(Ordering::Relaxed) {
                    number += 1;
                    let size = if number % 2 == 0 { 90_000 } else { 900 };
                    let content = noise(1000 * (thread + 1) + number, size);
                    let file = site.file(&format!("load {thread}"), &content);
                    server.put(&file, &format!("/load {thread}"));
                    if number % 3 == 0 {
                        server.remove(&format!("/load {thread}"));
                    }
                }
            });
        }
        for round in 0..3 {
            let backup = site.beside(&format!("backup {}", round % 2));
            site.done(&["backup", backup.to_str().unwrap()]);
            let copy = restored(&backup);
            copy.done(&["check", "--hash"]);
            copy.serve().listing();
        }
        goes_on.store(false, Ordering::Relaxed);
    });
}

#[test]
fn damage_is_told_and_the_rest_is_kept() {
    let site = filled(Site::new());
    let backup = site.beside("backup");
    let damaged = &blobs(site.data())[1];
    let mut content = fs::read(damaged).unwrap();
    content[100] ^= 1;
    fs::write(damaged, content).unwrap();
    let output = site.run(&["backup", backup.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert!(told.contains("are not those that were stored"), "{told}");
    assert_eq!(blobs(&backup).len(), 3);

    let lost = &blobs(&backup)[0];
    fs::remove_file(lost).unwrap();
    let copy = Site::new();
    let output = copy.run(&["restore", backup.to_str().unwrap()]);
    assert_eq!(output.status.code(), Some(1));
    let told = String::from_utf8(output.stdout).unwrap();
    assert_eq!(told.matches("no blob ").count(), 2, "{told}");
    assert_eq!(blobs(copy.data()).len(), 2);
    copy.serve().listing();
}

#[test]
fn nothing_is_overwritten() {
    let site = filled(Site::new());
    let backup = site.beside("backup");
    let to = backup.to_str().unwrap();
    site.done(&["backup", to]);
    let told = site.refused(&["restore", to]);
    assert!(
        told.contains("only an empty data folder can be filled"),
        "{told}"
    );
    let told = site.refused(&["backup", site.data().to_str().unwrap()]);
    assert!(told.contains("this is the data folder itself"), "{told}");
    let told = site.refused(&["backup", site.beside("tree").to_str().unwrap()]);
    assert!(told.contains("there is something else in it"), "{told}");
    let empty = site.beside("empty");
    fs::create_dir(&empty).unwrap();
    let told = Site::new().refused(&["restore", empty.to_str().unwrap()]);
    assert!(told.contains("is no finished backup"), "{told}");
    let lock = fs::File::open(&backup).unwrap();
    lock.try_lock().unwrap();
    let told = site.refused(&["backup", to]);
    assert!(told.contains("another backup is at work in it"), "{told}");
    drop(lock);
    fs::write(
        backup.join("manifest.json"),
        r#"{"format":9,"program":"9","made":0,"rows":{},"blobs":0}"#,
    )
    .unwrap();
    let told = Site::new().refused(&["restore", to]);
    assert!(told.contains("format 9"), "{told}");
}

#[test]
fn an_interrupted_backup_leaves_the_old_one_whole_and_can_be_repeated() {
    let site = filled(Site::new());
    let backup = site.beside("backup");
    let to = backup.to_str().unwrap();
    site.done(&["backup", to]);
    // What a kill in the middle leaves behind.
    fs::write(backup.join("unfinished.db"), b"half").unwrap();
    fs::write(backup.join("unfinished.db-wal"), b"half").unwrap();
    fs::write(
        backup.join("staging/00000000000000000000000000000000"),
        b"half",
    )
    .unwrap();
    restored(&backup).done(&["check", "--hash"]);
    site.done(&["backup", to]);
    assert!(!backup.join("unfinished.db").exists());
    restored(&backup).done(&["check", "--hash"]);
}

#[test]
fn a_backup_of_another_content_is_noticed() {
    let site = filled(Site::new());
    let backup = site.beside("backup");
    site.done(&["backup", backup.to_str().unwrap()]);
    let db = Db::open_sqlite(&backup.join("pileus.db"), &SqliteOptions::default()).unwrap();
    db.edit_blocking(|tx| tx.exec("DELETE FROM event WHERE diffid = 3", &[]))
        .unwrap();
    drop(db);
    let told = Site::new().refused(&["restore", backup.to_str().unwrap()]);
    assert!(
        told.contains("the backup is damaged: table event"),
        "{told}"
    );
}

#[test]
fn data_moves_from_engine_to_engine() {
    if !engines().contains(&Engine::Postgres) {
        return;
    }
    let site = filled(Site::new());
    let before = site.json(&["check", "--hash"]);
    let listing = site.serve().listing();

    // The database alone, with the data folder as it is.
    let database = TestDatabase::new(Engine::Postgres);
    let target = url(&database);
    let told = site.done(&["convert-db", "--to", &target]);
    assert!(told.contains("file "), "{told}");
    let told = site.refused(&["convert-db", "--to", &target]);
    assert!(told.contains("the target is not empty"), "{told}");
    let set = format!("database={target}");
    let after = site.json(&["check", "--hash", "--set", &set]);
    assert_eq!(after, before);
    {
        let moved = Site::at(site.data(), &["--set", &set]);
        let server = moved.serve();
        assert_eq!(server.listing(), listing);
        server.put(&site.file("later", &noise(40, 100_000)), "/later");
        moved.done(&["check", "--hash"]);

        // A backup of a server on PostgreSQL is the same as any other.
        let backup = site.beside("backup");
        moved.done(&["backup", backup.to_str().unwrap()]);
        let copy = restored(&backup);
        assert_eq!(
            copy.json(&["check", "--hash"]),
            moved.json(&["check", "--hash"])
        );
        assert_eq!(copy.serve().listing(), server.listing());

        // And it can be restored to PostgreSQL.
        let copy = Site::on(Engine::Postgres);
        copy.done(&["restore", backup.to_str().unwrap()]);
        assert_eq!(
            copy.json(&["check", "--hash"]),
            moved.json(&["check", "--hash"])
        );
    }
    let told = site.refused(&["convert-db", "--to", "mysql://host"]);
    assert!(
        told.contains("postgres://… or sqlite:PATH is expected"),
        "{told}"
    );
}
