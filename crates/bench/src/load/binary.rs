//! A lean client connection of the binary protocol.

use crate::error::{Context, Result};
use crate::load::api::{number, params};
use crate::load::http;
use bytes::{Buf, BytesMut};
use pileus_wire::{Value, decode_answer, write_request};
use std::net::SocketAddr;
use tokio::io::{AsyncReadExt, AsyncWriteExt};
use tokio::net::TcpStream;

/// Longest accepted answer; none of the measured calls comes near.
const MAX_ANSWER_BYTES: usize = 64 << 20;
/// Room that is made for each read of an answer, and of data.
const FILL_BYTES: usize = 64 << 10;
const FILL_DATA_BYTES: usize = 256 << 10;
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
    /// Requests that leave once there is nothing to do but to read.
    queued: Vec<u8>,
}

/// The bytes of a request without data.
pub fn request(method: &str, pairs: &[(&'static str, Value)]) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_request(&mut bytes, method, &params(pairs)?, None).context(method)?;
    Ok(bytes)
}

/// The bytes of a request with its data.
pub fn request_with_data(
    method: &str,
    pairs: &[(&'static str, Value)],
    data: &[u8],
) -> Result<Vec<u8>> {
    let mut bytes = request_for_data(method, pairs, data.len() as u64)?;
    bytes.extend_from_slice(data);
    Ok(bytes)
}

/// The bytes of a request that so many bytes of data follow.
pub fn request_for_data(
    method: &str,
    pairs: &[(&'static str, Value)],
    length: u64,
) -> Result<Vec<u8>> {
    let mut bytes = Vec::new();
    write_request(&mut bytes, method, &params(pairs)?, Some(length)).context(method)?;
    Ok(bytes)
}

/// Fails unless `answer` says `result` 0.
pub fn check(answer: &[u8]) -> Result<()> {
    // Looking at the first bytes costs nothing; only an encoder that writes them otherwise makes
    // the client decode the whole answer.
    if answer.starts_with(RESULT_ZERO_FIRST) {
        return Ok(());
    }
    let tree = decode_answer(answer)?;
    if number(&tree, "result")? == 0 {
        Ok(())
    } else {
        Err(format!("unexpected answer {tree:?}").into())
    }
}

impl Connection {
    /// Connects with `TCP_NODELAY`.
    pub async fn connect(address: SocketAddr) -> Result<Self> {
        Ok(Self {
            stream: http::open(address).await?,
            buffer: BytesMut::new(),
            spent: 0,
            queued: Vec::new(),
        })
    }

    /// Sends one request.
    pub async fn send(&mut self, request: &[u8]) -> Result<()> {
        Ok(self.stream.write_all(request).await?)
    }

    /// Sends bytes of data, see [`http::send_blocks`].
    pub async fn send_bulk(
        &mut self,
        length: u64,
        next_block: impl FnMut(&mut [u8]),
    ) -> Result<()> {
        http::send_blocks(&mut self.stream, length, next_block).await
    }

    /// Sends one request, together with others: once there are no bytes left of what has been read.
    pub fn queue(&mut self, request: &[u8]) {
        self.queued.extend_from_slice(request);
    }

    /// Reads the next answer, without its length. It is valid until the next call.
    pub async fn receive(&mut self) -> Result<&[u8]> {
        self.buffer.advance(std::mem::take(&mut self.spent));
        while self.buffer.len() < LENGTH_BYTES {
            self.fill(FILL_BYTES).await?;
        }
        let length = usize::try_from(self.buffer.get_u32_le())?;
        if length > MAX_ANSWER_BYTES {
            return Err("the answer is longer than the benchmark accepts".into());
        }
        while self.buffer.len() < length {
            self.fill(FILL_BYTES).await?;
        }
        self.spent = length;
        Ok(&self.buffer[..length])
    }

    /// The socket, for another protocol that begins where the last answer ends.
    pub fn into_stream(self) -> TcpStream {
        self.stream
    }

    /// Reads the data that follows the last answer, and throws it away.
    pub async fn skip(&mut self, count: u64) -> Result<()> {
        self.buffer.advance(std::mem::take(&mut self.spent));
        let mut left = usize::try_from(count)?;
        while left > 0 {
            if self.buffer.is_empty() {
                self.fill(FILL_DATA_BYTES).await?;
            }
            let here = left.min(self.buffer.len());
            self.buffer.advance(here);
            left -= here;
        }
        Ok(())
    }

    async fn fill(&mut self, room: usize) -> Result<()> {
        if !self.queued.is_empty() {
            self.stream.write_all(&self.queued).await?;
            self.queued.clear();
        }
        self.buffer.reserve(room);
        if self.stream.read_buf(&mut self.buffer).await? == 0 {
            return Err("the server closed the connection".into());
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::{Connection, check, request};
    use crate::error::Result;
    use pileus_wire::parse_request;
    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;

    const ZERO: &[u8] = b"\x10\x6aresult\xc8\xff";
    /// `result` 0 in a longer form, behind another field.
    const LATE_ZERO: &[u8] = b"\x10\x65x\xc9\x6aresult\x09\x00\x00\xff";
    const REFUSED: &[u8] = b"\x10\x6aresult\x09\xd0\x07\xff";

    #[test]
    fn only_result_zero_is_success() {
        assert!(check(ZERO).is_ok());
        assert!(check(LATE_ZERO).is_ok());
        assert!(check(REFUSED).is_err());
        assert!(check(b"").is_err());
        assert!(check(b"\x10\xff").is_err());
    }

    #[test]
    fn requests_carry_their_parameters() -> Result<()> {
        let bytes = request("stat", &[("fileid", 7_u64.into())])?;
        let parsed = parse_request(&bytes[2..])?;
        assert_eq!(&parsed.method[..], "stat");
        assert_eq!(parsed.params.uint("fileid"), Some(7));
        Ok(())
    }

    #[tokio::test]
    async fn answers_are_told_apart() -> Result<()> {
        let listener = TcpListener::bind("127.0.0.1:0").await?;
        let mut connection = Connection::connect(listener.local_addr()?).await?;
        let (mut far, _) = listener.accept().await?;
        let mut bytes = Vec::new();
        for answer in [ZERO, LATE_ZERO, REFUSED] {
            bytes.extend(u32::try_from(answer.len())?.to_le_bytes());
            bytes.extend(answer);
        }
        far.write_all(&bytes).await?;
        drop(far);
        assert_eq!(connection.receive().await?, ZERO);
        assert_eq!(connection.receive().await?, LATE_ZERO);
        assert_eq!(connection.receive().await?, REFUSED);
        assert!(connection.receive().await.is_err());
        Ok(())
    }
}
