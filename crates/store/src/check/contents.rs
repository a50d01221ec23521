//! Contents: does everybody who holds one say the same about it, and is it counted?

use super::{
    BASES, BASES_OF_COPIES, BLOBS, FILES_OF_BLOBS, Findings, LEFTOVER_INLINE, LINKED,
    LOST_REVISIONS, ProblemKind, REVISIONS_OF_BLOBS,
};
use crate::record::{ContentHash, record};
use crate::{Sql, Stored, Tx, args};
use std::collections::BTreeMap;

/// Contents that are looked at together. Each takes some 60 bytes of memory.
const TOGETHER: usize = 500_000;

record! {
    /// A content, and what is in the database of its bytes.
    pub struct Blob {
        /// Id.
        pub id: i64,
        /// Bytes.
        pub size: i64,
        /// Hash of the content.
        pub hash: ContentHash,
        /// How many files and revisions hold it.
        pub refs: i64,
        /// Whether its bytes are to be in the database.
        pub is_inline: bool,
        /// How many bytes are there.
        pub inline_size: Option<i64>,
    }
}

record! {
    /// A file or revision and what it says about its content.
    pub struct Holder {
        /// Id.
        pub id: i64,
        /// The content.
        pub blob: i64,
        /// Bytes.
        pub size: i64,
        /// Hash of the content.
        pub hash: ContentHash,
    }
}

/// A content that is compared with its holders.
struct Held {
    size: i64,
    hash: ContentHash,
    refs: i64,
    counted: i64,
}

/// Looks at all contents and at everything that holds one.
pub(super) fn check(tx: &mut Tx<'_>, found: &mut Findings) -> Stored<()> {
    let mut after = i64::MIN;
    loop {
        let (mut contents, last) = read(tx, after, found)?;
        let until = last.unwrap_or(i64::MAX);
        compare(
            tx,
            FILES_OF_BLOBS,
            "file",
            after,
            until,
            &mut contents,
            found,
        )?;
        let revisions = compare(
            tx,
            REVISIONS_OF_BLOBS,
            "revision",
            after,
            until,
            &mut contents,
            found,
        )?;
        found.counts.revisions += revisions;
        for holders in [BASES, BASES_OF_COPIES, LINKED] {
            count_holders(tx, holders, after, until, &mut contents, found)?;
        }
        for (id, held) in contents {
            if held.refs != held.counted {
                let (refs, counted) = (held.refs, held.counted);
                let text = format!("content {id}: counts {refs} holders, but has {counted}");
                found.add(ProblemKind::Content, text);
            }
        }
        match last {
            Some(last) => after = last,
            None => break,
        }
    }
    tx.each(LEFTOVER_INLINE, args![], |(blob,): (i64,)| {
        let text = format!("content {blob}: there are bytes in the database that it does not need");
        found.add(ProblemKind::Leftover, text);
        Ok(())
    })?;
    tx.each(LOST_REVISIONS, args![], |(id, file): (i64, i64)| {
        let text = format!("revision {id}: its file {file} does not exist");
        found.add(ProblemKind::Content, text);
        Ok(())
    })
}

/// Reads the next contents, and the id of the last one if there may be more.
fn read(
    tx: &mut Tx<'_>,
    mut after: i64,
    found: &mut Findings,
) -> Stored<(BTreeMap<i64, Held>, Option<i64>)> {
    let mut contents = BTreeMap::new();
    while contents.len() < TOGETHER {
        let page: Vec<Blob> = tx.all(BLOBS, args![after])?;
        let Some(last) = page.last() else {
            return Ok((contents, None));
        };
        after = last.id;
        for blob in page {
            found.counts.contents += 1;
            found.counts.content_bytes += blob.size.unsigned_abs();
            check_inline(&blob, found);
            let held = Held {
                size: blob.size,
                hash: blob.hash,
                refs: blob.refs,
                counted: 0,
            };
            contents.insert(blob.id, held);
        }
    }
    Ok((contents, Some(after)))
}

fn check_inline(blob: &Blob, found: &mut Findings) {
    let Blob { id, size, .. } = blob;
    match blob.inline_size {
        _ if !blob.is_inline => {}
        None => {
            let text = format!("content {id}: its bytes are missing from the database");
            found.add(ProblemKind::Bytes, text);
        }
        Some(there) if there != *size => {
            let text = format!("content {id}: has {there} bytes instead of {size}");
            found.add(ProblemKind::Bytes, text);
        }
        Some(_) => {}
    }
}

/// Compares contents with one kind of holders; answers how many there are.
fn compare(
    tx: &mut Tx<'_>,
    holders: Sql,
    what: &str,
    after: i64,
    until: i64,
    contents: &mut BTreeMap<i64, Held>,
    found: &mut Findings,
) -> Stored<u64> {
    let mut count = 0;
    tx.each(holders, args![after, until], |holder: Holder| {
        count += 1;
        let Holder { id, blob, .. } = holder;
        match contents.get_mut(&blob) {
            None => {
                let text = format!("{what} {id}: its content {blob} does not exist");
                found.add(ProblemKind::Content, text);
            }
            Some(held) => {
                held.counted += 1;
                if (held.size, held.hash) != (holder.size, holder.hash) {
                    let text =
                        format!("{what} {id}: size or hash are not those of its content {blob}");
                    found.add(ProblemKind::Content, text);
                }
            }
        }
        Ok(())
    })?;
    Ok(count)
}

/// Counts what holds contents without saying anything about them: what rests on their bytes, and links to them.
fn count_holders(
    tx: &mut Tx<'_>,
    holders: Sql,
    after: i64,
    until: i64,
    contents: &mut BTreeMap<i64, Held>,
    found: &mut Findings,
) -> Stored<()> {
    tx.each(holders, args![after, until], |(held,): (i64,)| {
        match contents.get_mut(&held) {
            Some(held) => held.counted += 1,
            None => found.add(
                ProblemKind::Content,
                format!("content {held}: it is held, but does not exist"),
            ),
        }
        Ok(())
    })
}
