//! Binary requests that are wrong, at a limit, or not the binary protocol at all.

use pileus_wire::{
    BadRequest, MAX_REQUEST_BYTES, Params, Protocol, TooLong, Value, parse_request, sniff,
    write_request,
};

use crate::support::{hex, params};

#[track_caller]
fn check_bad(dump: &str, why: BadRequest) {
    assert_eq!(parse_request(&hex(dump)).unwrap_err(), why);
}

#[test]
fn requests_that_are_refused() {
    check_bad("", BadRequest::Truncated);
    check_bad("00 00", BadRequest::NoMethod);
    check_bad("80 00 00 00 00 00 00 00 00 00", BadRequest::NoMethod);
    check_bad("02 6e", BadRequest::Truncated);
    check_bad("01 ff 00", BadRequest::MethodNotUtf8);
    check_bad("81 01 00 00 00 00 00 00", BadRequest::Truncated);
    check_bad("01 6e", BadRequest::Truncated);
    check_bad("01 6e 00 00", BadRequest::Trailing);
    check_bad("01 6e 01", BadRequest::Truncated);
    check_bad("01 6e 01 c1 61 00", BadRequest::UnknownType);
    check_bad("01 6e 01 02 61", BadRequest::Truncated);
    check_bad("01 6e 01 41 61 00 00 00 00 00 00 00", BadRequest::Truncated);
    check_bad("01 6e 01 81 61", BadRequest::Truncated);
    check_bad("01 6e 01 01 61 01 00 00", BadRequest::Truncated);
    check_bad("01 6e 01 01 61 02 00 00 00 78", BadRequest::Truncated);
    check_bad("01 6e 01 01 61 ff ff ff ff 78", BadRequest::Truncated);
    check_bad("01 6e 01 01 61 01 00 00 00 78 79", BadRequest::Trailing);
    check_bad("01 6e 02 81 61 01", BadRequest::Truncated);
}

#[test]
fn every_beginning_of_a_request_is_truncated() {
    let mut bytes = Vec::new();
    let params = params([
        ("auth", "T".into()),
        ("folderid", Value::Num(0)),
        ("nopartial", Value::Bool(true)),
    ]);
    write_request(&mut bytes, "uploadfile", &params, Some(5)).unwrap();
    for end in 2..bytes.len() {
        assert_eq!(
            parse_request(&bytes[2..end]).unwrap_err(),
            BadRequest::Truncated
        );
    }
}

#[test]
fn flags_and_repeated_names() {
    let request = parse_request(&hex(
        "01 6e 03 81 61 ff 81 62 00 41 61 05 00 00 00 00 00 00 00",
    ));
    assert_eq!(
        request.unwrap().params,
        params([("a", 5u64.into()), ("b", false.into())])
    );
}

#[test]
fn an_empty_upload_differs_from_none() {
    for data_len in [None, Some(0), Some(u64::MAX)] {
        let mut bytes = Vec::new();
        write_request(&mut bytes, "file_write", &Params::new(), data_len).unwrap();
        assert_eq!(parse_request(&bytes[2..]).unwrap().data_len, data_len);
    }
}

#[test]
fn what_does_not_fit_is_not_written() {
    #[track_caller]
    fn check(method: &str, params: &Params, result: Result<(), TooLong>) {
        let mut out = b"before".to_vec();
        assert_eq!(write_request(&mut out, method, params, None), result);
        assert_eq!(result.is_err(), out == b"before");
    }
    let none = Params::new();
    check("", &none, Err(TooLong::Method));
    check(&"m".repeat(127), &none, Ok(()));
    check(&"m".repeat(128), &none, Err(TooLong::Method));

    let named = |length| {
        let mut params = Params::new();
        params.set("n".repeat(length), true).unwrap();
        params
    };
    check("m", &named(0), Ok(()));
    check("m", &named(63), Ok(()));
    check("m", &named(64), Err(TooLong::Name));

    // The method with its length, the count, the name with its length, and the value's length.
    let around = 2 + 1 + 2 + 4;
    let sized = |length| params([("x", "v".repeat(length).into())]);
    check("m", &sized(MAX_REQUEST_BYTES - around), Ok(()));
    check(
        "m",
        &sized(MAX_REQUEST_BYTES - around + 1),
        Err(TooLong::Request),
    );
    check("m", &sized(1 << 20), Err(TooLong::Request));
}

#[test]
fn protocols_are_told_apart() {
    for (first, protocol) in [
        (b"GET", Protocol::Http),
        (b"PUT", Protocol::Http),
        (b"POS", Protocol::Http),
        (b"HEA", Protocol::Http),
        (b"OPT", Protocol::Http),
        (b"DEL", Protocol::Http),
        (b"\x16\x03\x01", Protocol::Tls),
        (b"\x16\x03\x03", Protocol::Tls),
        // A request of 0x0316 bytes to a method with a name of ten.
        (b"\x16\x03\x0a", Protocol::Binary),
        (b"\x0b\x00\x09", Protocol::Binary),
        (b"\x4c\x00\x8a", Protocol::Binary),
        (b"\x00\x00\x00", Protocol::Binary),
        (b"get", Protocol::Binary),
    ] {
        assert_eq!(sniff(first), protocol, "{first:?}");
    }
}
