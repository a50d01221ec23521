//! The kinds of calls that throughput lines are made of.

use crate::error::Result;
use crate::load::binary;
use crate::load::closed_loop::Caller;
use crate::load::http::{self, Answer, Transport};
use crate::noise::Noise;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// What makes an HTTP answer a good one.
#[derive(Clone, Copy)]
pub enum Expect {
    /// The API's success: status 200 and `"result": 0`.
    ResultZero,
    /// Status 200 and a body of this many bytes.
    Content(usize),
    /// Status 201, as for a file that is new.
    Created,
}

impl Expect {
    /// Fails with the beginning of the answer if it is not a good one.
    pub fn check(self, answer: &Answer<'_>) -> Result<()> {
        let good = match self {
            Self::ResultZero => answer.status == 200 && result_is_zero(answer.body),
            Self::Content(length) => answer.status == 200 && answer.body.len() == length,
            Self::Created => answer.status == 201,
        };
        if good {
            return Ok(());
        }
        let shown = answer.body.len().min(300);
        let text = String::from_utf8_lossy(&answer.body[..shown]);
        Err(format!("unexpected answer {}: {text}", answer.status).into())
    }
}

/// Whether a JSON answer says `"result": 0`. Parsing whole listings would take more time than
/// servers need to make them, so this looks for the text; no other field has that name.
pub fn result_is_zero(json: &[u8]) -> bool {
    const KEY: &[u8] = b"\"result\"";
    let Some(at) = json.windows(KEY.len()).position(|window| window == KEY) else {
        return false;
    };
    let mut rest = json[at + KEY.len()..]
        .iter()
        .filter(|byte| !byte.is_ascii_whitespace());
    rest.next() == Some(&b':')
        && rest.next() == Some(&b'0')
        && matches!(rest.next(), Some(b',' | b'}'))
}

/// Repeats ready-made requests without a body.
pub struct Get<S> {
    connection: http::Connection<S>,
    requests: Arc<Vec<Vec<u8>>>,
    next: usize,
    expect: Expect,
}

impl<S: Transport> Get<S> {
    /// Calls `requests` in turn, the one at `first` (modulo their number) first.
    pub fn new(
        connection: http::Connection<S>,
        requests: Arc<Vec<Vec<u8>>>,
        first: usize,
        expect: Expect,
    ) -> Self {
        Self {
            connection,
            next: first,
            requests,
            expect,
        }
    }
}

impl<S: Transport> Caller for Get<S> {
    async fn call(&mut self) -> Result<()> {
        let request = &self.requests[self.next % self.requests.len()];
        self.next += 1;
        let answer = self.connection.exchange(request).await?;
        self.expect.check(&answer)
    }
}

/// Where small files are uploaded to; shared by all connections of a run.
pub struct UploadTarget {
    /// Value of the `Host` header.
    pub authority: String,
    /// The request target up to the file's name, which comes last.
    pub prefix: String,
    /// Size of each file.
    pub file_bytes: usize,
    /// What the server answers to an upload that worked.
    pub expect: Expect,
    /// Number of the next file.
    pub next_name: AtomicU64,
}

/// Uploads files with random contents under names that were never used.
pub struct Upload<S> {
    connection: http::Connection<S>,
    target: Arc<UploadTarget>,
    noise: Noise,
    request: Vec<u8>,
    content: Vec<u8>,
}

impl<S: Transport> Upload<S> {
    /// Uploads to `target`; `seed` must differ between connections.
    pub fn new(connection: http::Connection<S>, target: Arc<UploadTarget>, seed: u64) -> Self {
        Self {
            connection,
            noise: Noise::new(seed),
            request: Vec::new(),
            content: vec![0; target.file_bytes],
            target,
        }
    }
}

impl<S: Transport> Caller for Upload<S> {
    async fn call(&mut self) -> Result<()> {
        let name = self.target.next_name.fetch_add(1, Ordering::Relaxed);
        let target = format!("{}f{name:08}", self.target.prefix);
        let head = http::put(&self.target.authority, &target, self.content.len() as u64);
        self.noise.fill(&mut self.content);
        self.request.clear();
        self.request.extend_from_slice(&head);
        self.request.extend_from_slice(&self.content);
        let answer = self.connection.exchange(&self.request).await?;
        self.target.expect.check(&answer)
    }
}

/// Repeats ready-made requests of the binary protocol.
pub struct BinaryCall {
    connection: binary::Connection,
    requests: Arc<Vec<Vec<u8>>>,
    next: usize,
}

impl BinaryCall {
    /// Calls `requests` in turn, the one at `first` (modulo their number) first.
    pub fn new(connection: binary::Connection, requests: Arc<Vec<Vec<u8>>>, first: usize) -> Self {
        Self {
            connection,
            next: first,
            requests,
        }
    }
}

impl Caller for BinaryCall {
    async fn call(&mut self) -> Result<()> {
        let request = &self.requests[self.next % self.requests.len()];
        self.next += 1;
        self.connection.send(request).await?;
        binary::check(self.connection.receive().await?)
    }
}

#[cfg(test)]
mod tests {
    use super::result_is_zero;

    #[test]
    fn only_result_zero_is_success() {
        assert!(result_is_zero(br#"{"result":0,"metadata":{}}"#));
        assert!(result_is_zero(b"{\n\t\"x\": 1,\n\t\"result\": 0\n}"));
        assert!(!result_is_zero(br#"{"result":01}"#));
        assert!(!result_is_zero(br#"{"result":1000,"error":"0"}"#));
        assert!(!result_is_zero(br#"{"result":"#));
        assert!(!result_is_zero(br#"{"metadata":{"name":"result: 0"}}"#));
        assert!(!result_is_zero(b""));
    }
}
