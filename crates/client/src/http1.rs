//! Requests and answers of HTTP/1.1.
//!
//! hyper's client waits for each answer before it sends the next request. This API allows several
//! requests under way on one connection, and ends a waiting call by the next one, so the client
//! needs sending and receiving apart. Heads are parsed by `httparse`, which hyper uses too.

use std::time::Duration;

use bytes::Bytes;
use http::header::{self, HeaderMap, HeaderName, HeaderValue};
use http::{Method, Request, StatusCode};
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};
use pileus_wire::{Params, Tree, write_query};

use crate::address::Address;
use crate::channel::Channel;
use crate::error::Error;
use crate::incoming::Incoming;

/// Longest head of an answer.
const MAX_HEAD_BYTES: usize = 64 << 10;

/// Most headers of an answer.
const MAX_HEADERS: usize = 100;

/// Most interim answers (status 1xx) before the final one.
const MAX_INTERIM: usize = 16;

/// What is escaped in the path of a method; names such as `publink/listpins` keep their slash.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'/')
    .remove(b'_')
    .remove(b'-')
    .remove(b'.');

const FORM: &str = "application/x-www-form-urlencoded";

/// The request of a call without data: a form, so that no secret gets into the URL.
pub(crate) fn call(
    address: &Address,
    agent: &str,
    credentials: Option<&HeaderValue>,
    name: &str,
    params: &Params,
) -> Vec<u8> {
    let mut form = String::new();
    write_query(&mut form, params);
    let target = format!("/{}", utf8_percent_encode(name, NAME));
    let mut out = begin("POST", &target);
    common(&mut out, address, agent, credentials);
    line(&mut out, &header::CONTENT_TYPE, FORM);
    end(out, form.len() as u64, form.as_bytes())
}

/// The head of a call's request that is followed by `data_bytes` of data.
pub(crate) fn call_with_data(
    address: &Address,
    agent: &str,
    credentials: Option<&HeaderValue>,
    name: &str,
    params: &Params,
    data_bytes: u64,
) -> Vec<u8> {
    let mut target = format!("/{}?", utf8_percent_encode(name, NAME));
    write_query(&mut target, params);
    let mut out = begin("PUT", &target);
    common(&mut out, address, agent, credentials);
    end(out, data_bytes, b"")
}

/// A whole request. Headers it needs and does not have are added.
pub(crate) fn request(address: &Address, agent: &str, request: &Request<Bytes>) -> Vec<u8> {
    let target = request.uri().path_and_query();
    let target = target.map_or("/", |target| target.as_str());
    let mut out = begin(request.method().as_str(), target);
    let headers = request.headers();
    if !headers.contains_key(header::HOST) {
        line(&mut out, &header::HOST, address.authority());
    }
    if !headers.contains_key(header::USER_AGENT) {
        line(&mut out, &header::USER_AGENT, agent);
    }
    for (name, value) in headers {
        line(&mut out, name, value);
    }
    let body = request.body();
    let sized = headers.contains_key(header::CONTENT_LENGTH)
        || headers.contains_key(header::TRANSFER_ENCODING);
    let may_have_body = matches!(*request.method(), Method::POST | Method::PUT);
    if !sized && (may_have_body || !body.is_empty()) {
        return end(out, body.len() as u64, body);
    }
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

fn begin(method: &str, target: &str) -> Vec<u8> {
    format!("{method} {target} HTTP/1.1\r\n").into_bytes()
}

/// Adds the headers that every call has.
fn common(out: &mut Vec<u8>, address: &Address, agent: &str, credentials: Option<&HeaderValue>) {
    line(out, &header::HOST, address.authority());
    line(out, &header::USER_AGENT, agent);
    if let Some(credentials) = credentials {
        line(out, &header::AUTHORIZATION, credentials);
    }
}

fn line(out: &mut Vec<u8>, name: &HeaderName, value: impl AsRef<[u8]>) {
    out.extend_from_slice(name.as_str().as_bytes());
    out.extend_from_slice(b": ");
    out.extend_from_slice(value.as_ref());
    out.extend_from_slice(b"\r\n");
}

/// Ends the head with the length of the body, and appends what of the body is there.
fn end(mut out: Vec<u8>, body_bytes: u64, body: &[u8]) -> Vec<u8> {
    line(&mut out, &header::CONTENT_LENGTH, body_bytes.to_string());
    out.extend_from_slice(b"\r\n");
    out.extend_from_slice(body);
    out
}

/// The head of an answer.
#[derive(Debug)]
pub(crate) struct Head {
    pub(crate) status: StatusCode,
    pub(crate) headers: HeaderMap,
    /// The body that follows.
    pub(crate) body: Incoming,
    /// Whether the server closes the connection after this answer.
    pub(crate) is_last: bool,
}

impl Head {
    /// Whether the body is an answer of the API, as opposed to content.
    pub(crate) fn is_json(&self) -> bool {
        self.headers
            .get(header::CONTENT_TYPE)
            .is_some_and(|kind| kind.as_bytes().starts_with(b"application/json"))
    }

    /// What stands for an answer that is content: the same as on the binary protocol. `None` if
    /// the content's length is not known.
    pub(crate) fn data_answer(&self) -> Option<Tree> {
        let length = self.body.length()?;
        Some(Tree::Hash(vec![
            ("result".into(), Tree::Num(0)),
            ("data".into(), Tree::Data(length)),
        ]))
    }
}

/// Receives the head of the next final answer. An answer to a HEAD request has no body.
pub(crate) async fn receive(
    channel: &mut Channel,
    first_byte: Duration,
    to_head_request: bool,
) -> Result<Head, Error> {
    for _ in 0..=MAX_INTERIM {
        if channel.inbox.is_empty() {
            channel.fill_within(0, first_byte).await?;
        }
        let (mut head, head_bytes) = loop {
            if let Some(found) = parse(&channel.inbox)? {
                break found;
            }
            if channel.inbox.len() > MAX_HEAD_BYTES {
                return Err(Error::protocol("the head of the answer does not end"));
            }
            channel.fill(0).await?;
        };
        let _ = channel.inbox.split_to(head_bytes);
        if head.status.is_informational() {
            continue;
        }
        if to_head_request {
            head.body = Incoming::Nothing;
        }
        return Ok(head);
    }
    Err(Error::protocol("interim answers without end"))
}

/// Reads a head, if it is complete, and answers its length too.
fn parse(bytes: &[u8]) -> Result<Option<(Head, usize)>, Error> {
    let mut fields = [httparse::EMPTY_HEADER; MAX_HEADERS];
    let mut parsed = httparse::Response::new(&mut fields);
    let length = match parsed.parse(bytes).map_err(Error::protocol)? {
        httparse::Status::Partial => return Ok(None),
        httparse::Status::Complete(length) => length,
    };
    let status = parsed.code.unwrap_or_default();
    let status = StatusCode::from_u16(status).map_err(Error::protocol)?;
    let mut headers = HeaderMap::new();
    for field in &*parsed.headers {
        let name = HeaderName::from_bytes(field.name.as_bytes()).map_err(Error::protocol)?;
        let value = HeaderValue::from_bytes(field.value).map_err(Error::protocol)?;
        headers.append(name, value);
    }
    let body = body_after(status, &headers)?;
    let is_last = body == Incoming::UntilClose
        || has_token(&headers, &header::CONNECTION, "close")
        || (parsed.version == Some(0) && !has_token(&headers, &header::CONNECTION, "keep-alive"));
    let head = Head {
        status,
        headers,
        body,
        is_last,
    };
    Ok(Some((head, length)))
}

/// How the body is delimited (RFC 9112, section 6.3).
fn body_after(status: StatusCode, headers: &HeaderMap) -> Result<Incoming, Error> {
    let bodiless = [StatusCode::NO_CONTENT, StatusCode::NOT_MODIFIED];
    if status.is_informational() || bodiless.contains(&status) {
        return Ok(Incoming::Nothing);
    }
    if headers.contains_key(header::TRANSFER_ENCODING) {
        return Ok(
            match has_token(headers, &header::TRANSFER_ENCODING, "chunked") {
                true => Incoming::CHUNKED,
                false => Incoming::UntilClose,
            },
        );
    }
    let mut lengths = headers.get_all(header::CONTENT_LENGTH).iter();
    let Some(first) = lengths.next() else {
        return Ok(Incoming::UntilClose);
    };
    let digits = first.as_bytes();
    let number = std::str::from_utf8(digits)
        .ok()
        .and_then(|d| d.parse().ok());
    match number {
        Some(length) if digits.iter().all(u8::is_ascii_digit) && lengths.all(|l| l == first) => {
            Ok(Incoming::Length(length))
        }
        _ => Err(Error::protocol("malformed Content-Length")),
    }
}

/// Whether a header that holds a list of words has this one.
fn has_token(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    headers.get_all(name).iter().any(|value| {
        value
            .as_bytes()
            .split(|&byte| byte == b',')
            .any(|item| item.trim_ascii().eq_ignore_ascii_case(word.as_bytes()))
    })
}
