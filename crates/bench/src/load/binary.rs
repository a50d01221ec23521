//! A lean client connection of the binary protocol.

use crate::error::{Error, Result};
use bytes::{Buf, BytesMut};
use pileus_wire::{Params, Tree, Value, decode_answer, write_request};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest accepted answer; none of the measured calls comes near.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// The answer's own length stands in front of it.
const LENGTH_BYTES: usize = 4;
/// How an answer begins that tells its success first and in the shortest way: a hash whose first
/// pair is `result`, 0.
const RESULT_ZERO_FIRST: &[u8] = b"\x10\x6aresult\xc8";

/// One connection that speaks the binary protocol.
pub struct Connection {
    stream: TcpStream,
    /// Bytes read and not yet consumed.
    buffer: BytesMut,
    /// Length of the last answer, which is still at the front of `buffer`.
    spent: usize,
}

/// The bytes of a request without data.
pub fn request(method: &str, params: &[(&str, Value)]) -> Result<Vec<u8>> {
    let mut all = Params::new();
    for (name, value) in params {
        all.set(*name, value.clone())
            .map_err(|error| format!("{method}: {error}"))?;
    }
    let mut bytes = Vec::new();
    write_request(&mut bytes, method, &all, None)
        .map_err(|error| format!("{method}: {error}"))?;
    Ok(bytes)
}

/// A text parameter.
pub fn text(value: &str) -> Value {
    Value::Text(value.to_owned().into())
}

/// Fails unless `answer` says `result` 0.
pub fn check(answer: &[u8]) -> Result<()> {
    // Looking at the first bytes costs nothing; only an encoder that writes them otherwise makes
    // the client decode the whole answer.
    if answer.starts_with(RESULT_ZERO_FIRST) {
        return Ok(());
    }
    let tree = decode(answer)?;
    match tree.get("result").and_then(Tree::as_u64) {
        Some(0) => Ok(()),
        _ => Err(format!("unexpected answer {tree:?}").into()),
    }
}

/// Decodes a whole answer (without its length).
pub fn decode(answer: &[u8]) -> Result<Tree> {
    decode_answer(answer).map_err(|error| format!("malformed binary answer: {error}").into())
}

impl Connection {
    /// Connects with `TCP_NODELAY`.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        let stream = TcpStream::connect(address).await?;
        stream.set_nodelay(true)?;
        Ok(Self {
            stream,
            buffer: BytesMut::new(),
            spent: 0,
        })
    }

    /// Sends one request.
    pub async fn send(&mut self, request: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(request).await?)
    }

    /// Reads the next answer, without its length. It is valid until the next call.
    pub async fn receive(&mut self) -> Result<&[u8]> {
        self.buffer.advance(std::mem::take(&mut self.spent));
        while self.buffer.len() < LENGTH_BYTES {
            self.fill().await?;
        }
        let length = usize::try_from(self.buffer.get_u32_le())?;
        if length > MAX_ANSWER_BYTES {
            return Err("the answer is longer than the benchmark accepts".into());
        }
        while self.buffer.len() < length {
            self.fill().await?;
        }
        self.spent = length;
        Ok(&self.buffer[..length])
    }

    async fn fill(&mut self) -> Result<()> {
        self.buffer.reserve(16 << 10);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err(Error::from("the server closed the connection"));
        }
        Ok(())
    }
}
