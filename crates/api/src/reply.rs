//! Replies: they write themselves into a sink, and clients read them back from an answer tree.

use pileus_wire::UnixTime;
pub use pileus_wire::{Sink, Tree};

/// One field of a reply, for documents and tests.
#[derive(Clone, Debug)]
pub struct FieldSpec {
    /// Key on the wire.
    pub name: &'static str,
    /// What it holds.
    pub kind: String,
    /// What it means.
    pub doc: &'static str,
    /// Whether it may be left out.
    pub optional: bool,
}

/// Whether a reply has written all of itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Written {
    /// Nothing is left.
    All,
    /// Call again: long listings write themselves in pieces, so that an answer of any size needs little memory.
    Some,
}

/// What a successful call answers beside `result`: the pairs of the top-level hash.
pub trait Reply: Send + Sized + 'static {
    /// Writes the next pairs into the open top-level hash.
    fn write(&mut self, out: &mut dyn Sink) -> Written;
    /// Reads the reply back from a decoded answer; `None` if a field is missing or of the wrong type.
    fn read(answer: &Tree) -> Option<Self>;
    /// Describes the fields.
    fn describe(out: &mut Vec<FieldSpec>);
}

/// A value inside a reply.
pub trait Value: Sized {
    /// Writes the value; the key stands already.
    fn write(&self, out: &mut dyn Sink);
    /// Reads the value back.
    fn read(tree: &Tree) -> Option<Self>;
    /// What documents call it.
    fn kind() -> String;
    /// Absent values are left out together with their key: the wire has no null.
    fn is_absent(&self) -> bool {
        false
    }
    /// What a missing key reads as; `None` if the key is required.
    fn absent() -> Option<Self> {
        None
    }
}

impl Value for u64 {
    fn write(&self, out: &mut dyn Sink) {
        out.num(*self);
    }
    fn read(tree: &Tree) -> Option<Self> {
        tree.as_u64()
    }
    fn kind() -> String {
        "int".into()
    }
}

impl Value for bool {
    fn write(&self, out: &mut dyn Sink) {
        out.bool(*self);
    }
    fn read(tree: &Tree) -> Option<Self> {
        tree.as_bool()
    }
    fn kind() -> String {
        "bool".into()
    }
}

impl Value for String {
    fn write(&self, out: &mut dyn Sink) {
        out.text(self);
    }
    fn read(tree: &Tree) -> Option<Self> {
        tree.as_str().map(str::to_owned)
    }
    fn kind() -> String {
        "string".into()
    }
}

impl Value for UnixTime {
    fn write(&self, out: &mut dyn Sink) {
        out.time(*self);
    }
    fn read(tree: &Tree) -> Option<Self> {
        match tree {
            Tree::Num(seconds) => i64::try_from(*seconds).ok().map(UnixTime),
            Tree::Text(text) => UnixTime::parse(text),
            _ => None,
        }
    }
    fn kind() -> String {
        "datetime".into()
    }
}

impl<T: Value> Value for Option<T> {
    fn write(&self, out: &mut dyn Sink) {
        if let Some(value) = self {
            value.write(out);
        }
    }
    fn read(tree: &Tree) -> Option<Self> {
        T::read(tree).map(Some)
    }
    fn kind() -> String {
        T::kind()
    }
    fn is_absent(&self) -> bool {
        self.is_none()
    }
    fn absent() -> Option<Self> {
        Some(None)
    }
}

impl<T: Value> Value for Vec<T> {
    fn write(&self, out: &mut dyn Sink) {
        out.begin_list();
        for value in self {
            value.write(out);
        }
        out.end_list();
    }
    fn read(tree: &Tree) -> Option<Self> {
        let Tree::List(items) = tree else { return None };
        items.iter().map(T::read).collect()
    }
    fn kind() -> String {
        format!("array of {}", T::kind())
    }
}

/// Writes one pair, or nothing if the value is absent.
pub fn write_field<T: Value>(out: &mut dyn Sink, key: &str, value: &T) {
    if !value.is_absent() {
        out.key(key);
        value.write(out);
    }
}

/// Reads one pair of a hash.
pub fn read_field<T: Value>(hash: &Tree, key: &str) -> Option<T> {
    match hash.get(key) {
        Some(value) => T::read(value),
        None => T::absent(),
    }
}

/// The reply of methods that answer `result` alone.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Done;

impl Reply for Done {
    fn write(&mut self, _out: &mut dyn Sink) -> Written {
        Written::All
    }
    fn read(_answer: &Tree) -> Option<Self> {
        Some(Done)
    }
    fn describe(_out: &mut Vec<FieldSpec>) {}
}
