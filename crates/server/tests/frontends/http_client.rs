//! An HTTP client that sends what it is told to, byte by byte if need be.

use crate::server::{PATIENCE, Server};
use pileus_wire::Tree;
use std::net::SocketAddr;
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpStream;
use tokio::time::timeout;

/// A connection.
pub struct Client<S = TcpStream> {
    pub io: S,
    received: Vec<u8>,
}

/// A response.
#[derive(Debug)]
pub struct Response {
    pub status: u16,
    /// The status line and the headers.
    pub head: String,
    pub body: Vec<u8>,
}

impl Client {
    /// Connects to a server.
    pub async fn connect(server: &Server) -> Self {
        Self::to(server.address).await
    }

    /// Connects to an address.
    pub async fn to(address: SocketAddr) -> Self {
        let io = TcpStream::connect(address).await.unwrap();
        io.set_nodelay(true).unwrap();
        Self::over(io)
    }
}

impl<S: AsyncRead + AsyncWrite + Unpin> Client<S> {
    /// Speaks over a stream.
    pub fn over(io: S) -> Self {
        Self {
            io,
            received: Vec::new(),
        }
    }

    /// Sends bytes.
    pub async fn send(&mut self, bytes: impl AsRef<[u8]>) {
        timeout(PATIENCE, self.io.write_all(bytes.as_ref()))
            .await
            .unwrap()
            .unwrap();
    }

    /// Ends the sending side.
    pub async fn end(&mut self) {
        self.io.shutdown().await.unwrap();
    }

    /// Sends a GET request and reads the response.
    pub async fn get(&mut self, path: &str) -> Response {
        self.send(get(path)).await;
        self.response().await
    }

    /// Reads a response with a body.
    pub async fn response(&mut self) -> Response {
        self.read(true).await
    }

    /// Reads a response to HEAD.
    pub async fn head(&mut self) -> Response {
        self.read(false).await
    }

    /// Whether the server has ended the connection, and sent nothing before.
    pub async fn is_closed(&mut self) -> bool {
        self.received.is_empty() && self.more().await == 0
    }

    async fn read(&mut self, has_body: bool) -> Response {
        let end = loop {
            if let Some(end) = find(&self.received, b"\r\n\r\n") {
                break end + 4;
            }
            let text = String::from_utf8_lossy(&self.received).into_owned();
            assert!(self.more().await > 0, "the connection ended after {text:?}");
        };
        let head = String::from_utf8(self.received.drain(..end).collect()).unwrap();
        let status = head.split(' ').nth(1).unwrap().parse().unwrap();
        let mut response = Response {
            status,
            head,
            body: Vec::new(),
        };
        if !has_body || matches!(status, 100 | 204 | 304) {
            return response;
        }
        if response.header("transfer-encoding") == Some("chunked") {
            response.body = self.chunks().await;
        } else {
            let length = response
                .header("content-length")
                .expect("a length")
                .parse()
                .unwrap();
            response.body = self.take(length).await;
        }
        response
    }

    async fn chunks(&mut self) -> Vec<u8> {
        let mut body = Vec::new();
        loop {
            let end = loop {
                if let Some(end) = find(&self.received, b"\r\n") {
                    break end;
                }
                assert!(
                    self.more().await > 0,
                    "the connection ended in a chunked body"
                );
            };
            let line = self.take(end + 2).await;
            let length =
                usize::from_str_radix(std::str::from_utf8(&line[..end]).unwrap(), 16).unwrap();
            let chunk = self.take(length + 2).await;
            assert!(chunk.ends_with(b"\r\n"));
            if length == 0 {
                return body;
            }
            body.extend_from_slice(&chunk[..length]);
        }
    }

    async fn take(&mut self, length: usize) -> Vec<u8> {
        while self.received.len() < length {
            assert!(self.more().await > 0, "the connection ended in a body");
        }
        self.received.drain(..length).collect()
    }

    /// Receives something; 0 bytes at the end, however it ends.
    async fn more(&mut self) -> usize {
        let mut buf = vec![0; 64 * 1024];
        let read = timeout(PATIENCE, self.io.read(&mut buf))
            .await
            .expect("the server says nothing");
        let count = read.unwrap_or(0);
        self.received.extend_from_slice(&buf[..count]);
        count
    }
}

impl Response {
    /// The value of a header.
    pub fn header(&self, name: &str) -> Option<&str> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        lines
            .filter(|(found, _)| found.eq_ignore_ascii_case(name))
            .map(|(_, value)| value)
            .next()
    }

    /// The body as text.
    pub fn text(&self) -> &str {
        std::str::from_utf8(&self.body).unwrap()
    }

    /// The body as an answer.
    pub fn tree(&self) -> Tree {
        Tree::from_json(&self.body).unwrap_or_else(|error| panic!("{error:?} in {:?}", self.text()))
    }

    /// The result of a call.
    pub fn result(&self) -> u64 {
        assert_eq!(
            self.status,
            200,
            "{}{}",
            self.head,
            String::from_utf8_lossy(&self.body)
        );
        self.tree().get("result").and_then(Tree::as_u64).unwrap()
    }

    /// The echoed `id`.
    pub fn id(&self) -> String {
        assert_eq!(self.result(), 0);
        self.tree()
            .get("id")
            .and_then(Tree::as_str)
            .unwrap()
            .to_owned()
    }
}

fn find(bytes: &[u8], pattern: &[u8]) -> Option<usize> {
    bytes
        .windows(pattern.len())
        .position(|window| window == pattern)
}

/// A GET request.
pub fn get(path: &str) -> String {
    format!("GET {path} HTTP/1.1\r\nHost: x\r\n\r\n")
}

/// A request with a body.
pub fn with_body(method: &str, path: &str, headers: &str, body: impl AsRef<[u8]>) -> Vec<u8> {
    let body = body.as_ref();
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Content-Length: {}\r\n\r\n",
        body.len()
    );
    [head.as_bytes(), body].concat()
}

/// A request with a body in chunks.
pub fn with_chunks(method: &str, path: &str, headers: &str, chunks: &[&[u8]]) -> Vec<u8> {
    let head = format!(
        "{method} {path} HTTP/1.1\r\nHost: x\r\n{headers}Transfer-Encoding: chunked\r\n\r\n"
    );
    let mut request = head.into_bytes();
    for chunk in chunks {
        request.extend_from_slice(format!("{:x}\r\n", chunk.len()).as_bytes());
        request.extend_from_slice(chunk);
        request.extend_from_slice(b"\r\n");
    }
    request.extend_from_slice(b"0\r\n\r\n");
    request
}
