//! Upload sessions, in what needs several connections, broken ones, or a look at the disk.

use crate::binary_client::{Client, request, result};
use crate::http_client::Client as HttpClient;
use crate::server::{PATIENCE, Server, until};
use pileus_wire::{Tree, Value};
use sha1::{Digest, Sha1};
use std::path::Path;
use std::time::Duration;
use tokio::time::{sleep, timeout};

fn num(name: &'static str, number: u64) -> (&'static str, Value) {
    (name, Value::from(number))
}

fn content(size: usize) -> Vec<u8> {
    (0..size).map(|i| (i * 31 % 251) as u8).collect()
}

fn sha1(content: &[u8]) -> String {
    hex::encode(Sha1::digest(content))
}

async fn connect(server: &Server) -> Client {
    let mut client = Client::connect(server).await;
    let auth = [("auth", Value::from(server.token.as_str()))];
    assert_eq!(result(&client.call("userinfo", &auth).await), 0);
    client
}

async fn create(client: &mut Client) -> u64 {
    let answer = client.call("upload_create", &[]).await;
    answer.get("uploadid").and_then(Tree::as_u64).unwrap()
}

async fn write(client: &mut Client, uploadid: u64, offset: u64, data: &[u8]) -> Tree {
    let params = [num("uploadid", uploadid), num("uploadoffset", offset)];
    let length = data.len() as u64;
    client
        .send(request("upload_write", &params, Some(length)))
        .await;
    client.send(data).await;
    client.answer().await
}

async fn info(client: &mut Client, uploadid: u64) -> Tree {
    client
        .call("upload_info", &[num("uploadid", uploadid)])
        .await
}

fn size(answer: &Tree) -> u64 {
    answer
        .get("size")
        .and_then(Tree::as_u64)
        .unwrap_or_else(|| panic!("no size in {answer:?}"))
}

async fn save(client: &mut Client, uploadid: u64) -> Tree {
    let params = [
        num("uploadid", uploadid),
        num("folderid", 0),
        ("name", Value::from("saved")),
    ];
    client.call("upload_save", &params).await
}

/// Waits until a session holds so much.
async fn holds(client: &mut Client, uploadid: u64, bytes: u64) {
    let wait = async {
        while size(&info(client, uploadid).await) != bytes {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it does not arrive");
}

#[tokio::test]
async fn a_thousand_sessions_are_enough() {
    let server = Server::start().await;
    let mut client = connect(&server).await;
    let mut last = 0;
    for _ in 0..1000 {
        last = create(&mut client).await;
    }
    let refused = client.call("upload_create", &[]).await;
    assert_eq!(result(&refused), 4010);
    let params = [num("uploadid", last)];
    assert_eq!(result(&client.call("upload_delete", &params).await), 0);
    assert!(create(&mut client).await > last);
}

#[tokio::test]
async fn block_checksums_follow_the_answer() {
    let server = Server::start().await;
    let mut client = connect(&server).await;
    let uploadid = create(&mut client).await;
    let content = content(1_000_001);
    write(&mut client, uploadid, 0, &content).await;
    let params = [num("uploadid", uploadid), num("id", 1)];
    client
        .send(request("upload_blockchecksums", &params, None))
        .await;
    client.send(request("nop", &[num("id", 2)], None)).await;
    let answer = client.answer().await;
    assert_eq!(result(&answer), 0);
    assert_eq!(answer.data_len(), None);
    let table = client.read(24 + 24 * 245).await;
    assert_eq!(table[..8], 1_000_001_u64.to_le_bytes());
    assert_eq!(table[8..12], 4096_u32.to_le_bytes());
    assert_eq!(table[12..24], [0; 12]);
    let mut filled = content;
    filled.resize(245 * 4096, 0);
    for (entry, block) in table[24..].chunks(24).zip(filled.chunks(4096)) {
        assert_eq!(entry[..20], Sha1::digest(block)[..]);
    }
    assert_eq!(client.answer().await.get("id"), Some(&Tree::Num(2)));
}

#[tokio::test]
async fn what_arrived_before_a_break_is_kept() {
    let server = Server::start().await;
    let mut client = connect(&server).await;
    let content = content(3_000_000);
    let uploadid = create(&mut client).await;

    // Over the binary protocol.
    let mut breaking = connect(&server).await;
    let params = [num("uploadid", uploadid), num("uploadoffset", 0)];
    breaking
        .send(request("upload_write", &params, Some(3_000_000)))
        .await;
    breaking.send(&content[..1_000_001]).await;
    drop(breaking);
    holds(&mut client, uploadid, 1_000_001).await;

    // Over HTTP, with a length and without one.
    let path = format!("/upload_write?uploadid={uploadid}&auth={}", server.token);
    for (from, to, head) in [
        (1_000_001, 1_700_000, "Content-Length: 1999999\r\n"),
        (1_700_000, 2_000_000, "Transfer-Encoding: chunked\r\n"),
    ] {
        let mut breaking = HttpClient::connect(&server).await;
        let mut request =
            format!("PUT {path}&uploadoffset={from} HTTP/1.1\r\nHost: x\r\n{head}\r\n")
                .into_bytes();
        if head.starts_with("Transfer") {
            request.extend_from_slice(format!("{:x}\r\n", to - from).as_bytes());
        }
        request.extend_from_slice(&content[from..to]);
        breaking.send(request).await;
        drop(breaking);
        holds(&mut client, uploadid, to as u64).await;
    }

    write(&mut client, uploadid, 2_000_000, &content[2_000_000..]).await;
    let info = info(&mut client, uploadid).await;
    assert_eq!(
        info.get("sha1").and_then(Tree::as_str),
        Some(&*sha1(&content))
    );
}

#[tokio::test]
async fn a_client_that_says_nothing_holds_up_nobody() {
    let server = Server::start().await;
    let content = content(2_000_000);
    let mut silent = connect(&server).await;
    let uploadid = create(&mut silent).await;
    let params = [num("uploadid", uploadid), num("uploadoffset", 0)];
    silent
        .send(request("upload_write", &params, Some(2_000_000)))
        .await;
    silent.send(&content[..1_000_000]).await;

    // Another connection goes on where the first one has stopped, to the byte, and is done before it.
    let mut client = connect(&server).await;
    let wait = async {
        while size(&info(&mut client, uploadid).await) < 1_000_000 {
            sleep(Duration::from_millis(5)).await;
        }
    };
    timeout(PATIENCE, wait).await.expect("it does not arrive");
    let there = size(&info(&mut client, uploadid).await) as usize;
    write(&mut client, uploadid, there as u64, &content[there..]).await;
    let saved = save(&mut client, uploadid).await;
    assert_eq!(result(&saved), 0);
    assert_eq!(
        saved.get("metadata.size").and_then(Tree::as_u64),
        Some(2_000_000)
    );
    let checksums = saved.get("checksums").and_then(Tree::as_list).unwrap();
    assert_eq!(
        checksums[0].get("sha1").and_then(Tree::as_str),
        Some(&*sha1(&content))
    );

    // What the first one still sends has nowhere to go, and does not touch the file.
    silent.send(vec![0; 1_000_000]).await;
    assert_eq!(result(&silent.answer().await), 2067);
    let fileid = saved.get("metadata.fileid").and_then(Tree::as_u64).unwrap();
    let params = [
        num("fileid", fileid),
        num("offset", 0),
        num("count", 2_000_000),
    ];
    let read = client.call("readfile", &params).await;
    assert_eq!(read.data_len(), Some(2_000_000));
    assert!(client.read(2_000_000).await == content);
}

/// Whether this process, which is the server's, has a file open.
fn is_open(file: &Path) -> bool {
    let open = std::fs::read_dir("/proc/self/fd").unwrap();
    open.flatten()
        .any(|fd| std::fs::read_link(fd.path()).is_ok_and(|path| path == file))
}

#[tokio::test]
async fn a_session_whose_bytes_are_lost_is_of_no_use() {
    let server = Server::start().await;
    let mut client = connect(&server).await;
    let uploadid = create(&mut client).await;
    write(&mut client, uploadid, 0, &content(100_000)).await;
    let file = server
        .app
        .config
        .data
        .join("working")
        .join(uploadid.to_string());
    // A session stays open for a moment, and then has its bytes wherever the file is.
    until(|| !is_open(&file)).await;
    std::fs::remove_file(file).unwrap();
    assert_eq!(result(&write(&mut client, uploadid, 0, b"x").await), 2068);
    assert_eq!(result(&info(&mut client, uploadid).await), 2068);
    assert_eq!(result(&save(&mut client, uploadid).await), 2068);
    // Clients drop it and begin again.
    let params = [num("uploadid", uploadid)];
    assert_eq!(result(&client.call("upload_delete", &params).await), 0);
    assert_eq!(result(&info(&mut client, uploadid).await), 2067);
}

#[tokio::test]
async fn a_saved_or_dropped_session_leaves_no_bytes() {
    let server = Server::start().await;
    let mut client = connect(&server).await;
    let files = || {
        let working = server.app.config.data.join("working");
        let names = std::fs::read_dir(working).unwrap();
        names
            .filter(|name| {
                let name = name.as_ref().unwrap().file_name();
                name.to_str().unwrap().parse::<u64>().is_ok()
            })
            .count()
    };
    let saved = create(&mut client).await;
    write(&mut client, saved, 0, &content(100_000)).await;
    let dropped = create(&mut client).await;
    write(&mut client, dropped, 0, b"x").await;
    let forgotten = create(&mut client).await;
    write(&mut client, forgotten, 0, b"x").await;
    assert_eq!(files(), 3);
    assert_eq!(result(&save(&mut client, saved).await), 0);
    let params = [num("uploadid", dropped)];
    assert_eq!(result(&client.call("upload_delete", &params).await), 0);
    assert_eq!(files(), 1);
    server.later(31 * 86_400);
    pileus_server::jobs::janitor::tidy(&server.app)
        .await
        .unwrap();
    assert_eq!(files(), 0);
}
