//! Requests and answers of the binary protocol, byte by byte.
//!
//! The bytes were made by hand from pCloud's documentation of the binary protocol and checked with
//! codecs of other authors, so they are an independent judge of ours.

use pileus_wire::{Request, Tree, Value, decode_answer, parse_request, write_request};

use crate::support::{hash, hex, params, text, to_binary};

/// Checks that a request has these bytes, in both directions. `data` is what follows the request.
#[track_caller]
fn check_request(request: Request, dump: &str, data: &[u8]) {
    let bytes = hex(dump);
    let (length, rest) = bytes.split_first_chunk().unwrap();
    let (head, rest) = rest.split_at(usize::from(u16::from_le_bytes(*length)));
    assert_eq!(rest, data);
    assert_eq!(parse_request(head).unwrap(), request);

    let mut written = Vec::new();
    write_request(
        &mut written,
        &request.method,
        &request.params,
        request.data_len,
    )
    .unwrap();
    assert_eq!(written, bytes[..bytes.len() - data.len()]);
}

/// Checks that an answer has these bytes, in both directions.
#[track_caller]
fn check_answer(answer: Tree, dump: &str) {
    let bytes = hex(dump);
    assert_eq!(to_binary(&answer), bytes);
    let (length, body) = bytes.split_first_chunk().unwrap();
    assert_eq!(u32::from_le_bytes(*length) as usize, body.len());
    assert_eq!(decode_answer(body).unwrap(), answer);
}

#[test]
fn request_without_parameters() {
    check_request(
        Request {
            method: "getdigest".into(),
            params: params([]),
            data_len: None,
        },
        "0b 00                        ; 11 bytes
         09 67 65 74 64 69 67 65 73 74 ; getdigest
         00                           ; no parameters",
        b"",
    );
}

#[test]
fn request_with_each_type_of_parameter() {
    check_request(
        Request {
            method: "listfolder".into(),
            params: params([
                ("folderid", Value::Num(0)),
                ("timeformat", "timestamp".into()),
                ("recursive", Value::Bool(true)),
            ]),
            data_len: None,
        },
        "40 00
         0a 6c 69 73 74 66 6f 6c 64 65 72              ; listfolder
         03                                            ; three parameters
         48 66 6f 6c 64 65 72 69 64                    ; number, folderid
         00 00 00 00 00 00 00 00
         0a 74 69 6d 65 66 6f 72 6d 61 74              ; text, timeformat
         09 00 00 00 74 69 6d 65 73 74 61 6d 70        ; timestamp
         89 72 65 63 75 72 73 69 76 65 01              ; flag, recursive",
        b"",
    );
}

#[test]
fn request_with_data() {
    check_request(
        Request {
            method: "uploadfile".into(),
            params: params([
                ("auth", "T".into()),
                ("folderid", Value::Num(0)),
                ("filename", "a.txt".into()),
                ("nopartial", Value::Bool(true)),
            ]),
            data_len: Some(5),
        },
        "4c 00
         8a 05 00 00 00 00 00 00 00                    ; ten bytes of name, five of data
         75 70 6c 6f 61 64 66 69 6c 65                 ; uploadfile
         04
         04 61 75 74 68 01 00 00 00 54                 ; auth
         48 66 6f 6c 64 65 72 69 64 00 00 00 00 00 00 00 00
         08 66 69 6c 65 6e 61 6d 65 05 00 00 00 61 2e 74 78 74
         89 6e 6f 70 61 72 74 69 61 6c 01              ; nopartial
         68 65 6c 6c 6f                                ; the data",
        b"hello",
    );
}

#[test]
fn request_with_a_negative_number() {
    check_request(
        Request {
            method: "file_read".into(),
            params: params([("fd", (-1i64).into()), ("count", 5i64.into())]),
            data_len: None,
        },
        "22 00 09 66 69 6c 65 5f 72 65 61 64 02
         02 66 64 02 00 00 00 2d 31                    ; fd is the text -1
         45 63 6f 75 6e 74 05 00 00 00 00 00 00 00",
        b"",
    );
}

#[test]
fn request_behind_another() {
    let bytes = hex("10 00 03 6e 6f 70 01 42 69 64 01 00 00 00 00 00 00 00
                     10 00 03 6e 6f 70 01 42 69 64 02 00 00 00 00 00 00 00");
    let mut written = Vec::new();
    for (id, frame) in (1..).zip(bytes.chunks(18)) {
        let request = parse_request(&frame[2..]).unwrap();
        assert_eq!(request.method, "nop");
        assert_eq!(request.params.uint("id"), Some(id));
        write_request(&mut written, "nop", &request.params, None).unwrap();
    }
    assert_eq!(written, bytes);
}

#[test]
fn answer_of_one_number() {
    check_answer(
        hash([("result", Tree::Num(0))]),
        "0a 00 00 00 10 6a 72 65 73 75 6c 74 c8 ff",
    );
}

#[test]
fn answer_of_an_error() {
    check_answer(
        hash([
            ("result", Tree::Num(2000)),
            ("error", text("Log in failed.")),
            ("id", text("x1")),
        ]),
        "27 00 00 00 10
         6a 72 65 73 75 6c 74 09 d0 07
         69 65 72 72 6f 72 72 4c 6f 67 20 69 6e 20 66 61 69 6c 65 64 2e
         66 69 64 66 78 31
         ff",
    );
}

#[test]
fn answer_with_reused_strings() {
    let file = |id: &str, name: &str, fileid, size| {
        hash([
            ("id", text(id)),
            ("name", text(name)),
            ("isfolder", Tree::Bool(false)),
            ("fileid", Tree::Num(fileid)),
            ("size", Tree::Num(size)),
        ])
    };
    let contents = Tree::List(vec![file("f7", "a", 7, 300), file("f8", "b", 8, 70_000)]);
    let metadata = hash([
        ("id", text("d0")),
        ("name", text("/")),
        ("isfolder", Tree::Bool(true)),
        ("folderid", Tree::Num(0)),
        ("contents", contents),
    ]);
    check_answer(
        hash([("result", Tree::Num(0)), ("metadata", metadata)]),
        "6e 00 00 00
         10
         6a 72 65 73 75 6c 74 c8                ; 0 result
         6c 6d 65 74 61 64 61 74 61 10          ; 1 metadata
         66 69 64 66 64 30                      ; 2 id, 3 d0
         68 6e 61 6d 65 65 2f                   ; 4 name, 5 /
         6c 69 73 66 6f 6c 64 65 72 13          ; 6 isfolder
         6c 66 6f 6c 64 65 72 69 64 c8          ; 7 folderid
         6c 63 6f 6e 74 65 6e 74 73 11          ; 8 contents
         10
         98 66 66 37                            ; 2 again, 9 f7
         9a 65 61                               ; 4 again, 10 a
         9c 12                                  ; 6 again
         6a 66 69 6c 65 69 64 cf                ; 11 fileid
         68 73 69 7a 65 09 2c 01                ; 12 size
         ff
         10
         98 66 66 38                            ; 2 again, 13 f8
         9a 65 62                               ; 4 again, 14 b
         9c 12                                  ; 6 again
         a1 d0                                  ; 11 again
         a2 0a 70 11 01                         ; 12 again
         ff
         ff ff ff",
    );
}

#[test]
fn answer_with_data() {
    let answer = hash([("result", Tree::Num(0)), ("data", Tree::Data(5))]);
    assert_eq!(answer.data_len(), Some(5));
    check_answer(
        answer,
        "18 00 00 00
         10 6a 72 65 73 75 6c 74 c8
         68 64 61 74 61 14 05 00 00 00 00 00 00 00
         ff",
    );
}

#[test]
fn numbers_take_their_shortest_form() {
    for (number, encoding) in [
        (0, "c8"),
        (19, "db"),
        (20, "08 14"),
        (255, "08 ff"),
        (256, "09 00 01"),
        (65_535, "09 ff ff"),
        (65_536, "0a 00 00 01"),
        (1 << 24, "0b 00 00 00 01"),
        (1 << 32, "0c 00 00 00 00 01"),
        (1 << 40, "0d 00 00 00 00 00 01"),
        (1 << 48, "0e 00 00 00 00 00 00 01"),
        (1 << 56, "0f 00 00 00 00 00 00 00 01"),
        (u64::MAX, "0f ff ff ff ff ff ff ff ff"),
    ] {
        let body = format!("10 65 6e {encoding} ff");
        let length = hex(&body).len();
        check_answer(
            hash([("n", Tree::Num(number))]),
            &format!("{length:02x} 00 00 00 {body}"),
        );
    }
}

#[test]
fn strings_take_their_shortest_form() {
    for (length, start) in [
        (0, "64"),
        (49, "95"),
        (50, "00 32"),
        (60, "00 3c"),
        (255, "00 ff"),
        (256, "01 00 01"),
        (65_535, "01 ff ff"),
        (65_536, "02 00 00 01"),
        (0xff_ffff, "02 ff ff ff"),
        (0x100_0000, "03 00 00 00 01"),
    ] {
        let answer = hash([("s", Tree::Text("x".repeat(length)))]);
        let bytes = to_binary(&answer);
        let start = hex(&format!("10 65 73 {start}"));
        assert_eq!(bytes[4..4 + start.len()], start, "length {length}");
        assert_eq!(bytes.len(), 4 + start.len() + length + 1);
        assert_eq!(decode_answer(&bytes[4..]).unwrap(), answer);
    }
}

#[test]
fn ids_of_reused_strings_take_their_shortest_form() {
    // String 0 is the only key, strings 1, 2, 3 ... the distinct texts before the repetition.
    for (id, reused) in [
        (49, "c7"),
        (50, "04 32"),
        (255, "04 ff"),
        (256, "05 00 01"),
        (65_535, "05 ff ff"),
        (65_536, "06 00 00 01"),
    ] {
        let mut items: Vec<Tree> = (1..=id).map(|n| Tree::Text(format!("text{n}"))).collect();
        items.extend(items.last().cloned());
        let answer = hash([("l", Tree::List(items))]);
        let bytes = to_binary(&answer);
        let end = hex(&format!("{reused} ff ff"));
        assert_eq!(bytes[bytes.len() - end.len()..], end, "id {id}");
        assert_eq!(decode_answer(&bytes[4..]).unwrap(), answer);
    }
}

#[test]
fn any_form_of_a_value_is_understood() {
    let answer = hash([("n", Tree::Num(7)), ("s", text("n")), ("n", text("n"))]);
    for dump in [
        "10 65 6e cf 65 73 96 96 96 ff",
        "10 00 01 6e 08 07 01 01 00 73 04 00 05 00 00 06 00 00 00 ff",
        "10 02 01 00 00 6e 0f 07 00 00 00 00 00 00 00 03 01 00 00 00 73 07 00 00 00 00 96 65 6e ff",
    ] {
        assert_eq!(decode_answer(&hex(dump)).unwrap(), answer, "{dump}");
    }
}

#[test]
fn empty_hashes_and_lists() {
    check_answer(hash([]), "02 00 00 00 10 ff");
    check_answer(
        hash([("h", hash([])), ("l", Tree::List(vec![]))]),
        "0a 00 00 00 10 65 68 10 ff 65 6c 11 ff ff",
    );
}
