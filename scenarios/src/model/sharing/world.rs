//! The model: what all accounts have and share, and who sees what.

use super::policy::Policy;
use std::collections::BTreeMap;

/// Right to make entries, as a bit of `permissions`.
pub(super) const CREATE: u64 = 1;
/// Right to change entries.
pub(super) const MODIFY: u64 = 2;
/// Right to delete entries.
pub(super) const DELETE: u64 = 4;

/// Ids of roots, which the model tells apart and the wire calls 0, begin here. No server gives such ids.
const ROOTS: u64 = 1 << 62;

/// The root folder of an account.
pub(super) fn root(account: usize) -> u64 {
    ROOTS + account as u64
}

/// An id as the wire has it.
pub(super) fn wire(folder: u64) -> u64 {
    if folder >= ROOTS { 0 } else { folder }
}

/// A folder.
#[derive(Clone, Debug)]
pub(super) struct Folder {
    /// Whose it is.
    pub(super) owner: usize,
    /// Folder of the owner that it is in; of a root, itself.
    pub(super) parent: u64,
    /// Name that the owner knows it by.
    pub(super) name: String,
    /// What it was deleted together with; 0 while it lives.
    pub(super) group: u64,
}

/// A file.
#[derive(Clone, Debug)]
pub(super) struct File {
    /// Whose it is.
    pub(super) owner: usize,
    /// Folder it is in.
    pub(super) folder: u64,
    /// Name.
    pub(super) name: String,
    /// Bytes.
    pub(super) size: u64,
    /// Hash of the content, as the server told it when that was uploaded.
    pub(super) hash: u64,
    /// Unix seconds.
    pub(super) created: u64,
    /// Unix seconds.
    pub(super) modified: u64,
    /// What it was deleted together with; 0 while it lives.
    pub(super) group: u64,
}

/// An offer.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    /// The folder, which belongs to who offers it.
    pub(super) folder: u64,
    /// Who may accept it.
    pub(super) recipient: usize,
    /// Rights.
    pub(super) permissions: u64,
    /// Name.
    pub(super) name: String,
}

/// A share.
#[derive(Clone, Debug)]
pub(super) struct Share {
    /// The folder, which belongs to who shares it.
    pub(super) folder: u64,
    /// Who sees it.
    pub(super) recipient: usize,
    /// Rights.
    pub(super) permissions: u64,
    /// Where the recipient has it.
    pub(super) parent: u64,
    /// What the recipient calls it.
    pub(super) name: String,
}

/// Everything.
#[derive(Debug)]
pub(super) struct World {
    /// Folders by id.
    pub(super) folders: BTreeMap<u64, Folder>,
    /// Files by id.
    pub(super) files: BTreeMap<u64, File>,
    /// Offers by id.
    pub(super) offers: BTreeMap<u64, Offer>,
    /// Shares by id.
    pub(super) shares: BTreeMap<u64, Share>,
    /// What recipients do with the offers of owners.
    pub(super) policies: BTreeMap<(usize, usize), Policy>,
    /// The folders of recipients for what is taken at once.
    pub(super) homes: BTreeMap<usize, u64>,
    /// Counts deletions.
    pub(super) groups: u64,
}

impl World {
    /// A world with so many accounts, which have nothing.
    pub(super) fn new(accounts: usize) -> Self {
        let folder = |owner| Folder {
            owner,
            parent: root(owner),
            name: "/".to_owned(),
            group: 0,
        };
        Self {
            folders: (0..accounts).map(|at| (root(at), folder(at))).collect(),
            files: BTreeMap::new(),
            offers: BTreeMap::new(),
            shares: BTreeMap::new(),
            policies: BTreeMap::new(),
            homes: BTreeMap::new(),
            groups: 0,
        }
    }

    /// A folder that lives.
    pub(super) fn live(&self, id: u64) -> Option<&Folder> {
        self.folders.get(&id).filter(|folder| folder.group == 0)
    }

    /// Whose a folder is.
    pub(super) fn owner(&self, folder: u64) -> Option<usize> {
        self.folders.get(&folder).map(|folder| folder.owner)
    }

    /// A folder and those above it in the tree of its owner.
    pub(super) fn upwards(&self, folder: u64) -> impl Iterator<Item = u64> {
        let mut next = Some(folder);
        std::iter::from_fn(move || {
            let at = next?;
            next = self
                .folders
                .get(&at)
                .map(|folder| folder.parent)
                .filter(|parent| *parent != at);
            Some(at)
        })
    }

    /// The share by which an account sees a folder of somebody else.
    pub(super) fn share_above(&self, account: usize, folder: u64) -> Option<(u64, &Share)> {
        self.upwards(folder).find_map(|at| {
            self.shares
                .iter()
                .find(|(_, share)| share.folder == at && share.recipient == account)
                .map(|(id, share)| (*id, share))
        })
    }

    /// The share that has a folder for its top, if the account is its recipient.
    pub(super) fn mounted(&self, account: usize, folder: u64) -> Option<u64> {
        let is_it = |share: &Share| share.folder == folder && share.recipient == account;
        let mut shares = self.shares.iter();
        shares
            .find(|(_, share)| is_it(share))
            .map(|(id, _)| *id)
            .filter(|_| self.owner(folder) != Some(account))
    }

    /// What an account may do in a folder; `None` if it does not see it.
    pub(super) fn rights(&self, account: usize, folder: u64) -> Option<u64> {
        let found = self.live(folder)?;
        if found.owner == account {
            return Some(CREATE | MODIFY | DELETE);
        }
        self.share_above(account, folder)
            .map(|(_, share)| share.permissions)
    }

    /// What an account may do with a file; `None` if it does not see it.
    pub(super) fn file_rights(&self, account: usize, file: u64) -> Option<u64> {
        let file = self.files.get(&file).filter(|file| file.group == 0)?;
        self.rights(account, file.folder)
    }

    /// Whether a folder has shares or offers.
    pub(super) fn is_top(&self, folder: u64) -> bool {
        self.shares.values().any(|share| share.folder == folder)
            || self.offers.values().any(|offer| offer.folder == folder)
    }

    /// The nearest shared or offered folder, from a folder upwards.
    pub(super) fn shared(&self, folder: u64) -> Option<u64> {
        self.upwards(folder).find(|at| self.is_top(*at))
    }

    /// The folder that a folder is in, and its name, as an account sees it.
    pub(super) fn place(&self, account: usize, folder: u64) -> (u64, &str) {
        if let Some(share) = self
            .mounted(account, folder)
            .and_then(|id| self.shares.get(&id))
        {
            return (share.parent, &share.name);
        }
        self.folders
            .get(&folder)
            .map_or((folder, ""), |found| (found.parent, &found.name))
    }

    /// Whether a folder is another one or lies below it, as an account sees both.
    pub(super) fn is_within(&self, account: usize, folder: u64, other: u64) -> bool {
        let mut at = folder;
        loop {
            if at == other {
                return true;
            }
            let (parent, _) = self.place(account, at);
            if parent == at {
                return false;
            }
            at = parent;
        }
    }

    /// A live folder and the live folders below it in the tree of its owner, parents first.
    pub(super) fn below(&self, top: u64) -> Vec<u64> {
        self.tree(top, |folder| folder.group == 0)
    }

    /// A folder and those below it that are wanted, parents first.
    pub(super) fn tree(&self, top: u64, wanted: impl Fn(&Folder) -> bool) -> Vec<u64> {
        let mut found = vec![top];
        let mut next = 0;
        while let Some(&parent) = found.get(next) {
            let children = self
                .folders
                .iter()
                .filter(|(id, folder)| folder.parent == parent && **id != parent && wanted(folder));
            found.extend(children.map(|(id, _)| *id));
            next += 1;
        }
        found
    }

    /// The live files in folders.
    pub(super) fn files_in(&self, folders: &[u64]) -> Vec<u64> {
        let is_in = |file: &File| file.group == 0 && folders.contains(&file.folder);
        let files = self.files.iter().filter(|(_, file)| is_in(file));
        files.map(|(id, _)| *id).collect()
    }

    /// The live file of a name.
    pub(super) fn file_child(&self, folder: u64, name: &str) -> Option<u64> {
        let is_it = |file: &File| file.group == 0 && file.folder == folder && file.name == name;
        let mut files = self.files.iter();
        files.find(|(_, file)| is_it(file)).map(|(id, _)| *id)
    }

    /// What has a name among the folders of a folder: a folder in it, or one that its owner has mounted there.
    pub(super) fn folder_child(&self, parent: u64, name: &str) -> Option<u64> {
        let is_it = |id: u64, folder: &Folder| {
            folder.group == 0 && folder.parent == parent && id != parent && folder.name == name
        };
        let folders = self.folders.iter();
        let found = folders
            .filter(|(id, folder)| is_it(**id, folder))
            .map(|(id, _)| *id)
            .next();
        let shares = self.shares.values();
        found.or_else(|| {
            shares
                .filter(|share| share.parent == parent && share.name == name)
                .map(|share| share.folder)
                .next()
        })
    }

    /// Whether something is mounted in one of these folders.
    pub(super) fn has_mounts(&self, folders: &[u64]) -> bool {
        self.shares
            .values()
            .any(|share| folders.contains(&share.parent))
    }

    /// Whether one of these folders has shares or offers.
    pub(super) fn has_tops(&self, folders: &[u64]) -> bool {
        folders.iter().any(|folder| self.is_top(*folder))
    }

    /// Whether an account sees a folder, or one above or below it, through a share.
    pub(super) fn has_access_around(&self, account: usize, folder: u64) -> bool {
        self.share_above(account, folder).is_some()
            || self.shares.values().any(|share| {
                share.recipient == account && self.upwards(share.folder).any(|at| at == folder)
            })
    }

    /// Where what an account restores goes: `to`, or the nearest folder above its old place that the account sees.
    pub(super) fn destination(&self, account: usize, to: Option<u64>, old: u64) -> u64 {
        to.unwrap_or_else(|| {
            self.upwards(old)
                .find(|at| self.rights(account, *at).is_some())
                .unwrap_or(root(account))
        })
    }

    /// Bytes of an account's live files.
    pub(super) fn used(&self, account: usize) -> u64 {
        let live = |file: &&File| file.group == 0 && file.owner == account;
        self.files.values().filter(live).map(|file| file.size).sum()
    }
}
