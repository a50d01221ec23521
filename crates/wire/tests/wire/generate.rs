//! Arbitrary parameters and answers.

use pileus_wire::{Params, Tree, Value};
use proptest::collection::vec;
use proptest::prelude::*;

fn value() -> impl Strategy<Value = Value> {
    prop_oneof![
        vec(any::<u8>(), 0..200).prop_map(|text| Value::Text(text.into())),
        any::<u64>().prop_map(Value::Num),
        any::<i64>().prop_map(Value::from),
        any::<bool>().prop_map(Value::Bool),
    ]
}

/// Parameters with such names.
pub fn params(name: impl Strategy<Value = Vec<u8>>) -> impl Strategy<Value = Params> {
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

/// The fields of an answer, without data.
pub fn fields() -> impl Strategy<Value = Vec<(String, Tree)>> {
    vec((string(), tree()), 0..12)
}
