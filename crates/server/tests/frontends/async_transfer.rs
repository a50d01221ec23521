//! `asynctransfer`: a connection that turns into two zlib streams.

use crate::binary_client::{Client, request, result};
use crate::server::{PATIENCE, Server};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use pileus_store::StoreError;
use pileus_wire::{Tree, Value};
use sha1::{Digest, Sha1};
use std::collections::HashMap;
use std::time::Duration;
use tokio::io::AsyncReadExt;
use tokio::time::timeout;

fn auth(server: &Server) -> (&'static str, Value) {
    ("auth", Value::from(server.token.as_str()))
}

fn content(size: usize, seed: u32) -> Vec<u8> {
    let mut state = seed.wrapping_add(1);
    let mut next = || {
        state = state.wrapping_mul(1_664_525).wrapping_add(1_013_904_223);
        (state >> 24) as u8
    };
    (0..size).map(|_| next()).collect()
}

/// Uploads a file and answers its id.
async fn upload(server: &Server, client: &mut Client, name: &str, content: &[u8]) -> u64 {
    let params = [
        auth(server),
        ("folderid", Value::from(0_u64)),
        ("filename", Value::from(name)),
        ("mtime", Value::from(1_000_000_000_u64)),
    ];
    client
        .send(request("uploadfile", &params, Some(content.len() as u64)))
        .await;
    client.send(content).await;
    let uploaded = client.answer().await;
    assert_eq!(result(&uploaded), 0);
    let ids = uploaded.get("fileids").and_then(Tree::as_list).unwrap();
    ids[0].as_u64().unwrap()
}

/// A turned connection.
struct Stream {
    client: Client,
    pack: Compress,
    unpack: Decompress,
    /// Bytes that were received and unpacked, and not taken yet.
    plain: Vec<u8>,
    /// What was taken of each stream.
    streams: HashMap<u32, Vec<u8>>,
}

/// The head of a stream, and what follows it.
#[derive(Debug, PartialEq, Eq)]
struct Answer {
    error: u32,
    flags: u32,
    size: u64,
    hash: u64,
    modified: u64,
    sha1: String,
    content: Vec<u8>,
}

impl Stream {
    async fn open(server: &Server) -> Self {
        let mut client = Client::connect(server).await;
        let params = [auth(server), ("checksum", Value::from("sha1"))];
        assert_eq!(result(&client.call("asynctransfer", &params).await), 0);
        Self {
            client,
            pack: Compress::new(Compression::new(6), true),
            unpack: Decompress::new(true),
            plain: Vec::new(),
            streams: HashMap::new(),
        }
    }

    fn packed(&mut self, text: &[u8]) -> Vec<u8> {
        let mut out = Vec::with_capacity(text.len() + 1024);
        self.pack
            .compress_vec(text, &mut out, FlushCompress::Partial)
            .unwrap();
        out
    }

    async fn ask(&mut self, text: &str) {
        let packed = self.packed(text.as_bytes());
        self.client.send(packed).await;
    }

    async fn receive(&mut self) -> bool {
        let mut packed = vec![0; 65_536];
        let count = timeout(PATIENCE, self.client.io.read(&mut packed))
            .await
            .expect("the server says nothing")
            .unwrap_or(0);
        let mut packed = &packed[..count];
        while !packed.is_empty() {
            let taken = self.unpack.total_in();
            self.plain.reserve(65_536);
            self.unpack
                .decompress_vec(packed, &mut self.plain, FlushDecompress::None)
                .unwrap();
            packed = &packed[(self.unpack.total_in() - taken) as usize..];
        }
        count > 0
    }

    /// Sorts the packets that have arrived whole to their streams.
    fn sort(&mut self) {
        while let Some((head, rest)) = self.plain.split_first_chunk::<6>() {
            let stream = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
            let length = usize::from(u16::from_le_bytes([head[4], head[5]])) + 1;
            if rest.len() < length {
                return;
            }
            let taken = self.streams.entry(stream).or_default();
            assert!(!taken.is_empty() || length >= 88, "a head was cut");
            taken.extend_from_slice(&rest[..length]);
            self.plain.drain(..6 + length);
        }
    }

    /// The answer on a stream.
    async fn answer(&mut self, stream: u32) -> Answer {
        loop {
            self.sort();
            if let Some(answer) = self.streams.get(&stream).and_then(|taken| parse(taken)) {
                self.streams.remove(&stream);
                return answer;
            }
            assert!(self.receive().await, "the server has ended the connection");
        }
    }
}

/// An answer, once all of it is there.
fn parse(taken: &[u8]) -> Option<Answer> {
    let (head, content) = taken.split_at_checked(88)?;
    let word = |at: usize| u32::from_le_bytes(head[at..at + 4].try_into().unwrap());
    let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
    let length = if word(0) == 0 { number(8) as usize } else { 0 };
    assert!(content.len() <= length, "more than was announced");
    (content.len() == length).then(|| Answer {
        error: word(0),
        flags: word(4),
        size: number(8),
        hash: number(16),
        modified: number(24),
        sha1: String::from_utf8(head[48..].to_vec()).unwrap(),
        content: content.to_vec(),
    })
}

fn sha1(content: &[u8]) -> String {
    hex::encode(Sha1::digest(content))
}

#[tokio::test]
async fn files_of_all_sizes_come_in_one_stream() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let sizes = [0, 1, 4096, 32_768, 32_769, 65_448, 65_449, 262_143, 262_144];
    let mut files = Vec::new();
    for (number, size) in sizes.into_iter().enumerate() {
        let content = content(size, number as u32);
        let name = format!("f{number}");
        files.push((upload(&server, &mut client, &name, &content).await, content));
    }
    let mut stream = Stream::open(&server).await;
    let asks: String = (1..)
        .zip(&files)
        .map(|(number, (id, _))| format!("act=dwl,strm={number},fileid={id}\n"))
        .collect();
    stream.ask(&asks).await;
    // They may be taken in any order.
    for (place, (_, content)) in files.iter().enumerate().rev() {
        let answer = stream.answer(place as u32 + 1).await;
        assert_eq!((answer.error, answer.flags), (0, 0));
        assert_eq!(answer.size, content.len() as u64);
        assert_eq!(answer.modified, 1_000_000_000);
        assert_eq!(answer.sha1, sha1(content));
        assert!(&answer.content == content);
    }
    // The connection waits for more.
    let (id, content) = &files[2];
    stream.ask(&format!("act=dwl,strm=77,fileid={id}\n")).await;
    assert!(&stream.answer(77).await.content == content);
}

#[tokio::test]
async fn what_is_not_sent_is_told() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let small = upload(&server, &mut client, "small", b"hello").await;
    let large_content = content(262_145, 5);
    let large = upload(&server, &mut client, "large", &large_content).await;
    let mut stream = Stream::open(&server).await;
    stream
        .ask(&format!(
            "act=dwl,strm=1,fileid=999999\nact=dwl,strm=2,fileid={large}\n\
             act=dwlnm,strm=3,fileid={small},sha1={}\nact=dwlnm,strm=4,fileid={small},sha1={}\n\
             act=new,strm=5,fileid={small}\nact=dwl,strm=6\n",
            sha1(b"hello"),
            sha1(b"other"),
        ))
        .await;
    let missing = stream.answer(1).await;
    assert_eq!((missing.error, missing.flags), (1, 1));
    let too_large = stream.answer(2).await;
    assert_eq!((too_large.error, too_large.flags), (2, 1));
    assert_eq!(too_large.size, 262_145);
    assert_ne!(too_large.hash, 0);
    let unchanged = stream.answer(3).await;
    assert_eq!((unchanged.error, unchanged.flags), (4, 4));
    assert_eq!(unchanged.sha1, sha1(b"hello"));
    let changed = stream.answer(4).await;
    assert_eq!((changed.error, changed.content), (0, b"hello".to_vec()));
    assert_eq!(changed.hash, unchanged.hash);
    for number in [5, 6] {
        assert_eq!(stream.answer(number).await.error, 1);
    }
    // A deleted file is gone at once.
    let params = [("fileid", Value::from(small))];
    assert_eq!(result(&client.call("deletefile", &params).await), 0);
    stream
        .ask(&format!("act=dwl,strm=7,fileid={small}\n"))
        .await;
    assert_eq!(stream.answer(7).await.error, 1);
}

#[tokio::test]
async fn a_lost_file_is_to_be_tried_again() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let content = content(100_000, 1);
    let id = upload(&server, &mut client, "f", &content).await;
    let blobs = server.app.config.data.join("blobs");
    let mut folders = vec![blobs];
    while let Some(folder) = folders.pop() {
        for entry in std::fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            match path.is_dir() {
                true => folders.push(path),
                false => std::fs::remove_file(path).unwrap(),
            }
        }
    }
    let mut stream = Stream::open(&server).await;
    stream.ask(&format!("act=dwl,strm=1,fileid={id}\n")).await;
    let answer = stream.answer(1).await;
    assert_eq!((answer.error, answer.flags), (3, 2));
}

#[tokio::test]
async fn asks_need_not_be_waited_for() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let mut ids = Vec::new();
    for number in 0..10 {
        let content = content(4096, number);
        ids.push(upload(&server, &mut client, &format!("f{number}"), &content).await);
    }
    let mut stream = Stream::open(&server).await;
    for batch in 0..20 {
        let asks: String = (0..128)
            .map(|place| {
                let number = batch * 128 + place;
                format!("act=dwl,strm={},fileid={}\n", number + 1, ids[number % 10])
            })
            .collect();
        stream.ask(&asks).await;
    }
    for number in 0..2560 {
        let answer = stream.answer(number + 1).await;
        assert!(answer.content == content(4096, number % 10));
    }
}

#[tokio::test]
async fn only_a_login_turns_a_connection() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let checksum = |name: &str| ("checksum", Value::from(name));
    let stranger = client.call("asynctransfer", &[checksum("sha1")]).await;
    assert_eq!(result(&stranger), 1000);
    let params = [auth(&server), checksum("md5")];
    assert_eq!(result(&client.call("asynctransfer", &params).await), 1019);
    // Refused, the connection stays what it was.
    assert_eq!(result(&client.call("nop", &[]).await), 0);

    let mut stream = Stream::open(&server).await;
    let app = &server.app;
    app.db
        .edit(|tx| -> Result<(), StoreError> {
            let tokens = tx.exec("DELETE FROM token", &[])?;
            assert_eq!(tokens, 1);
            Ok(())
        })
        .await
        .unwrap();
    stream.ask("act=dwl,strm=1,fileid=1\n").await;
    assert!(!stream.receive().await, "what was revoked still works");
}

#[tokio::test]
async fn what_is_no_stream_ends_the_connection() {
    let server = Server::start().await;
    for bytes in [&b"act=dwl,strm=1,fileid=1\n"[..], &[0x78, 0x01, 0xff]] {
        let mut stream = Stream::open(&server).await;
        stream.client.send(bytes).await;
        assert!(!stream.receive().await);
    }
    for text in ["act=dwl,fileid=1\n".to_owned(), "x".repeat(2000)] {
        let mut stream = Stream::open(&server).await;
        stream.ask(&text).await;
        assert!(!stream.receive().await);
    }
    // The client may also just go.
    let stream = Stream::open(&server).await;
    drop(stream);
    server.connected(0).await;
}

#[tokio::test]
async fn a_bomb_is_unpacked_no_further_than_it_makes_sense() {
    let server = Server::start().await;
    let mut stream = Stream::open(&server).await;
    let packed = stream.packed(&vec![b'x'; 100 << 20]);
    assert!(packed.len() < 200_000);
    stream.client.send(&packed[..4000]).await;
    assert!(!stream.receive().await);
}

#[tokio::test]
async fn a_client_that_takes_nothing_is_held_up() {
    let server = Server::start().await;
    let mut client = Client::connect(&server).await;
    let content = content(262_144, 1);
    let id = upload(&server, &mut client, "f", &content).await;
    let mut stream = Stream::open(&server).await;
    // A gigabyte of answers, of which the system takes a few megabytes.
    let asks = format!("act=dwl,strm=1,fileid={id}\n").repeat(4096);
    stream.ask(&asks).await;
    tokio::time::sleep(Duration::from_millis(500)).await;
    let sent = &server.app.metrics.bytes_sent;
    let sent = sent.load(std::sync::atomic::Ordering::Relaxed);
    assert!(sent < 64 << 20, "{sent} bytes were sent to nobody");
}
