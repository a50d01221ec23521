//! A call on its way through the server, and what comes of it.

use crate::conn::Conn;
use crate::dispatch::Entry;
use crate::handover::Takeover;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use pileus_api::Code;
use pileus_api::codes::Kind as CodeKind;
use pileus_api::reply::{Reply, Sink, Written};
use pileus_blobs::Piece;
use pileus_wire::{Options, Params, Value};
use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;

/// One request, as a front end hands it over. The data that came with it travels beside it, see [`crate::body`].
pub struct Call {
    /// The method, found by [`crate::dispatch::find`].
    pub entry: &'static Entry,
    /// Its parameters, from wherever the protocol takes them.
    pub params: Params,
    /// The token of an `Authorization: Bearer` header.
    pub bearer: Option<String>,
    /// Name and password of an `Authorization: Basic` header.
    pub basic: Option<Basic>,
    /// The `User-Agent` header; names the device of a new token if the client does not.
    pub user_agent: Option<String>,
    /// The client's address: the peer's, or what a trusted proxy says.
    pub client: IpAddr,
    /// Whether a trusted proxy passed the request on. Such connections carry many users and keep no login.
    pub via_proxy: bool,
    /// The connection.
    pub conn: Arc<Conn>,
}

/// Credentials of HTTP's own kind. Programs prove by them who they are, people never do.
#[derive(Clone)]
pub struct Basic {
    /// Name.
    pub user: String,
    /// Password.
    pub password: String,
}

/// Why a call failed.
pub struct Fail {
    /// The code on the wire.
    pub code: Code,
    /// What went wrong, for the log alone.
    pub cause: Option<String>,
    /// Further pairs of the answer that some codes carry.
    pub pairs: Option<Box<dyn WriteReply>>,
    /// What has to be done before the call can succeed.
    pub need: Option<Need>,
}

/// What a transaction has found missing, and cannot wait for. The dispatcher sees to it and runs the transaction again.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Need {
    /// What was written to a file through descriptors is to be committed.
    Commit {
        /// The file.
        file: i64,
    },
    /// The checksums of a content are to be computed.
    Sums {
        /// The content.
        blob: i64,
    },
}

impl From<Need> for Fail {
    fn from(need: Need) -> Self {
        Self {
            need: Some(need),
            ..Self::internal(format_args!("{need:?} was not done"))
        }
    }
}

/// The outcome of a method.
pub type Answer<T> = Result<T, Fail>;

impl Fail {
    /// Trouble in the server: 5000 for the client, the cause for the log.
    pub fn internal(cause: impl fmt::Display) -> Self {
        Self::caused(Code::INTERNAL, cause)
    }

    /// A code whose cause is worth a log line.
    pub fn caused(code: Code, cause: impl fmt::Display) -> Self {
        Self {
            code,
            cause: Some(cause.to_string()),
            pairs: None,
            need: None,
        }
    }

    /// Whether the server has failed, and did not just refuse.
    pub fn is_trouble(&self) -> bool {
        match self.code.kind() {
            CodeKind::Internal => true,
            CodeKind::Unavailable => self.cause.is_some(),
            _ => false,
        }
    }

    /// A code with further pairs in its answer.
    pub fn with(code: Code, pairs: impl WriteReply + 'static) -> Self {
        Self {
            code,
            cause: None,
            pairs: Some(Box::new(pairs)),
            need: None,
        }
    }
}

impl fmt::Debug for Fail {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?} {}", self.code, self.cause.as_deref().unwrap_or(""))
    }
}

impl From<Code> for Fail {
    fn from(code: Code) -> Self {
        Self {
            code,
            cause: None,
            pairs: None,
            need: None,
        }
    }
}

impl From<pileus_store::StoreError> for Fail {
    fn from(error: pileus_store::StoreError) -> Self {
        Self::internal(error)
    }
}

/// A reply that can be written without knowing its type.
pub trait WriteReply: Send {
    /// See [`Reply::write`].
    fn write(&mut self, out: &mut dyn Sink) -> Written;
}

impl<R: Reply> WriteReply for R {
    fn write(&mut self, out: &mut dyn Sink) -> Written {
        Reply::write(self, out)
    }
}

/// Bytes that are an answer by themselves: the HTTP body, or what follows the answer's hash in the binary protocol.
pub struct Content {
    /// How many bytes there are.
    pub length: u64,
    /// Type for HTTP.
    pub content_type: Cow<'static, str>,
    /// Name that browsers save it under.
    pub file_name: Option<String>,
    /// The bytes.
    pub bytes: Raw,
}

/// Where the bytes of an answer come from.
pub enum Raw {
    /// They are read while they are sent.
    Stream(BoxStream<'static, pileus_blobs::Result<Bytes>>),
    /// They have been read.
    Piece(Piece),
}

impl Raw {
    /// The bytes one after the other.
    pub fn into_stream(self) -> BoxStream<'static, pileus_blobs::Result<Bytes>> {
        match self {
            Self::Stream(stream) => stream,
            Self::Piece(piece) => stream::iter([piece.into_bytes()]).boxed(),
        }
    }
}

/// What a successful call answers.
pub enum Success {
    /// Pairs of the top-level hash.
    Reply(Box<dyn WriteReply>),
    /// Raw data.
    Content(Content),
    /// Pairs, and behind the answer's hash raw data that it does not announce.
    Followed(Box<dyn WriteReply>, Content),
    /// Pairs, after which the connection changes hands. Only a connection of the binary protocol can.
    Takeover(Box<dyn WriteReply>, Box<dyn Takeover>),
}

/// What comes behind the hash of an answer.
pub enum Behind {
    /// The next answer.
    Nothing,
    /// Raw data.
    Content(Content),
    /// Another protocol.
    Takeover(Box<dyn Takeover>),
}

/// What a call came to. A front end turns it into bytes through an [`Answering`].
pub struct Outcome {
    /// How to write it.
    pub options: Options,
    /// The `id` to echo.
    pub id: Option<Value>,
    /// The token to add, if the call asked for one and logged in.
    pub auth: Option<String>,
    /// The answer.
    pub result: Answer<Success>,
}

impl Outcome {
    /// The failure's number, or 0.
    pub fn number(&self) -> u16 {
        self.result
            .as_ref()
            .err()
            .map_or(0, |fail| fail.code.number())
    }

    /// Splits off what comes behind the hash, leaving what goes into it.
    pub fn into_answering(self) -> (Answering, Behind) {
        let (body, behind) = match self.result {
            Ok(Success::Reply(reply)) => (Body::Reply(reply), Behind::Nothing),
            Ok(Success::Content(content)) => (Body::Data(content.length), Behind::Content(content)),
            Ok(Success::Followed(reply, content)) => (Body::Reply(reply), Behind::Content(content)),
            Ok(Success::Takeover(reply, takeover)) => {
                (Body::Reply(reply), Behind::Takeover(takeover))
            }
            Err(fail) => (Body::Fail(fail), Behind::Nothing),
        };
        (
            Answering {
                id: self.id,
                auth: self.auth,
                body,
                begun: false,
            },
            behind,
        )
    }
}

enum Body {
    Reply(Box<dyn WriteReply>),
    Data(u64),
    Fail(Fail),
}

/// Writes the hash of an answer, in pieces if it is long.
pub struct Answering {
    id: Option<Value>,
    auth: Option<String>,
    body: Body,
    begun: bool,
}

impl Answering {
    /// Writes the next piece. The first one holds `result`, so a caller can choose headers before it writes.
    pub fn write(&mut self, out: &mut dyn Sink) -> Written {
        if !self.begun {
            self.begun = true;
            self.begin(out);
        }
        let written = match &mut self.body {
            Body::Reply(reply) => reply.write(out),
            Body::Fail(fail) => fail
                .pairs
                .as_mut()
                .map_or(Written::All, |pairs| pairs.write(out)),
            Body::Data(length) => {
                out.data(*length);
                Written::All
            }
        };
        if written == Written::All {
            out.end_hash();
        }
        written
    }

    fn begin(&mut self, out: &mut dyn Sink) {
        out.begin_hash();
        out.key("result");
        match &self.body {
            Body::Fail(fail) => {
                out.num(u64::from(fail.code.number()));
                out.key("error");
                out.text(fail.code.text());
            }
            Body::Reply(_) | Body::Data(_) => out.num(0),
        }
        match self.id.take() {
            None => {}
            Some(Value::Num(number)) => {
                out.key("id");
                out.num(number);
            }
            Some(Value::Bool(flag)) => {
                out.key("id");
                out.bool(flag);
            }
            Some(Value::Text(text)) => {
                out.key("id");
                out.text(&String::from_utf8_lossy(&text));
            }
        }
        if let Some(auth) = self.auth.take() {
            out.key("auth");
            out.text(&auth);
        }
    }
}
