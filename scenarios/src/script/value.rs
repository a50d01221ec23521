//! Values in scenario files, and reading them.

use super::cursor::Cursor;
use crate::Result;

/// A value, to be computed when its step is played.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Digits.
    Number(u64),
    /// `true` or `false`.
    Bool(bool),
    /// Text or bytes, repeated `times` times.
    Text {
        /// The pieces that make it up.
        pieces: Vec<Piece>,
        /// How often they stand one after the other.
        times: usize,
    },
    /// A kept value.
    Variable(String),
    /// A list.
    List(Vec<Value>),
    /// Generated content: `random LEN seed SEED`, of which perhaps only a part is meant.
    Random {
        /// Bytes.
        len: usize,
        /// What fixes them.
        seed: u64,
    },
    /// A part of a content: `VALUE from FIRST to LAST`, as in a range of HTTP.
    Part {
        /// The whole.
        whole: Box<Value>,
        /// First byte.
        first: usize,
        /// Last byte.
        last: usize,
    },
    /// A function of other values.
    Apply(Function, Vec<Value>),
}

/// A piece of a text.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Piece {
    /// Bytes as they are.
    Bytes(Vec<u8>),
    /// The text of a kept value.
    Variable(String),
}

/// What can be computed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Function {
    /// `digest(user name, password, digest)`: the proof of a login by digest.
    Digest,
    /// `totp(secret, seconds)`: what an authenticator with this secret, in base 32, shows so many seconds from now.
    Totp,
    /// `sha1(content)`, in hex.
    Sha1,
    /// `sha256(content)`, in hex.
    Sha256,
    /// `md5(content)`, in hex.
    Md5,
    /// `hash(content)`: the number that metadata shows.
    Hash,
}

impl Function {
    fn named(name: &str) -> Option<Self> {
        Some(match name {
            "digest" => Self::Digest,
            "totp" => Self::Totp,
            "sha1" => Self::Sha1,
            "sha256" => Self::Sha256,
            "md5" => Self::Md5,
            "hash" => Self::Hash,
            _ => return None,
        })
    }
}

/// Where a bare word ends: at any of these, or at a blank.
#[derive(Clone, Copy, Debug)]
pub(super) enum Stops {
    /// Parameters take commas and brackets as they are.
    Parameter,
    /// Elsewhere they separate.
    Expression,
}

impl Stops {
    fn at(self, byte: u8) -> bool {
        byte.is_ascii_whitespace()
            || match self {
                Self::Parameter => false,
                Self::Expression => matches!(byte, b',' | b'[' | b']' | b'(' | b')'),
            }
    }
}

impl Cursor<'_> {
    /// Reads a value.
    pub(super) fn value(&mut self, stops: Stops) -> Result<Value> {
        let value = match self.peek() {
            Some(b'"') => {
                let pieces = self.quoted()?;
                let times = if self.eat("*") {
                    usize::try_from(self.number()?)?
                } else {
                    1
                };
                Value::Text { pieces, times }
            }
            Some(b'$') => {
                self.eat("$");
                Value::Variable(self.variable()?)
            }
            Some(b'[') if matches!(stops, Stops::Expression) => Value::List(self.list(b'[', b']')?),
            _ => self.bare(stops)?,
        };
        let mark = self.mark();
        self.blanks();
        if self.word_is("from") {
            self.blanks();
            let first = usize::try_from(self.number()?)?;
            self.blanks();
            self.expect_word("to")?;
            self.blanks();
            let last = usize::try_from(self.number()?)?;
            return Ok(Value::Part {
                whole: Box::new(value),
                first,
                last,
            });
        }
        self.reset(mark);
        Ok(value)
    }

    fn bare(&mut self, stops: Stops) -> Result<Value> {
        if self.word_is("random") {
            self.blanks();
            let len = usize::try_from(self.number()?)?;
            self.blanks();
            self.expect_word("seed")?;
            self.blanks();
            return Ok(Value::Random {
                len,
                seed: self.number()?,
            });
        }
        let mark = self.mark();
        let name = self.take_while(|byte| byte.is_ascii_alphanumeric());
        if let Some(function) = Function::named(name)
            && self.peek() == Some(b'(')
        {
            return Ok(Value::Apply(function, self.list(b'(', b')')?));
        }
        self.reset(mark);
        let word = self.take_while(|byte| !stops.at(byte));
        if word.is_empty() && matches!(stops, Stops::Expression) {
            return Err("a value is missing".into());
        }
        Ok(match word {
            "true" => Value::Bool(true),
            "false" => Value::Bool(false),
            // A zero in front is part of a text, such as a hexadecimal checksum, not of a number.
            _ if word == "0" || !word.starts_with('0') => match word.parse() {
                Ok(number) if word.bytes().all(|byte| byte.is_ascii_digit()) => {
                    Value::Number(number)
                }
                _ => text(word),
            },
            _ => text(word),
        })
    }

    fn list(&mut self, open: u8, close: u8) -> Result<Vec<Value>> {
        self.expect_byte(open)?;
        let mut items = Vec::new();
        loop {
            self.blanks();
            if self.eat_byte(close) {
                return Ok(items);
            }
            if !items.is_empty() {
                self.expect_byte(b',')?;
                self.blanks();
            }
            items.push(self.value(Stops::Expression)?);
        }
    }

    fn quoted(&mut self) -> Result<Vec<Piece>> {
        self.expect_byte(b'"')?;
        let mut pieces = Vec::new();
        let mut bytes = Vec::new();
        loop {
            match self.next() {
                None => return Err("a text without its end".into()),
                Some(b'"') => break,
                Some(b'\\') => self.escape(&mut bytes)?,
                Some(b'$') if self.eat("{") => {
                    if !bytes.is_empty() {
                        pieces.push(Piece::Bytes(std::mem::take(&mut bytes)));
                    }
                    pieces.push(Piece::Variable(self.variable()?));
                    self.expect_byte(b'}')?;
                }
                Some(byte) => bytes.push(byte),
            }
        }
        if !bytes.is_empty() {
            pieces.push(Piece::Bytes(bytes));
        }
        Ok(pieces)
    }

    fn escape(&mut self, out: &mut Vec<u8>) -> Result<()> {
        match self.next() {
            Some(b'n') => out.push(b'\n'),
            Some(b'r') => out.push(b'\r'),
            Some(b't') => out.push(b'\t'),
            Some(byte @ (b'"' | b'\\' | b'$')) => out.push(byte),
            Some(b'x') => {
                let digits = [
                    self.next().unwrap_or_default(),
                    self.next().unwrap_or_default(),
                ];
                out.push(u8::from_str_radix(std::str::from_utf8(&digits)?, 16)?);
            }
            // A backslash at the end of a line joins it with the next one, without the blanks that begin it.
            Some(b'\n') => {
                self.take_while(|byte| byte.is_ascii_whitespace());
            }
            _ => return Err("an unknown escape in a text".into()),
        }
        Ok(())
    }

    /// The name of a kept value; its parts are joined by dots.
    fn variable(&mut self) -> Result<String> {
        let name =
            self.take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.'));
        if name.is_empty() {
            Err("a `$` without a name".into())
        } else {
            Ok(name.to_owned())
        }
    }
}

fn text(word: &str) -> Value {
    let pieces = if word.is_empty() {
        Vec::new()
    } else {
        vec![Piece::Bytes(word.as_bytes().to_vec())]
    };
    Value::Text { pieces, times: 1 }
}
