//! Opening a content that a signed link names.

use crate::contents::Place;
use crate::record::ContentHash;
use crate::{Stored, Tx, accounts, args, sql};

/// A content ready to be served.
#[derive(Clone, Debug)]
pub struct Opened {
    /// The folder the file is in; 0 for a content that is held by a link to a tree.
    pub folder: i64,
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
    OPEN = "SELECT a.state, f.folder, f.name, f.modified, b.size, b.hash, b.storage_key, i.bytes FROM file f \
            JOIN account a ON a.id = f.owner JOIN blob b ON b.id = $1 LEFT JOIN inline_blob i ON i.blob = b.id \
            WHERE f.id = $2 AND f.owner = $3 AND f.deleted = 0 \
            AND (f.blob = b.id OR EXISTS (SELECT 1 FROM revision r WHERE r.file = f.id AND r.blob = b.id))";
    OPEN_LINKED = "SELECT a.state, CAST(0 AS BIGINT), n.name, n.modified, b.size, b.hash, b.storage_key, i.bytes \
                   FROM public_link_item n JOIN public_link l ON l.id = n.link JOIN account a ON a.id = l.owner \
                   JOIN blob b ON b.id = n.blob LEFT JOIN inline_blob i ON i.blob = b.id \
                   WHERE n.file = $1 AND n.link = $2 AND n.blob = $3 LIMIT 1";
}

/// Opens one content of a file for an account, if the account may still read it: the account is active, the file is
/// live and its own, and the content is the file's current one or one of its revisions.
pub fn open(tx: &mut Tx<'_>, account: i64, file: i64, blob: i64) -> Stored<Option<Opened>> {
    Ok(tx.opt(OPEN, args![blob, file, account])?.and_then(opened))
}

/// Opens the content that a link to a tree holds of a file, if the owner of the link is active.
pub fn open_linked(tx: &mut Tx<'_>, link: i64, file: i64, blob: i64) -> Stored<Option<Opened>> {
    let found = tx.opt(OPEN_LINKED, args![file, link, blob])?;
    Ok(found.and_then(opened))
}

fn opened((state, folder, name, modified, size, hash, key, bytes): Found) -> Option<Opened> {
    let place = match (key, bytes) {
        (Some(key), _) => Place::Key(key),
        (None, bytes) => Place::Inline(bytes?),
    };
    (state == accounts::ACTIVE).then_some(Opened {
        folder,
        name,
        modified,
        size,
        hash: hash.0,
        place,
    })
}
