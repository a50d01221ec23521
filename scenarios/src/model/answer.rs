//! Reading what tests need out of answers.

use crate::Result;
use pileus_wire::Tree;

/// A number that has to be there.
pub fn number(tree: &Tree, path: &str) -> Result<u64> {
    tree.get(path)
        .and_then(Tree::as_u64)
        .ok_or_else(|| format!("no number `{path}`").into())
}

/// A text that has to be there.
pub fn text<'t>(tree: &'t Tree, path: &str) -> Result<&'t str> {
    tree.get(path)
        .and_then(Tree::as_str)
        .ok_or_else(|| format!("no text `{path}`").into())
}

/// A list that has to be there.
pub fn list<'t>(tree: &'t Tree, path: &str) -> Result<&'t [Tree]> {
    tree.get(path)
        .and_then(Tree::as_list)
        .ok_or_else(|| format!("no list `{path}`").into())
}

/// Whether metadata is that of a folder.
pub fn is_folder(metadata: &Tree) -> Result<bool> {
    metadata
        .get("isfolder")
        .and_then(Tree::as_bool)
        .ok_or_else(|| "metadata without `isfolder`".into())
}

/// Calls `visit` with the metadata of everything below a listed folder, parents first.
pub fn below(listed: &Tree, visit: &mut impl FnMut(&Tree) -> Result<()>) -> Result<()> {
    for entry in list(listed, "contents")? {
        visit(entry)?;
        if is_folder(entry)? {
            below(entry, visit)?;
        }
    }
    Ok(())
}

/// Fails unless both are equal.
pub fn same<T: PartialEq + std::fmt::Debug>(what: &str, expected: T, found: T) -> Result<()> {
    if expected == found {
        Ok(())
    } else {
        Err(format!("{what}: expected {expected:?}, found {found:?}").into())
    }
}
