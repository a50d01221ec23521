//! Reading JSON, and the text that is written.

use pileus_wire::{JsonSink, MAX_DEPTH, Options, Sink, Tree};
use proptest::prelude::*;

use crate::support::{hash, text, to_json};

#[track_caller]
fn check(json: &str, tree: Tree) {
    assert_eq!(Tree::from_json(json.as_bytes()).unwrap(), tree, "{json}");
}

#[track_caller]
fn check_bad(json: &[u8], at: usize) {
    let error = Tree::from_json(json).unwrap_err();
    assert_eq!(error.at, at, "{error} in {}", json.escape_ascii());
}

#[test]
fn values() {
    check("{}", hash([]));
    check(" [ ] ", Tree::List(vec![]));
    check("true", Tree::Bool(true));
    check("false", Tree::Bool(false));
    check("18446744073709551615", Tree::Num(u64::MAX));
    check("9007199254740993", Tree::Num((1 << 53) + 1));
    check(
        "{\n\t\"result\": 0,\r\n\t\"url\": \"http:\\/\\/x\\/\",\n\t\"l\": [1, \"\", {}]\n}\n",
        hash([
            ("result", Tree::Num(0)),
            ("url", text("http://x/")),
            ("l", Tree::List(vec![Tree::Num(1), text(""), hash([])])),
        ]),
    );
    check(
        r#""\"\\\/\b\f\n\r\t\u0041\u00fc\u20AC\ud83d\ude00ü""#,
        text("\"\\/\u{8}\u{c}\n\r\tAü€😀ü"),
    );
}

#[test]
fn numbers_that_are_not_a_u64_stay_as_they_are() {
    for number in [
        "-1",
        "-0",
        "1.0",
        "8.34",
        "1e3",
        "1E+3",
        "0.5e-7",
        "18446744073709551616",
        "-123456789012345678901234567890",
    ] {
        check(number, text(number));
    }
}

#[test]
fn null_is_left_out() {
    check(
        r#"{"a":null,"b":1,"c":[null,2,null]}"#,
        hash([("b", Tree::Num(1)), ("c", Tree::List(vec![Tree::Num(2)]))]),
    );
    check_bad(b"null", 0);
}

#[test]
fn what_is_not_json() {
    check_bad(b"", 0);
    check_bad(b"  ", 2);
    check_bad(b"{", 1);
    check_bad(b"{\"a\"", 4);
    check_bad(b"{\"a\":", 5);
    check_bad(b"{\"a\":1", 6);
    check_bad(b"{\"a\":1,", 7);
    check_bad(b"{\"a\":1,}", 7);
    check_bad(b"{a:1}", 1);
    check_bad(b"{1:1}", 1);
    check_bad(b"[1,]", 3);
    check_bad(b"[1 2]", 3);
    check_bad(b"[1}", 2);
    check_bad(b"[,1]", 1);
    check_bad(b"1 2", 2);
    check_bad(b"01", 1);
    check_bad(b"+1", 0);
    check_bad(b"-", 1);
    check_bad(b"1.", 2);
    check_bad(b".5", 0);
    check_bad(b"1e", 2);
    check_bad(b"tru", 0);
    check_bad(b"True", 0);
    check_bad(b"nulL", 0);
    check_bad(b"\"", 1);
    check_bad(b"\"a", 2);
    check_bad(b"\"\n\"", 1);
    check_bad(b"\"\\", 2);
    check_bad(b"\"\\x\"", 2);
    check_bad(b"\"\\u12\"", 3);
    check_bad(b"\"\\u+123\"", 3);
    check_bad(b"\"\\ud800\"", 7);
    check_bad(b"\"\\ud800\\n\"", 8);
    check_bad(b"\"\\ud800\\u0041\"", 13);
    check_bad(b"\"\\udc00\"", 7);
    check_bad(b"\"\xff\"", 1);
    check_bad(b"'a'", 0);
    check_bad(b"\xef\xbb\xbf{}", 0);
}

#[test]
fn nesting_is_limited() {
    let nested = |depth: usize| "[".repeat(depth) + &"]".repeat(depth);
    let deepest = Tree::from_json(nested(MAX_DEPTH).as_bytes()).unwrap();
    assert_eq!(to_json(&deepest), nested(MAX_DEPTH));
    check_bad(nested(MAX_DEPTH + 1).as_bytes(), MAX_DEPTH);
    check_bad("[".repeat(1 << 20).as_bytes(), MAX_DEPTH);
    check_bad("{\"\":".repeat(1 << 20).as_bytes(), MAX_DEPTH * 4);
}

#[test]
fn text_that_is_written() {
    assert_eq!(
        to_json(&hash([
            ("result", Tree::Num(0)),
            ("n", Tree::Num(u64::MAX)),
            ("b", Tree::List(vec![Tree::Bool(true), Tree::Bool(false)])),
            ("h", hash([("e", hash([])), ("l", Tree::List(vec![]))])),
            ("t", text("a/ü\u{7f}\u{2028}😀")),
        ])),
        "{\"result\":0,\"n\":18446744073709551615,\"b\":[true,false],\
         \"h\":{\"e\":{},\"l\":[]},\"t\":\"a/ü\u{7f}\u{2028}😀\"}"
    );
    assert_eq!(
        to_json(&hash([("\"\n", text("\"\\\u{8}\u{c}\n\r\t\u{0}\u{1f}"))])),
        r#"{"\"\n":"\"\\\b\f\n\r\t\u0000\u001f"}"#
    );
    // Data is announced in the binary protocol only.
    assert_eq!(
        to_json(&hash([
            ("a", Tree::Num(1)),
            ("data", Tree::Data(9)),
            ("b", Tree::Num(2)),
        ])),
        r#"{"a":1,"b":2}"#
    );
}

/// The writer looks at eight bytes at a time, so each special byte is tried at each place, with
/// each neighbour that could disturb it.
#[test]
fn special_characters_are_found_at_every_place() {
    for special in ['"', '\\', '\0', '\n', '\u{1f}'] {
        for filler in ['!', '#', '[', ']', ' ', '\u{7f}', '\u{80}', 'ÿ'] {
            for before in 0..=17 {
                for after in [0, 1, 9] {
                    let around = |count| filler.to_string().repeat(count);
                    let string = format!("{}{special}{}", around(before), around(after));
                    let json = to_json(&Tree::Text(string.clone()));
                    assert_eq!(serde_json::from_str::<String>(&json).unwrap(), string);
                }
            }
        }
    }
}

#[test]
fn an_answer_can_be_taken_in_pieces() {
    let mut sink = JsonSink::new(Options::default());
    let mut pieces = Vec::new();
    sink.begin_hash();
    sink.field_num("result", 0);
    pieces.extend(sink.take());
    assert!(sink.is_empty());
    sink.field_list("l");
    assert_eq!(sink.len(), r#","l":["#.len());
    pieces.extend(sink.take());
    for number in 0..3 {
        sink.num(number);
        pieces.extend(sink.take());
    }
    sink.end_list();
    sink.end_hash();
    pieces.extend(sink.take());
    assert_eq!(
        String::from_utf8(pieces).unwrap(),
        r#"{"result":0,"l":[0,1,2]}"#
    );
}

proptest! {
    /// Another library reads the same string.
    #[test]
    fn any_string_is_written_right(string in any::<String>()) {
        let json = to_json(&Tree::Text(string.clone()));
        prop_assert_eq!(serde_json::from_str::<String>(&json).unwrap(), string);
    }
}
