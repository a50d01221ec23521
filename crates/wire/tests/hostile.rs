//! Bytes that nobody meant well: every reader ends, with an error if need be, never with a panic,
//! and holds no more memory than its input accounts for.
//!
//! Inputs are random bytes, and valid ones that were damaged in a few places. A few hundred of each
//! are tried with every run of the tests. For a longer run:
//!
//!     PILEUS_FUZZ_CASES=1000000 cargo test --release -p pileus-wire --test hostile

#[path = "wire/generate.rs"]
mod generate;

use std::mem::size_of;

use pileus_wire::{
    BinarySink, Filter, JsonSink, MAX_PARAMS, Options, Params, Tree, UnixTime, Value,
    decode_answer, parse_cookies, parse_query, parse_request, sniff, write_query, write_request,
};
use proptest::collection::vec;
use proptest::prelude::*;
use proptest::sample::{Index, select};

fn config() -> ProptestConfig {
    let cases = std::env::var("PILEUS_FUZZ_CASES").ok();
    ProptestConfig {
        cases: cases.map_or(256, |cases| cases.parse().expect("a number of cases")),
        failure_persistence: None,
        ..ProptestConfig::default()
    }
}

/// Damage at one place, or between two.
#[derive(Clone, Debug)]
enum Damage {
    Set(Index, u8),
    Insert(Index, u8),
    Remove(Index),
    CutOff(Index),
    Repeat(Index, Index),
}

impl Damage {
    fn apply(&self, bytes: &mut Vec<u8>) {
        if bytes.is_empty() {
            return;
        }
        match self {
            Damage::Set(at, byte) => {
                let at = at.index(bytes.len());
                bytes[at] = *byte;
            }
            Damage::Insert(at, byte) => bytes.insert(at.index(bytes.len()), *byte),
            Damage::Remove(at) => {
                bytes.remove(at.index(bytes.len()));
            }
            Damage::CutOff(at) => bytes.truncate(at.index(bytes.len())),
            Damage::Repeat(from, to) => {
                let (from, to) = (from.index(bytes.len()), to.index(bytes.len()));
                bytes.extend_from_within(from.min(to)..from.max(to));
            }
        }
    }
}

fn damage() -> impl Strategy<Value = Damage> {
    let place = any::<Index>;
    // Bytes at the edges of what has a meaning are likelier than others.
    let byte = || {
        prop_oneof![
            any::<u8>(),
            select(vec![
                0, 1, 7, 8, 15, 16, 17, 20, 21, 99, 100, 149, 150, 199, 200, 219, 255
            ]),
            select(b"\"\\{}[]:,-+.eE0xX%&=; \tTZu".to_vec()),
        ]
    };
    prop_oneof![
        4 => (place(), byte()).prop_map(|(at, byte)| Damage::Set(at, byte)),
        2 => (place(), byte()).prop_map(|(at, byte)| Damage::Insert(at, byte)),
        2 => place().prop_map(Damage::Remove),
        1 => place().prop_map(Damage::CutOff),
        1 => (place(), place()).prop_map(|(from, to)| Damage::Repeat(from, to)),
    ]
}

/// Valid bytes with a few damages, or bytes of no sense at all.
fn hostile(valid: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Vec<u8>> {
    let damaged = (valid, vec(damage(), 0..6)).prop_map(|(mut bytes, damages)| {
        for damage in damages {
            damage.apply(&mut bytes);
        }
        bytes
    });
    prop_oneof![3 => damaged, 1 => vec(any::<u8>(), 0..300)]
}

fn request() -> impl Strategy<Value = Vec<u8>> {
    let names = vec(any::<u8>(), 0..=63);
    let parts = ("[a-z]{1,20}", generate::params(names), any::<Option<u64>>());
    parts.prop_map(|(method, params, data_len)| {
        let mut bytes = Vec::new();
        write_request(&mut bytes, &method, &params, data_len).unwrap();
        bytes.split_off(2)
    })
}

fn answer() -> impl Strategy<Value = Tree> {
    (generate::fields(), any::<Option<u64>>()).prop_map(|(mut fields, data_len)| {
        fields.extend(data_len.map(|length| ("data".to_owned(), Tree::Data(length))));
        Tree::Hash(fields)
    })
}

fn to_binary(answer: &Tree) -> Vec<u8> {
    let mut sink = BinarySink::new(Options::default());
    answer.write(&mut sink);
    sink.finish().unwrap().split_off(4)
}

fn to_json(answer: &Tree) -> Vec<u8> {
    let mut sink = JsonSink::new(Options::default());
    answer.write(&mut sink);
    sink.take()
}

/// Pieces of JSON in any order, which get further into a reader than bytes do.
fn json_soup() -> impl Strategy<Value = Vec<u8>> {
    let pieces = [
        "{",
        "}",
        "[",
        "]",
        ":",
        ",",
        "\"",
        "\"a\"",
        "\"\":",
        " ",
        "\n",
        "0",
        "1",
        "-",
        "18446744073709551615",
        "18446744073709551616",
        ".5",
        "e9",
        "E-",
        "true",
        "false",
        "null",
        "\\u12",
        "\\ud800",
        "\\udc00",
        "\\n",
        "ü",
    ];
    vec(select(pieces.to_vec()), 0..40).prop_map(|pieces| pieces.concat().into_bytes())
}

fn datetime() -> impl Strategy<Value = Vec<u8>> {
    let seconds = any::<i64>().prop_map(|seconds| seconds % 300_000_000_000);
    let shown = seconds.prop_map(|seconds| UnixTime(seconds).to_string());
    let others = select(vec![
        "2004-02-12T15:19:21+00:00",
        "2004-02-12 15:19:21.25 EEST",
        "2004-02",
        "1380276946 +0300",
        "20040212151921 -11:30",
        "21 Dec 2000 16:01:07 +0200",
    ]);
    prop_oneof![shown, others.prop_map(str::to_owned)].prop_map(String::into_bytes)
}

/// How much memory a tree holds, its unused capacity included.
fn held_bytes(tree: &Tree) -> usize {
    match tree {
        Tree::Num(_) | Tree::Bool(_) | Tree::Data(_) => 0,
        Tree::Text(text) => text.capacity(),
        Tree::List(items) => {
            items.capacity() * size_of::<Tree>() + items.iter().map(held_bytes).sum::<usize>()
        }
        Tree::Hash(fields) => {
            fields.capacity() * size_of::<(String, Tree)>()
                + fields
                    .iter()
                    .map(|(key, value)| key.capacity() + held_bytes(value))
                    .sum::<usize>()
        }
    }
}

/// A tree holds this much for each byte of input at most: text unfolds up to 128 times, and a short
/// hash of four bytes takes up room for four fields.
const MAX_HELD_PER_BYTE: usize = 240;

/// Uses every parameter in every way. What there is of text must be within `input_bytes`.
fn use_all(params: &Params, input_bytes: usize) {
    assert!(params.len() <= MAX_PARAMS);
    let mut text_bytes = 0;
    for (name, value) in params.iter() {
        text_bytes += name.len();
        if let Value::Text(text) = value {
            text_bytes += text.len();
        }
        let Ok(name) = std::str::from_utf8(name) else {
            continue;
        };
        assert_eq!(params.get(name), Some(value));
        if let (Some(int), Some(uint)) = (params.int(name), params.uint(name)) {
            assert_eq!(u64::try_from(int), Ok(uint));
        }
        if let Some(list) = params.uint_list(name) {
            assert!(list.len() <= 1 + input_bytes / 2);
        }
        let is_off = !params.flag(name);
        if let Some(Ok(text)) = params.text(name) {
            assert_eq!(is_off, ["", "0", "false"].contains(&&*text));
            UnixTime::parse(&text);
            Filter::parse(&text);
        }
    }
    assert!(text_bytes <= input_bytes);
}

proptest! {
    #![proptest_config(config())]

    #[test]
    fn binary_requests(bytes in hostile(request())) {
        if let Some(first) = bytes.first_chunk() {
            sniff(first);
        }
        if let Ok(request) = parse_request(&bytes) {
            use_all(&request.params, bytes.len());
            let mut written = Vec::new();
            write_request(&mut written, &request.method, &request.params, request.data_len).unwrap();
            prop_assert!(written.len() - 2 <= bytes.len());
            prop_assert_eq!(parse_request(&written[2..]).unwrap(), request);
        }
    }

    #[test]
    fn binary_answers(bytes in hostile(answer().prop_map(|answer| to_binary(&answer)))) {
        if let Ok(answer) = decode_answer(&bytes) {
            prop_assert!(held_bytes(&answer) <= bytes.len() * MAX_HELD_PER_BYTE);
            prop_assert_eq!(decode_answer(&to_binary(&answer)).unwrap(), answer);
        }
    }

    /// Another library agrees on what is JSON, but for its own limits.
    #[test]
    fn json_answers(
        bytes in prop_oneof![
            hostile(answer().prop_map(|answer| to_json(&answer))),
            hostile(json_soup()),
        ]
    ) {
        let theirs = serde_json::from_slice::<serde_json::Value>(&bytes);
        match Tree::from_json(&bytes) {
            Ok(tree) => {
                prop_assert!(held_bytes(&tree) <= bytes.len() * MAX_HELD_PER_BYTE);
                if let Err(error) = theirs {
                    let why = error.to_string();
                    prop_assert!(
                        why.contains("out of range") || why.contains("recursion limit"),
                        "they say {}", why
                    );
                }
                prop_assert_eq!(Tree::from_json(&to_json(&tree)).unwrap(), tree);
            }
            Err(error) => {
                prop_assert!(error.at <= bytes.len());
                prop_assert!(
                    theirs.is_err() || theirs.is_ok_and(|value| value.is_null()),
                    "we say {}", error
                );
            }
        }
    }

    #[test]
    fn queries(
        bytes in hostile(generate::params(vec(any::<u8>(), 0..=63)).prop_map(|params| {
            let mut query = String::new();
            write_query(&mut query, &params);
            query.into_bytes()
        }))
    ) {
        let mut params = Params::new();
        let _ = parse_query(&mut params, &bytes);
        use_all(&params, bytes.len());
        let mut query = String::new();
        write_query(&mut query, &params);
        let mut again = Params::new();
        parse_query(&mut again, &query).unwrap();
        prop_assert_eq!(again, params);
    }

    #[test]
    fn cookies(bytes in hostile(
        "( ?[a-z]{1,3}=\"?[a-z0-9%+]{0,5}\"?;){0,300}".prop_map(String::into_bytes)
    )) {
        let mut params = Params::new();
        let _ = parse_cookies(&mut params, &bytes);
        use_all(&params, bytes.len());
    }

    #[test]
    fn datetimes(bytes in hostile(datetime())) {
        if let Some(time) = UnixTime::parse(&String::from_utf8_lossy(&bytes)) {
            let shown = time.to_string();
            prop_assert_eq!(shown.len(), 31);
            let again = UnixTime::parse(&shown);
            // Only seconds and zones can leave the years 0 to 9999.
            if (-62_167_219_200..=253_402_300_799).contains(&time.0) {
                prop_assert_eq!(again, Some(time));
            } else {
                prop_assert!(again.is_some());
            }
        }
    }

    /// Filters and lists come from parameters of any content.
    #[test]
    fn texts_of_parameters(text in "[0-9a-z, -]{0,400}") {
        let mut params = Params::new();
        params.set("x", text.as_str()).unwrap();
        use_all(&params, text.len() + 1);
        if let Some(filter) = Filter::parse(&text) {
            prop_assert!(filter.keeps("contents"));
        }
    }
}
