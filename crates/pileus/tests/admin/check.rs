//! `pileus check` on data that was damaged in every way.

use crate::site::{PASSWORD, Server, Site, USER, blobs, noise};
use bytes::Bytes;
use pileus_client::{Body, Connection, Options};
use pileus_store::testing::engines;
use pileus_wire::{Params, Tree};
use serde_json::Value;
use std::fs::{self, File};
use std::path::Path;
use std::time::{Duration, SystemTime};

/// A place with files of all sizes, revisions, a trash and a moved folder; nothing of it is wrong.
fn whole() -> Site {
    let site = Site::with_user();
    let server = site.serve();
    let tree = site.beside("tree");
    fs::create_dir_all(tree.join("deep/er")).unwrap();
    for (number, size) in [0, 1, 1000, 32_768, 32_769, 400_000]
        .into_iter()
        .enumerate()
    {
        let content = noise(number as u64 + 1, size);
        fs::write(tree.join(format!("deep/er/{size}")), &content).unwrap();
        fs::write(tree.join(format!("{size}")), &content).unwrap();
    }
    server.put(&tree, "/");
    fs::write(tree.join("1000"), noise(10, 50_000)).unwrap();
    fs::write(tree.join("400000"), noise(11, 2000)).unwrap();
    server.put(&tree, "/");
    server.remove("/tree/deep/er/1000");
    server.remove("/tree/deep");
    server.put(&tree.join("deep"), "/");
    site
}

/// The problems that a check finds, as text; its exit code tells whether there are any.
pub fn problems(site: &Site, flags: &[&str]) -> Vec<String> {
    let output = site.run(&[&["check", "--json"], flags].concat());
    let found: Value = serde_json::from_slice(&output.stdout)
        .unwrap_or_else(|error| panic!("{error}: {output:?}"));
    let problems = found["problems"].as_array().unwrap();
    assert_eq!(
        output.status.code(),
        Some(i32::from(!problems.is_empty())),
        "{found}"
    );
    assert_eq!(found["problemcount"], problems.len());
    problems
        .iter()
        .map(|problem| {
            format!(
                "{}: {}",
                problem["kind"].as_str().unwrap(),
                problem["text"].as_str().unwrap()
            )
        })
        .collect()
}

pub fn assert_told(problems: &[String], kind: &str, text: &str) {
    let is_told = |problem: &String| problem.starts_with(kind) && problem.contains(text);
    assert!(
        problems.iter().any(is_told),
        "{text:?} is not told: {problems:#?}"
    );
}

fn name(path: &Path) -> &str {
    path.file_name().unwrap().to_str().unwrap()
}

#[test]
fn nothing_is_found_in_whole_data() {
    let site = whole();
    assert_eq!(problems(&site, &[]), [""; 0]);
    assert_eq!(problems(&site, &["--hash"]), [""; 0]);
    let server = site.serve();
    assert_eq!(
        problems(&site, &["--hash"]),
        [""; 0],
        "beside a running server"
    );
    server.listing();
    let told = site.done(&["check", "--hash"]);
    assert!(told.ends_with("everything is as it should be\n"), "{told}");
}

#[test]
fn every_missing_shortened_or_changed_blob_is_found() {
    let site = whole();
    let blobs = blobs(site.data());
    assert!(blobs.len() >= 3, "{blobs:?}");
    for blob in &blobs {
        let content = fs::read(blob).unwrap();
        let name = name(blob);

        fs::remove_file(blob).unwrap();
        let found = problems(&site, &[]);
        assert_told(&found, "bytes", &format!("blob {name} is missing"));
        assert_eq!(found.len(), 1, "{found:?}");
        assert_eq!(problems(&site, &["--hash"]), found);

        fs::write(blob, &content[..content.len() - 1]).unwrap();
        let found = problems(&site, &[]);
        assert_told(
            &found,
            "bytes",
            &format!("blob {name} has {} bytes", content.len() - 1),
        );
        assert_eq!(problems(&site, &["--hash"]), found);

        for place in [0, content.len() / 2, content.len() - 1] {
            let mut flipped = content.clone();
            flipped[place] ^= 1;
            fs::write(blob, flipped).unwrap();
            // Its length is right, so only reading tells.
            assert_eq!(problems(&site, &[]), [""; 0]);
            let found = problems(&site, &["--hash"]);
            assert_told(&found, "bytes", "its bytes are not those that were stored");
            assert_eq!(found.len(), 1, "{found:?}");
        }
        fs::write(blob, content).unwrap();
    }
    assert_eq!(problems(&site, &["--hash"]), [""; 0]);
}

#[test]
fn changed_bytes_in_the_database_are_found() {
    let site = whole();
    damage(
        &site,
        "UPDATE inline_blob SET bytes = zeroblob(1000) WHERE length(bytes) = 1000",
    );
    assert_eq!(problems(&site, &[]), [""; 0]);
    let found = problems(&site, &["--hash"]);
    assert_told(&found, "bytes", "its bytes are not those that were stored");
    assert_eq!(found.len(), 1, "{found:?}");
}

#[test]
fn every_checksum_counts() {
    for column in ["sha1", "sha256", "md5"] {
        let site = whole();
        let statement =
            format!("UPDATE blob SET {column} = zeroblob(length({column})) WHERE size = 32769");
        damage(&site, statement.leak());
        assert_eq!(problems(&site, &[]), [""; 0]);
        assert_eq!(problems(&site, &["--hash"]).len(), 1, "{column}");
    }
    let site = whole();
    damage(&site, "UPDATE blob SET crc32 = crc32 + 1 WHERE size = 1000");
    assert_eq!(problems(&site, &["--hash"]).len(), 1);
}

/// Gives every content of a size another `hash`, wherever there is one, so that no row contradicts another.
fn change_hash(site: &Site, size: usize) {
    for table in ["blob", "file", "event"] {
        let statement = format!("UPDATE {table} SET hash = hash + 1 WHERE size = {size}");
        damage(site, statement.leak());
    }
}

#[test]
fn a_hash_that_is_not_that_of_the_bytes_is_found_unless_it_was_drawn() {
    const UPLOADED: usize = 100_000;
    const WRITTEN: usize = 3_000_000;
    for engine in engines() {
        let site = Site::on(engine);
        site.add_user();
        let server = site.serve();
        server.put(&site.file("uploaded", &noise(1, UPLOADED)), "/");
        write_through_descriptor(&server, &noise(2, WRITTEN));
        assert_eq!(problems(&site, &["--hash"]), [""; 0]);
        drop(server);

        change_hash(&site, WRITTEN);
        assert_eq!(problems(&site, &["--hash"]), [""; 0], "it was drawn");
        change_hash(&site, UPLOADED);
        assert_eq!(problems(&site, &[]), [""; 0]);
        let found = problems(&site, &["--hash"]);
        assert_told(&found, "bytes", "its hash is not that of its bytes");
        assert_eq!(found.len(), 1, "{found:?}");
        // Its bytes are compared with its checksums all the same.
        let statement = format!("UPDATE blob SET crc32 = crc32 + 1 WHERE size = {WRITTEN}");
        damage(&site, statement.leak());
        assert_eq!(problems(&site, &["--hash"]).len(), 2);
    }
}

/// Makes a file as programs do that write in it, and waits for its checksums.
#[tokio::main(flavor = "current_thread")]
async fn write_through_descriptor(server: &Server, content: &[u8]) {
    let mut connection = Connection::open(server.url(), Options::default())
        .await
        .unwrap();
    let mut call = async |name: &str, pairs: &[(&'static str, &str)], data: &[u8]| {
        let mut params = Params::new();
        for (name, value) in pairs {
            params.set(*name, *value).unwrap();
        }
        let data = Body::from(Bytes::copy_from_slice(data));
        let answer = connection.call_raw_with_data(name, &params, data).await;
        let answer = answer.unwrap();
        let result = answer.get("result").and_then(Tree::as_u64);
        assert_eq!(result, Some(0), "{name}: {answer:?}");
        answer
    };
    let login = [("username", USER), ("password", PASSWORD)];
    call("userinfo", &login, b"").await;
    let open = [("path", "/written"), ("flags", "0x42")];
    let opened = call("file_open", &open, b"").await;
    let fd = opened.get("fd").and_then(Tree::as_u64).unwrap().to_string();
    call("file_write", &[("fd", &fd)], content).await;
    call("file_close", &[("fd", &fd)], b"").await;
    call("checksumfile", &open[..1], b"").await;
}

#[test]
fn contradictions_in_the_database_are_found() {
    let site = whole();
    damage(&site, "UPDATE account SET used = used + 1");
    damage(&site, "UPDATE blob SET refs = refs + 1 WHERE size = 32769");
    damage(&site, "DELETE FROM event WHERE kind = 4 AND size = 32769");
    let found = problems(&site, &[]);
    assert_told(&found, "account", "bytes as used, but its files have");
    assert_told(&found, "content", "holders, but has");
    assert_told(&found, "feed", "the feed has not");
    let told = site.run(&["check"]);
    let told = String::from_utf8(told.stdout).unwrap();
    assert!(
        told.ends_with(&format!("{} problems\n", found.len())),
        "{told}"
    );
}

#[test]
fn bytes_without_a_row_are_found_once_they_are_old() {
    let site = whole();
    let leaf = site.data().join("blobs/ab/cd");
    fs::create_dir_all(&leaf).unwrap();
    let orphan = leaf.join("abcd0123456789abcdef0123456789ab");
    fs::write(&orphan, b"nobody knows me").unwrap();
    // An upload may just be about to commit its row.
    assert_eq!(problems(&site, &[]), [""; 0]);
    assert_eq!(site.json(&["check"])["youngleftovers"], 1);

    let old = SystemTime::now() - Duration::from_secs(2 * 3600);
    File::options()
        .append(true)
        .open(&orphan)
        .unwrap()
        .set_modified(old)
        .unwrap();
    let found = problems(&site, &[]);
    assert_told(
        &found,
        "leftover",
        &format!("blob {}: no row knows it", name(&orphan)),
    );
    assert_eq!(found.len(), 1, "{found:?}");
    fs::remove_file(orphan).unwrap();
    assert_eq!(problems(&site, &[]), [""; 0]);
}

pub fn damage(site: &Site, sql: &'static str) {
    let db = site.db();
    assert!(
        db.edit_blocking(move |tx| tx.exec(sql, &[])).unwrap() > 0,
        "{sql}"
    );
}
