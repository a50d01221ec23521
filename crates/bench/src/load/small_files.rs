//! Small downloads the way the sync client makes them, by `asynctransfer`.

use crate::error::Result;
use crate::load::api::Api;
use crate::load::binary;
use flate2::{Compress, Compression, Decompress, FlushCompress, FlushDecompress};
use std::collections::HashMap;
use std::fmt::Write;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Files that are asked for in one batch.
const BATCH: usize = 128;
/// Bytes of a stream's head.
const HEAD_BYTES: u64 = 88;
/// What stands in front of a payload: number of the stream and length.
const PACKET_BYTES: usize = 6;

/// A connection that has been turned.
pub struct SmallFiles {
    stream: TcpStream,
    pack: Compress,
    unpack: Decompress,
    /// Bytes that were unpacked and not looked at yet.
    plain: Vec<u8>,
}

impl SmallFiles {
    /// Turns a new connection of an account.
    pub async fn open(api: &Api) -> Result<Self> {
        let mut connection = api.connect_binary().await?;
        let pairs = [("checksum", "sha1".into())];
        connection
            .send(&binary::request("asynctransfer", &pairs)?)
            .await?;
        binary::check(connection.receive().await?)?;
        Ok(Self {
            stream: connection.into_stream(),
            pack: Compress::new(Compression::fast(), true),
            unpack: Decompress::new(true),
            plain: Vec::new(),
        })
    }

    /// Fetches files and answers the bytes of their contents. A batch is asked for before the one before it has come.
    pub async fn fetch(&mut self, files: &[u64]) -> Result<u64> {
        let (mut asked, mut done, mut bytes) = (0, 0, 0);
        // What is left of each stream, once its head is known.
        let mut left: HashMap<u32, u64> = HashMap::new();
        while done < files.len() {
            while asked < files.len() && asked < done + 2 * BATCH {
                let batch = &files[asked..files.len().min(asked + BATCH)];
                self.ask(asked, batch).await?;
                asked += batch.len();
            }
            self.receive().await?;
            let mut at = 0;
            while let Some((head, rest)) = self.plain[at..].split_first_chunk::<PACKET_BYTES>() {
                let stream = u32::from_le_bytes([head[0], head[1], head[2], head[3]]);
                let length = usize::from(u16::from_le_bytes([head[4], head[5]])) + 1;
                let Some(payload) = rest.get(..length) else {
                    break;
                };
                let more = match left.get_mut(&stream) {
                    Some(more) => more,
                    None => {
                        let size = size_of_content(payload)?;
                        bytes += size;
                        left.entry(stream).or_insert(size + HEAD_BYTES)
                    }
                };
                *more = more
                    .checked_sub(length as u64)
                    .ok_or("more has come than was announced")?;
                if *more == 0 {
                    left.remove(&stream);
                    done += 1;
                }
                at += PACKET_BYTES + length;
            }
            self.plain.drain(..at);
        }
        Ok(bytes)
    }

    async fn ask(&mut self, first: usize, files: &[u64]) -> Result<()> {
        let mut text = String::new();
        for (place, file) in files.iter().enumerate() {
            writeln!(text, "act=dwl,strm={},fileid={file}", first + place + 1)?;
        }
        let mut packed = Vec::with_capacity(text.len() + 1024);
        self.pack
            .compress_vec(text.as_bytes(), &mut packed, FlushCompress::Partial)?;
        Ok(self.stream.write_all(&packed).await?)
    }

    async fn receive(&mut self) -> Result<()> {
        let mut packed = vec![0; 64 << 10];
        let count = self.stream.read(&mut packed).await?;
        if count == 0 {
            return Err("the server closed the connection".into());
        }
        let mut packed = &packed[..count];
        while !packed.is_empty() {
            let taken = self.unpack.total_in();
            self.plain.reserve(64 << 10);
            self.unpack
                .decompress_vec(packed, &mut self.plain, FlushDecompress::None)?;
            packed = &packed[usize::try_from(self.unpack.total_in() - taken)?..];
        }
        Ok(())
    }
}

/// The size that the first payload of a stream announces.
fn size_of_content(payload: &[u8]) -> Result<u64> {
    let fields = payload.split_first_chunk::<4>().and_then(|(error, rest)| {
        let size = rest.get(4..12)?.first_chunk::<8>()?;
        Some((u32::from_le_bytes(*error), u64::from_le_bytes(*size)))
    });
    match fields {
        Some((0, size)) => Ok(size),
        _ => Err("a small download was refused".into()),
    }
}
