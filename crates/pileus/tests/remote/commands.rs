//! `pileus ls`, `get`, `put` and `rm`.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use serde_json::Value;

use crate::server::{PASSWORD, Server, USER, noise, pileus, text};

/// The time that test files get: 2013-03-21 18:31:45 UTC.
const TIME: u64 = 1_363_890_705;

fn write(path: &Path, content: &[u8]) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, content).unwrap();
    let time = SystemTime::UNIX_EPOCH + Duration::from_secs(TIME);
    let file = fs::File::options().append(true).open(path).unwrap();
    file.set_modified(time).unwrap();
}

/// A file's content and modification time in seconds.
type State = (Vec<u8>, u64);

/// Every file and folder below a folder by its path; folders have no state.
fn tree(folder: &Path) -> Vec<(PathBuf, Option<State>)> {
    let mut found = Vec::new();
    let mut open = vec![folder.to_owned()];
    while let Some(next) = open.pop() {
        for entry in fs::read_dir(&next).unwrap() {
            let path = entry.unwrap().path();
            let name = path.strip_prefix(folder).unwrap().to_owned();
            let metadata = fs::metadata(&path).unwrap();
            if metadata.is_dir() {
                found.push((name, None));
                open.push(path);
            } else {
                let time = metadata.modified().unwrap();
                let time = time.duration_since(SystemTime::UNIX_EPOCH).unwrap();
                found.push((name, Some((fs::read(&path).unwrap(), time.as_secs()))));
            }
        }
    }
    found.sort();
    found
}

#[test]
fn a_tree_comes_back_as_it_went() {
    let server = Server::start();
    for scheme in ["http", "bin"] {
        let here = server.folder(scheme);
        let photos = here.join("photos");
        write(&photos.join("a b+c%20ü.txt"), b"hello");
        write(&photos.join("empty"), b"");
        write(&photos.join("deep/er/big.bin"), &noise(3_000_000));
        fs::create_dir(photos.join("nothing in it")).unwrap();
        for number in 0..20 {
            write(
                &photos.join(format!("many/{number}")),
                &noise(number * 1000),
            );
        }

        let target = format!("/{scheme}/");
        let (_, told) = server.done(scheme, &here, &["put", "photos", &target]);
        assert!(told.starts_with("23 files sent"), "{told}");
        let (_, told) = server.done(scheme, &here, &["put", "photos", &target]);
        assert!(
            told.contains("0 files sent") && told.contains("23 unchanged"),
            "{told}"
        );

        let source = format!("/{scheme}/photos");
        let (_, told) = server.done(scheme, &here, &["get", &source, "back"]);
        assert!(told.starts_with("23 files fetched"), "{told}");
        assert_eq!(tree(&here.join("back")), tree(&photos));
        let (_, told) = server.done(scheme, &here, &["get", &source, "back"]);
        // What exists takes the folder into itself, as `cp -r` does.
        assert!(told.starts_with("23 files fetched"), "{told}");
        assert_eq!(tree(&here.join("back/photos")), tree(&photos));
        let (_, told) = server.done(scheme, &here, &["get", &source, "back"]);
        assert!(told.contains("23 unchanged"), "{told}");

        // Only what differs is sent.
        write(&photos.join("empty"), b"no longer");
        let (_, told) = server.done(scheme, &here, &["put", "photos", &target]);
        assert!(
            told.starts_with("1 file sent (9 B), 22 unchanged"),
            "{told}"
        );
    }
}

#[test]
fn an_interrupted_download_goes_on() {
    let server = Server::start();
    let here = server.folder("here");
    write(&here.join("big.bin"), &noise(1_000_000));
    server.done("http", &here, &["put", "big.bin"]);
    let (json, _) = server.done("http", &here, &["ls", "--json", "/big.bin"]);
    let file = &serde_json::from_str::<Value>(&json).unwrap()["metadata"];
    let (fileid, hash) = (
        file["fileid"].as_u64().unwrap(),
        file["hash"].as_u64().unwrap(),
    );

    // The first part is not the file's, so that it shows whether it was fetched again.
    let back = server.folder("back");
    fs::write(
        back.join(format!(".pileus-{fileid}-{hash:016x}.part")),
        [1; 400_000],
    )
    .unwrap();
    server.done("http", &back, &["get", "/big.bin"]);
    let mut expected = noise(1_000_000);
    expected[..400_000].fill(1);
    assert_eq!(fs::read(back.join("big.bin")).unwrap(), expected);
    assert_eq!(tree(&back).len(), 1);

    // Its size and time are right, but not its content.
    let (_, told) = server.done("http", &back, &["get", "/big.bin"]);
    assert!(told.contains("1 unchanged"), "{told}");
    server.done("http", &back, &["get", "--checksum", "/big.bin"]);
    assert_eq!(fs::read(back.join("big.bin")).unwrap(), noise(1_000_000));
}

#[test]
fn files_get_new_names_and_replace_others() {
    let server = Server::start();
    let here = server.folder("here");
    write(&here.join("a"), b"first");
    write(&here.join("b"), b"second one");
    server.done("http", &here, &["put", "a", "/c"]);
    server.done("bin", &here, &["put", "b", "/c"]);
    server.done("http", &here, &["put", "a", "b", "/new/folder"]);
    let (listed, _) = server.done("http", &here, &["ls", "-R"]);
    assert_eq!(listed, "c\nnew/\nnew/folder/\nnew/folder/a\nnew/folder/b\n");
    let (listed, _) = server.done("bin", &here, &["ls", "-l", "/new/folder", "/c"]);
    let expected = "              5  21 Mar 2013 18:31  a\n             10  21 Mar 2013 18:31  b\n";
    assert!(listed.starts_with(expected), "{listed}");
    assert_eq!(listed.lines().count(), 3);
    server.done("http", &here, &["get", "/c", "d"]);
    assert_eq!(fs::read(here.join("d")).unwrap(), b"second one");
}

#[test]
fn what_fails_is_told_and_the_rest_is_done() {
    let server = Server::start();
    let here = server.folder("here");
    write(&here.join("a"), b"a");
    write(&here.join("f/x"), b"x");
    let told = server.refused(&here, &["put", "a", "gone", "f", "/"]);
    assert!(told.contains("pileus: gone: "), "{told}");
    assert!(
        told.contains("2 files sent") && told.contains("1 failed"),
        "{told}"
    );

    let told = server.refused(&here, &["rm", "/f", "/gone", "/a"]);
    assert!(told.contains("/f: it is a folder; add -r"), "{told}");
    assert!(told.contains("/gone: "), "{told}");
    let (listed, _) = server.done("http", &here, &["ls"]);
    assert_eq!(listed, "f/\n");
    server.done("bin", &here, &["rm", "-r", "/f"]);
    let (listed, _) = server.done("bin", &here, &["ls", "--json"]);
    let listed: Value = serde_json::from_str(&listed).unwrap();
    assert_eq!(listed["metadata"]["contents"], Value::Array(Vec::new()));

    let told = server.refused(&here, &["get", "/gone", "f"]);
    assert!(told.contains("/gone: "), "{told}");
    let told = server.refused(&here, &["ls", "relative"]);
    assert!(told.contains("begins with a slash"), "{told}");
}

#[test]
fn the_environment_names_server_and_account() {
    let server = Server::start();
    let command = |password: &str| {
        pileus()
            .arg("ls")
            .env("PILEUS_URL", format!("http://{}", server.address))
            .env("PILEUS_USER", USER)
            .env("PILEUS_PASSWORD", password)
            .output()
            .unwrap()
    };
    let output = command(PASSWORD);
    assert!(output.status.success(), "{output:?}");
    let output = command("wrong");
    assert_eq!(output.status.code(), Some(1));
    assert!(text(&output.stderr).contains("(2000)"), "{output:?}");
}

#[test]
fn all_four_kinds_of_url_lead_to_an_encrypted_server() {
    let server = Server::start_with(&["--tls-self-signed"]);
    let here = server.folder("here");
    write(&here.join("a"), &noise(100_000));
    let ca_file = server.data().join("tls/ca.pem");
    let ca_file = ca_file.to_str().unwrap();
    for scheme in ["https", "bins", "http", "bin"] {
        let target = format!("/{scheme}");
        server.done(scheme, &here, &["put", "--ca-file", ca_file, "a", &target]);
        server.done(
            scheme,
            &here,
            &["get", "--ca-file", ca_file, &target, scheme],
        );
        assert_eq!(fs::read(here.join(scheme)).unwrap(), noise(100_000));
    }
    let told = server.run("https", &here, &["ls"]);
    assert_eq!(told.status.code(), Some(1));
    assert!(text(&told.stderr).contains("certificate"), "{told:?}");
}
