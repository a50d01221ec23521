//! One connection to a server, on either protocol, with sending and receiving apart.

use crate::Result;
use crate::http::{Head, HttpAnswer, Input, read_answer};
use pileus_wire::{Params, Tree, Value, decode_answer, write_query, write_request};
use std::collections::VecDeque;
use std::fmt;
use std::io::Write;
use std::net::{Shutdown, SocketAddr, TcpStream};
use std::time::Duration;

/// How long an answer may take before the test gives up: far beyond what a loaded machine needs.
const ANSWER_LIMIT: Duration = Duration::from_secs(60);
/// How long a call that must not be answered yet is watched.
const SILENCE: Duration = Duration::from_millis(150);
/// Queries up to this length go into the address, longer ones into a body.
const MAX_QUERY_BYTES: usize = 4000;
/// The longest answer that is read, data not counted.
const MAX_ANSWER_BYTES: usize = 1 << 30;

/// The two languages of the API.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Protocol {
    /// HTTP with JSON answers.
    Http,
    /// The binary protocol.
    Binary,
}

impl Protocol {
    /// Both.
    pub const ALL: [Self; 2] = [Self::Http, Self::Binary];

    /// Its name in reports and scenario files.
    pub fn name(self) -> &'static str {
        match self {
            Self::Http => "http",
            Self::Binary => "binary",
        }
    }
}

impl fmt::Display for Protocol {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.name())
    }
}

/// A method with its parameters, and perhaps data.
#[derive(Clone, Debug)]
pub struct Call {
    /// Name of the method.
    pub method: String,
    /// Its parameters.
    pub params: Params,
    /// Data sent along: the content of a file.
    pub data: Option<Vec<u8>>,
}

impl Call {
    /// A call without parameters.
    pub fn new(method: impl Into<String>) -> Self {
        Self {
            method: method.into(),
            params: Params::new(),
            data: None,
        }
    }

    /// Adds a parameter. Tests stay far below the limit of 255 parameters; one too many is not sent.
    #[must_use]
    pub fn with(mut self, name: &'static str, value: impl Into<Value>) -> Self {
        let fits = self.params.set(name, value);
        debug_assert!(fits.is_ok(), "too many parameters");
        self
    }

    /// Adds data.
    #[must_use]
    pub fn with_data(mut self, data: Vec<u8>) -> Self {
        self.data = Some(data);
        self
    }
}

/// What a method answered.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The fields, without `data`.
    pub tree: Tree,
    /// The raw bytes, if the method answers with some.
    pub data: Option<Vec<u8>>,
    /// Status and headers, over HTTP.
    pub head: Option<Head>,
}

impl Answer {
    /// The field `result`.
    pub fn result(&self) -> Result<u64> {
        self.tree
            .get("result")
            .and_then(Tree::as_u64)
            .ok_or_else(|| "an answer without `result`".into())
    }
}

/// One connection.
#[derive(Debug)]
pub struct Connection {
    protocol: Protocol,
    address: SocketAddr,
    stream: TcpStream,
    input: Input,
    /// For each request that is not answered yet, whether it was a HEAD.
    pending: VecDeque<bool>,
}

impl Connection {
    /// Connects.
    pub fn open(address: SocketAddr, protocol: Protocol) -> Result<Self> {
        let stream = TcpStream::connect(address)?;
        stream.set_nodelay(true)?;
        stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        stream.set_write_timeout(Some(ANSWER_LIMIT))?;
        let input = Input::new(stream.try_clone()?);
        Ok(Self {
            protocol,
            address,
            stream,
            input,
            pending: VecDeque::new(),
        })
    }

    /// The protocol it speaks.
    pub fn protocol(&self) -> Protocol {
        self.protocol
    }

    /// Calls a method and waits for its answer.
    pub fn call(&mut self, call: &Call) -> Result<Answer> {
        self.send(std::slice::from_ref(call))?;
        self.receive()?
            .ok_or_else(|| "the server closed the connection instead of answering".into())
    }

    /// Sends calls without waiting for answers, all in one write, so that they tend to arrive in one segment.
    pub fn send(&mut self, calls: &[Call]) -> Result<()> {
        let mut bytes = Vec::new();
        for call in calls {
            self.encode(call, &mut bytes)?;
            self.pending.push_back(false);
        }
        self.write(&bytes)
    }

    /// Sends an HTTP request as it stands.
    pub fn send_http(&mut self, bytes: &[u8], is_head: bool) -> Result<()> {
        self.pending.push_back(is_head);
        self.write(bytes)
    }

    /// Writes bytes as they stand.
    ///
    /// A server that has closed the connection is not an error here: its last answer may still be there to be read.
    pub fn write(&mut self, bytes: &[u8]) -> Result<()> {
        use std::io::ErrorKind::{BrokenPipe, ConnectionReset};
        match self.stream.write_all(bytes) {
            Err(error) if !matches!(error.kind(), BrokenPipe | ConnectionReset) => {
                Err(error.into())
            }
            _ => Ok(()),
        }
    }

    /// Ends this side of the connection; answers can still be received.
    pub fn half_close(&self) -> Result<()> {
        Ok(self.stream.shutdown(Shutdown::Write)?)
    }

    /// Sends a call with only the first `sent` bytes of its data, and is gone: ends this side, and waits for the end of
    /// the other one. Nobody hears what is answered.
    pub fn break_off(mut self, call: &Call, sent: usize) -> Result<()> {
        let mut bytes = Vec::new();
        self.encode(call, &mut bytes)?;
        self.pending.push_back(false);
        let unsent = call.data.as_ref().map_or(0, Vec::len).saturating_sub(sent);
        bytes.truncate(bytes.len().saturating_sub(unsent));
        self.write(&bytes)?;
        self.half_close()?;
        while let Ok(Some(_)) = self.receive() {}
        Ok(())
    }

    /// The next answer of a method; `None` if the server has closed the connection instead.
    pub fn receive(&mut self) -> Result<Option<Answer>> {
        match self.protocol {
            Protocol::Http => self.receive_http()?.map(method_answer).transpose(),
            Protocol::Binary => self.receive_binary(),
        }
    }

    /// The next HTTP answer; `None` if the server has closed the connection instead.
    pub fn receive_http(&mut self) -> Result<Option<HttpAnswer>> {
        let to_head = self.pending.front().copied().unwrap_or_default();
        let answer = read_answer(&mut self.input, to_head)?;
        // 100 is not the answer yet.
        if answer
            .as_ref()
            .is_some_and(|answer| answer.head.status >= 200)
        {
            self.pending.pop_front();
        }
        Ok(answer)
    }

    /// Whether nothing arrives for a moment, as while a call waits.
    pub fn stays_silent(&mut self) -> Result<bool> {
        self.stream.set_read_timeout(Some(SILENCE))?;
        let arrives = self.input.anything_arrives();
        self.stream.set_read_timeout(Some(ANSWER_LIMIT))?;
        Ok(!arrives?)
    }

    fn receive_binary(&mut self) -> Result<Option<Answer>> {
        let Some(length) = self.input.take(4)? else {
            return Ok(None);
        };
        let length = usize::try_from(u32::from_le_bytes([
            length[0], length[1], length[2], length[3],
        ]))?;
        if length > MAX_ANSWER_BYTES {
            return Err(format!("an answer of {length} bytes").into());
        }
        let mut tree = decode_answer(&self.input.need(length)?)?;
        let data = match tree.data_len() {
            Some(count) => Some(self.input.need(usize::try_from(count)?)?),
            None => None,
        };
        if let Tree::Hash(fields) = &mut tree {
            fields.retain(|(key, _)| key != "data" || data.is_none());
        }
        self.pending.pop_front();
        Ok(Some(Answer {
            tree,
            data,
            head: None,
        }))
    }

    /// Appends a call as it goes over the wire.
    fn encode(&self, call: &Call, out: &mut Vec<u8>) -> Result<()> {
        if self.protocol == Protocol::Binary {
            let data_len = call.data.as_ref().map(|data| data.len() as u64);
            write_request(out, &call.method, &call.params, data_len)?;
            out.extend_from_slice(call.data.as_deref().unwrap_or_default());
            return Ok(());
        }
        let mut query = String::new();
        write_query(&mut query, &call.params);
        let Call { method, data, .. } = call;
        let address = self.address;
        match data {
            Some(data) => {
                let length = data.len();
                write!(
                    out,
                    "PUT /{method}?{query} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\r\n"
                )?;
                out.extend_from_slice(data);
            }
            None if query.len() > MAX_QUERY_BYTES => {
                let length = query.len();
                write!(
                    out,
                    "POST /{method} HTTP/1.1\r\nHost: {address}\r\nContent-Length: {length}\r\n\
                     Content-Type: application/x-www-form-urlencoded\r\n\r\n{query}"
                )?;
            }
            None => write!(
                out,
                "GET /{method}?{query} HTTP/1.1\r\nHost: {address}\r\n\r\n"
            )?,
        }
        Ok(())
    }
}

/// Reads the answer of a method out of an HTTP answer, and checks what holds for all of them.
fn method_answer(answer: HttpAnswer) -> Result<Answer> {
    let HttpAnswer { head, body } = answer;
    if head.status != 200 {
        let body = String::from_utf8_lossy(&body);
        return Err(format!("a method was answered with status {}: {body}", head.status).into());
    }
    if head.header("access-control-allow-origin") != Some("*") {
        return Err("an answer without Access-Control-Allow-Origin: *".into());
    }
    let error = head.header("x-error");
    if !head.is_json() {
        if let Some(error) = error {
            return Err(format!("an answer with data and X-Error: {error}").into());
        }
        let tree = Tree::Hash(vec![("result".to_owned(), Tree::Num(0))]);
        return Ok(Answer {
            tree,
            data: Some(body),
            head: Some(head),
        });
    }
    if head.header("content-type") != Some("application/json; charset=utf-8") {
        return Err(format!(
            "a JSON answer with content type {:?}",
            head.header("content-type")
        )
        .into());
    }
    let error = error.map(str::to_owned);
    let answer = Answer {
        tree: Tree::from_json(&body)?,
        data: None,
        head: Some(head),
    };
    let expected = match answer.result()? {
        0 => None,
        code => Some(code.to_string()),
    };
    if error != expected {
        return Err(format!("result {} with X-Error: {error:?}", answer.result()?).into());
    }
    Ok(answer)
}
