//! Reading an answer from JSON.

use std::error::Error;
use std::fmt;

use crate::tree::{MAX_DEPTH, Tree};

impl Tree {
    /// Reads one JSON value (RFC 8259), around which only white space may stand.
    ///
    /// Numbers up to 2^64-1 are exact; others (negative ones, fractions) become texts of the same
    /// characters. What is `null` is left out, as the API itself does.
    ///
    /// # Errors
    /// [`BadJson`] if the text is not JSON, is nested deeper than [`MAX_DEPTH`], or is `null`.
    pub fn from_json(json: &[u8]) -> Result<Tree, BadJson> {
        let text = std::str::from_utf8(json).map_err(|error| BadJson {
            at: error.valid_up_to(),
            why: "not UTF-8",
        })?;
        let mut reader = Reader { text, at: 0 };
        let value = reader.value(0)?;
        reader.skip_blanks();
        if reader.at < text.len() {
            return Err(reader.bad("something follows the value"));
        }
        value.ok_or(BadJson {
            at: 0,
            why: "the value is null",
        })
    }
}

/// A text is not JSON, or not the JSON of an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct BadJson {
    /// Where, in bytes from the start.
    pub at: usize,
    /// What was wrong there.
    pub why: &'static str,
}

impl fmt::Display for BadJson {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "bad JSON at byte {}: {}", self.at, self.why)
    }
}

impl Error for BadJson {}

struct Reader<'a> {
    text: &'a str,
    at: usize,
}

impl<'a> Reader<'a> {
    fn bad(&self, why: &'static str) -> BadJson {
        BadJson { at: self.at, why }
    }

    fn peek(&self) -> Option<u8> {
        self.text.as_bytes().get(self.at).copied()
    }

    fn eat(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    fn skip_blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\t' | b'\n' | b'\r')) {
            self.at += 1;
        }
    }

    /// Reads a value; `None` is `null`.
    fn value(&mut self, depth: usize) -> Result<Option<Tree>, BadJson> {
        self.skip_blanks();
        match self.peek() {
            Some(b'{') => self.hash(depth),
            Some(b'[') => self.list(depth),
            Some(b'"') => Ok(Some(Tree::Text(self.string()?))),
            Some(b'-' | b'0'..=b'9') => self.number().map(Some),
            Some(b't') => self.word("true", Some(Tree::Bool(true))),
            Some(b'f') => self.word("false", Some(Tree::Bool(false))),
            Some(b'n') => self.word("null", None),
            _ => Err(self.bad("no value")),
        }
    }

    fn word(&mut self, word: &str, value: Option<Tree>) -> Result<Option<Tree>, BadJson> {
        if !self.text[self.at..].starts_with(word) {
            return Err(self.bad("no value"));
        }
        self.at += word.len();
        Ok(value)
    }

    /// Steps over an opening bracket.
    fn open(&mut self, depth: usize) -> Result<(), BadJson> {
        if depth >= MAX_DEPTH {
            return Err(self.bad("nested too deeply"));
        }
        self.at += 1;
        Ok(())
    }

    /// Steps over what stands behind an item; true if that was the closing bracket.
    fn is_last(&mut self, bracket: u8) -> Result<bool, BadJson> {
        self.skip_blanks();
        if self.eat(bracket) {
            return Ok(true);
        }
        if self.eat(b',') {
            return Ok(false);
        }
        Err(self.bad("neither a comma nor the end"))
    }

    fn hash(&mut self, depth: usize) -> Result<Option<Tree>, BadJson> {
        self.open(depth)?;
        let mut fields = Vec::new();
        self.skip_blanks();
        if self.eat(b'}') {
            return Ok(Some(Tree::Hash(fields)));
        }
        loop {
            self.skip_blanks();
            if self.peek() != Some(b'"') {
                return Err(self.bad("no key"));
            }
            let key = self.string()?;
            self.skip_blanks();
            if !self.eat(b':') {
                return Err(self.bad("no colon"));
            }
            if let Some(value) = self.value(depth + 1)? {
                fields.push((key, value));
            }
            if self.is_last(b'}')? {
                return Ok(Some(Tree::Hash(fields)));
            }
        }
    }

    fn list(&mut self, depth: usize) -> Result<Option<Tree>, BadJson> {
        self.open(depth)?;
        let mut items = Vec::new();
        self.skip_blanks();
        if self.eat(b']') {
            return Ok(Some(Tree::List(items)));
        }
        loop {
            items.extend(self.value(depth + 1)?);
            if self.is_last(b']')? {
                return Ok(Some(Tree::List(items)));
            }
        }
    }

    fn number(&mut self) -> Result<Tree, BadJson> {
        let start = self.at;
        self.eat(b'-');
        if !self.eat(b'0') {
            self.digits()?;
        }
        if self.eat(b'.') {
            self.digits()?;
        }
        if self.eat(b'e') || self.eat(b'E') {
            let _ = self.eat(b'+') || self.eat(b'-');
            self.digits()?;
        }
        let digits = &self.text[start..self.at];
        Ok(match digits.parse() {
            Ok(number) => Tree::Num(number),
            Err(_) => Tree::Text(digits.to_owned()),
        })
    }

    /// Steps over one digit or more.
    fn digits(&mut self) -> Result<(), BadJson> {
        let start = self.at;
        while matches!(self.peek(), Some(b'0'..=b'9')) {
            self.at += 1;
        }
        if self.at == start {
            return Err(self.bad("no digit"));
        }
        Ok(())
    }

    /// Reads a string, of which the opening quote comes next.
    fn string(&mut self) -> Result<String, BadJson> {
        self.at += 1;
        let mut out = String::new();
        loop {
            out.push_str(self.plain());
            match self.peek() {
                Some(b'"') => {
                    self.at += 1;
                    return Ok(out);
                }
                Some(b'\\') => {
                    self.at += 1;
                    out.push(self.escape()?);
                }
                Some(_) => return Err(self.bad("a control character in a string")),
                None => return Err(self.bad("an open string")),
            }
        }
    }

    /// Takes characters up to a quote, a backslash or a control character.
    fn plain(&mut self) -> &'a str {
        let rest = &self.text[self.at..];
        let end = rest
            .bytes()
            .position(|byte| byte < 0x20 || byte == b'"' || byte == b'\\')
            .unwrap_or(rest.len());
        self.at += end;
        &rest[..end]
    }

    /// Reads what stands behind a backslash.
    fn escape(&mut self) -> Result<char, BadJson> {
        let Some(byte) = self.peek() else {
            return Err(self.bad("an open string"));
        };
        let character = match byte {
            b'"' | b'\\' | b'/' => char::from(byte),
            b'b' => '\u{8}',
            b'f' => '\u{c}',
            b'n' => '\n',
            b'r' => '\r',
            b't' => '\t',
            b'u' => {
                self.at += 1;
                return self.unicode();
            }
            _ => return Err(self.bad("an unknown escape")),
        };
        self.at += 1;
        Ok(character)
    }

    /// Reads the digits behind `\u`, and the second half of a surrogate pair if the first is one.
    fn unicode(&mut self) -> Result<char, BadJson> {
        let first = self.four_hex_digits()?;
        let code = match first {
            0xd800..=0xdbff => {
                if !(self.eat(b'\\') && self.eat(b'u')) {
                    return Err(self.bad("half a surrogate pair"));
                }
                let second = self.four_hex_digits()?;
                let Some(low) = second.checked_sub(0xdc00).filter(|low| *low < 0x400) else {
                    return Err(self.bad("half a surrogate pair"));
                };
                0x10000 + ((first - 0xd800) << 10) + low
            }
            code => code,
        };
        char::from_u32(code).ok_or_else(|| self.bad("half a surrogate pair"))
    }

    fn four_hex_digits(&mut self) -> Result<u32, BadJson> {
        let digits = self.text.as_bytes().get(self.at..self.at + 4);
        let code = digits.and_then(|digits| {
            digits.iter().try_fold(0, |code, &digit| {
                Some(code << 4 | char::from(digit).to_digit(16)?)
            })
        });
        match code {
            Some(code) => {
                self.at += 4;
                Ok(code)
            }
            None => Err(self.bad("no four hexadecimal digits")),
        }
    }
}
