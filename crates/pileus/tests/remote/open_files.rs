//! What was written through descriptors, when a server or a connection ends.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

use bytes::Bytes;
use pileus_client::{Body, Connection, Options};
use pileus_wire::{Params, Tree, Value};
use rustix::process::Signal;

use crate::server::{PASSWORD, Server, USER, noise, pileus};

const MIB: usize = 1024 * 1024;

/// A logged-in connection, and the calls of these tests.
struct Caller(Connection);

fn params(pairs: &[(&'static str, &str)]) -> Params {
    let mut params = Params::new();
    for (name, value) in pairs {
        let value = Value::Text(value.as_bytes().to_vec().into());
        params.set(*name, value).unwrap();
    }
    params
}

impl Caller {
    async fn new(server: &Server, scheme: &str) -> Self {
        let url = format!("{scheme}://{}", server.address);
        let mut caller = Self(Connection::open(&url, Options::default()).await.unwrap());
        let login = [("username", USER), ("password", PASSWORD)];
        caller.call("userinfo", &login).await;
        caller
    }

    async fn call(&mut self, name: &str, pairs: &[(&'static str, &str)]) -> Tree {
        let answer = self.0.call_raw(name, &params(pairs)).await.unwrap();
        assert_eq!(number(&answer, "result"), 0, "{name} {pairs:?}: {answer:?}");
        answer
    }

    async fn send_data(&mut self, name: &str, pairs: &[(&'static str, &str)], data: &[u8]) -> Tree {
        let data = Body::from(Bytes::copy_from_slice(data));
        let answer = self.0.call_raw_with_data(name, &params(pairs), data).await;
        let answer = answer.unwrap();
        assert_eq!(number(&answer, "result"), 0, "{name} {pairs:?}: {answer:?}");
        answer
    }

    async fn upload(&mut self, name: &'static str, content: &[u8]) {
        self.send_data(
            "uploadfile",
            &[("folderid", "0"), ("filename", name)],
            content,
        )
        .await;
    }

    /// Opens a file of the root, for writing; answers the descriptor.
    async fn open(&mut self, path: &str) -> String {
        let answer = self
            .call("file_open", &[("flags", "0x42"), ("path", path)])
            .await;
        number(&answer, "fd").to_string()
    }

    async fn pwrite(&mut self, fd: &str, offset: usize, data: &[u8]) {
        let offset = offset.to_string();
        self.send_data("file_pwrite", &[("fd", fd), ("offset", &offset)], data)
            .await;
    }

    /// The content of a file, as everybody sees it.
    async fn content(&mut self, path: &str) -> Bytes {
        let answer = self.call("stat", &[("path", path)]).await;
        let fileid = number(answer.get("metadata").unwrap(), "fileid").to_string();
        let all = [
            ("fileid", fileid.as_str()),
            ("offset", "0"),
            ("count", "99999999"),
        ];
        self.call("readfile", &all).await;
        self.0.read_data().await.unwrap()
    }

    async fn hash(&mut self, path: &str) -> u64 {
        let answer = self.call("stat", &[("path", path)]).await;
        number(answer.get("metadata").unwrap(), "hash")
    }

    /// Waits until a file has a content.
    async fn await_content(&mut self, path: &str, expected: &[u8]) {
        let deadline = Instant::now() + Duration::from_secs(20);
        while self.content(path).await != expected {
            assert!(
                Instant::now() < deadline,
                "{path} does not become what was written"
            );
            tokio::time::sleep(Duration::from_millis(20)).await;
        }
    }
}

fn number(tree: &Tree, key: &str) -> u64 {
    tree.get(key).and_then(Tree::as_u64).unwrap()
}

/// Three files: a large one that is changed in two places, a small one, and a new one. Answers what they have to be.
async fn write_three(caller: &mut Caller) -> [(&'static str, Vec<u8>); 3] {
    let mut large = noise(3 * MIB);
    caller.upload("large", &large).await;
    caller.upload("small", b"a small file").await;
    let (large_fd, small_fd, new_fd) = (
        caller.open("/large").await,
        caller.open("/small").await,
        caller.open("/new").await,
    );
    for (at, text) in [(5000, "in the middle"), (3 * MIB - 3, "over the end")] {
        caller.pwrite(&large_fd, at, text.as_bytes()).await;
        large.resize(large.len().max(at + text.len()), 0);
        large[at..at + text.len()].copy_from_slice(text.as_bytes());
    }
    caller.pwrite(&small_fd, 2, b"SMALL").await;
    caller.pwrite(&new_fd, 0, &noise(100_000)).await;
    [
        ("/large", large),
        ("/small", b"a SMALL file".to_vec()),
        ("/new", noise(100_000)),
    ]
}

/// Nothing is left of the working copies, and all that the server keeps fits together.
fn assert_tidy(data: &Path) {
    let left: Vec<_> = fs::read_dir(data.join("working"))
        .unwrap()
        .map(|entry| entry.unwrap().file_name())
        .filter(|name| name != "name")
        .collect();
    assert!(left.is_empty(), "left behind: {left:?}");
    let check = pileus()
        .args(["check", "--hash", "--data"])
        .arg(data)
        .output()
        .unwrap();
    assert!(check.status.success(), "{check:?}");
}

#[tokio::test]
async fn what_was_acknowledged_survives_a_kill() {
    for scheme in ["http", "bin"] {
        let mut server = Server::start();
        let mut caller = Caller::new(&server, scheme).await;
        let expected = write_three(&mut caller).await;
        server.restart(Signal::KILL);
        let mut caller = Caller::new(&server, scheme).await;
        for (path, content) in &expected {
            assert!(caller.content(path).await == content, "{path}");
        }
        // The hash is there before the checksums, and stays.
        let hash = caller.hash("/large").await;
        caller.call("checksumfile", &[("path", "/large")]).await;
        assert_eq!(caller.hash("/large").await, hash);
        // The old content of each is a revision, and the new one has its checksums.
        let revisions = caller
            .call(
                "listrevisions",
                &[("path", "/large"), ("showchecksums", "1")],
            )
            .await;
        assert_eq!(
            revisions.get("sha1").and_then(Tree::as_str),
            Some(hex::encode(<sha1::Sha1 as sha1::Digest>::digest(&expected[0].1)).as_str())
        );
        assert!(matches!(revisions.get("revisions"), Some(Tree::List(list)) if list.len() == 1));
        assert_tidy(&server.data());
        // And again, over a content that has already been written like this.
        let fd = caller.open("/large").await;
        caller.pwrite(&fd, 1_000_000, b"once more").await;
        server.restart(Signal::KILL);
        let mut large = expected[0].1.clone();
        large[1_000_000..1_000_009].copy_from_slice(b"once more");
        let mut caller = Caller::new(&server, scheme).await;
        assert!(caller.content("/large").await == large);
    }
}

#[tokio::test]
async fn a_server_that_is_stopped_commits_first() {
    let mut server = Server::start();
    let mut caller = Caller::new(&server, "bin").await;
    let expected = write_three(&mut caller).await;
    server.stop(Signal::TERM);
    assert_tidy(&server.data());
    server.start_again(&[]);
    let mut caller = Caller::new(&server, "http").await;
    for (path, content) in &expected {
        assert!(caller.content(path).await == content, "{path}");
    }
}

#[tokio::test]
async fn a_connection_that_ends_commits() {
    let server = Server::start();
    for scheme in ["http", "bin"] {
        let mut caller = Caller::new(&server, scheme).await;
        let expected = write_three(&mut caller).await;
        drop(caller);
        let mut other = Caller::new(&server, scheme).await;
        for (path, content) in &expected {
            other.await_content(path, content).await;
        }
        other.call("deletefile", &[("path", "/new")]).await;
    }
}

#[tokio::test]
async fn a_pause_commits() {
    let server = Server::start();
    let mut writer = Caller::new(&server, "bin").await;
    let fd = writer.open("/paused").await;
    writer.pwrite(&fd, 0, b"before the pause").await;
    let mut other = Caller::new(&server, "http").await;
    assert!(other.content("/paused").await.is_empty());
    other.await_content("/paused", b"before the pause").await;
    // The descriptor goes on.
    writer.pwrite(&fd, 0, b"after").await;
    writer.call("file_close", &[("fd", &fd)]).await;
    assert_eq!(other.content("/paused").await, "aftere the pause");
}

#[tokio::test]
async fn a_write_that_breaks_off_is_kept_as_far_as_it_came() {
    let server = Server::start();
    let mut writer = Caller::new(&server, "bin").await;
    let fd = writer.open("/broken").await;
    // The announced length is never reached: the connection ends first.
    let pieces = futures_util::stream::iter([Ok(Bytes::from(noise(70_000)))]);
    let data = Body::from_stream(100_000, pieces);
    let half = params(&[("fd", &fd), ("offset", "0")]);
    assert!(
        writer
            .0
            .send_with_data("file_pwrite", &half, data)
            .await
            .is_err()
    );
    drop(writer);
    let mut other = Caller::new(&server, "http").await;
    other.await_content("/broken", &noise(70_000)).await;
}
