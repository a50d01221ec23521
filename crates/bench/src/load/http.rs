//! A lean HTTP/1.1 client connection.
//!
//! Requests are bytes made beforehand; answers are read into one buffer that is used again and
//! again. It understands exactly what servers send back to such requests: a length or chunks.

use crate::error::{Error, Result};
use crate::limit::{self, within};
use bytes::{Buf, BytesMut};
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest accepted block of answer headers.
const MAX_HEAD_BYTES: usize = 64 << 10;
/// Most headers accepted in one answer.
const MAX_HEADERS: usize = 64;
/// Longest answer that is kept in memory. The listing of 100,000 entries takes some 60 MiB.
const MAX_ANSWER_BYTES: u64 = 512 << 20;
/// Room made for each read: an answer with 4 KiB of content fits into one.
const READ_AHEAD_BYTES: usize = 16 << 10;
/// Size of reads and writes while bulk data is moved.
const BULK_BYTES: usize = 256 << 10;

/// What a connection can be made of.
pub trait Transport: AsyncRead + AsyncWrite + Unpin + Send + 'static {}
impl<T: AsyncRead + AsyncWrite + Unpin + Send + 'static> Transport for T {}

/// One keep-alive connection to an HTTP/1.1 server.
pub struct Connection<S> {
    stream: S,
    /// Bytes read and not yet consumed.
    buffer: BytesMut,
    /// Length of the last answer's body, which is still at the front of `buffer`.
    spent: usize,
    /// Body of the last chunked answer, without the chunk marks.
    unchunked: Vec<u8>,
}

/// A whole answer, valid until the next call on its connection.
pub struct Answer<'a> {
    /// HTTP status code.
    pub status: u16,
    /// The body.
    pub body: &'a [u8],
}

struct Head {
    status: u16,
    body: Framing,
}

enum Framing {
    Length(u64),
    Chunked,
}

/// Connects with `TCP_NODELAY`, so that small requests leave at once.
pub async fn connect(address: SocketAddr) -> Result<Connection<TcpStream>> {
    Ok(Connection::new(open(address).await?))
}

/// Opens the socket for [`connect`] and its kin.
pub async fn open(address: SocketAddr) -> Result<TcpStream> {
    let opened = async { Ok(TcpStream::connect(address).await?) };
    let stream = within(limit::CONNECT, "connecting", opened).await?;
    stream.set_nodelay(true)?;
    Ok(stream)
}

/// The bytes of a request without a body.
pub fn get(authority: &str, target: &str) -> Vec<u8> {
    format!("GET {target} HTTP/1.1\r\nHost: {authority}\r\n\r\n").into_bytes()
}

/// The head of a request that announces `length` bytes of body.
pub fn put(authority: &str, target: &str, length: u64) -> Vec<u8> {
    format!("PUT {target} HTTP/1.1\r\nHost: {authority}\r\nContent-Length: {length}\r\n\r\n")
        .into_bytes()
}

/// Sends `length` bytes, made block by block. `next_block` changes the block it is given before it is
/// sent; the first block is all zeroes.
pub async fn send_blocks(
    stream: &mut impl Transport,
    length: u64,
    mut next_block: impl FnMut(&mut [u8]),
) -> Result<()> {
    let mut block = vec![0; BULK_BYTES];
    let mut left = length;
    while left > 0 {
        next_block(&mut block);
        let size = usize::try_from(left).map_or(BULK_BYTES, |left| left.min(BULK_BYTES));
        stream.write_all(&block[..size]).await?;
        left -= size as u64;
    }
    Ok(stream.flush().await?)
}

impl<S: Transport> Connection<S> {
    /// Speaks over a stream that is connected already.
    pub fn new(stream: S) -> Self {
        Self {
            stream,
            buffer: BytesMut::new(),
            spent: 0,
            unchunked: Vec::new(),
        }
    }

    /// Sends one whole request and reads its answer.
    pub async fn exchange(&mut self, request: &[u8]) -> Result<Answer<'_>> {
        self.send(request).await?;
        self.receive().await
    }

    /// Sends bytes of a request.
    pub async fn send(&mut self, bytes: &[u8]) -> Result<()> {
        self.stream.write_all(bytes).await?;
        // TLS keeps written records until it is told that nothing follows.
        self.stream.flush().await?;
        Ok(())
    }

    /// Sends `length` bytes of body, see [`send_blocks`].
    pub async fn send_bulk(
        &mut self,
        length: u64,
        next_block: impl FnMut(&mut [u8]),
    ) -> Result<()> {
        send_blocks(&mut self.stream, length, next_block).await
    }

    /// Reads the next answer whole.
    pub async fn receive(&mut self) -> Result<Answer<'_>> {
        let head = self.head().await?;
        let body = match head.body {
            Framing::Length(length) if length > MAX_ANSWER_BYTES => return Err(too_long()),
            Framing::Length(length) => {
                self.spent = usize::try_from(length)?;
                while self.buffer.len() < self.spent {
                    self.fill().await?;
                }
                &self.buffer[..self.spent]
            }
            Framing::Chunked => {
                self.chunks().await?;
                &self.unchunked
            }
        };
        Ok(Answer {
            status: head.status,
            body,
        })
    }

    /// Reads the next answer and throws its body away. Answers the status and the body's length.
    /// The answer must announce its length, as content servers do.
    pub async fn receive_bulk(&mut self) -> Result<(u16, u64)> {
        let head = self.head().await?;
        let Framing::Length(length) = head.body else {
            return Err("the content came without a length".into());
        };
        let here = usize::try_from(length).map_or(self.buffer.len(), |n| n.min(self.buffer.len()));
        self.buffer.advance(here);
        let mut left = length - here as u64;
        let mut block = vec![0; BULK_BYTES];
        while left > 0 {
            let most = usize::try_from(left).map_or(BULK_BYTES, |left| left.min(BULK_BYTES));
            let read = self.stream.read(&mut block[..most]).await?;
            if read == 0 {
                return Err(closed());
            }
            left -= read as u64;
        }
        Ok((head.status, length))
    }

    async fn head(&mut self) -> Result<Head> {
        self.buffer.advance(std::mem::take(&mut self.spent));
        loop {
            if let Some((head, length)) = parse_head(&self.buffer)? {
                self.buffer.advance(length);
                return Ok(head);
            }
            if self.buffer.len() > MAX_HEAD_BYTES {
                return Err("the answer's headers do not end".into());
            }
            self.fill().await?;
        }
    }

    async fn chunks(&mut self) -> Result<()> {
        self.unchunked.clear();
        loop {
            let (mark, size) = loop {
                match httparse::parse_chunk_size(&self.buffer) {
                    Ok(httparse::Status::Complete(found)) => break found,
                    Ok(httparse::Status::Partial) => self.fill().await?,
                    Err(_) => return Err("malformed chunk".into()),
                }
            };
            if self.unchunked.len() as u64 + size > MAX_ANSWER_BYTES {
                return Err(too_long());
            }
            let size = usize::try_from(size)?;
            let end = mark + size + b"\r\n".len();
            while self.buffer.len() < end {
                self.fill().await?;
            }
            if &self.buffer[mark + size..end] != b"\r\n" {
                return Err("a chunk is longer than it says, or trailers follow".into());
            }
            self.unchunked
                .extend_from_slice(&self.buffer[mark..mark + size]);
            self.buffer.advance(end);
            if size == 0 {
                return Ok(());
            }
        }
    }

    async fn fill(&mut self) -> Result<()> {
        self.buffer.reserve(READ_AHEAD_BYTES);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(closed());
        }
        Ok(())
    }
}

fn parse_head(bytes: &[u8]) -> Result<Option<(Head, usize)>> {
    let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut response = httparse::Response::new(&mut headers);
    let httparse::Status::Complete(length) = response.parse(bytes)? else {
        return Ok(None);
    };
    let mut body = None;
    for header in response.headers.iter() {
        if header.name.eq_ignore_ascii_case("content-length") {
            body = Some(Framing::Length(std::str::from_utf8(header.value)?.parse()?));
        } else if header.name.eq_ignore_ascii_case("transfer-encoding") {
            body = Some(Framing::Chunked);
        }
    }
    let status = response.code.ok_or("an answer without a status")?;
    // No Content is the one status here that never has a body and need not say so.
    let body = match body {
        Some(body) => body,
        None if status == 204 => Framing::Length(0),
        None => return Err(format!("answer {status} has neither length nor chunks").into()),
    };
    Ok(Some((Head { status, body }, length)))
}

fn closed() -> Error {
    "the server closed the connection".into()
}

fn too_long() -> Error {
    "the answer is longer than the benchmark accepts".into()
}

#[cfg(test)]
mod tests {
    use super::Connection;
    use crate::error::Result;
    use tokio::io::AsyncWriteExt;

    /// Feeds `bytes` to a connection in pieces of `piece` bytes and reads `count` answers.
    async fn answers(bytes: &[u8], piece: usize, count: usize) -> Result<Vec<(u16, Vec<u8>)>> {
        let (near, mut far) = tokio::io::duplex(piece);
        let bytes = bytes.to_vec();
        let writer = tokio::spawn(async move { far.write_all(&bytes).await });
        let mut connection = Connection::new(near);
        let mut found = Vec::new();
        for _ in 0..count {
            let answer = connection.receive().await?;
            found.push((answer.status, answer.body.to_vec()));
        }
        writer.await??;
        Ok(found)
    }

    #[tokio::test]
    async fn answers_in_a_row_cut_anywhere() -> Result<()> {
        let bytes = b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhello\
            HTTP/1.1 204 No Content\r\nServer: x\r\n\r\n\
            HTTP/1.1 200 OK\r\ntransfer-encoding: chunked\r\n\r\n4\r\nwiki\r\n1\r\n!\r\n0\r\n\r\n\
            HTTP/1.1 404 Not Found\r\nContent-Length: 0\r\n\r\n";
        for piece in [1, 7, 4096] {
            let found = answers(bytes, piece, 4).await?;
            let expected: [(u16, &[u8]); 4] =
                [(200, b"hello"), (204, b""), (200, b"wiki!"), (404, b"")];
            for (found, expected) in found.iter().zip(expected) {
                assert_eq!((found.0, &*found.1), expected);
            }
        }
        Ok(())
    }

    #[tokio::test]
    async fn bulk_answers_leave_the_next_one_intact() -> Result<()> {
        let (near, mut far) = tokio::io::duplex(64);
        let writer = tokio::spawn(async move {
            far.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 700000\r\n\r\n")
                .await?;
            far.write_all(&vec![7; 700_000]).await?;
            far.write_all(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok")
                .await
        });
        let mut connection = Connection::new(near);
        assert_eq!(connection.receive_bulk().await?, (200, 700_000));
        assert_eq!(connection.receive().await?.body, b"ok");
        writer.await??;
        Ok(())
    }

    #[tokio::test]
    async fn bad_answers_are_errors() {
        for bytes in [
            &b"HTTP/1.1 200 OK\r\n\r\n"[..],
            b"HTTP/1.1 200 OK\r\nContent-Length: x\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nhe",
            b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n",
            b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nabc\r\n",
            b"no HTTP at all\r\n\r\n",
        ] {
            assert!(answers(bytes, 4096, 1).await.is_err());
        }
    }
}
