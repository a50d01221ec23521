//! Opening a content that a signed link names.

use crate::contents::Place;
use crate::{Stored, Tx, accounts};

/// A content ready to be served.
#[derive(Clone, Debug)]
pub struct Opened {
    /// Present name of the file.
    pub name: String,
    /// Present modification time of the file.
    pub modified: i64,
    /// Bytes.
    pub size: i64,
    /// The hash that the API shows.
    pub hash: u64,
    /// Where the bytes are.
    pub place: Place,
}

/// Opens one content of a file for an account, if the account may still read it: the account is active, the file is
/// live and its own, and the content is the file's current one or one of its revisions.
pub fn open(tx: &mut Tx<'_>, account: i64, file: i64, blob: i64) -> Stored<Option<Opened>> {
    let Some(owner) = tx.account(account)? else { return Ok(None) };
    let Some(file) = tx.file(file)? else { return Ok(None) };
    if owner.state != accounts::ACTIVE || file.owner != account || file.deleted != 0 {
        return Ok(None);
    }
    if file.blob != blob && !tx.revisions(file.id)?.iter().any(|revision| revision.blob == blob) {
        return Ok(None);
    }
    let Some(content) = tx.content(blob)? else { return Ok(None) };
    let Some(place) = tx.content_place(&content)? else { return Ok(None) };
    Ok(Some(Opened {
        name: file.name,
        modified: file.modified,
        size: content.size,
        hash: content.hash.0,
        place,
    }))
}
