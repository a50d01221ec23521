//! What clients ask for: lines of `key=value` pairs.

use std::io;

/// The longest line. Those of the sync client have 90 bytes at most.
const LINE_BYTES: usize = 1024;

/// One line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ask {
    /// The number that the answer goes by.
    pub(super) stream: u32,
    /// The file, if that was to be understood.
    pub(super) file: Option<u64>,
    /// SHA-1 of the content that the client has, if it wants to have only another one.
    pub(super) has: Option<[u8; 20]>,
}

/// Cuts bytes into lines.
#[derive(Default)]
pub(super) struct Lines {
    /// A line that is not complete.
    begun: Vec<u8>,
}

impl Lines {
    /// Takes bytes; what is complete by them is added to `asks`. What cannot be answered, because it names no stream, is
    /// an error.
    pub(super) fn take(&mut self, bytes: &[u8], asks: &mut Vec<Ask>) -> io::Result<()> {
        for piece in bytes.split_inclusive(|byte| *byte == b'\n') {
            if self.begun.len() + piece.len() > LINE_BYTES {
                return Err(io::ErrorKind::InvalidData.into());
            }
            self.begun.extend_from_slice(piece);
            if let Some(line) = self.begun.strip_suffix(b"\n") {
                asks.push(parse(line).ok_or(io::ErrorKind::InvalidData)?);
                self.begun.clear();
            }
        }
        Ok(())
    }
}

/// Reads a line. Keys that mean nothing are passed over, as in all of the API.
fn parse(line: &[u8]) -> Option<Ask> {
    let line = std::str::from_utf8(line).ok()?;
    let value = |key: &str| {
        line.split(',').find_map(|pair| {
            let (name, value) = pair.split_once('=')?;
            (name == key).then_some(value)
        })
    };
    let act = value("act").unwrap_or_default();
    let is_known = matches!(act, "dwl" | "dwlnm");
    let has = value("sha1").filter(|_| act == "dwlnm").and_then(|sha1| {
        let mut bytes = [0; 20];
        hex::decode_to_slice(sha1, &mut bytes).ok()?;
        Some(bytes)
    });
    Some(Ask {
        stream: value("strm")?.parse().ok()?,
        file: value("fileid")
            .filter(|_| is_known)
            .and_then(|id| id.parse().ok()),
        has,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn asks(pieces: &[&str]) -> io::Result<Vec<Ask>> {
        let (mut lines, mut asks) = (Lines::default(), Vec::new());
        for piece in pieces {
            lines.take(piece.as_bytes(), &mut asks)?;
        }
        Ok(asks)
    }

    fn ask(stream: u32, file: Option<u64>, has: Option<[u8; 20]>) -> Ask {
        Ask { stream, file, has }
    }

    #[test]
    fn lines_come_in_any_pieces() {
        let text = format!(
            "act=dwl,strm=1,fileid=77\nact=dwlnm,strm=2,fileid=78,sha1={}\n",
            "0a".repeat(20)
        );
        let expected = [ask(1, Some(77), None), ask(2, Some(78), Some([10; 20]))];
        assert_eq!(asks(&[&text]).unwrap(), expected);
        let pieces: Vec<&str> = text
            .as_bytes()
            .chunks(5)
            .map(|piece| std::str::from_utf8(piece).unwrap())
            .collect();
        assert_eq!(asks(&pieces).unwrap(), expected);
        assert_eq!(asks(&["act=dwl,strm=1,fileid=77"]).unwrap(), []);
    }

    #[test]
    fn what_is_not_understood_is_answered_if_it_has_a_stream() {
        for line in [
            "act=upl,strm=9,fileid=1\n",
            "strm=9\n",
            "act=dwl,strm=9\n",
            "act=dwl,strm=9,fileid=-1\n",
            "act=dwl,strm=9,fileid=99999999999999999999\n",
        ] {
            assert_eq!(asks(&[line]).unwrap(), [ask(9, None, None)], "{line}");
        }
        let odd = "new=x,fileid=5,act=dwl,,strm=4294967295\n";
        assert_eq!(asks(&[odd]).unwrap(), [ask(u32::MAX, Some(5), None)]);
        let short = "act=dwlnm,strm=1,fileid=5,sha1=0a\n";
        assert_eq!(asks(&[short]).unwrap(), [ask(1, Some(5), None)]);
        for line in ["\n", "act=dwl,fileid=1\n", "strm=4294967296\n", "\u{fe}\n"] {
            assert!(asks(&[line]).is_err(), "{line}");
        }
        assert!(asks(&[&"x".repeat(LINE_BYTES + 1)]).is_err());
        assert!(asks(&[&"x".repeat(LINE_BYTES), "x"]).is_err());
    }
}
