//! Accounts, folders and files: does everything hang where it says?

use super::{
    ACCOUNTS, Accounts, FILES, FOLDERS, Findings, ProblemKind, SUBFOLDERS, Seen, TRASHED_SUBFOLDERS,
};
use crate::record::record;
use crate::{Stored, Tx, args};

record! {
    /// A folder or file with what its place and its trash entry say.
    pub struct Place {
        /// Id.
        pub id: i64,
        /// The account it belongs to.
        pub owner: i64,
        /// The folder it is in.
        pub parent: i64,
        /// 0, or the trash entry it went away with.
        pub deleted: i64,
        /// Owner of the folder it is in, if there is such a folder.
        pub parent_owner: Option<i64>,
        /// The same column of the folder it is in.
        pub parent_deleted: Option<i64>,
        /// Owner of the trash entry, if there is such an entry.
        pub trash_owner: Option<i64>,
    }
}

record! {
    /// A file with what its place and its trash entry say.
    pub struct FilePlace {
        /// Id.
        pub id: i64,
        /// The account it belongs to.
        pub owner: i64,
        /// The folder it is in.
        pub folder: i64,
        /// 0, or the trash entry it went away with.
        pub deleted: i64,
        /// Owner of the folder it is in, if there is such a folder.
        pub folder_owner: Option<i64>,
        /// The same column of the folder it is in.
        pub folder_deleted: Option<i64>,
        /// Owner of the trash entry, if there is such an entry.
        pub trash_owner: Option<i64>,
        /// Bytes.
        pub size: i64,
    }
}

/// All accounts.
pub(super) fn accounts(tx: &mut Tx<'_>, found: &mut Findings) -> Stored<Accounts> {
    let mut accounts = Accounts::new();
    let mut after = i64::MIN;
    loop {
        let page: Vec<(i64, i64, i64, i64)> = tx.all(ACCOUNTS, args![after])?;
        let Some(last) = page.last() else { break };
        after = last.0;
        for (id, root, used, diffid) in page {
            found.counts.accounts += 1;
            let seen = Seen {
                root,
                used,
                diffid,
                live_bytes: 0,
                folders: 0,
            };
            accounts.insert(id, seen);
        }
    }
    Ok(accounts)
}

/// Looks at the place of every folder.
pub(super) fn folders(
    tx: &mut Tx<'_>,
    accounts: &mut Accounts,
    found: &mut Findings,
) -> Stored<()> {
    let mut after = i64::MIN;
    loop {
        let page: Vec<Place> = tx.all(FOLDERS, args![after])?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.id;
        for folder in page {
            found.counts.folders += 1;
            let account = accounts.get_mut(&folder.owner);
            let root = account.as_ref().map(|account| account.root);
            if let Some(account) = account {
                account.folders += 1;
            }
            if Some(folder.id) == root {
                if folder.deleted != 0 {
                    let text = format!("account {}: its root folder is deleted", folder.owner);
                    found.add(ProblemKind::Account, text);
                }
            } else {
                check_place("folder", &folder, root.is_some(), found);
            }
        }
    }
}

/// Looks at the place of every file, and counts the bytes of the live ones.
pub(super) fn files(tx: &mut Tx<'_>, accounts: &mut Accounts, found: &mut Findings) -> Stored<()> {
    let mut after = i64::MIN;
    loop {
        let page: Vec<FilePlace> = tx.all(FILES, args![after])?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.id;
        for file in page {
            found.counts.files += 1;
            let account = accounts.get_mut(&file.owner);
            let has_owner = account.is_some();
            if let Some(account) = account.filter(|_| file.deleted == 0) {
                account.live_bytes = account.live_bytes.saturating_add(file.size);
            }
            let place = Place {
                id: file.id,
                owner: file.owner,
                parent: file.folder,
                deleted: file.deleted,
                parent_owner: file.folder_owner,
                parent_deleted: file.folder_deleted,
                trash_owner: file.trash_owner,
            };
            check_place("file", &place, has_owner, found);
        }
    }
}

fn check_place(what: &str, place: &Place, has_owner: bool, found: &mut Findings) {
    let Place {
        id, owner, parent, ..
    } = place;
    let mut tell = |text: String| found.add(ProblemKind::Tree, format!("{what} {id}: {text}"));
    if !has_owner {
        tell(format!("its owner {owner} does not exist"));
    }
    match (place.parent_owner, place.parent_deleted) {
        (Some(parent_owner), _) if parent_owner != *owner => {
            tell(format!(
                "it is in folder {parent}, which belongs to account {parent_owner}"
            ));
        }
        (Some(_), Some(deleted)) if place.deleted == 0 && deleted != 0 => {
            tell(format!("it is live, but its folder {parent} is deleted"));
        }
        (Some(_), Some(_)) => {}
        _ => tell(format!("its folder {parent} does not exist")),
    }
    if place.deleted != 0 && place.trash_owner != Some(*owner) {
        let entry = place.deleted;
        tell(format!(
            "it is deleted, but its owner's trash has no entry {entry}"
        ));
    }
}

/// Compares what was counted with what the accounts say. Accounts without a root are left out from then on.
pub(super) fn totals(tx: &mut Tx<'_>, accounts: &mut Accounts, found: &mut Findings) -> Stored<()> {
    let mut rootless = Vec::new();
    for (&id, account) in accounts.iter() {
        if account.used != account.live_bytes {
            let (used, live) = (account.used, account.live_bytes);
            let text =
                format!("account {id}: counts {used} bytes as used, but its files have {live}");
            found.add(ProblemKind::Account, text);
        }
        let root = tx.folder(account.root)?;
        let Some(root) = root.filter(|root| root.owner == id && root.parent == 0) else {
            let text = format!("account {id}: its root folder {} is missing", account.root);
            found.add(ProblemKind::Account, text);
            rootless.push(id);
            continue;
        };
        let reachable = reachable(tx, id, root.id)?;
        if reachable != account.folders {
            let lost = account.folders.abs_diff(reachable);
            let text = format!("account {id}: {lost} folders cannot be reached from its root");
            found.add(ProblemKind::Tree, text);
        }
    }
    accounts.retain(|id, _| !rootless.contains(id));
    Ok(())
}

/// How many folders of an account hang below its root, live and deleted, itself included. A folder has one parent, and
/// a root has none, so the walk meets no folder twice.
fn reachable(tx: &mut Tx<'_>, owner: i64, root: i64) -> Stored<u64> {
    let mut count = 1;
    let mut next = vec![root];
    while let Some(folder) = next.pop() {
        for statement in [SUBFOLDERS, TRASHED_SUBFOLDERS] {
            tx.each(statement, args![folder], |(id, of): (i64, i64)| {
                next.push(id);
                count += u64::from(of == owner);
                Ok(())
            })?;
        }
    }
    Ok(count)
}
