//! Sinks: options, limits, and which strings a binary answer repeats.

use std::sync::Arc;

use pileus_wire::{
    AnswerTooLarge, BadAnswer, BinarySink, Filter, Icon, IconFormat, JsonSink, MAX_DEPTH, Options,
    Sink, TimeFormat, Tree, UnixTime, decode_answer,
};

use crate::support::{hash, hex, text, to_binary};

const ICON: Icon = Icon {
    name: "image",
    id: 1,
};

/// Writes through the trait object, as replies do.
fn write_all_fields(sink: &mut dyn Sink) {
    sink.begin_hash();
    sink.field_num("num", 7);
    sink.field_text("text", "t");
    sink.field_bool("bool", true);
    sink.field_time("time", UnixTime(1_363_890_705));
    sink.field_time("early", UnixTime(-5));
    sink.field_icon("icon", &ICON);
    sink.field_hash("hash");
    sink.end_hash();
    sink.field_list("list");
    sink.icon(&ICON);
    sink.end_list();
    sink.data(3);
    sink.end_hash();
}

fn json(options: Options) -> Tree {
    let mut sink = JsonSink::new(options);
    write_all_fields(&mut sink);
    Tree::from_json(&sink.take()).unwrap()
}

fn binary(options: Options) -> Tree {
    let mut sink = BinarySink::new(options);
    write_all_fields(&mut sink);
    decode_answer(&sink.finish().unwrap()[4..]).unwrap()
}

/// The fields of [`write_all_fields`], as options shape them.
fn all_fields(time: Tree, early: Tree, icon: Tree) -> Tree {
    hash([
        ("num", Tree::Num(7)),
        ("text", text("t")),
        ("bool", Tree::Bool(true)),
        ("time", time),
        ("early", early),
        ("icon", icon.clone()),
        ("hash", hash([])),
        ("list", Tree::List(vec![icon])),
    ])
}

fn with_data(answer: Tree) -> Tree {
    let Tree::Hash(mut fields) = answer else {
        panic!("an answer is a hash");
    };
    fields.push(("data".to_owned(), Tree::Data(3)));
    Tree::Hash(fields)
}

#[test]
fn options_shape_times_and_icons() {
    let named = all_fields(
        text("Thu, 21 Mar 2013 18:31:45 +0000"),
        text("Wed, 31 Dec 1969 23:59:55 +0000"),
        text("image"),
    );
    assert_eq!(
        named.get("time").unwrap().as_time(),
        Some(UnixTime(1_363_890_705))
    );
    assert_eq!(json(Options::default()), named);
    assert_eq!(binary(Options::default()), with_data(named));

    let options = Options {
        time: TimeFormat::Timestamp,
        icon: IconFormat::Id,
        ..Options::default()
    };
    let numbered = all_fields(Tree::Num(1_363_890_705), Tree::Num(0), Tree::Num(1));
    assert_eq!(
        numbered.get("time").unwrap().as_time(),
        Some(UnixTime(1_363_890_705))
    );
    assert_eq!(json(options.clone()), numbered);
    assert_eq!(binary(options), with_data(numbered));
}

#[test]
fn filters() {
    assert_eq!(Filter::parse(""), None);
    assert_eq!(Filter::parse(" 0 "), None);
    let filter = Filter::parse(" name, fileid,,name").unwrap();
    assert!(filter.keeps("name") && filter.keeps("fileid") && filter.keeps("contents"));
    assert!(!filter.keeps("size") && !filter.keeps("") && !filter.keeps("nam"));
    assert_eq!(filter, Filter::parse("fileid,name").unwrap());

    let nothing = Filter::parse(",").unwrap();
    assert!(nothing.keeps("contents") && !nothing.keeps("name"));

    let options = Options {
        file_filter: Some(Arc::new(filter)),
        ..Options::default()
    };
    let sink = JsonSink::new(options);
    assert!(!sink.options().file_filter.as_ref().unwrap().keeps("size"));
    assert!(sink.options().folder_filter.is_none());
}

#[test]
fn filters_stay_small() {
    let long = "x".repeat(65);
    let many: String = (0..200).map(|n| format!("field{n},")).collect();
    let filter = Filter::parse(&format!("{long},{many}")).unwrap();
    assert!(!filter.keeps(&long));
    assert!(filter.keeps("field0") && filter.keeps("field127"));
    assert!(!filter.keeps("field128"));
}

/// A listing as a big folder has it.
fn listing(files: u64) -> Tree {
    let contents = (0..files).map(|n| {
        hash([
            ("name", Tree::Text(format!("IMG_{n:06}.jpg"))),
            ("parentfolderid", Tree::Num(1 << 33)),
            ("isfolder", Tree::Bool(false)),
            ("contenttype", text("image/jpeg")),
            (
                "created",
                Tree::Text(UnixTime(1_363_890_705 + n as i64 / 8).to_string()),
            ),
            ("id", Tree::Text(format!("f{}", (1 << 33) + n))),
            ("hash", Tree::Num(n.wrapping_mul(0x9e37_79b9_7f4a_7c15))),
        ])
    });
    hash([
        ("result", Tree::Num(0)),
        ("contents", Tree::List(contents.collect())),
    ])
}

fn count(haystack: &[u8], needle: &[u8]) -> usize {
    haystack
        .windows(needle.len())
        .filter(|window| *window == needle)
        .count()
}

#[test]
fn keys_and_repeated_values_are_written_once() {
    let answer = listing(20_000);
    let bytes = to_binary(&answer);
    for once in ["parentfolderid", "contenttype", "created", "image/jpeg"] {
        assert_eq!(count(&bytes, once.as_bytes()), 1, "{once}");
    }
    // Eight neighbours each share a time.
    assert_eq!(count(&bytes, b"+0000"), 20_000 / 8);
    assert_eq!(decode_answer(&bytes[4..]).unwrap(), answer);
}

#[test]
fn strings_that_are_not_remembered_still_count() {
    let (long, short) = ("l".repeat(129), "s".repeat(128));
    let answer = hash([
        ("a", text(&long)),
        ("b", text(&short)),
        ("a", text(&long)),
        ("b", text(&short)),
        ("", text("")),
        ("", text("")),
    ]);
    let bytes = to_binary(&answer);
    assert_eq!(count(&bytes, long.as_bytes()), 2);
    assert_eq!(count(&bytes, short.as_bytes()), 1);
    assert_eq!(decode_answer(&bytes[4..]).unwrap(), answer);
}

/// Single bytes repeat the longest strings that the sink remembers.
#[test]
fn what_unfolds_most_is_still_read() {
    let answer = hash([("l", Tree::List(vec![Tree::Text("l".repeat(128)); 100_000]))]);
    let bytes = to_binary(&answer);
    assert!(bytes.len() < 100_200);
    assert_eq!(decode_answer(&bytes[4..]).unwrap(), answer);
}

/// An id can be longer than the string it stands for.
#[test]
fn a_string_is_repeated_if_that_is_shorter() {
    let mut items: Vec<Tree> = (0..300).map(|n| Tree::Text(format!("text{n}"))).collect();
    items.extend([text("x"), text("x"), text("xyz"), text("xyz")]);
    let answer = hash([("l", Tree::List(items))]);
    let bytes = to_binary(&answer);
    assert!(bytes.ends_with(&hex("65 78 65 78 67 78 79 7a 05 2f 01 ff ff")));
    assert_eq!(decode_answer(&bytes[4..]).unwrap(), answer);
}

#[test]
fn an_answer_over_its_limit_is_refused() {
    let write = |limit: u32| {
        let mut sink = BinarySink::with_limit(Options::default(), limit);
        write_all_fields(&mut sink);
        sink.finish()
    };
    let whole = write(u32::MAX).unwrap();
    let length = u32::try_from(whole.len() - 4).unwrap();
    assert_eq!(write(length).unwrap(), whole);
    for limit in 0..length {
        assert_eq!(write(limit), Err(AnswerTooLarge), "{limit}");
    }
}

#[test]
fn answers_that_are_refused() {
    for (dump, why) in [
        ("", BadAnswer::Truncated),
        ("11 ff", BadAnswer::NotAHash),
        ("c8", BadAnswer::NotAHash),
        ("10", BadAnswer::Truncated),
        ("10 ff 00", BadAnswer::Trailing),
        ("10 65", BadAnswer::Truncated),
        ("10 65 61", BadAnswer::Truncated),
        ("10 65 61 ff", BadAnswer::UnknownType(255)),
        ("10 65 61 08", BadAnswer::Truncated),
        ("10 65 61 0f 00 00 00 00 00 00 00", BadAnswer::Truncated),
        ("10 65 61 15 ff", BadAnswer::UnknownType(21)),
        ("10 65 61 63 ff", BadAnswer::UnknownType(99)),
        ("10 65 61 dc ff", BadAnswer::UnknownType(220)),
        ("10 65 61 fe ff", BadAnswer::UnknownType(254)),
        ("10 c8 c8 ff", BadAnswer::BadKey),
        ("10 12 c8 ff", BadAnswer::BadKey),
        ("10 96 c8 ff", BadAnswer::UnknownString),
        ("10 65 61 97 ff", BadAnswer::UnknownString),
        ("10 65 61 07 ff ff ff ff ff", BadAnswer::UnknownString),
        ("10 65 ff c8 ff", BadAnswer::NotUtf8),
        ("10 03 ff ff ff ff 61", BadAnswer::Truncated),
        (
            "10 65 61 14 00 00 00 00 00 00 00 00 ff",
            BadAnswer::MisplacedData,
        ),
        (
            "10 65 61 10 68 64 61 74 61 14 00 00 00 00 00 00 00 00 ff ff",
            BadAnswer::MisplacedData,
        ),
        (
            "10 68 64 61 74 61 14 01 00 00 00 00 00 00 00 \
             96 14 01 00 00 00 00 00 00 00 ff",
            BadAnswer::MisplacedData,
        ),
        (
            "10 65 61 11 14 00 00 00 00 00 00 00 00 ff ff",
            BadAnswer::MisplacedData,
        ),
        ("10 68 64 61 74 61 14 01 00", BadAnswer::Truncated),
    ] {
        assert_eq!(decode_answer(&hex(dump)), Err(why), "{dump}");
    }
}

#[test]
fn nesting_is_limited() {
    // The hash around it is the first level.
    let nested = |lists: usize| {
        let mut body = hex("10 65 61");
        body.resize(body.len() + lists, 0x11);
        body.resize(body.len() + lists + 1, 0xff);
        body
    };
    let deepest = decode_answer(&nested(MAX_DEPTH - 1)).unwrap();
    assert_eq!(to_binary(&deepest)[4..], nested(MAX_DEPTH - 1));
    assert_eq!(decode_answer(&nested(MAX_DEPTH)), Err(BadAnswer::TooDeep));

    let mut endless = vec![0x10];
    endless.extend(hex("65 61 10").repeat(1 << 18));
    assert_eq!(decode_answer(&endless), Err(BadAnswer::TooDeep));
}

/// A kilobyte sent once and repeated by single bytes would unfold to gigabytes.
#[test]
fn unfolding_is_limited() {
    let mut body = hex("10 65 61 11 01 00 04");
    body.resize(body.len() + 1024, b'x');
    body.resize(body.len() + 1_000_000, 0x97);
    body.extend([0xff, 0xff]);
    assert_eq!(decode_answer(&body), Err(BadAnswer::TooMuchText));
}

#[test]
fn paths_into_a_tree() {
    let answer = hash([
        ("result", Tree::Num(0)),
        (
            "metadata",
            hash([
                ("name", text("/")),
                ("isfolder", Tree::Bool(true)),
                ("contents", Tree::List(vec![hash([("name", text("a"))])])),
            ]),
        ),
        ("result", Tree::Num(1)),
    ]);
    assert_eq!(answer.get("result").and_then(Tree::as_u64), Some(0));
    assert_eq!(
        answer.get("metadata.name").and_then(Tree::as_str),
        Some("/")
    );
    assert_eq!(
        answer.get("metadata.isfolder").and_then(Tree::as_bool),
        Some(true)
    );
    assert_eq!(
        answer
            .get("metadata.contents.0.name")
            .and_then(Tree::as_str),
        Some("a")
    );
    let contents = answer.get("metadata.contents").unwrap();
    assert_eq!(contents.as_list().map(<[Tree]>::len), Some(1));
    assert_eq!(answer.as_hash().map(<[_]>::len), Some(3));
    for missing in [
        "",
        "name",
        "metadata.",
        "metadata.contents.1",
        "metadata.contents.x",
        "metadata.name.0",
    ] {
        assert_eq!(answer.get(missing), None, "{missing}");
    }
    assert_eq!(answer.data_len(), None);
    assert_eq!(answer.get("metadata.name").unwrap().as_u64(), None);
}
