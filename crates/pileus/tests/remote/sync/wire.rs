//! Connections of the binary protocol, and of HTTP for contents.

use crate::server::{PASSWORD, Server, USER};
use pileus_client::password_digest;
use pileus_wire::{Params, Tree, Value, decode_answer, write_request};
use std::io::{Read, Write};
use std::net::TcpStream;
use std::time::Duration;

/// Longer than anything here takes.
const PATIENCE: Duration = Duration::from_secs(60);

/// A parameter.
pub type Param<'a> = (&'a str, Value);

/// A number.
pub fn num(name: &str, number: u64) -> Param<'_> {
    (name, Value::from(number))
}

/// A text.
pub fn text<'a>(name: &'a str, text: &str) -> Param<'a> {
    (name, Value::from(text))
}

/// A flag.
pub fn flag(name: &str) -> Param<'_> {
    (name, Value::Bool(true))
}

/// What the client sends with nearly all calls.
pub fn timestamps() -> Param<'static> {
    text("timeformat", "timestamp")
}

/// The bytes of a request.
pub fn request(method: &str, params: &[Param<'_>], data: Option<u64>) -> Vec<u8> {
    let mut list = Params::new();
    for (name, value) in params {
        list.set(name.as_bytes().to_vec(), value.clone()).unwrap();
    }
    let mut out = Vec::new();
    write_request(&mut out, method, &list, data).unwrap();
    out
}

/// A number in an answer.
pub fn number(answer: &Tree, path: &str) -> u64 {
    answer
        .get(path)
        .and_then(Tree::as_u64)
        .unwrap_or_else(|| panic!("no {path} in {answer:?}"))
}

/// A text in an answer.
pub fn string(answer: &Tree, path: &str) -> String {
    let text = answer.get(path).and_then(Tree::as_str);
    text.unwrap_or_else(|| panic!("no {path} in {answer:?}"))
        .to_owned()
}

/// A list in an answer.
pub fn list(answer: &Tree, path: &str) -> Vec<Tree> {
    let list = answer.get(path).and_then(Tree::as_list);
    list.unwrap_or_else(|| panic!("no {path} in {answer:?}"))
        .to_vec()
}

/// A connection.
pub struct Connection {
    pub stream: TcpStream,
    /// Bytes sent so far.
    pub sent: u64,
}

impl Connection {
    pub fn open(address: &str) -> Self {
        let stream = TcpStream::connect(address).unwrap();
        stream.set_nodelay(true).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream.set_write_timeout(Some(PATIENCE)).unwrap();
        Self { stream, sent: 0 }
    }

    pub fn send(&mut self, bytes: &[u8]) {
        self.stream.write_all(bytes).unwrap();
        self.sent += bytes.len() as u64;
    }

    pub fn read(&mut self, length: usize) -> Vec<u8> {
        let mut bytes = vec![0; length];
        self.stream.read_exact(&mut bytes).unwrap();
        bytes
    }

    pub fn answer(&mut self) -> Tree {
        let length = u32::from_le_bytes(self.read(4).try_into().unwrap());
        decode_answer(&self.read(length as usize)).unwrap()
    }

    /// Makes a call, whatever comes of it.
    pub fn try_call(&mut self, method: &str, params: &[Param<'_>]) -> Tree {
        self.send(&request(method, params, None));
        self.answer()
    }

    /// Makes a call that succeeds.
    pub fn call(&mut self, method: &str, params: &[Param<'_>]) -> Tree {
        let answer = self.try_call(method, params);
        assert_eq!(number(&answer, "result"), 0, "{method}: {answer:?}");
        answer
    }

    /// Makes a call with data that succeeds.
    pub fn call_with(&mut self, method: &str, params: &[Param<'_>], data: &[u8]) -> Tree {
        self.send(&request(method, params, Some(data.len() as u64)));
        self.send(data);
        let answer = self.answer();
        assert_eq!(number(&answer, "result"), 0, "{method}: {answer:?}");
        answer
    }

    /// Logs in the way the client does, and answers the token.
    pub fn log_in(&mut self) -> String {
        let digest = string(&self.call("getdigest", &[text("MS", "sucks")]), "digest");
        let answer = self.call(
            "login",
            &[
                timestamps(),
                text("username", USER),
                text("digest", &digest),
                text("passworddigest", &password_digest(USER, PASSWORD, &digest)),
                text("osversion", "6.1"),
                text("appversion", "1.5.0"),
                text("deviceid", &"0a".repeat(16)),
                text("device", "Desktop, Linux"),
                num("os", 7),
                flag("getauth"),
                flag("getapiserver"),
                flag("cryptokeyssign"),
                flag("getlastsubscription"),
            ],
        );
        assert!(number(&answer, "quota") > 0 && number(&answer, "userid") > 0);
        assert!(!list(&answer, "apiserver.binapi").is_empty());
        string(&answer, "auth")
    }
}

/// Fetches content by a link, as the client does: on the same port, with the cookie, in two pieces that are asked for at
/// once.
pub fn fetch(server: &Server, link: &Tree, size: usize) -> Vec<u8> {
    let mut connection = Connection::open(&server.address);
    let (host, path, tag) = (
        list(link, "hosts")[0].as_str().unwrap().to_owned(),
        string(link, "path"),
        string(link, "dwltag"),
    );
    assert!((1..=40).contains(&tag.len()));
    let ranges = [0..size / 2, size / 2..size];
    for range in &ranges {
        let (first, last) = (range.start, range.end - 1);
        let request = format!(
            "GET {path} HTTP/1.1\r\nHost: {host}\r\nCookie: dwltag={tag}\r\nRange: bytes={first}-{last}\r\n\
             Connection: Keep-Alive\r\n\r\n"
        );
        connection.send(request.as_bytes());
    }
    let mut content = Vec::new();
    for range in ranges {
        let mut head = Vec::new();
        while !head.ends_with(b"\r\n\r\n") {
            head.extend(connection.read(1));
            assert!(head.len() < 4000, "the client has no room for this head");
        }
        assert!(head.starts_with(b"HTTP/1.1 206 "));
        content.extend(connection.read(range.len()));
    }
    content
}
