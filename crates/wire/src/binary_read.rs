//! Reading an answer of the binary protocol.

use std::error::Error;
use std::fmt;
use std::ops::Range;

use crate::binary_sink::kind;
use crate::tree::{MAX_DEPTH, Tree};

/// How many bytes of text an answer may unfold to, for each of its own.
///
/// Reuse lets one byte stand for a string of any length. Honest answers unfold to some ten times
/// their size; without a limit a kilobyte could fill the memory.
pub(crate) const MAX_UNFOLDING: usize = 128;

/// Reads an answer, given all of it behind its 4-byte length. Raw bytes announced by a `data` field
/// are not part of it.
///
/// # Errors
/// [`BadAnswer`] if the bytes are not exactly one hash, or exceed a limit: a nesting of
/// [`MAX_DEPTH`], or repeated strings that come to over 128 times the size of the answer.
pub fn decode_answer(body: &[u8]) -> Result<Tree, BadAnswer> {
    let mut reader = Reader {
        body,
        at: 0,
        strings: Vec::new(),
        text_left: body.len().saturating_mul(MAX_UNFOLDING),
    };
    if reader.byte()? != kind::HASH {
        return Err(BadAnswer::NotAHash);
    }
    let answer = reader.hash(0)?;
    if reader.at < body.len() {
        return Err(BadAnswer::Trailing);
    }
    Ok(answer)
}

/// An answer is not in the form of the binary protocol, or exceeds a limit.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadAnswer {
    /// It ends in the middle of a value.
    Truncated,
    /// Bytes follow its end.
    Trailing,
    /// Its value is not a hash.
    NotAHash,
    /// A value begins with a byte that has no meaning.
    UnknownType(u8),
    /// A key is not a string.
    BadKey,
    /// A reused string was never sent.
    UnknownString,
    /// A string is not UTF-8.
    NotUtf8,
    /// Data is announced elsewhere than in the field `data` of the top hash, or twice.
    MisplacedData,
    /// Hashes and lists are nested deeper than [`MAX_DEPTH`].
    TooDeep,
    /// Reused strings unfold to too much text.
    TooMuchText,
}

impl fmt::Display for BadAnswer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let why = match self {
            BadAnswer::Truncated => "it ends in the middle of a value",
            BadAnswer::Trailing => "bytes follow its end",
            BadAnswer::NotAHash => "its value is not a hash",
            BadAnswer::UnknownType(kind) => return write!(f, "bad answer: unknown type {kind}"),
            BadAnswer::BadKey => "a key is not a string",
            BadAnswer::UnknownString => "a reused string was never sent",
            BadAnswer::NotUtf8 => "a string is not UTF-8",
            BadAnswer::MisplacedData => "data is announced in the wrong place",
            BadAnswer::TooDeep => "it is nested too deeply",
            BadAnswer::TooMuchText => "reused strings unfold to too much text",
        };
        write!(f, "bad answer: {why}")
    }
}

impl Error for BadAnswer {}

struct Reader<'a> {
    body: &'a [u8],
    at: usize,
    /// Where each string stands that was sent in full; its index is its id.
    strings: Vec<Range<usize>>,
    text_left: usize,
}

impl Reader<'_> {
    fn byte(&mut self) -> Result<u8, BadAnswer> {
        let byte = self.body.get(self.at).ok_or(BadAnswer::Truncated)?;
        self.at += 1;
        Ok(*byte)
    }

    /// Reads a little-endian number of up to 8 bytes.
    fn number(&mut self, width: u8) -> Result<u64, BadAnswer> {
        let mut number = 0;
        for index in 0..width {
            number |= u64::from(self.byte()?) << (8 * index);
        }
        Ok(number)
    }

    /// Reads a value that begins with `first`, at a nesting of `depth`.
    fn value(&mut self, first: u8, depth: usize) -> Result<Tree, BadAnswer> {
        Ok(match first {
            kind::HASH => self.hash(depth)?,
            kind::LIST => self.list(depth)?,
            kind::FALSE => Tree::Bool(false),
            kind::TRUE => Tree::Bool(true),
            kind::NUMBER..kind::HASH => Tree::Num(self.number(first - kind::NUMBER + 1)?),
            kind::SMALL_NUMBER.. if first - kind::SMALL_NUMBER < kind::SMALLS => {
                Tree::Num(u64::from(first - kind::SMALL_NUMBER))
            }
            kind::DATA => return Err(BadAnswer::MisplacedData),
            _ => match self.string(first)? {
                Some(text) => Tree::Text(text),
                None => return Err(BadAnswer::UnknownType(first)),
            },
        })
    }

    fn hash(&mut self, depth: usize) -> Result<Tree, BadAnswer> {
        if depth >= MAX_DEPTH {
            return Err(BadAnswer::TooDeep);
        }
        let mut fields = Vec::new();
        let mut has_data = false;
        loop {
            let first = self.byte()?;
            if first == kind::END {
                return Ok(Tree::Hash(fields));
            }
            let key = self.string(first)?.ok_or(BadAnswer::BadKey)?;
            let first = self.byte()?;
            let value = if first == kind::DATA && depth == 0 && key == "data" && !has_data {
                has_data = true;
                Tree::Data(self.number(8)?)
            } else {
                self.value(first, depth + 1)?
            };
            fields.push((key, value));
        }
    }

    fn list(&mut self, depth: usize) -> Result<Tree, BadAnswer> {
        if depth >= MAX_DEPTH {
            return Err(BadAnswer::TooDeep);
        }
        let mut items = Vec::new();
        loop {
            let first = self.byte()?;
            if first == kind::END {
                return Ok(Tree::List(items));
            }
            items.push(self.value(first, depth + 1)?);
        }
    }

    /// Reads a string, new or reused, that begins with `first`; `None` if no string does.
    fn string(&mut self, first: u8) -> Result<Option<String>, BadAnswer> {
        let place = match first {
            kind::STRING..kind::REUSED => {
                let length = self.number(first - kind::STRING + 1)?;
                self.new_string(length)?
            }
            kind::SHORT_STRING..kind::SHORT_REUSED => {
                self.new_string(u64::from(first - kind::SHORT_STRING))?
            }
            kind::REUSED..kind::NUMBER => {
                let id = self.number(first - kind::REUSED + 1)?;
                self.reused_string(id)?
            }
            kind::SHORT_REUSED..kind::SMALL_NUMBER => {
                self.reused_string(u64::from(first - kind::SHORT_REUSED))?
            }
            _ => return Ok(None),
        };
        let bytes = &self.body[place];
        self.text_left = self
            .text_left
            .checked_sub(bytes.len())
            .ok_or(BadAnswer::TooMuchText)?;
        match std::str::from_utf8(bytes) {
            Ok(text) => Ok(Some(text.to_owned())),
            Err(_) => Err(BadAnswer::NotUtf8),
        }
    }

    fn new_string(&mut self, length: u64) -> Result<Range<usize>, BadAnswer> {
        let length = usize::try_from(length).map_err(|_| BadAnswer::Truncated)?;
        let end = self.at.checked_add(length).ok_or(BadAnswer::Truncated)?;
        if end > self.body.len() {
            return Err(BadAnswer::Truncated);
        }
        let place = self.at..end;
        self.at = end;
        self.strings.push(place.clone());
        Ok(place)
    }

    fn reused_string(&self, id: u64) -> Result<Range<usize>, BadAnswer> {
        let id = usize::try_from(id).map_err(|_| BadAnswer::UnknownString)?;
        self.strings
            .get(id)
            .cloned()
            .ok_or(BadAnswer::UnknownString)
    }
}
