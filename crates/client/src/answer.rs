//! What an answer says about the call.

use pileus_wire::Tree;

use crate::error::Error;

/// Tells whether an answer is a success.
///
/// # Errors
/// [`Error::Api`] if its `result` is not 0, [`Error::Protocol`] if it has none.
pub fn check(answer: &Tree) -> Result<(), Error> {
    match answer.get("result").and_then(Tree::as_u64) {
        Some(0) => Ok(()),
        Some(code) => Err(Error::Api {
            code,
            text: text(answer, "error").unwrap_or_default(),
        }),
        None => Err(Error::protocol("the answer has no result")),
    }
}

/// A text of the answer.
pub(crate) fn text(answer: &Tree, key: &str) -> Option<String> {
    answer.get(key).and_then(Tree::as_str).map(str::to_owned)
}
