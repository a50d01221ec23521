//! Answers in JSON, for HTTP.

use crate::sink::{Options, Sink, TimeFormat};
use crate::time::UnixTime;

/// Writes an answer as compact JSON in UTF-8.
///
/// Whatever has been written can be taken out at any time with [`JsonSink::take`], so an answer of
/// any size can leave in pieces.
#[derive(Debug)]
pub struct JsonSink {
    out: Vec<u8>,
    options: Options,
    /// Whether a value stands before the present place, so that a comma must come next.
    after_value: bool,
}

impl JsonSink {
    /// An empty answer.
    pub fn new(options: Options) -> JsonSink {
        JsonSink {
            out: Vec::new(),
            options,
            after_value: false,
        }
    }

    /// Takes out what has been written since the last call.
    pub fn take(&mut self) -> Vec<u8> {
        std::mem::take(&mut self.out)
    }

    /// How many bytes wait to be taken.
    pub fn len(&self) -> usize {
        self.out.len()
    }

    /// Whether no bytes wait to be taken.
    pub fn is_empty(&self) -> bool {
        self.out.is_empty()
    }

    fn comma(&mut self) {
        if self.after_value {
            self.out.push(b',');
        }
    }

    fn begin(&mut self, bracket: u8) {
        self.comma();
        self.out.push(bracket);
        self.after_value = false;
    }

    fn end(&mut self, bracket: u8) {
        self.out.push(bracket);
        self.after_value = true;
    }
}

impl Sink for JsonSink {
    fn begin_hash(&mut self) {
        self.begin(b'{');
    }

    fn end_hash(&mut self) {
        self.end(b'}');
    }

    fn begin_list(&mut self) {
        self.begin(b'[');
    }

    fn end_list(&mut self) {
        self.end(b']');
    }

    fn key(&mut self, key: &str) {
        self.comma();
        write_string(&mut self.out, key);
        self.out.push(b':');
        self.after_value = false;
    }

    fn num(&mut self, value: u64) {
        self.comma();
        let mut digits = itoa::Buffer::new();
        self.out.extend_from_slice(digits.format(value).as_bytes());
        self.after_value = true;
    }

    fn text(&mut self, value: &str) {
        self.comma();
        write_string(&mut self.out, value);
        self.after_value = true;
    }

    fn bool(&mut self, value: bool) {
        self.comma();
        let word: &[u8] = if value { b"true" } else { b"false" };
        self.out.extend_from_slice(word);
        self.after_value = true;
    }

    fn time(&mut self, value: UnixTime) {
        match self.options.time {
            TimeFormat::Timestamp => self.num(u64::try_from(value.0).unwrap_or(0)),
            TimeFormat::Text => {
                self.comma();
                self.out.push(b'"');
                self.out
                    .extend_from_slice(value.format_rfc2822().as_bytes());
                self.out.push(b'"');
                self.after_value = true;
            }
        }
    }

    fn data(&mut self, _length: u64) {}

    fn options(&self) -> &Options {
        &self.options
    }
}

/// Writes a string in quotes.
fn write_string(out: &mut Vec<u8>, text: &str) {
    let text = text.as_bytes();
    out.reserve(text.len() + 2);
    out.push(b'"');
    if is_plain(text) {
        out.extend_from_slice(text);
    } else {
        write_escaped(out, text);
    }
    out.push(b'"');
}

/// Whether nothing in a string needs an escape, which is so for nearly all. Eight bytes are looked
/// at together.
fn is_plain(text: &[u8]) -> bool {
    const BLANKS: u64 = u64::from_le_bytes([b' '; 8]);
    let (words, tail) = text.as_chunks::<8>();
    let tail = tail
        .iter()
        .fold(BLANKS, |word, &byte| word << 8 | u64::from(byte));
    let has_special = words
        .iter()
        .any(|word| has_special(u64::from_le_bytes(*word)))
        || has_special(tail);
    !has_special
}

fn write_escaped(out: &mut Vec<u8>, text: &[u8]) {
    let mut rest = text;
    while let Some(plain) = rest.iter().position(|&byte| is_special(byte)) {
        out.extend_from_slice(&rest[..plain]);
        write_escape(out, rest[plain]);
        rest = &rest[plain + 1..];
    }
    out.extend_from_slice(rest);
}

/// What JSON does not allow in a string as it is: the quote, the backslash, control characters.
fn is_special(byte: u8) -> bool {
    byte < 0x20 || byte == b'"' || byte == b'\\'
}

/// Whether one of the eight bytes of a word is special.
///
/// The two tricks are well known ("Bit Twiddling Hacks", determine if a word has a byte less than
/// n, or equal to n): `x - n` borrows into a byte's high bit exactly if the byte was less than `n`
/// or already high, and `!x` masks out the latter. Borrows can carry into higher bytes, which may
/// only turn a clean neighbour of a special byte into a false alarm; the answer for the whole word
/// stays right.
fn has_special(word: u64) -> bool {
    const ONES: u64 = u64::from_le_bytes([0x01; 8]);
    const HIGHS: u64 = u64::from_le_bytes([0x80; 8]);
    let below = |word: u64, limit: u8| word.wrapping_sub(ONES * u64::from(limit)) & !word;
    let equal = |byte: u8| below(word ^ (ONES * u64::from(byte)), 1);
    (below(word, 0x20) | equal(b'"') | equal(b'\\')) & HIGHS != 0
}

fn write_escape(out: &mut Vec<u8>, byte: u8) {
    const DIGITS: &[u8; 16] = b"0123456789abcdef";
    let short = match byte {
        b'"' | b'\\' => byte,
        b'\n' => b'n',
        b'\r' => b'r',
        b'\t' => b't',
        0x08 => b'b',
        0x0c => b'f',
        _ => {
            out.extend_from_slice(b"\\u00");
            out.push(DIGITS[usize::from(byte >> 4)]);
            out.push(DIGITS[usize::from(byte & 15)]);
            return;
        }
    };
    out.extend_from_slice(&[b'\\', short]);
}
