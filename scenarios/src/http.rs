//! The least of HTTP/1.1 that a test client needs, without hiding anything from the tests.

use crate::Result;
use std::io::{ErrorKind, Read};
use std::net::TcpStream;

/// The longest head of an answer; servers of this API stay far below.
const MAX_HEAD_BYTES: usize = 64 * 1024;
/// More headers than any answer has.
const MAX_HEADERS: usize = 64;

/// What has arrived on a socket and has not been read yet.
#[derive(Debug)]
pub struct Input {
    stream: TcpStream,
    buffer: Vec<u8>,
}

impl Input {
    /// Reads from `stream`, whose read timeout bounds every wait.
    pub fn new(stream: TcpStream) -> Self {
        Self {
            stream,
            buffer: Vec::new(),
        }
    }

    /// Waits for more bytes; false if the other side has closed the connection.
    fn fill(&mut self) -> Result<bool> {
        let mut piece = [0; 64 * 1024];
        loop {
            return match self.stream.read(&mut piece) {
                Ok(count) => {
                    self.buffer.extend_from_slice(&piece[..count]);
                    Ok(count > 0)
                }
                Err(error) if error.kind() == ErrorKind::Interrupted => continue,
                Err(error)
                    if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) =>
                {
                    Err("no answer within the time limit".into())
                }
                Err(error) if error.kind() == ErrorKind::ConnectionReset => Ok(false),
                Err(error) => Err(error.into()),
            };
        }
    }

    /// Takes exactly `count` bytes; `None` if the connection was closed before the first of them.
    pub fn take(&mut self, count: usize) -> Result<Option<Vec<u8>>> {
        while self.buffer.len() < count {
            if !self.fill()? {
                if self.buffer.is_empty() {
                    return Ok(None);
                }
                return Err(format!("closed after {} of {count} bytes", self.buffer.len()).into());
            }
        }
        let rest = self.buffer.split_off(count);
        Ok(Some(std::mem::replace(&mut self.buffer, rest)))
    }

    /// Takes exactly `count` bytes that have to come.
    pub fn need(&mut self, count: usize) -> Result<Vec<u8>> {
        match self.take(count)? {
            Some(bytes) => Ok(bytes),
            None if count == 0 => Ok(Vec::new()),
            None => Err(format!("closed before {count} bytes").into()),
        }
    }

    /// Takes everything up to the end of the connection.
    fn take_all(&mut self) -> Result<Vec<u8>> {
        while self.fill()? {}
        Ok(std::mem::take(&mut self.buffer))
    }

    /// Takes a line without its CR LF.
    fn line(&mut self) -> Result<Vec<u8>> {
        loop {
            if let Some(end) = self.buffer.windows(2).position(|pair| pair == b"\r\n") {
                let mut line = self.need(end + 2)?;
                line.truncate(end);
                return Ok(line);
            }
            if self.buffer.len() > MAX_HEAD_BYTES || !self.fill()? {
                return Err("closed within a line".into());
            }
        }
    }

    /// Whether bytes arrive, or the end, within the stream's present read timeout.
    pub fn anything_arrives(&mut self) -> Result<bool> {
        if !self.buffer.is_empty() {
            return Ok(true);
        }
        let mut byte = [0];
        match self.stream.peek(&mut byte) {
            Ok(_) => Ok(true),
            Err(error) if matches!(error.kind(), ErrorKind::WouldBlock | ErrorKind::TimedOut) => {
                Ok(false)
            }
            Err(error) => Err(error.into()),
        }
    }
}

/// Status and headers of an answer.
#[derive(Clone, Debug)]
pub struct Head {
    /// Status code.
    pub status: u16,
    /// Names in lower case with their values, in the order received.
    pub headers: Vec<(String, String)>,
}

impl Head {
    /// The value of a header, given its name in lower case.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.headers
            .iter()
            .find(|(known, _)| known == name)
            .map(|(_, value)| value.as_str())
    }

    /// Whether the answer says that it is JSON.
    pub fn is_json(&self) -> bool {
        self.header("content-type")
            .is_some_and(|value| value.starts_with("application/json"))
    }
}

/// An answer.
#[derive(Clone, Debug)]
pub struct HttpAnswer {
    /// Status and headers.
    pub head: Head,
    /// The body, with its transfer coding undone.
    pub body: Vec<u8>,
}

/// Reads the next answer; `None` if the connection was closed before it began. `to_head` says that the request was a
/// HEAD, whose answer has no body whatever its headers say.
pub fn read_answer(input: &mut Input, to_head: bool) -> Result<Option<HttpAnswer>> {
    let Some(head) = read_head(input)? else {
        return Ok(None);
    };
    let has_no_body = to_head || matches!(head.status, 100..=199 | 204 | 304);
    let chunked = head
        .header("transfer-encoding")
        .is_some_and(|coding| coding.eq_ignore_ascii_case("chunked"));
    let body = if has_no_body {
        Vec::new()
    } else if chunked {
        read_chunks(input)?
    } else if let Some(length) = head.header("content-length") {
        input.need(length.parse()?)?
    } else {
        input.take_all()?
    };
    Ok(Some(HttpAnswer { head, body }))
}

fn read_head(input: &mut Input) -> Result<Option<Head>> {
    loop {
        let mut headers = [httparse::EMPTY_HEADER; MAX_HEADERS];
        let mut response = httparse::Response::new(&mut headers);
        if let httparse::Status::Complete(length) = response.parse(&input.buffer)? {
            let status = response.code.ok_or("an answer without a status")?;
            let headers = response.headers.iter().map(|header| {
                let value = String::from_utf8_lossy(header.value).into_owned();
                (header.name.to_ascii_lowercase(), value)
            });
            let head = Head {
                status,
                headers: headers.collect(),
            };
            input.need(length)?;
            return Ok(Some(head));
        }
        if input.buffer.len() > MAX_HEAD_BYTES {
            return Err("the head of the answer is too long".into());
        }
        if !input.fill()? {
            if input.buffer.is_empty() {
                return Ok(None);
            }
            return Err("closed within the head of an answer".into());
        }
    }
}

fn read_chunks(input: &mut Input) -> Result<Vec<u8>> {
    let mut body = Vec::new();
    loop {
        let line = input.line()?;
        let size = line.split(|&byte| byte == b';').next().unwrap_or_default();
        let size = usize::from_str_radix(std::str::from_utf8(size)?.trim(), 16)?;
        body.extend(input.need(size)?);
        if !input.line()?.is_empty() {
            return Err("a chunk does not end with a line end".into());
        }
        if size == 0 {
            return Ok(body);
        }
    }
}
