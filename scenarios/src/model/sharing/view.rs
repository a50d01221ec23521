//! What accounts see, as listings and feeds should show it.

use super::super::deals::{Deal, Deals};
use super::super::replica::{FileRow, Rows};
use super::super::seen::{Foreign, Seen};
use super::world::{CREATE, DELETE, MODIFY, World, root, wire};

/// Who the accounts are.
#[derive(Clone, Debug)]
pub(super) struct Person {
    /// Account id.
    pub(super) id: u64,
    /// Mail address.
    pub(super) mail: String,
}

impl World {
    /// The folders that somebody sees in a folder, with the names that he sees.
    pub(super) fn children_seen(&self, who: usize, parent: u64) -> Vec<(u64, String)> {
        let folders = self
            .folders
            .iter()
            .filter(|(id, folder)| folder.group == 0 && folder.parent == parent && **id != parent);
        let folders = folders.map(|(id, folder)| (*id, folder.name.clone()));
        let mounts = self.shares.values();
        let mounts = mounts.filter(|share| share.parent == parent && share.recipient == who);
        folders
            .chain(mounts.map(|share| (share.folder, share.name.clone())))
            .collect()
    }

    /// Everything that somebody sees below a folder, as folders and files, parents first.
    pub(super) fn seen_below(&self, who: usize, top: u64) -> Vec<u64> {
        let mut found = vec![top];
        let mut next = 0;
        while let Some(&parent) = found.get(next) {
            let children = self.children_seen(who, parent);
            found.extend(children.into_iter().map(|(id, _)| id));
            next += 1;
        }
        found
    }

    fn seen(&self, who: usize, people: &[Person], folder: u64, is_folder: bool) -> Seen {
        let owner = self.owner(folder).unwrap_or(who);
        let rights = self.rights(who, folder).unwrap_or_default();
        Seen {
            isshared: self.shared(folder).is_some(),
            foreign: (owner != who).then(|| Foreign {
                owner: people[owner].id,
                create: is_folder.then_some(rights & CREATE != 0),
                modify: rights & MODIFY != 0,
                delete: rights & DELETE != 0,
            }),
        }
    }

    /// What somebody sees.
    pub(super) fn rows(&self, who: usize, people: &[Person]) -> Rows {
        let mut rows = Rows::default();
        let folders = self.seen_below(who, root(who));
        for id in folders.iter().skip(1) {
            let (parent, name) = self.place(who, *id);
            rows.folders.insert(*id, (wire(parent), name.to_owned()));
            rows.note_seen((true, *id), self.seen(who, people, *id, true));
        }
        for id in self.files_in(&folders) {
            let Some(file) = self.files.get(&id) else {
                continue;
            };
            let row = FileRow {
                folder: wire(file.folder),
                name: file.name.clone(),
                size: file.size,
                hash: file.hash,
                created: file.created,
                modified: file.modified,
            };
            rows.files.insert(id, row);
            rows.note_seen((false, id), self.seen(who, people, file.folder, false));
        }
        rows
    }

    /// The shares and offers that somebody is a side of.
    pub(super) fn deals(&self, who: usize, people: &[Person]) -> Deals {
        let mut deals = Deals::default();
        let sides = |folder: u64, recipient: usize, permissions: u64| {
            let owner = self.owner(folder).unwrap_or(recipient);
            let deal = |other: usize| Deal {
                folder,
                other: people[other].mail.clone(),
                permissions,
            };
            [
                (recipient == who).then(|| deal(owner)),
                (owner == who).then(|| deal(recipient)),
            ]
        };
        for (id, offer) in &self.offers {
            let sides = sides(offer.folder, offer.recipient, offer.permissions);
            for (way, deal) in sides.into_iter().enumerate() {
                deals.offers[way].extend(deal.map(|deal| (*id, deal)));
            }
        }
        for (id, share) in &self.shares {
            let sides = sides(share.folder, share.recipient, share.permissions);
            for (way, deal) in sides.into_iter().enumerate() {
                deals.shares[way].extend(deal.map(|deal| (*id, deal)));
            }
        }
        deals
    }
}
