//! A small server that speaks both protocols on one port.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use bytes::{Buf, BytesMut};
use pileus_wire::{BinarySink, JsonSink, Options, Params, Tree, parse_query, parse_request};
use tokio::io::{AsyncRead, AsyncReadExt, AsyncWrite, AsyncWriteExt};
use tokio::net::TcpListener;

/// A call as the server got it.
pub struct Call {
    pub name: String,
    pub params: Params,
    pub data: Option<Vec<u8>>,
    /// Over HTTP, in lower case.
    pub headers: HashMap<String, String>,
    /// Which connection it came on, from 1.
    pub connection: usize,
}

impl Call {
    /// A parameter as text; empty if it is missing.
    pub fn text(&self, name: &str) -> String {
        match self.params.text(name) {
            Some(Ok(text)) => text.into_owned(),
            _ => String::new(),
        }
    }
}

/// What the server does with a call.
pub enum Reply {
    /// Answers these fields.
    Fields(Tree),
    /// Answers content.
    Content(Vec<u8>),
    /// Answers a whole HTTP response.
    Http(String),
    /// Closes the connection without an answer.
    HangUp,
}

pub type Handler = dyn Fn(Call) -> Reply + Send + Sync;

/// A running server; it ends with the test's runtime.
pub struct Responder {
    port: u16,
    connections: Arc<AtomicUsize>,
}

impl Responder {
    pub async fn start(handler: impl Fn(Call) -> Reply + Send + Sync + 'static) -> Responder {
        let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
        let port = listener.local_addr().unwrap().port();
        let connections = Arc::new(AtomicUsize::new(0));
        let count = Arc::clone(&connections);
        let handler: Arc<Handler> = Arc::new(handler);
        tokio::spawn(async move {
            while let Ok((stream, _)) = listener.accept().await {
                let number = count.fetch_add(1, Ordering::SeqCst) + 1;
                let handler = Arc::clone(&handler);
                // A client that goes away ends its connection with an error, as it should.
                tokio::spawn(async move { serve(stream, number, &*handler).await });
            }
        });
        Responder { port, connections }
    }

    /// The URLs of both protocols.
    pub fn urls(&self) -> [String; 2] {
        [self.url("http"), self.url("bin")]
    }

    pub fn url(&self, scheme: &str) -> String {
        format!("{scheme}://127.0.0.1:{}", self.port)
    }

    /// Host and port, as links name them.
    pub fn host(&self) -> String {
        format!("127.0.0.1:{}", self.port)
    }

    /// How many connections have been made.
    pub fn connections(&self) -> usize {
        self.connections.load(Ordering::SeqCst)
    }
}

/// Accepts connections, and on each sends `answer` as soon as anything has arrived, then closes.
pub async fn scripted(answer: impl Into<Vec<u8>>) -> u16 {
    let answer = answer.into();
    let listener = TcpListener::bind("127.0.0.1:0").await.unwrap();
    let port = listener.local_addr().unwrap().port();
    tokio::spawn(async move {
        while let Ok((mut stream, _)) = listener.accept().await {
            let answer = answer.clone();
            tokio::spawn(async move {
                let mut request = [0; 4096];
                let _ = stream.read(&mut request).await;
                let _ = stream.write_all(&answer).await;
                let _ = stream.shutdown().await;
                // Closing with unread bytes would reset the connection and lose the answer.
                while matches!(stream.read(&mut request).await, Ok(1..)) {}
            });
        }
    });
    port
}

/// Answers every call on a connection, in whichever protocol it speaks.
pub async fn serve(
    mut stream: impl AsyncRead + AsyncWrite + Unpin,
    connection: usize,
    handler: &Handler,
) -> io::Result<()> {
    let mut inbox = BytesMut::new();
    loop {
        while inbox.len() < 3 {
            if stream.read_buf(&mut inbox).await? == 0 {
                return Ok(());
            }
        }
        let done = match inbox[2].is_ascii_uppercase() {
            true => serve_http(&mut stream, &mut inbox, connection, handler).await?,
            false => serve_binary(&mut stream, &mut inbox, connection, handler).await?,
        };
        if done {
            return Ok(());
        }
    }
}

async fn take(
    stream: &mut (impl AsyncRead + Unpin),
    inbox: &mut BytesMut,
    count: usize,
) -> io::Result<BytesMut> {
    while inbox.len() < count {
        if stream.read_buf(inbox).await? == 0 {
            return Err(io::ErrorKind::UnexpectedEof.into());
        }
    }
    Ok(inbox.split_to(count))
}

async fn serve_binary(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    inbox: &mut BytesMut,
    connection: usize,
    handler: &Handler,
) -> io::Result<bool> {
    let length = take(stream, inbox, 2).await?.get_u16_le();
    let head = take(stream, inbox, usize::from(length)).await?;
    let request = parse_request(&head).map_err(io::Error::other)?;
    let data = match request.data_len {
        Some(length) => Some(take(stream, inbox, length as usize).await?.to_vec()),
        None => None,
    };
    let reply = handler(Call {
        name: request.method,
        params: request.params,
        data,
        headers: HashMap::new(),
        connection,
    });
    let (fields, content) = match reply {
        Reply::Fields(fields) => (fields, Vec::new()),
        Reply::Content(content) => {
            let length = Tree::Data(content.len() as u64);
            (
                fields([("result", Tree::Num(0)), ("data", length)]),
                content,
            )
        }
        Reply::Http(_) | Reply::HangUp => return Ok(true),
    };
    let mut sink = BinarySink::new(Options::default());
    fields.write(&mut sink);
    let answer = sink.finish().map_err(io::Error::other)?;
    stream.write_all(&answer).await?;
    stream.write_all(&content).await?;
    stream.flush().await?;
    Ok(false)
}

async fn serve_http(
    stream: &mut (impl AsyncRead + AsyncWrite + Unpin),
    inbox: &mut BytesMut,
    connection: usize,
    handler: &Handler,
) -> io::Result<bool> {
    let (target, headers) = loop {
        let mut fields = [httparse::EMPTY_HEADER; 32];
        let mut request = httparse::Request::new(&mut fields);
        let parsed = request.parse(inbox).map_err(io::Error::other)?;
        let httparse::Status::Complete(length) = parsed else {
            if stream.read_buf(inbox).await? == 0 {
                return Err(io::ErrorKind::UnexpectedEof.into());
            }
            continue;
        };
        let target = request.path.unwrap_or_default().to_owned();
        let headers: HashMap<String, String> = request
            .headers
            .iter()
            .map(|field| {
                let value = String::from_utf8_lossy(field.value).into_owned();
                (field.name.to_ascii_lowercase(), value)
            })
            .collect();
        inbox.advance(length);
        break (target, headers);
    };
    let length = headers
        .get("content-length")
        .map_or(0, |length| length.parse().unwrap());
    let body = take(stream, inbox, length).await?;
    let mut params = Params::new();
    let (path, query) = target.split_once('?').unwrap_or((&target, ""));
    parse_query(&mut params, query).map_err(io::Error::other)?;
    let is_form = headers
        .get("content-type")
        .is_some_and(|kind| kind.contains("urlencoded"));
    let data = match is_form {
        true => {
            parse_query(&mut params, &body).map_err(io::Error::other)?;
            None
        }
        false => Some(body.to_vec()),
    };
    let reply = handler(Call {
        name: path.trim_start_matches('/').to_owned(),
        params,
        data,
        headers,
        connection,
    });
    let (kind, content) = match reply {
        Reply::Fields(fields) => {
            let mut sink = JsonSink::new(Options::default());
            fields.write(&mut sink);
            ("application/json; charset=utf-8", sink.take())
        }
        Reply::Content(content) => ("application/octet-stream", content),
        Reply::Http(response) => {
            stream.write_all(response.as_bytes()).await?;
            stream.flush().await?;
            return Ok(response.contains("Connection: close"));
        }
        Reply::HangUp => return Ok(true),
    };
    let head = format!(
        "HTTP/1.1 200 OK\r\nContent-Type: {kind}\r\nContent-Length: {}\r\n\r\n",
        content.len()
    );
    stream.write_all(head.as_bytes()).await?;
    stream.write_all(&content).await?;
    stream.flush().await?;
    Ok(false)
}

/// A hash of these fields.
pub fn fields<const N: usize>(fields: [(&str, Tree); N]) -> Tree {
    Tree::Hash(
        fields
            .into_iter()
            .map(|(key, value)| (key.to_owned(), value))
            .collect(),
    )
}

/// `result` 0 and a text that tells something of the call.
pub fn echo(text: impl Into<String>) -> Reply {
    Reply::Fields(fields([
        ("result", Tree::Num(0)),
        ("echo", Tree::Text(text.into())),
    ]))
}

/// A refusal.
pub fn refusal(code: u64, text: &str) -> Reply {
    Reply::Fields(fields([
        ("result", Tree::Num(code)),
        ("error", Tree::Text(text.into())),
    ]))
}

/// What [`echo`] put into an answer.
pub fn echoed(answer: &Tree) -> &str {
    answer.get("echo").and_then(Tree::as_str).unwrap()
}
