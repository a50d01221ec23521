//! Walking through the text of a scenario file.

use super::Span;
use crate::Result;

/// A place in one statement.
#[derive(Debug)]
pub(super) struct Cursor<'a> {
    source: &'a str,
    at: usize,
    end: usize,
}

impl<'a> Cursor<'a> {
    /// The beginning of the statement that stands at `span` of a file's text.
    pub(super) fn new(source: &'a str, span: Span) -> Self {
        Self {
            source,
            at: span.start,
            end: span.end,
        }
    }

    /// The present place, for [`Self::reset`] and for spans.
    pub(super) fn mark(&self) -> usize {
        self.at
    }

    /// Goes back to a place.
    pub(super) fn reset(&mut self, mark: usize) {
        self.at = mark;
    }

    fn rest(&self) -> &'a str {
        &self.source[self.at..self.end]
    }

    /// Whether nothing is left but blanks and comments.
    pub(super) fn is_done(&mut self) -> bool {
        self.blanks();
        self.at == self.end
    }

    /// The next byte, which stays.
    pub(super) fn peek(&self) -> Option<u8> {
        self.rest().bytes().next()
    }

    /// Takes the next byte.
    pub(super) fn next(&mut self) -> Option<u8> {
        let byte = self.source.as_bytes()[..self.end].get(self.at).copied()?;
        self.at += 1;
        Some(byte)
    }

    /// Takes `text` if it comes next.
    pub(super) fn eat(&mut self, text: &str) -> bool {
        let found = self.rest().starts_with(text);
        if found {
            self.at += text.len();
        }
        found
    }

    /// Takes `byte` if it comes next.
    pub(super) fn eat_byte(&mut self, byte: u8) -> bool {
        let found = self.peek() == Some(byte);
        if found {
            self.at += 1;
        }
        found
    }

    /// Takes `byte`, which has to come next.
    pub(super) fn expect_byte(&mut self, byte: u8) -> Result<()> {
        if self.eat_byte(byte) {
            Ok(())
        } else {
            Err(format!("`{}` is missing", char::from(byte)).into())
        }
    }

    /// Takes bytes as long as they belong.
    pub(super) fn take_while(&mut self, belongs: impl Fn(u8) -> bool) -> &'a str {
        let rest = self.rest();
        let end = rest
            .bytes()
            .position(|byte| !belongs(byte))
            .unwrap_or(rest.len());
        // Only ASCII bytes separate, so this is a boundary of characters too.
        self.at += end;
        &rest[..end]
    }

    /// Takes a word of letters, digits, `_`, `/` and `-`.
    pub(super) fn word(&mut self) -> Result<&'a str> {
        let word = self
            .take_while(|byte| byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'/' | b'-'));
        if word.is_empty() {
            Err("a word is missing".into())
        } else {
            Ok(word)
        }
    }

    /// Takes this word if it comes next, as a whole.
    pub(super) fn word_is(&mut self, wanted: &str) -> bool {
        let mark = self.mark();
        let found = self.word().is_ok_and(|word| word == wanted)
            && self.peek().is_none_or(|byte| byte.is_ascii_whitespace());
        if !found {
            self.reset(mark);
        }
        found
    }

    /// Takes this word, which has to come next.
    pub(super) fn expect_word(&mut self, wanted: &str) -> Result<()> {
        if self.word_is(wanted) {
            Ok(())
        } else {
            Err(format!("`{wanted}` is missing").into())
        }
    }

    /// Takes decimal digits.
    pub(super) fn number(&mut self) -> Result<u64> {
        let digits = self.take_while(|byte| byte.is_ascii_digit());
        digits.parse().map_err(|_| "a number is missing".into())
    }

    /// Steps over blanks, line ends and comments; tells whether a line ended.
    pub(super) fn blanks(&mut self) -> bool {
        let mut line_ended = false;
        loop {
            match self.peek() {
                Some(b'\n') => line_ended = true,
                Some(b' ' | b'\t') => {}
                // A comment stands behind a blank; elsewhere the sign is part of a word.
                Some(b'#') if self.source[..self.at].ends_with([' ', '\t', '\n']) => {
                    self.take_while(|byte| byte != b'\n');
                    continue;
                }
                _ => return line_ended,
            }
            self.at += 1;
        }
    }
}
