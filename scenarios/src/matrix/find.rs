//! Looking for values in answers of any form.

use pileus_wire::Tree;

/// The first value of a field of this name anywhere in an answer.
pub fn found(tree: &Tree, name: &str) -> Option<String> {
    match tree {
        Tree::Hash(fields) => {
            let own = fields.iter().find(|(key, _)| key == name);
            own.and_then(|(_, value)| match value {
                Tree::Num(number) => Some(number.to_string()),
                Tree::Text(text) => Some(text.clone()),
                _ => None,
            })
            .or_else(|| fields.iter().find_map(|(_, value)| found(value, name)))
        }
        Tree::List(items) => items.iter().find_map(|item| found(item, name)),
        _ => None,
    }
}

/// Whether a field of this name has this value anywhere in an answer.
pub fn contains(tree: &Tree, name: &str, id: u64) -> bool {
    match tree {
        Tree::Hash(fields) => fields.iter().any(|(key, value)| {
            (key == name && *value == Tree::Num(id)) || contains(value, name, id)
        }),
        Tree::List(items) => items.iter().any(|item| contains(item, name, id)),
        _ => false,
    }
}
