//! Answers of the binary protocol.

use std::error::Error;
use std::fmt;

use crate::sink::{Options, Sink, TimeFormat};
use crate::strings::Strings;
use crate::time::UnixTime;

/// The first bytes of values. Where a row of numbers has the same meaning, the first one is named.
pub(crate) mod kind {
    /// A string with a length of 1, 2, 3 or 4 bytes: this and the next three.
    pub(crate) const STRING: u8 = 0;
    /// A string seen before, with an id of 1, 2, 3 or 4 bytes: this and the next three.
    pub(crate) const REUSED: u8 = 4;
    /// A number of 1 to 8 bytes: this and the next seven.
    pub(crate) const NUMBER: u8 = 8;
    /// A hash, up to [`END`].
    pub(crate) const HASH: u8 = 16;
    /// A list, up to [`END`].
    pub(crate) const LIST: u8 = 17;
    /// False.
    pub(crate) const FALSE: u8 = 18;
    /// True.
    pub(crate) const TRUE: u8 = 19;
    /// The number of raw bytes behind the answer, in 8 bytes.
    pub(crate) const DATA: u8 = 20;
    /// A string whose length is added: this and the next 49.
    pub(crate) const SHORT_STRING: u8 = 100;
    /// A string seen before whose id is added: this and the next 49.
    pub(crate) const SHORT_REUSED: u8 = 150;
    /// A number that is added: this and the next 19.
    pub(crate) const SMALL_NUMBER: u8 = 200;
    /// The end of a hash or a list.
    pub(crate) const END: u8 = 255;

    /// How many lengths and ids have a short form.
    pub(crate) const SHORTS: u8 = 50;
    /// How many numbers have a short form.
    pub(crate) const SMALLS: u8 = 20;
}

/// The length before an answer.
const PREFIX_BYTES: usize = 4;

/// Writes an answer in the binary protocol's form, each value in its shortest encoding.
///
/// Strings that come again are written as an id. Which ones are recognized is up to the sender;
/// see `Strings` for the choice made here.
#[derive(Debug)]
pub struct BinarySink {
    /// Begins with room for the length.
    out: Vec<u8>,
    strings: Strings,
    options: Options,
    /// The most bytes that the answer may have behind its length.
    max_bytes: usize,
    /// Once an answer is too large nothing of it is kept.
    is_too_large: bool,
}

impl BinarySink {
    /// An empty answer, which may grow to the 4 GiB that the protocol allows.
    pub fn new(options: Options) -> BinarySink {
        BinarySink::with_limit(options, u32::MAX)
    }

    /// An empty answer that may have at most `max_bytes` bytes behind its length. Memory stays
    /// within that and one value more.
    pub fn with_limit(options: Options, max_bytes: u32) -> BinarySink {
        BinarySink {
            out: vec![0; PREFIX_BYTES],
            strings: Strings::default(),
            options,
            max_bytes: max_bytes as usize,
            is_too_large: false,
        }
    }

    /// The finished answer with its length in front, ready to be sent.
    ///
    /// # Errors
    /// [`AnswerTooLarge`] if it has grown over its limit.
    pub fn finish(mut self) -> Result<Vec<u8>, AnswerTooLarge> {
        self.make_room(0);
        let length = u32::try_from(self.out.len() - PREFIX_BYTES);
        match length {
            Ok(length) if !self.is_too_large => {
                self.out[..PREFIX_BYTES].copy_from_slice(&length.to_le_bytes());
                Ok(self.out)
            }
            _ => Err(AnswerTooLarge),
        }
    }

    /// Whether `more` bytes fit. If they do not, the answer is given up and its memory released.
    fn make_room(&mut self, more: usize) -> bool {
        let room = self.max_bytes.checked_sub(self.out.len() - PREFIX_BYTES);
        if room.is_none_or(|room| room < more) {
            self.is_too_large = true;
        }
        if self.is_too_large {
            self.out = vec![0; PREFIX_BYTES];
            self.strings = Strings::default();
        }
        !self.is_too_large
    }

    /// Writes a single byte.
    fn byte(&mut self, byte: u8) {
        if self.make_room(1) {
            self.out.push(byte);
        }
    }

    /// Writes a kind that tells how many bytes of `number` follow, then those: as few as it takes.
    fn sized(&mut self, first_kind: u8, number: u64) {
        let width = width(number);
        self.out.push(first_kind + (width as u8 - 1));
        self.out.extend_from_slice(&number.to_le_bytes()[..width]);
    }

    fn string(&mut self, text: &[u8]) {
        if !self.make_room(text.len()) {
            return;
        }
        let length = text.len() as u64;
        let new_cost = short_cost(length) + text.len();
        match self.strings.find(&self.out, text).map(u64::from) {
            Some(id) if short_cost(id) <= new_cost => match short(id) {
                Some(id) => self.out.push(kind::SHORT_REUSED + id),
                None => self.sized(kind::REUSED, id),
            },
            _ => {
                match short(length) {
                    Some(length) => self.out.push(kind::SHORT_STRING + length),
                    None => self.sized(kind::STRING, length),
                }
                self.out.extend_from_slice(text);
                self.strings.add(&self.out, text.len());
            }
        }
    }
}

/// The number, if it is one of those that are added to a string's kind.
fn short(number: u64) -> Option<u8> {
    u8::try_from(number)
        .ok()
        .filter(|number| *number < kind::SHORTS)
}

/// How many bytes a string's kind takes together with this length or id.
fn short_cost(number: u64) -> usize {
    match short(number) {
        Some(_) => 1,
        None => 1 + width(number),
    }
}

/// How many bytes a number needs, at least one.
fn width(number: u64) -> usize {
    (8 - number.leading_zeros() as usize / 8).max(1)
}

impl Sink for BinarySink {
    fn begin_hash(&mut self) {
        self.byte(kind::HASH);
    }

    fn end_hash(&mut self) {
        self.byte(kind::END);
    }

    fn begin_list(&mut self) {
        self.byte(kind::LIST);
    }

    fn end_list(&mut self) {
        self.byte(kind::END);
    }

    fn key(&mut self, key: &str) {
        self.string(key.as_bytes());
    }

    fn num(&mut self, value: u64) {
        match u8::try_from(value) {
            Ok(small) if small < kind::SMALLS => self.byte(kind::SMALL_NUMBER + small),
            _ if self.make_room(1) => self.sized(kind::NUMBER, value),
            _ => {}
        }
    }

    fn text(&mut self, value: &str) {
        self.string(value.as_bytes());
    }

    fn bool(&mut self, value: bool) {
        self.byte(if value { kind::TRUE } else { kind::FALSE });
    }

    fn time(&mut self, value: UnixTime) {
        match self.options.time {
            TimeFormat::Timestamp => self.num(u64::try_from(value.0).unwrap_or(0)),
            TimeFormat::Text => self.string(value.format_rfc2822().as_bytes()),
        }
    }

    fn data(&mut self, length: u64) {
        self.key("data");
        if self.make_room(1) {
            self.out.push(kind::DATA);
            self.out.extend_from_slice(&length.to_le_bytes());
        }
    }

    fn options(&self) -> &Options {
        &self.options
    }
}

/// An answer has grown over what its 4-byte length, or a lower limit, allows.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct AnswerTooLarge;

impl fmt::Display for AnswerTooLarge {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the answer is too large for the binary protocol")
    }
}

impl Error for AnswerTooLarge {}
