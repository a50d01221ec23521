//! Shares: does each have its folder and its place, and does each folder know that it is shared?

use super::{Findings, ProblemKind, SHARED_FOLDERS, SHARES};
use crate::record::record;
use crate::{Stored, Tx, args};

record! {
    /// A share with what its folder and the row that stands for it say.
    pub struct Shared {
        /// Id.
        pub id: i64,
        /// The folder.
        pub folder: i64,
        /// Whose it is.
        pub owner: i64,
        /// Who sees it.
        pub recipient: i64,
        /// Whether the recipient has been told of everything in it.
        pub joined: bool,
        /// Owner of the folder, if it is live.
        pub folder_owner: Option<i64>,
        /// Owner of the row that stands for it, if that is live.
        pub mount_owner: Option<i64>,
        /// The folder that row stands for.
        pub mounted: Option<i64>,
        /// Owner of the folder that the recipient follows.
        pub followed: Option<i64>,
    }
}

record! {
    /// What a live folder says about shares, and what there is.
    pub struct Marks {
        /// Id.
        pub id: i64,
        /// Shares and offers it counts.
        pub shares: i64,
        /// Shares it has.
        pub has_shares: i64,
        /// Offers it has.
        pub has_offers: i64,
        /// The folder it says it is shared by.
        pub shared: i64,
        /// The same of the folder it is in.
        pub parent_shared: Option<i64>,
        /// The folder that the row stands for.
        pub mount: i64,
        /// Shares for which the row stands.
        pub mounts: i64,
    }
}

/// Looks at every share, and at what every folder says about shares.
pub(super) fn check(tx: &mut Tx<'_>, found: &mut Findings) -> Stored<()> {
    let mut after = i64::MIN;
    loop {
        let page: Vec<Shared> = tx.all(SHARES, args![after])?;
        let Some(last) = page.last() else { break };
        after = last.id;
        for share in page {
            let id = share.id;
            let mut tell =
                |text: &str| found.add(ProblemKind::Share, format!("share {id}: {text}"));
            if share.folder_owner != Some(share.owner) {
                tell("its folder is gone, or is somebody else's");
            }
            if (share.mount_owner, share.mounted) != (Some(share.recipient), Some(share.folder)) {
                tell("no row stands for it in the tree of its recipient");
            }
            if share.joined && share.followed != Some(share.owner) {
                tell("its recipient does not follow what happens in the folder");
            }
        }
    }
    let mut after = i64::MIN;
    loop {
        let page: Vec<Marks> = tx.all(SHARED_FOLDERS, args![after])?;
        let Some(last) = page.last() else {
            return Ok(());
        };
        after = last.id;
        for folder in page {
            check_marks(&folder, found);
        }
    }
}

fn check_marks(folder: &Marks, found: &mut Findings) {
    let id = folder.id;
    let mut tell = |text: String| found.add(ProblemKind::Share, format!("folder {id}: {text}"));
    let has = folder.has_shares + folder.has_offers;
    if folder.shares != has {
        tell(format!(
            "it counts {} shares and offers, but has {has}",
            folder.shares
        ));
    }
    let shared = if has > 0 {
        id
    } else {
        folder.parent_shared.unwrap_or(0)
    };
    if folder.mount == 0 && folder.shared != shared {
        tell(format!(
            "it says that it is shared by folder {}, but is by {shared}",
            folder.shared
        ));
    }
    if folder.mounts != i64::from(folder.mount != 0) {
        tell(format!("it stands for {} shares", folder.mounts));
    }
}
