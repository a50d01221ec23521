//! The index of names: does it know every folder and file?

use super::{FILE_NAMES, FOLDER_NAMES, Findings, NOTED, ProblemKind, SEGMENTS};
use crate::names::{Object, unpack};
use crate::{Sql, Stored, Tx, args};
use std::collections::{BTreeMap, HashSet};

/// Looks at all folders but the roots, and at all files.
pub(super) fn check(tx: &mut Tx<'_>, found: &mut Findings) -> Stored<()> {
    compare(tx, FOLDER_NAMES, Object::folder, found)?;
    compare(tx, FILE_NAMES, Object::file, found)
}

fn compare(
    tx: &mut Tx<'_>,
    page: Sql,
    object: fn(i64) -> Object,
    found: &mut Findings,
) -> Stored<()> {
    let mut after = i64::MIN;
    loop {
        let rows: Vec<(i64, i64)> = tx.all(page, args![after])?;
        let Some(&(last, _)) = rows.last() else {
            return Ok(());
        };
        after = last;
        let mut by_owner: BTreeMap<i64, HashSet<Object>> = BTreeMap::new();
        for (id, owner) in rows {
            by_owner.entry(owner).or_default().insert(object(id));
        }
        for (owner, mut missing) in by_owner {
            tx.each(NOTED, args![owner], |(noted,): (i64,)| {
                missing.remove(&Object::from_number(noted));
                Ok(())
            })?;
            tx.each(SEGMENTS, args![owner], |(objects,): (Vec<u8>,)| {
                for object in unpack(&objects)? {
                    missing.remove(&object);
                }
                Ok(())
            })?;
            for object in missing {
                let what = match (object.as_file(), object.as_folder()) {
                    (Some(id), _) => format!("file {id}"),
                    (None, id) => format!("folder {}", id.unwrap_or(0)),
                };
                let text = format!("{what} of account {owner} is missing in the index of names");
                found.add(ProblemKind::Names, text);
            }
        }
    }
}
