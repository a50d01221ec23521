//! How parameter values are understood.

use pileus_wire::{MAX_LIST_ITEMS, MAX_PARAMS, NotUtf8, Params, TooMany, Value};

use crate::support::params;

fn one(value: impl Into<Value>) -> Params {
    params([("x", value.into())])
}

#[test]
fn integers() {
    for (value, int, uint) in [
        (Value::from("0"), Some(0), Some(0)),
        ("42".into(), Some(42), Some(42)),
        ("007".into(), Some(7), Some(7)),
        ("-1".into(), Some(-1), None),
        ("-0".into(), Some(0), None),
        ("0x0042".into(), Some(0x42), Some(0x42)),
        ("0XfF".into(), Some(255), Some(255)),
        (
            "9223372036854775807".into(),
            Some(i64::MAX),
            Some(i64::MAX as u64),
        ),
        ("-9223372036854775808".into(), Some(i64::MIN), None),
        ("-9223372036854775809".into(), None, None),
        ("9223372036854775808".into(), None, Some(1 << 63)),
        ("18446744073709551615".into(), None, Some(u64::MAX)),
        ("0xffffffffffffffff".into(), None, Some(u64::MAX)),
        ("18446744073709551616".into(), None, None),
        ("0x10000000000000000".into(), None, None),
        ("".into(), None, None),
        ("-".into(), None, None),
        ("--1".into(), None, None),
        ("-0x1".into(), None, None),
        ("0x".into(), None, None),
        ("+1".into(), None, None),
        (" 1".into(), None, None),
        ("1.0".into(), None, None),
        ("1e3".into(), None, None),
        ("ten".into(), None, None),
        ("٣".into(), None, None),
        (Value::Num(5), Some(5), Some(5)),
        (Value::Num(u64::MAX), None, Some(u64::MAX)),
        (Value::Bool(false), Some(0), Some(0)),
        (Value::Bool(true), Some(1), Some(1)),
    ] {
        let params = one(value.clone());
        assert_eq!(params.int("x"), int, "int of {value:?}");
        assert_eq!(params.uint("x"), uint, "uint of {value:?}");
    }
    assert_eq!(Params::new().int("x"), None);
    assert_eq!(Params::new().uint("x"), None);
}

#[test]
fn flags() {
    for (value, is_set) in [
        (Value::from(""), false),
        ("0".into(), false),
        ("false".into(), false),
        ("1".into(), true),
        ("true".into(), true),
        ("yes".into(), true),
        ("00".into(), true),
        (Value::Num(0), false),
        (Value::Num(2), true),
        (Value::Bool(false), false),
        (Value::Bool(true), true),
    ] {
        assert_eq!(one(value.clone()).flag("x"), is_set, "{value:?}");
    }
    assert!(!Params::new().flag("x"));
}

#[test]
fn texts() {
    for (value, text) in [
        (Value::from("grüße"), "grüße"),
        ("".into(), ""),
        (Value::Num(12), "12"),
        (Value::Bool(true), "1"),
        (Value::Bool(false), "0"),
    ] {
        assert_eq!(one(value).text("x").unwrap().unwrap(), text);
    }
    let broken = one(Value::Text((&b"a\xff"[..]).into()));
    assert_eq!(broken.text("x"), Some(Err(NotUtf8)));
    assert_eq!(Params::new().text("x"), None);
}

#[test]
fn lists() {
    for (value, list) in [
        (Value::from("1,2,3"), Some(vec![1, 2, 3])),
        (" 1 , 0x10 ".into(), Some(vec![1, 16])),
        ("1,,2,".into(), Some(vec![1, 2])),
        ("".into(), Some(vec![])),
        ("18446744073709551615".into(), Some(vec![u64::MAX])),
        ("1;2".into(), None),
        ("1,x".into(), None),
        ("1,-2".into(), None),
        (Value::Num(9), Some(vec![9])),
        (Value::Bool(true), Some(vec![1])),
    ] {
        assert_eq!(one(value.clone()).uint_list("x"), list, "{value:?}");
    }
    assert_eq!(Params::new().uint_list("x"), None);

    let longest = "7,".repeat(MAX_LIST_ITEMS);
    let list = one(longest.clone()).uint_list("x");
    assert_eq!(list.map(|list| list.len()), Some(MAX_LIST_ITEMS));
    assert_eq!(one(longest + "7").uint_list("x"), None);
}

#[test]
fn the_last_value_of_a_name_wins() {
    let mut params = params([("a", 1u64.into()), ("b", 2u64.into())]);
    params.set("a", "three").unwrap();
    assert_eq!(params.len(), 2);
    assert_eq!(params.get("a"), Some(&Value::from("three")));
    let names: Vec<_> = params.iter().map(|(name, _)| name.clone()).collect();
    assert_eq!(names, ["a", "b"]);
}

#[test]
fn there_is_a_most_of_parameters() {
    let mut params = Params::new();
    assert!(params.is_empty());
    for n in 0..MAX_PARAMS {
        params.set(n.to_string(), n as u64).unwrap();
    }
    assert_eq!(params.set("one more", true), Err(TooMany));
    assert_eq!(params.set("17", "replaced"), Ok(()));
    assert_eq!(params.len(), MAX_PARAMS);
    assert_eq!(params.get("one more"), None);
}

#[test]
fn debugging_shows_no_values() {
    let shown = format!(
        "{:?}",
        params([("username", "ann".into()), ("password", "secret".into())])
    );
    assert!(
        shown.contains("username") && shown.contains("password"),
        "{shown}"
    );
    assert!(
        !shown.contains("ann") && !shown.contains("secret"),
        "{shown}"
    );
}
