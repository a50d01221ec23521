//! Parameters as HTTP carries them: query strings, url-encoded bodies and cookies.

use bytes::Bytes;

use crate::params::{Params, TooMany, Value};

/// The most pairs that are read from one query string, body or header.
///
/// Repetitions of a name replace each other and so never reach the limit of [`Params`], yet each
/// of them costs a search: without this limit a long body could buy minutes of work.
const MAX_PAIRS: usize = 1024;

/// Reads a query string or an `application/x-www-form-urlencoded` body into `params`.
///
/// `%xx` and `+` (a blank) are decoded; a `%` without two hexadecimal digits behind it stands for
/// itself. A name without `=` has an empty value. Pairs without a name are skipped.
///
/// # Errors
/// [`TooMany`] if there are more distinct names than [`Params`] holds, or over 1024 pairs. What was
/// read until then stays in `params`.
pub fn parse_query(params: &mut Params, raw: impl AsRef<[u8]>) -> Result<(), TooMany> {
    let pairs = raw.as_ref().split(|&byte| byte == b'&');
    for (read, pair) in pairs.filter(|pair| !pair.is_empty()).enumerate() {
        if read >= MAX_PAIRS {
            return Err(TooMany);
        }
        let (name, value) = split_pair(pair).unwrap_or((pair, b""));
        set(params, decode(name, true), decode(value, true))?;
    }
    Ok(())
}

/// Reads the value of a `Cookie` header into `params`; pCloud takes cookies for parameters.
///
/// Pairs without `=` are ignored. Names keep their case: with the `Path=/` that the official Java
/// SDK sends in this header, folding it would make a `path` parameter. `%xx` is decoded, `+` is
/// not special here, and one pair of double quotes around a value is dropped.
///
/// # Errors
/// As [`parse_query`].
pub fn parse_cookies(params: &mut Params, header: impl AsRef<[u8]>) -> Result<(), TooMany> {
    let pairs = header.as_ref().split(|&byte| byte == b';');
    for (read, (name, value)) in pairs.filter_map(split_pair).enumerate() {
        if read >= MAX_PAIRS {
            return Err(TooMany);
        }
        let value = value.trim_ascii();
        let value = match value {
            [b'"', inner @ .., b'"'] => inner,
            bare => bare,
        };
        set(
            params,
            decode(name.trim_ascii(), false),
            decode(value, false),
        )?;
    }
    Ok(())
}

/// Appends parameters to `out` as a query string, without a leading `?` or `&`.
///
/// Flags are written as `1` and `0`. Bytes outside the unreserved set of RFC 3986 are escaped, so
/// the result is also a valid url-encoded body.
pub fn write_query(out: &mut String, params: &Params) {
    for (index, (name, value)) in params.iter().enumerate() {
        if index > 0 {
            out.push('&');
        }
        encode(out, name);
        out.push('=');
        match value {
            Value::Text(text) => encode(out, text),
            Value::Num(number) => out.push_str(itoa::Buffer::new().format(*number)),
            Value::Bool(flag) => out.push(if *flag { '1' } else { '0' }),
        }
    }
}

fn set(params: &mut Params, name: Bytes, value: Bytes) -> Result<(), TooMany> {
    if name.is_empty() {
        return Ok(());
    }
    params.set(name, value)
}

/// Cuts a pair at its first `=`.
fn split_pair(pair: &[u8]) -> Option<(&[u8], &[u8])> {
    let middle = pair.iter().position(|&byte| byte == b'=')?;
    Some((&pair[..middle], &pair[middle + 1..]))
}

/// Decodes `%xx`, and `+` as a blank if asked to.
fn decode(raw: &[u8], plus_is_blank: bool) -> Bytes {
    let is_special = |&byte: &u8| byte == b'%' || (byte == b'+' && plus_is_blank);
    let Some(plain) = raw.iter().position(is_special) else {
        return Bytes::copy_from_slice(raw);
    };
    let mut out = Vec::with_capacity(raw.len());
    out.extend_from_slice(&raw[..plain]);
    let mut rest = &raw[plain..];
    while let Some((&byte, after)) = rest.split_first() {
        rest = after;
        match (byte, after) {
            (b'%', [high, low, after_escape @ ..]) => match (hex_digit(*high), hex_digit(*low)) {
                (Some(high), Some(low)) => {
                    out.push(high << 4 | low);
                    rest = after_escape;
                }
                _ => out.push(b'%'),
            },
            (b'+', _) if plus_is_blank => out.push(b' '),
            _ => out.push(byte),
        }
    }
    Bytes::from(out)
}

fn hex_digit(digit: u8) -> Option<u8> {
    match digit {
        b'0'..=b'9' => Some(digit - b'0'),
        b'a'..=b'f' => Some(digit - b'a' + 10),
        b'A'..=b'F' => Some(digit - b'A' + 10),
        _ => None,
    }
}

fn encode(out: &mut String, text: &[u8]) {
    const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
    for &byte in text {
        if byte.is_ascii_alphanumeric() || matches!(byte, b'-' | b'.' | b'_' | b'~') {
            out.push(char::from(byte));
        } else {
            out.push('%');
            out.push(char::from(DIGITS[usize::from(byte >> 4)]));
            out.push(char::from(DIGITS[usize::from(byte & 15)]));
        }
    }
}
