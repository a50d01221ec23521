//! Links: does each account know how many it has?

use super::{Findings, LINKS, ProblemKind};
use crate::{Stored, Tx, args};

/// Compares what every account counts with the links that are there. Rows of deleted ones stay.
pub(super) fn check(tx: &mut Tx<'_>, found: &mut Findings) -> Stored<()> {
    let mut after = i64::MIN;
    loop {
        let page: Vec<(i64, i64, i64, i64, i64)> = tx.all(LINKS, args![after])?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.0;
        for (id, public, has_public, upload, has_upload) in page {
            for (kind, counted, has) in [
                ("public", public, has_public),
                ("upload", upload, has_upload),
            ] {
                if counted != has {
                    let text =
                        format!("account {id}: counts {counted} {kind} links, but has {has}");
                    found.add(ProblemKind::Account, text);
                }
            }
        }
    }
}
