//! Links to the content of a file: everything they allow stands in them, signed, so that giving one out writes nothing.

use crate::app::App;
use crate::secrets::SIGNATURE_BYTES;
use base64::Engine;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use percent_encoding::{AsciiSet, NON_ALPHANUMERIC, utf8_percent_encode};

/// Where the paths of links begin.
pub const PREFIX: &str = "/c/";

/// What the signature is for, so that no signature made for something else fits.
const PURPOSE: &str = "link";
const TAG_PURPOSE: &str = "dwltag";

/// First byte of a payload. Links of a later form will begin with another one.
const VERSION: u8 = 1;
/// The second byte: what else the link says.
const FORCED: u8 = 1;
const CHECKSUMS: u8 = 2;
const PUBLIC: u8 = 4;
const FLAGS: u8 = FORCED | CHECKSUMS | PUBLIC;

/// Longest token that is looked at.
const MAX_TOKEN_BYTES: usize = 1024;

/// RFC 3986 has these stand for themselves everywhere.
const NAME: &AsciiSet = &NON_ALPHANUMERIC
    .remove(b'-')
    .remove(b'.')
    .remove(b'_')
    .remove(b'~');

/// What a link gives access to, and how. It is bound to one content: an overwritten file does not change what a running
/// download gets.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Link {
    /// The account whose right to the file counts.
    pub account: i64,
    /// The file.
    pub file: i64,
    /// Its content.
    pub blob: i64,
    /// When the link stops working, in unix time.
    pub expires: i64,
    /// Whether it leads to the block checksums of the content, and not to the content.
    pub checksums: bool,
    /// Whether browsers are to save the file, whatever it is.
    pub forcedownload: bool,
    /// Bytes per second; 0 for no limit.
    pub maxspeed: u64,
    /// `Content-Type`, if the file's name is not to decide.
    pub contenttype: Option<String>,
    /// The public link that it was given out for, which has to work when it is redeemed.
    pub public: Option<Pass>,
}

/// What a link to content says about the public link it was given out for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Pass {
    /// The public link.
    pub link: i64,
    /// The lock that was opened by the visitor's password; 0 if there was none.
    pub lock: u64,
    /// A random number by which the path is counted once.
    pub path: i64,
}

impl Link {
    fn payload(&self) -> Vec<u8> {
        let forced = if self.forcedownload { FORCED } else { 0 };
        let checksums = if self.checksums { CHECKSUMS } else { 0 };
        let public = if self.public.is_some() { PUBLIC } else { 0 };
        let mut out = vec![VERSION, forced | checksums | public];
        for id in [self.account, self.file, self.blob, self.expires] {
            write_number(&mut out, id.cast_unsigned());
        }
        write_number(&mut out, self.maxspeed);
        if let Some(Pass { link, lock, path }) = self.public {
            for number in [link.cast_unsigned(), lock, path.cast_unsigned()] {
                write_number(&mut out, number);
            }
        }
        out.extend_from_slice(self.contenttype.as_deref().unwrap_or_default().as_bytes());
        out
    }

    fn from_payload(payload: &[u8]) -> Option<Self> {
        let (&[VERSION, flags @ 0..=FLAGS], mut rest) = payload.split_first_chunk()? else {
            return None;
        };
        let mut number = || read_number(&mut rest);
        let mut id = || number().map(u64::cast_signed);
        let (account, file, blob, expires) = (id()?, id()?, id()?, id()?);
        let maxspeed = number()?;
        let public = if flags & PUBLIC == 0 {
            None
        } else {
            let (link, lock, path) = (number()?, number()?, number()?);
            Some(Pass {
                link: link.cast_signed(),
                lock,
                path: path.cast_signed(),
            })
        };
        let contenttype = std::str::from_utf8(rest).ok()?.to_owned();
        let contenttype = Some(contenttype).filter(|given| !given.is_empty());
        Some(Self {
            account,
            file,
            blob,
            expires,
            checksums: flags & CHECKSUMS != 0,
            forcedownload: flags & FORCED != 0,
            maxspeed,
            contenttype,
            public,
        })
    }
}

/// The path of a link. `name` is decoration for whoever looks at it: what follows the token is never read.
pub fn path(app: &App, link: &Link, name: Option<&str>) -> String {
    let mut token = link.payload();
    token.extend_from_slice(&app.secrets.sign(PURPOSE, &token));
    let mut path = String::from(PREFIX);
    URL_SAFE_NO_PAD.encode_string(&token, &mut path);
    if let Some(name) = name {
        path.push('/');
        path.extend(utf8_percent_encode(name, NAME));
    }
    path
}

/// The link behind a path without its [`PREFIX`]; `None` if it is not one of ours. It may have expired.
pub fn parse(app: &App, path: &str) -> Option<Link> {
    let token = path.split('/').next()?;
    if token.len() > MAX_TOKEN_BYTES {
        return None;
    }
    let token = URL_SAFE_NO_PAD.decode(token).ok()?;
    let (payload, signature) = token.split_at_checked(token.len().checked_sub(SIGNATURE_BYTES)?)?;
    app.secrets
        .verify(PURPOSE, payload, signature)
        .then(|| Link::from_payload(payload))?
}

/// The `dwltag` of a link: the sync client sends it back as a cookie. It allows nothing, and other clients never send
/// it, so nothing depends on it.
pub fn dwltag(app: &App, link: &Link) -> String {
    URL_SAFE_NO_PAD.encode(app.secrets.sign(TAG_PURPOSE, &link.payload()))
}

/// Writes a number in as few groups of seven bits as it takes, the lowest first. The high bit says that more follow.
fn write_number(out: &mut Vec<u8>, mut number: u64) {
    while number >= 0x80 {
        out.push((number & 0x7f) as u8 | 0x80);
        number >>= 7;
    }
    out.push(number as u8);
}

fn read_number(rest: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        number |= u64::from(byte & 0x7f) << shift;
        if byte & 0x80 == 0 {
            return Some(number);
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn payloads_read_back() {
        let cases = [
            (0, 0, None),
            (1, 10_240, Some("text/plain")),
            (i64::MAX, u64::MAX, Some("a/b")),
            (-1, 127, Some("x/ü")),
            (1 << 52, 128, None),
        ];
        for (id, maxspeed, contenttype) in cases {
            let link = Link {
                account: id,
                file: id / 2,
                blob: id / 3,
                expires: 1_800_000_000,
                checksums: id < 1,
                forcedownload: id.abs() == 1,
                maxspeed,
                contenttype: contenttype.map(str::to_owned),
                public: (id > 1).then_some(Pass {
                    link: id,
                    lock: maxspeed,
                    path: -id,
                }),
            };
            assert_eq!(Link::from_payload(&link.payload()), Some(link.clone()));
            for cut in 0..7 {
                assert_eq!(
                    Link::from_payload(&link.payload()[..cut]),
                    None,
                    "{cut} bytes of {link:?}"
                );
            }
        }
        assert_eq!(Link::from_payload(&[]), None);
        assert_eq!(
            Link::from_payload(&[2, 0, 0, 0, 0, 0, 0]),
            None,
            "another version"
        );
        assert_eq!(
            Link::from_payload(&[1, 8, 0, 0, 0, 0, 0]),
            None,
            "an unknown flag"
        );
        assert_eq!(Link::from_payload(&[0xff; 64]), None);
    }
}
