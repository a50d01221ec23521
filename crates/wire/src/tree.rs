//! An answer as a tree, for clients and tests.

use crate::sink::Sink;
use crate::time::UnixTime;

/// How deeply hashes and lists may be nested in an answer that is read. A recursive listing nests
/// two levels for each folder.
pub const MAX_DEPTH: usize = 1024;

/// An answer, or a value in one, as it was received.
///
/// [`Tree::from_json`] and [`decode_answer`](crate::decode_answer) make one, and
/// [`Tree::write`] writes it again. Equal answers on both protocols are equal trees, but for
/// [`Tree::Data`], which only the binary protocol has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Tree {
    /// A number.
    Num(u64),
    /// A text. From JSON also a number that is no `u64`, by its digits: the binary protocol sends
    /// fractions and negative numbers so.
    Text(String),
    /// A truth value.
    Bool(bool),
    /// A list.
    List(Vec<Tree>),
    /// Keys with their values, in the order received.
    Hash(Vec<(String, Tree)>),
    /// How many raw bytes follow the answer; stands only in its top hash.
    Data(u64),
}

impl Tree {
    /// The value at a path of keys joined by dots, such as `metadata.name`. In a list a number
    /// selects an item, from 0: `metadata.contents.0.name`.
    ///
    /// If a hash has a key twice the first one counts.
    pub fn get(&self, path: &str) -> Option<&Tree> {
        path.split('.').try_fold(self, |tree, step| match tree {
            Tree::Hash(fields) => fields
                .iter()
                .find(|(key, _)| key == step)
                .map(|(_, value)| value),
            Tree::List(items) => items.get(step.parse::<usize>().ok()?),
            _ => None,
        })
    }

    /// The number, if this is one.
    pub fn as_u64(&self) -> Option<u64> {
        match self {
            Tree::Num(number) => Some(*number),
            _ => None,
        }
    }

    /// The text, if this is one.
    pub fn as_str(&self) -> Option<&str> {
        match self {
            Tree::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The truth value, if this is one.
    pub fn as_bool(&self) -> Option<bool> {
        match self {
            Tree::Bool(value) => Some(*value),
            _ => None,
        }
    }

    /// The items, if this is a list.
    pub fn as_list(&self) -> Option<&[Tree]> {
        match self {
            Tree::List(items) => Some(items),
            _ => None,
        }
    }

    /// The fields, if this is a hash.
    pub fn as_hash(&self) -> Option<&[(String, Tree)]> {
        match self {
            Tree::Hash(fields) => Some(fields),
            _ => None,
        }
    }

    /// The datetime, if this is one in either of the forms that answers have.
    pub fn as_time(&self) -> Option<UnixTime> {
        match self {
            Tree::Num(seconds) => i64::try_from(*seconds).ok().map(UnixTime),
            Tree::Text(text) => UnixTime::parse(text),
            _ => None,
        }
    }

    /// How many raw bytes follow this answer; `None` if it announces no data.
    pub fn data_len(&self) -> Option<u64> {
        match self.get("data")? {
            Tree::Data(length) => Some(*length),
            _ => None,
        }
    }

    /// Writes the tree into a sink. [`Tree::Data`] is written where it is a field of a hash, under
    /// the key `data`, and nowhere else.
    pub fn write(&self, sink: &mut dyn Sink) {
        match self {
            Tree::Num(number) => sink.num(*number),
            Tree::Text(text) => sink.text(text),
            Tree::Bool(value) => sink.bool(*value),
            Tree::List(items) => {
                sink.begin_list();
                for item in items {
                    item.write(sink);
                }
                sink.end_list();
            }
            Tree::Hash(fields) => {
                sink.begin_hash();
                for (key, value) in fields {
                    match value {
                        Tree::Data(length) => sink.data(*length),
                        value => {
                            sink.key(key);
                            value.write(sink);
                        }
                    }
                }
                sink.end_hash();
            }
            Tree::Data(_) => {}
        }
    }
}
