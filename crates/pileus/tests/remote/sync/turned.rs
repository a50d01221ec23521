//! A connection for small downloads.

use super::wire::{Connection, text};
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use std::collections::HashMap;
use std::io::Read;

pub struct Turned {
    connection: Connection,
    pack: Compress,
    unpack: Decompress,
    plain: Vec<u8>,
}

/// What came of an ask.
pub struct File {
    pub error: u32,
    pub size: u64,
    pub hash: u64,
    pub sha1: String,
    pub content: Vec<u8>,
}

impl Turned {
    pub fn open(address: &str, auth: &str) -> Self {
        let mut connection = Connection::open(address);
        connection.call(
            "asynctransfer",
            &[text("auth", auth), text("checksum", "sha1")],
        );
        Self {
            connection,
            pack: Compress::new(Compression::default(), true),
            unpack: Decompress::new(true),
            plain: Vec::new(),
        }
    }

    /// Asks for files in one batch and waits for all of them, by the number of their stream.
    pub fn fetch(&mut self, lines: &[(u32, String)]) -> HashMap<u32, File> {
        let text: String = lines.iter().map(|(_, line)| format!("{line}\n")).collect();
        let mut packed = Vec::with_capacity(text.len() + 1024);
        self.pack
            .compress_vec(text.as_bytes(), &mut packed, FlushCompress::Partial)
            .unwrap();
        self.connection.send(&packed);
        let mut streams: HashMap<u32, Vec<u8>> = HashMap::new();
        let mut files = HashMap::new();
        while files.len() < lines.len() {
            let head = self.take(6);
            let stream = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
            let length = usize::from(u16::from_le_bytes([head[4], head[5]])) + 1;
            let payload = self.take(length);
            let received = streams.entry(stream).or_default();
            received.extend(payload);
            if let Some(file) = parse(received) {
                files.insert(stream, file);
            }
        }
        files
    }

    fn take(&mut self, length: usize) -> Vec<u8> {
        while self.plain.len() < length {
            let mut packed = [0; 65_536];
            let count = self.connection.stream.read(&mut packed).unwrap();
            assert!(count > 0, "the server has ended the connection");
            let mut packed = &packed[..count];
            while !packed.is_empty() {
                let taken = self.unpack.total_in();
                self.plain.reserve(65_536);
                self.unpack
                    .decompress_vec(packed, &mut self.plain, FlushDecompress::None)
                    .unwrap();
                packed = &packed[(self.unpack.total_in() - taken) as usize..];
            }
        }
        self.plain.drain(..length).collect()
    }
}

fn parse(received: &[u8]) -> Option<File> {
    let (head, content) = received.split_at(88);
    let number = |at: usize| u64::from_le_bytes(head[at..at + 8].try_into().unwrap());
    let error = u32::from_le_bytes(head[..4].try_into().unwrap());
    let length = if error == 0 { number(8) } else { 0 };
    (content.len() as u64 == length).then(|| File {
        error,
        size: number(8),
        hash: number(16),
        sha1: String::from_utf8_lossy(&head[48..]).into_owned(),
        content: content.to_vec(),
    })
}
