//! The parameters of one call, whichever protocol they came by.

use std::borrow::Cow;
use std::error::Error;
use std::fmt;

use bytes::Bytes;

use crate::digits::parse_digits;

/// The most parameters one call can carry: the binary protocol counts them in one byte, and HTTP
/// is held to the same figure.
pub const MAX_PARAMS: usize = 255;

/// The most items a comma-separated list may have before [`Params::uint_list`] refuses it.
pub const MAX_LIST_ITEMS: usize = 65_536;

/// The value of a parameter, in the type its sender chose.
///
/// HTTP knows only text; the binary protocol has all three. The accessors of [`Params`] accept
/// each type for each use, because clients differ in what they send for the same parameter.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Value {
    /// Bytes that should be UTF-8, but have not been checked.
    Text(Bytes),
    /// A non-negative number. Negative ones travel as text.
    Num(u64),
    /// A flag.
    Bool(bool),
}

impl From<u64> for Value {
    fn from(number: u64) -> Value {
        Value::Num(number)
    }
}

impl From<i64> for Value {
    /// A negative number becomes text, the only form both protocols have for it.
    fn from(number: i64) -> Value {
        match u64::try_from(number) {
            Ok(number) => Value::Num(number),
            Err(_) => Value::from(number.to_string()),
        }
    }
}

impl From<bool> for Value {
    fn from(flag: bool) -> Value {
        Value::Bool(flag)
    }
}

impl From<&str> for Value {
    fn from(text: &str) -> Value {
        Value::Text(Bytes::copy_from_slice(text.as_bytes()))
    }
}

impl From<String> for Value {
    fn from(text: String) -> Value {
        Value::Text(text.into())
    }
}

impl From<Bytes> for Value {
    fn from(text: Bytes) -> Value {
        Value::Text(text)
    }
}

/// A call's parameters: at most [`MAX_PARAMS`] names with one [`Value`] each, in the order in
/// which the names first appeared.
///
/// Names are case-sensitive bytes. `Debug` shows the names only, so that a parameter list in a log
/// line cannot give away a password.
#[derive(Clone, Default, PartialEq, Eq)]
pub struct Params {
    entries: Vec<(Bytes, Value)>,
}

impl Params {
    /// No parameters.
    pub fn new() -> Params {
        Params::default()
    }

    /// Sets a parameter. A value already there under this name is replaced: of two values the
    /// last one wins.
    ///
    /// # Errors
    /// [`TooMany`] if the name is new and there are [`MAX_PARAMS`] already.
    pub fn set(&mut self, name: impl Into<Bytes>, value: impl Into<Value>) -> Result<(), TooMany> {
        let name = name.into();
        let value = value.into();
        if let Some(entry) = self.entries.iter_mut().find(|(known, _)| *known == name) {
            entry.1 = value;
            return Ok(());
        }
        if self.entries.len() >= MAX_PARAMS {
            return Err(TooMany);
        }
        self.entries.push((name, value));
        Ok(())
    }

    /// The value under a name, as it was sent.
    pub fn get(&self, name: &str) -> Option<&Value> {
        self.entries
            .iter()
            .find(|(known, _)| *known == name.as_bytes())
            .map(|(_, value)| value)
    }

    /// All names with their values, in order.
    pub fn iter(&self) -> impl ExactSizeIterator<Item = (&Bytes, &Value)> {
        self.entries.iter().map(|(name, value)| (name, value))
    }

    /// How many parameters there are.
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// Whether there are none.
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// An integer: a number, or text of decimal digits with an optional `-` before them, or of
    /// hexadecimal digits after `0x` (rclone sends `flags=0x0042`). A flag counts as 0 or 1.
    ///
    /// What is not a number, or does not fit, is `None` as if it had not been sent: pCloud has no
    /// error for an unreadable number, only for a missing one.
    pub fn int(&self, name: &str) -> Option<i64> {
        match self.get(name)? {
            Value::Num(number) => i64::try_from(*number).ok(),
            Value::Bool(flag) => Some(i64::from(*flag)),
            Value::Text(text) => match text.strip_prefix(b"-") {
                Some(digits) => 0i64.checked_sub_unsigned(parse_digits(digits, 10)?),
                None => i64::try_from(uint(text)?).ok(),
            },
        }
    }

    /// A non-negative integer of the full 64-bit range, which content hashes need. Otherwise as
    /// [`Params::int`].
    pub fn uint(&self, name: &str) -> Option<u64> {
        match self.get(name)? {
            Value::Num(number) => Some(*number),
            Value::Bool(flag) => Some(u64::from(*flag)),
            Value::Text(text) => uint(text),
        }
    }

    /// Whether a flag is set. It is not if the parameter is missing, empty, `0` or `false`; the
    /// official SDKs send the last two to say "off". Anything else sets it.
    pub fn flag(&self, name: &str) -> bool {
        match self.get(name) {
            None => false,
            Some(Value::Bool(flag)) => *flag,
            Some(Value::Num(number)) => *number != 0,
            Some(Value::Text(text)) => !matches!(&**text, b"" | b"0" | b"false"),
        }
    }

    /// A text. A number reads as its decimal digits, a flag as `1` or `0`.
    ///
    /// `None` means that the parameter is missing, [`NotUtf8`] that it is there and unusable:
    /// which of pCloud's codes that deserves differs between parameters.
    pub fn text(&self, name: &str) -> Option<Result<Cow<'_, str>, NotUtf8>> {
        Some(match self.get(name)? {
            Value::Text(text) => match std::str::from_utf8(text) {
                Ok(text) => Ok(Cow::Borrowed(text)),
                Err(_) => Err(NotUtf8),
            },
            Value::Num(number) => Ok(Cow::Owned(number.to_string())),
            Value::Bool(flag) => Ok(Cow::Borrowed(if *flag { "1" } else { "0" })),
        })
    }

    /// A comma-separated list of non-negative integers. Blanks around an item and empty items are
    /// ignored, so an empty parameter is an empty list.
    ///
    /// `None` if the parameter is missing, if an item is not a number, or if there are more than
    /// [`MAX_LIST_ITEMS`].
    pub fn uint_list(&self, name: &str) -> Option<Vec<u64>> {
        let text = match self.get(name)? {
            Value::Text(text) => text,
            Value::Num(number) => return Some(vec![*number]),
            Value::Bool(flag) => return Some(vec![u64::from(*flag)]),
        };
        let items = text
            .split(|&byte| byte == b',')
            .map(|item| item.trim_ascii());
        let mut numbers = Vec::new();
        for item in items.filter(|item| !item.is_empty()) {
            if numbers.len() >= MAX_LIST_ITEMS {
                return None;
            }
            numbers.push(uint(item)?);
        }
        Some(numbers)
    }
}

impl fmt::Debug for Params {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_list()
            .entries(self.entries.iter().map(|(name, _)| name))
            .finish()
    }
}

/// Reads decimal digits, or hexadecimal ones after `0x`.
fn uint(text: &[u8]) -> Option<u64> {
    match text {
        [b'0', b'x' | b'X', digits @ ..] => parse_digits(digits, 16),
        digits => parse_digits(digits, 10),
    }
}

/// A call has more parameters than [`MAX_PARAMS`], or repeats them beyond reason.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TooMany;

impl fmt::Display for TooMany {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "a call has at most {MAX_PARAMS} parameters")
    }
}

impl Error for TooMany {}

/// A text parameter is not valid UTF-8.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotUtf8;

impl fmt::Display for NotUtf8 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the text is not valid UTF-8")
    }
}

impl Error for NotUtf8 {}
