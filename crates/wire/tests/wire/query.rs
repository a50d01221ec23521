//! Parameters from query strings, bodies and cookies.

use pileus_wire::{Params, TooMany, Value, parse_cookies, parse_query, write_query};

use crate::support::params;

fn query(raw: &[u8]) -> Params {
    let mut params = Params::new();
    parse_query(&mut params, raw).unwrap();
    params
}

fn cookies(header: &str) -> Params {
    let mut params = Params::new();
    parse_cookies(&mut params, header).unwrap();
    params
}

#[test]
fn queries() {
    assert_eq!(query(b""), params([]));
    assert_eq!(query(b"&&"), params([]));
    assert_eq!(query(b"=1&a=2"), params([("a", "2".into())]));
    assert_eq!(
        query(b"folderid=0&name=a+b%2Bc%2fd&recursive&empty=&x=1=2"),
        params([
            ("folderid", "0".into()),
            ("name", "a b+c/d".into()),
            ("recursive", "".into()),
            ("empty", "".into()),
            ("x", "1=2".into()),
        ])
    );
    assert_eq!(query(b"n%61me=%C3%BC"), params([("name", "ü".into())]));
    assert_eq!(query(b"a=1&A=2").len(), 2);
    assert_eq!(query(b"a=1&a=2"), params([("a", "2".into())]));
}

#[test]
fn broken_escapes_stand_for_themselves() {
    assert_eq!(
        query(b"a=100%&b=%zz&c=%4&d=%%41&e=%"),
        params([
            ("a", "100%".into()),
            ("b", "%zz".into()),
            ("c", "%4".into()),
            ("d", "%A".into()),
            ("e", "%".into()),
        ])
    );
}

#[test]
fn bytes_that_are_not_utf8_are_kept() {
    let expected = Value::Text((&b"\xff\x00\xfe"[..]).into());
    assert_eq!(query(b"a=%ff%00\xfe").get("a"), Some(&expected));
}

#[test]
fn cookies_are_parameters() {
    assert_eq!(
        cookies("timeformat=timestamp; Domain=api.pcloud.com; Path=/; Secure; HttpOnly"),
        params([
            ("timeformat", "timestamp".into()),
            ("Domain", "api.pcloud.com".into()),
            ("Path", "/".into()),
        ])
    );
    assert_eq!(
        cookies(r#"a="1" ;b=x+y%20z; c=";d="";e="#),
        params([
            ("a", "1".into()),
            ("b", "x+y z".into()),
            ("c", "\"".into()),
            ("d", "".into()),
            ("e", "".into()),
        ])
    );
    assert_eq!(cookies(""), params([]));
    assert_eq!(cookies("; ;=x; = y"), params([]));
}

#[test]
fn a_later_source_overrides_an_earlier_one() {
    let mut params = query(b"timeformat=text&folderid=1");
    parse_query(&mut params, "folderid=2").unwrap();
    parse_cookies(&mut params, "timeformat=timestamp").unwrap();
    assert_eq!(params.text("timeformat").unwrap().unwrap(), "timestamp");
    assert_eq!(params.uint("folderid"), Some(2));
}

#[test]
fn the_number_of_pairs_is_limited() {
    let distinct: String = (0..256).map(|n| format!("p{n}=1&")).collect();
    assert_eq!(parse_query(&mut Params::new(), &distinct), Err(TooMany));
    assert_eq!(
        parse_cookies(&mut Params::new(), distinct.replace('&', ";")),
        Err(TooMany)
    );
    let repeated = "a=1&".repeat(1024);
    assert_eq!(parse_query(&mut Params::new(), &repeated), Ok(()));
    let repeated = "a=1&".repeat(1025);
    assert_eq!(parse_query(&mut Params::new(), &repeated), Err(TooMany));
    assert_eq!(
        parse_cookies(&mut Params::new(), repeated.replace('&', ";")),
        Err(TooMany)
    );
}

#[test]
fn queries_are_written() {
    let mut out = String::from("/listfolder?");
    write_query(
        &mut out,
        &params([
            ("folderid", 7u64.into()),
            ("recursive", true.into()),
            ("noshares", false.into()),
            ("na me", "a-b.c_d~e/ü&=+".into()),
        ]),
    );
    assert_eq!(
        out,
        "/listfolder?folderid=7&recursive=1&noshares=0&na%20me=a-b.c_d~e%2F%C3%BC%26%3D%2B"
    );
    let mut out = String::new();
    write_query(&mut out, &params([]));
    assert_eq!(out, "");
}
