//! Whatever is written is read again as it was.

use pileus_wire::{
    Params, Tree, Value, decode_answer, parse_query, parse_request, write_query, write_request,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::support::{to_binary, to_json};

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        vec(any::<u8>(), 0..200).prop_map(|text| Value::Text(text.into())),
        any::<u64>().prop_map(Value::Num),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::Bool),
    ]
}

fn params(name: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Params> {
    vec((name, value()), 0..20).prop_map(|entries| {
        let mut params = Params::new();
        for (name, value) in entries {
            params.set(name, value).unwrap();
        }
        params
    })
}

/// Keys and texts repeat often, as they do in answers.
fn string() -> impl Strategy<Value = String> {
    prop_oneof![
        "[a-c]{0,2}",
        any::<String>(),
        (0..400usize).prop_map(|length| "long".repeat(length)),
    ]
}

fn tree() -> impl Strategy<Value = Tree> {
    let leaf = prop_oneof![
        any::<u64>().prop_map(Tree::Num),
        (0..64u32, any::<u64>()).prop_map(|(shift, number)| Tree::Num(number >> shift)),
        string().prop_map(Tree::Text),
        any::<bool>().prop_map(Tree::Bool),
    ];
    leaf.prop_recursive(6, 200, 12, |inner| {
        prop_oneof![
            vec(inner.clone(), 0..12).prop_map(Tree::List),
            vec((string(), inner), 0..12).prop_map(Tree::Hash),
        ]
    })
}

fn answer() -> impl Strategy<Value = Vec<(String, Tree)>> {
    vec((string(), tree()), 0..12)
}

proptest! {
    #[test]
    fn binary_requests(
        method in "[a-z_]{1,127}",
        params in params(vec(any::<u8>(), 0..=63)),
        data_len in any::<Option<u64>>(),
    ) {
        let mut bytes = Vec::new();
        write_request(&mut bytes, &method, &params, data_len).unwrap();
        let (length, head) = bytes.split_first_chunk().unwrap();
        prop_assert_eq!(usize::from(u16::from_le_bytes(*length)), head.len());
        let request = parse_request(head).unwrap();
        prop_assert_eq!(request.method, method);
        prop_assert_eq!(request.params, params);
        prop_assert_eq!(request.data_len, data_len);
    }

    /// HTTP knows only text, so what is compared is how a method would understand it.
    #[test]
    fn queries(params in params(vec(any::<u8>(), 1..=63))) {
        let mut query = String::new();
        write_query(&mut query, &params);
        let mut read = Params::new();
        parse_query(&mut read, &query).unwrap();
        prop_assert_eq!(read.len(), params.len());
        for ((name, value), (read_name, read_value)) in params.iter().zip(read.iter()) {
            prop_assert_eq!(name, read_name);
            let text = match value {
                Value::Text(text) => text.to_vec(),
                Value::Num(number) => number.to_string().into_bytes(),
                Value::Bool(flag) => vec![b'0' + u8::from(*flag)],
            };
            prop_assert_eq!(read_value, &Value::Text(text.into()));
        }
    }

    #[test]
    fn json_answers(fields in answer()) {
        let answer = Tree::Hash(fields);
        let json = to_json(&answer);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
        prop_assert_eq!(Tree::from_json(json.as_bytes()).unwrap(), answer);
    }

    #[test]
    fn binary_answers(mut fields in answer(), data_len in any::<Option<u64>>()) {
        fields.extend(data_len.map(|length| ("data".to_owned(), Tree::Data(length))));
        let answer = Tree::Hash(fields);
        let bytes = to_binary(&answer);
        let read = decode_answer(&bytes[4..]).unwrap();
        prop_assert_eq!(read.data_len(), data_len);
        prop_assert_eq!(read, answer);
    }
}
