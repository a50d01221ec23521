//! What several test modules need.

use pileus_wire::{BinarySink, JsonSink, Options, Params, Tree, Value};

/// Bytes from hexadecimal digits. Blanks are ignored, and so is the rest of a line behind `;`.
pub fn hex(dump: &str) -> Vec<u8> {
    let digits: String = dump
        .lines()
        .map(|line| line.split(';').next().unwrap())
        .flat_map(str::split_whitespace)
        .collect();
    assert!(digits.len().is_multiple_of(2), "half a byte in {dump:?}");
    (0..digits.len())
        .step_by(2)
        .map(|at| u8::from_str_radix(&digits[at..at + 2], 16).unwrap())
        .collect()
}

/// Parameters in the order given.
pub fn params<const N: usize>(entries: [(&'static str, Value); N]) -> Params {
    let mut params = Params::new();
    for (name, value) in entries {
        params.set(name, value).unwrap();
    }
    params
}

/// A hash with these fields.
pub fn hash<const N: usize>(fields: [(&str, Tree); N]) -> Tree {
    Tree::Hash(fields.map(|(key, value)| (key.to_owned(), value)).into())
}

/// A text value.
pub fn text(text: &str) -> Tree {
    Tree::Text(text.to_owned())
}

/// The answer with its length, in the binary protocol.
pub fn to_binary(answer: &Tree) -> Vec<u8> {
    let mut sink = BinarySink::new(Options::default());
    answer.write(&mut sink);
    sink.finish().unwrap()
}

/// The answer in JSON.
pub fn to_json(answer: &Tree) -> String {
    let mut sink = JsonSink::new(Options::default());
    answer.write(&mut sink);
    String::from_utf8(sink.take()).unwrap()
}
