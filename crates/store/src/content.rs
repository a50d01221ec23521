//! Opening a content that a signed link names.

use crate::contents::Place;
use crate::record::ContentHash;
use crate::{Stored, Tx, accounts, args, sql};

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

type Found = (
    i64,
    String,
    i64,
    i64,
    ContentHash,
    Option<Vec<u8>>,
    Option<Vec<u8>>,
);

sql! {
    // All in one: a download of a small file is little more than this statement.
    OPEN = "SELECT a.state, f.name, f.modified, b.size, b.hash, b.storage_key, i.bytes FROM file f \
            JOIN account a ON a.id = f.owner JOIN blob b ON b.id = $1 LEFT JOIN inline_blob i ON i.blob = b.id \
            WHERE f.id = $2 AND f.owner = $3 AND f.deleted = 0 \
            AND (f.blob = b.id OR EXISTS (SELECT 1 FROM revision r WHERE r.file = f.id AND r.blob = b.id))";
}

/// Opens one content of a file for an account, if the account may still read it: the account is active, the file is
/// live and its own, and the content is the file's current one or one of its revisions.
pub fn open(tx: &mut Tx<'_>, account: i64, file: i64, blob: i64) -> Stored<Option<Opened>> {
    let found = tx.opt::<Found>(OPEN, args![blob, file, account])?;
    Ok(
        found.and_then(|(state, name, modified, size, hash, key, bytes)| {
            let place = match (key, bytes) {
                (Some(key), _) => Place::Key(key),
                (None, bytes) => Place::Inline(bytes?),
            };
            (state == accounts::ACTIVE).then_some(Opened {
                name,
                modified,
                size,
                hash: hash.0,
                place,
            })
        }),
    )
}
