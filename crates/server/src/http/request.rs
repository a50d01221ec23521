//! From a request to the parameters of a call and the data that comes with it.

use super::client;
use super::feed::{Feed, Raw};
use super::multipart::{self, Files, Parts};
use crate::body::{Body, Broken, FileHead};
use crate::config::Config;
use bytes::{Bytes, BytesMut};
use http::header::{CONTENT_LENGTH, CONTENT_TYPE, COOKIE, TRANSFER_ENCODING};
use http::request::Parts as Head;
use http::{Method, StatusCode};
use pileus_wire::{Params, parse_cookies, parse_query};

/// The most bytes of an url-encoded body.
const MAX_FORM_BYTES: usize = 16 << 20;
/// The most bytes of a part of a form that is not a file.
const MAX_PART_BYTES: usize = 1 << 20;

/// Cookies that a web page must not be able to use without being known.
const CREDENTIALS: [&str; 2] = ["auth", "access_token"];

/// A request that cannot become a call. The connection is closed after the answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Refusal(pub(super) StatusCode);

const MALFORMED: Refusal = Refusal(StatusCode::BAD_REQUEST);
const BODY_TOO_LARGE: Refusal = Refusal(StatusCode::PAYLOAD_TOO_LARGE);
const NO_LENGTH: Refusal = Refusal(StatusCode::LENGTH_REQUIRED);
const HEAD_TOO_LARGE: Refusal = Refusal(StatusCode::REQUEST_HEADER_FIELDS_TOO_LARGE);

impl From<Broken> for Refusal {
    fn from(_: Broken) -> Self {
        MALFORMED
    }
}

/// Reads the parameters. Those of the query come first, then those of the body, then cookies; of equal names the last
/// one counts. What is left of the body are the files, which methods that take data want.
pub(super) async fn read(
    config: &Config,
    takes_data: bool,
    head: &Head,
    feed: Feed,
) -> Result<(Params, Body<'static>), Refusal> {
    let (mut params, body) = read_sent(takes_data, head, feed).await?;
    cookies(config, head, &mut params)?;
    Ok((params, body))
}

/// Reads the parameters of query and body only.
pub(super) async fn read_sent(
    takes_data: bool,
    head: &Head,
    feed: Feed,
) -> Result<(Params, Body<'static>), Refusal> {
    let mut params = Params::new();
    if let Some(query) = head.uri.query() {
        parse_query(&mut params, query).map_err(|_| HEAD_TOO_LARGE)?;
    }
    let body = match form(head, takes_data) {
        Form::None => Body::none(),
        Form::Empty => Body::none_or_empty(),
        Form::Urlencoded => {
            let text = collect(feed).await?;
            parse_query(&mut params, &text).map_err(|_| BODY_TOO_LARGE)?;
            Body::none()
        }
        Form::Multipart(boundary) => {
            let (total, received) = (feed.total(), feed.received());
            let mut parts = Parts::new(feed, boundary);
            let first = fields(&mut params, &mut parts, takes_data).await?;
            Body::new(Files::new(parts, first), total, received)
        }
        Form::File => {
            let (total, received) = (feed.total(), feed.received());
            Body::new(Raw::new(feed), total, received)
        }
        Form::Refused(refusal) => return Err(refusal),
    };
    Ok((params, body))
}

/// What a body is.
#[derive(Debug, PartialEq, Eq)]
enum Form<'a> {
    /// Nothing, or nothing that counts.
    None,
    /// Nothing, or a file without bytes.
    Empty,
    /// Parameters.
    Urlencoded,
    /// Parameters and files, with this boundary.
    Multipart(&'a str),
    /// One file.
    File,
    /// Something that cannot be read.
    Refused(Refusal),
}

fn form(head: &Head, takes_data: bool) -> Form<'_> {
    let is_put = head.method == Method::PUT;
    if !is_put && head.method != Method::POST {
        return Form::None;
    }
    let length = head.headers.get(CONTENT_LENGTH);
    if length.is_none() && !head.headers.contains_key(TRANSFER_ENCODING) {
        // Where no data is wanted, a PUT without any is just a call.
        return if is_put && takes_data {
            Form::Refused(NO_LENGTH)
        } else {
            Form::None
        };
    }
    // The type of a PUT says what the file is, and some SDKs have it say nonsense.
    let content_type = head
        .headers
        .get(CONTENT_TYPE)
        .and_then(|value| value.to_str().ok())
        .unwrap_or_default();
    let essence = content_type.split(';').next().unwrap_or_default().trim();
    let is = |name: &str| !is_put && essence.eq_ignore_ascii_case(name);
    if is("application/x-www-form-urlencoded") {
        Form::Urlencoded
    } else if is("multipart/form-data") {
        multipart::boundary(content_type).map_or(Form::Refused(MALFORMED), Form::Multipart)
    } else if !is_put && content_type.is_empty() && length.is_some_and(|length| length == "0") {
        Form::Empty
    } else {
        Form::File
    }
}

/// Reads a whole body.
async fn collect(mut feed: Feed) -> Result<Bytes, Refusal> {
    if feed
        .total()
        .is_some_and(|total| total > MAX_FORM_BYTES as u64)
    {
        return Err(BODY_TOO_LARGE);
    }
    let mut whole = Bytes::new();
    while let Some(bytes) = feed.next().await? {
        if whole.is_empty() {
            whole = bytes;
            continue;
        }
        if whole.len() + bytes.len() > MAX_FORM_BYTES {
            return Err(BODY_TOO_LARGE);
        }
        // What arrives in many pieces is copied a few times; nearly all bodies come in one.
        let mut both = whole
            .try_into_mut()
            .unwrap_or_else(|shared| BytesMut::from(&shared[..]));
        both.extend_from_slice(&bytes);
        whole = both.freeze();
    }
    Ok(whole)
}

/// Reads the fields of a form up to the first file, whose content is next then. To a method that takes data the part
/// `data` is a file even if it has no file name.
async fn fields(
    params: &mut Params,
    parts: &mut Parts<Feed>,
    takes_data: bool,
) -> Result<Option<FileHead>, Refusal> {
    while let Some(part) = parts.next_part().await? {
        let is_data = takes_data && part.name.as_deref() == Some(b"data");
        if part.file_name.is_some() || is_data {
            return Ok(Some(FileHead {
                name: part.file_name,
                length: None,
            }));
        }
        let mut value = BytesMut::new();
        while let Some(bytes) = parts.content().await? {
            if value.len() + bytes.len() > MAX_PART_BYTES {
                return Err(BODY_TOO_LARGE);
            }
            value.extend_from_slice(&bytes);
        }
        if let Some(name) = part.name.filter(|name| !name.is_empty()) {
            params
                .set(name, value.freeze())
                .map_err(|_| BODY_TOO_LARGE)?;
        }
    }
    Ok(None)
}

fn cookies(config: &Config, head: &Head, params: &mut Params) -> Result<(), Refusal> {
    if !head.headers.contains_key(COOKIE) {
        return Ok(());
    }
    let mut found = Params::new();
    for line in head.headers.get_all(COOKIE) {
        parse_cookies(&mut found, line.as_bytes()).map_err(|_| HEAD_TOO_LARGE)?;
    }
    let may_log_in = client::may_use_cookies(config, &head.headers);
    for (name, value) in found.iter() {
        let is_credential = CREDENTIALS
            .iter()
            .any(|credential| name == credential.as_bytes());
        if may_log_in || !is_credential {
            params
                .set(name.clone(), value.clone())
                .map_err(|_| HEAD_TOO_LARGE)?;
        }
    }
    Ok(())
}
