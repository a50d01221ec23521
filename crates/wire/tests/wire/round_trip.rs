//! Whatever is written is read again as it was.

use pileus_wire::{
    Params, Tree, Value, decode_answer, parse_query, parse_request, write_query, write_request,
};
use proptest::collection::vec;
use proptest::prelude::*;

use crate::generate::{fields, params};
use crate::support::{to_binary, to_json};

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
    fn json_answers(fields in fields()) {
        let answer = Tree::Hash(fields);
        let json = to_json(&answer);
        prop_assert!(serde_json::from_str::<serde_json::Value>(&json).is_ok());
        prop_assert_eq!(Tree::from_json(json.as_bytes()).unwrap(), answer);
    }

    #[test]
    fn binary_answers(mut fields in fields(), data_len in any::<Option<u64>>()) {
        fields.extend(data_len.map(|length| ("data".to_owned(), Tree::Data(length))));
        let answer = Tree::Hash(fields);
        let bytes = to_binary(&answer);
        let read = decode_answer(&bytes[4..]).unwrap();
        prop_assert_eq!(read.data_len(), data_len);
        prop_assert_eq!(read, answer);
    }
}
