//! Requests of the binary protocol, and telling the protocols apart.

use std::error::Error;
use std::fmt;

use bytes::{Buf, Bytes};

use crate::params::{Params, Value};

/// The most bytes of a request behind its 2-byte length; its data is not counted.
pub const MAX_REQUEST_BYTES: usize = u16::MAX as usize;

/// Set in the byte of the method's length if the length of data follows it.
const DATA_FOLLOWS: u8 = 0x80;

const MAX_METHOD_BYTES: usize = 0x7f;

/// The bits of a parameter's first byte that hold the length of its name; the type is above them.
const NAME_BITS: u32 = 6;

const MAX_NAME_BYTES: usize = (1 << NAME_BITS) - 1;

const TYPE_TEXT: u8 = 0;
const TYPE_NUM: u8 = 1;
const TYPE_BOOL: u8 = 2;

/// A request of the binary protocol, without its data.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Request {
    /// The name of the method.
    pub method: String,
    /// Its parameters.
    pub params: Params,
    /// How many bytes of data follow the request, which may be 0; `None` if it carries no data.
    pub data_len: Option<u64>,
}

/// Reads a request, given all of it behind its 2-byte length.
///
/// # Errors
/// [`BadRequest`] for whatever is not exactly one request. The protocol has no answer to that: the
/// connection is to be closed.
pub fn parse_request(head: &[u8]) -> Result<Request, BadRequest> {
    // One copy, which all parameters then share.
    let mut head = Bytes::copy_from_slice(head);
    let first = head.try_get_u8()?;
    let data_len = match first & DATA_FOLLOWS {
        0 => None,
        _ => Some(head.try_get_u64_le()?),
    };
    let method = take(&mut head, usize::from(first & !DATA_FOLLOWS))?;
    if method.is_empty() {
        return Err(BadRequest::NoMethod);
    }
    let Ok(method) = String::from_utf8(method.into()) else {
        return Err(BadRequest::MethodNotUtf8);
    };
    let mut params = Params::new();
    for _ in 0..head.try_get_u8()? {
        let first = head.try_get_u8()?;
        let name = take(&mut head, usize::from(first) & MAX_NAME_BYTES)?;
        let value = match first >> NAME_BITS {
            TYPE_TEXT => {
                let length = head.try_get_u32_le()?;
                Value::Text(take(&mut head, length as usize)?)
            }
            TYPE_NUM => Value::Num(head.try_get_u64_le()?),
            TYPE_BOOL => Value::Bool(head.try_get_u8()? != 0),
            _ => return Err(BadRequest::UnknownType),
        };
        if params.set(name, value).is_err() {
            return Err(BadRequest::TooManyParams);
        }
    }
    if !head.is_empty() {
        return Err(BadRequest::Trailing);
    }
    Ok(Request {
        method,
        params,
        data_len,
    })
}

/// Splits the first `length` bytes off.
fn take(rest: &mut Bytes, length: usize) -> Result<Bytes, BadRequest> {
    if length > rest.len() {
        return Err(BadRequest::Truncated);
    }
    Ok(rest.split_to(length))
}

/// Appends a request with its 2-byte length to `out`. The data has to be sent behind it.
///
/// # Errors
/// [`TooLong`] if the request cannot be expressed; `out` is unchanged then.
pub fn write_request(
    out: &mut Vec<u8>,
    method: &str,
    params: &Params,
    data_len: Option<u64>,
) -> Result<(), TooLong> {
    let start = out.len();
    let written = append_request(out, method, params, data_len);
    if written.is_err() {
        out.truncate(start);
    }
    written
}

fn append_request(
    out: &mut Vec<u8>,
    method: &str,
    params: &Params,
    data_len: Option<u64>,
) -> Result<(), TooLong> {
    let start = out.len();
    out.extend_from_slice(&[0; 2]);

    if !(1..=MAX_METHOD_BYTES).contains(&method.len()) {
        return Err(TooLong::Method);
    }
    let data_bit = if data_len.is_some() { DATA_FOLLOWS } else { 0 };
    out.push(method.len() as u8 | data_bit);
    if let Some(length) = data_len {
        out.extend_from_slice(&length.to_le_bytes());
    }
    out.extend_from_slice(method.as_bytes());
    // `Params` never holds more than a byte can count.
    out.push(params.len() as u8);
    for (name, value) in params.iter() {
        append_param(out, name, value)?;
        if out.len() - start - 2 > MAX_REQUEST_BYTES {
            return Err(TooLong::Request);
        }
    }

    let Ok(length) = u16::try_from(out.len() - start - 2) else {
        return Err(TooLong::Request);
    };
    out[start..start + 2].copy_from_slice(&length.to_le_bytes());
    Ok(())
}

fn append_param(out: &mut Vec<u8>, name: &[u8], value: &Value) -> Result<(), TooLong> {
    if name.len() > MAX_NAME_BYTES {
        return Err(TooLong::Name);
    }
    let kind = match value {
        Value::Text(_) => TYPE_TEXT,
        Value::Num(_) => TYPE_NUM,
        Value::Bool(_) => TYPE_BOOL,
    };
    out.push(kind << NAME_BITS | name.len() as u8);
    out.extend_from_slice(name);
    match value {
        Value::Text(text) => {
            let length = u16::try_from(text.len()).map_err(|_| TooLong::Request)?;
            out.extend_from_slice(&u32::from(length).to_le_bytes());
            out.extend_from_slice(text);
        }
        Value::Num(number) => out.extend_from_slice(&number.to_le_bytes()),
        Value::Bool(flag) => out.push(u8::from(*flag)),
    }
    Ok(())
}

/// Why bytes are not a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadRequest {
    /// They end before the request does.
    Truncated,
    /// They go on behind its end.
    Trailing,
    /// The method's name is empty.
    NoMethod,
    /// The method's name is not UTF-8.
    MethodNotUtf8,
    /// A parameter has a type that does not exist.
    UnknownType,
    /// There are more parameters than [`MAX_PARAMS`](crate::MAX_PARAMS).
    TooManyParams,
}

impl From<bytes::TryGetError> for BadRequest {
    fn from(_: bytes::TryGetError) -> BadRequest {
        BadRequest::Truncated
    }
}

impl fmt::Display for BadRequest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            BadRequest::Truncated => "the request ends too early",
            BadRequest::Trailing => "bytes follow the end of the request",
            BadRequest::NoMethod => "the request names no method",
            BadRequest::MethodNotUtf8 => "the method's name is not UTF-8",
            BadRequest::UnknownType => "a parameter has an unknown type",
            BadRequest::TooManyParams => "the request has too many parameters",
        })
    }
}

impl Error for BadRequest {}

/// Why a call does not fit into a request.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum TooLong {
    /// The method's name does not have 1 to 127 bytes.
    Method,
    /// A parameter's name has over 63 bytes.
    Name,
    /// All of it is over [`MAX_REQUEST_BYTES`].
    Request,
}

impl fmt::Display for TooLong {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            TooLong::Method => "the method's name must have 1 to 127 bytes",
            TooLong::Name => "a parameter's name has over 63 bytes",
            TooLong::Request => "the request has over 65535 bytes",
        })
    }
}

impl Error for TooLong {}

/// What a client speaks on a connection it has just opened.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Protocol {
    /// TLS, and one of the others within it.
    Tls,
    /// HTTP/1.
    Http,
    /// The binary protocol.
    Binary,
}

/// Tells the protocols apart by the first three bytes that a client sends.
///
/// The official sync client uses one host and one port for everything, so a server has to guess:
/// - TLS begins with a handshake record, of type 0x16 and version 3.0 to 3.3 (TLS 1.3 says 3.1 or
///   3.3 here).
/// - HTTP begins with a method name, whose third letter is a capital.
/// - The third byte of a binary request is the length of a method's name with the data bit, and no
///   name is 65 to 90 bytes long. Looking at the version as well keeps a request of 790 bytes,
///   which begins with 0x16 0x03 too, from being taken for TLS.
pub fn sniff(first: &[u8; 3]) -> Protocol {
    match first {
        [0x16, 0x03, 0x00..=0x03] => Protocol::Tls,
        [_, _, b'A'..=b'Z'] => Protocol::Http,
        _ => Protocol::Binary,
    }
}
