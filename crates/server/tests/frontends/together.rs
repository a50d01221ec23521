//! Calls of the binary protocol that are sent ahead, and that the server carries out together.

use crate::binary_client::{Client, request, result};
use crate::server::Server;
use crate::tls;
use pileus_wire::{Tree, Value};
use tokio::io::{AsyncRead, AsyncWrite, AsyncWriteExt};

trait Io: AsyncRead + AsyncWrite + Unpin {}
impl<T: AsyncRead + AsyncWrite + Unpin> Io for T {}

/// A connection that is logged in, with an open file under descriptor 1.
async fn open(server: &Server) -> Client {
    let mut client = Client::connect(server).await;
    log_in(server, &mut client).await;
    open_file(&mut client, "/file").await;
    client
}

async fn log_in<S: Io>(server: &Server, client: &mut Client<S>) {
    let auth = Value::from(server.token.as_str());
    assert_eq!(result(&client.call("userinfo", &[("auth", auth)]).await), 0);
}

async fn open_file<S: Io>(client: &mut Client<S>, path: &str) {
    let params = [("flags", Value::from(0x42_u64)), ("path", path.into())];
    assert_eq!(result(&client.call("file_open", &params).await), 0);
}

fn write(fd: u64, offset: u64, data: &[u8]) -> Vec<u8> {
    let params = [
        ("fd", Value::from(fd)),
        ("offset", offset.into()),
        ("id", (offset + fd).into()),
    ];
    let mut bytes = request("file_pwrite", &params, Some(data.len() as u64));
    bytes.extend_from_slice(data);
    bytes
}

fn read(fd: u64, offset: u64, count: u64) -> Vec<u8> {
    let params = [
        ("fd", Value::from(fd)),
        ("offset", offset.into()),
        ("count", count.into()),
    ];
    request("file_pread", &params, None)
}

/// The next answer, and the data behind it.
async fn data<S: Io>(client: &mut Client<S>) -> (u64, Vec<u8>) {
    let answer = client.answer().await;
    let data = match answer.get("data") {
        Some(Tree::Data(length)) => client.read(usize::try_from(*length).unwrap()).await,
        _ => Vec::new(),
    };
    (result(&answer), data)
}

#[tokio::test]
async fn each_call_is_answered_for_itself_and_in_order() {
    let server = Server::start().await;
    let mut client = open(&server).await;
    open_file(&mut client, "/other").await;
    let too_far = 1 << 50;
    let no_offset = request("file_pwrite", &[("fd", Value::from(1_u64))], Some(1));
    let calls = [
        write(1, 0, b"aaaaaaaaaa"),
        write(1, 5, b"bbbbb"),
        write(2, 3, b"other"),
        write(1, too_far, b"x"),
        [no_offset, b"x".to_vec()].concat(),
        write(7, 0, b"x"),
        write(1, 8, b"cc and more"),
        write(1, 100, b""),
        read(1, 0, 100),
        read(2, 0, 4),
        read(1, 8, 2),
        read(1, 8, 1 << 40),
        read(7, 0, 1),
        read(2, 1 << 60, 5),
    ];
    client.send(calls.concat()).await;
    for expected in [(0, 1), (0, 6), (0, 5), (2008, too_far + 1)] {
        let answer = client.answer().await;
        let id = answer.get("id").and_then(Tree::as_u64).unwrap();
        assert_eq!((result(&answer), id), expected);
    }
    for expected in [1009, 1007] {
        assert_eq!(result(&client.answer().await), expected);
    }
    for bytes in [11, 0] {
        let answer = client.answer().await;
        assert_eq!(result(&answer), 0);
        assert_eq!(answer.get("bytes"), Some(&Tree::Num(bytes)));
    }
    for (code, expected) in [
        (0, &b"aaaaabbbcc and more"[..]),
        (0, b"\0\0\0o"),
        (0, b"cc"),
        (0, b"cc and more"),
        (1007, b""),
        (0, b""),
    ] {
        assert_eq!(data(&mut client).await, (code, expected.to_vec()));
    }
}

#[tokio::test]
async fn many_more_than_are_carried_out_at_once() {
    let server = Server::start().await;
    let mut client = open(&server).await;
    let piece = |number: u64| vec![number as u8; 5000];
    let calls: Vec<u8> = (0..100)
        .flat_map(|number| write(1, number * 5000, &piece(number)))
        .collect();
    client.send(calls).await;
    for number in 0..100 {
        let answer = client.answer().await;
        let id = answer.get("id").and_then(Tree::as_u64);
        assert_eq!((result(&answer), id), (0, Some(number * 5000 + 1)));
    }
    let calls: Vec<u8> = (0..100)
        .flat_map(|number| read(1, number * 5000, 5000))
        .collect();
    client.send(calls).await;
    for number in 0..100 {
        assert!(data(&mut client).await == (0, piece(number)), "{number}");
    }
}

#[tokio::test]
async fn what_was_taken_away_stops_the_next_calls() {
    let server = Server::start().await;
    let (mut client, mut other) = (open(&server).await, open(&server).await);
    let calls = [
        write(1, 0, b"a"),
        write(1, 1, b"b"),
        read(1, 0, 2),
        read(1, 0, 1),
    ]
    .concat();
    client.send(&calls).await;
    assert_eq!(result(&client.answer().await), 0);
    assert_eq!(result(&client.answer().await), 0);
    assert_eq!(data(&mut client).await, (0, b"ab".to_vec()));
    assert_eq!(data(&mut client).await, (0, b"a".to_vec()));

    let deleted = other.call("deletefile", &[("path", "/file".into())]).await;
    assert_eq!(result(&deleted), 0);
    client.send(&calls).await;
    for expected in [5003, 5003, 5004, 5004] {
        assert_eq!(result(&client.answer().await), expected);
    }

    assert_eq!(result(&other.call("logout", &[]).await), 0);
    client.send(&calls).await;
    // Whoever is refused because the login has died, and whoever comes after that.
    for _ in 0..4 {
        let code = result(&client.answer().await);
        assert!(code == 2000 || code == 1000, "{code}");
    }
}

#[tokio::test]
async fn what_arrives_before_a_connection_breaks_is_written() {
    let server = Server::start().await;
    let mut client = open(&server).await;
    let mut other = open(&server).await;
    let mut calls = [write(1, 0, b"first"), write(1, 5, b"second")].concat();
    calls.truncate(calls.len() - 3);
    client.send(calls).await;
    client.io.shutdown().await.unwrap();
    for bytes in [5, 3] {
        let answer = client.answer().await;
        assert_eq!(answer.get("bytes"), Some(&Tree::Num(bytes)));
    }
    assert!(client.is_closed().await);
    other.send(read(1, 0, 100)).await;
    assert_eq!(data(&mut other).await, (0, b"firstsec".to_vec()));
}

/// Bytes that look different everywhere.
fn content(seed: u64, length: usize) -> Vec<u8> {
    let words = (seed..).map(|word| word.wrapping_mul(0x9e37_79b9_7f4a_7c15).to_le_bytes());
    words.flatten().take(length).collect()
}

/// Makes it the content of the file, all at once.
async fn upload<S: Io>(client: &mut Client<S>, content: &[u8]) {
    let params = [("path", Value::from("/")), ("filename", "file".into())];
    let head = request("uploadfile", &params, Some(content.len() as u64));
    client.send([&head, content].concat()).await;
    assert_eq!(result(&client.answer().await), 0);
}

/// Reads pieces of all kinds, with writes between them.
async fn read_in_pieces<S: Io>(server: &Server, mut client: Client<S>) {
    const LENGTH: u64 = 3_000_000;
    log_in(server, &mut client).await;
    let mut content = content(1, 3_000_000);
    upload(&mut client, &content).await;
    open_file(&mut client, "/file").await;

    let mut ranges: Vec<(u64, u64)> = (0..40).map(|at| (at << 16, 1 << 16)).collect();
    ranges.extend([
        (5, 1),
        (1, 256 << 10),
        (99_999, 100_000),
        (7, 0),
        (4096, 16 << 10),
        (LENGTH - 20_000, 64 << 10),
        (LENGTH, 64 << 10),
        (70_000, 300_000),
        (1 << 20, 256 << 10),
        (3, 20),
        (2 << 20, 256 << 10),
    ]);
    let expect = |content: &[u8], (offset, count): (u64, u64)| {
        let end = (offset + count).min(LENGTH);
        content[offset as usize..end as usize].to_vec()
    };
    let reads: Vec<u8> = ranges
        .iter()
        .flat_map(|&(offset, count)| read(1, offset, count))
        .collect();
    let change = write(1, 70_000, b"changed");
    client.send([&reads[..], &change, &reads].concat()).await;
    for &range in &ranges {
        assert!(
            data(&mut client).await == (0, expect(&content, range)),
            "{range:?}"
        );
    }
    assert_eq!(result(&client.answer().await), 0);
    content[70_000..70_007].copy_from_slice(b"changed");
    for &range in &ranges {
        assert!(
            data(&mut client).await == (0, expect(&content, range)),
            "{range:?}"
        );
    }
}

#[tokio::test]
async fn pieces_of_a_large_file_come_whole_and_in_order() {
    let server = tls::protected().await;
    read_in_pieces(&server, Client::connect(&server).await).await;
    let io = tls::connect(&server, "localhost").await.unwrap();
    read_in_pieces(&server, Client { io }).await;
}

#[tokio::test]
async fn a_piece_is_of_one_content_however_late_it_is_taken() {
    const PIECE: usize = 256 << 10;
    let server = Server::start().await;
    let (mut client, mut other) = (Client::connect(&server).await, open(&server).await);
    log_in(&server, &mut client).await;
    let (before, after) = (content(1, PIECE), content(1 << 32, PIECE));
    upload(&mut client, &before).await;
    open_file(&mut client, "/file").await;
    // More than the system takes for a client that does not read.
    let calls: Vec<u8> = (0..100).flat_map(|_| read(1, 0, PIECE as u64)).collect();
    client.send(calls).await;
    let first = data(&mut client).await;
    other.send(write(1, 0, &after)).await;
    assert_eq!(result(&other.answer().await), 0);

    let mut pieces = vec![first];
    for _ in 1..100 {
        pieces.push(data(&mut client).await);
    }
    let old = pieces.partition_point(|(_, piece)| *piece == before);
    assert!(old > 0 && old < pieces.len(), "{old}");
    assert!(pieces[old..].iter().all(|(_, piece)| *piece == after));
}
