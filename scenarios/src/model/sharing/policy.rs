//! What recipients have said about all offers of an owner: that they take them, or that they want none.

use super::super::answer::{number, same};
use super::super::effect::numbered;
use super::effect::check_place;
use super::world::{Offer, Share, World, root, wire};
use crate::Result;
use pileus_wire::Tree;

/// The name of the folder that is made for what is taken.
const HOME: &str = "Shared with me";

/// What a recipient does with the offers of an owner.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Policy {
    /// Takes them at once.
    Takes,
    /// Does not get them.
    Blocks,
}

/// A share that was taken at once, as its recipient finds it.
#[derive(Debug)]
pub(super) struct Arrival {
    /// Its id.
    pub(super) share: u64,
    /// Metadata of the folder.
    pub(super) metadata: Tree,
}

impl World {
    /// What somebody does with the offers of an owner.
    pub(super) fn policy(&self, recipient: usize, owner: usize) -> Option<Policy> {
        self.policies.get(&(recipient, owner)).copied()
    }

    /// An offer was accepted by hand, perhaps with all that will come. Whoever wanted none has changed his mind.
    pub(super) fn taken_by_hand(&mut self, recipient: usize, owner: usize, always: bool) {
        let who = (recipient, owner);
        if always {
            self.policies.insert(who, Policy::Takes);
        } else if self.policy(recipient, owner) == Some(Policy::Blocks) {
            self.policies.remove(&who);
        }
    }

    /// An offer was taken at once: it is in the folder of the recipient that is kept for that, which is made if there is
    /// none that will do.
    pub(super) fn taken_at_once(&mut self, offer: Offer, arrival: &Arrival) -> Result<()> {
        let (who, metadata) = (offer.recipient, &arrival.metadata);
        let kept = self.homes.get(&who).copied();
        let is_usable = |home: &u64| {
            let is_own = self.live(*home).is_some_and(|folder| folder.owner == who);
            is_own && self.shared(*home).is_none()
        };
        let home = match kept.filter(is_usable) {
            Some(home) => home,
            None => {
                let home = number(metadata, "parentfolderid")?;
                let name = self.free_folder_name(root(who), HOME);
                self.folder_added(home, root(who), &name)?;
                self.homes.insert(who, home);
                home
            }
        };
        let name = self.free_folder_name(home, &offer.name);
        check_place(metadata, home, &name)?;
        same(
            "folderid",
            wire(offer.folder),
            number(metadata, "folderid")?,
        )?;
        self.share_added(arrival.share, offer, home, name)
    }

    /// A name for a new folder: this one, or the first numbered form of it that is free.
    pub(super) fn free_folder_name(&self, parent: u64, name: &str) -> String {
        let is_taken = |name: &str| self.folder_child(parent, name).is_some();
        if is_taken(name) {
            numbered(name, is_taken)
        } else {
            name.to_owned()
        }
    }

    /// An offer has become a share.
    pub(super) fn share_added(
        &mut self,
        id: u64,
        offer: Offer,
        parent: u64,
        name: String,
    ) -> Result<()> {
        let share = Share {
            folder: offer.folder,
            recipient: offer.recipient,
            permissions: offer.permissions,
            parent,
            name,
        };
        match self.shares.insert(id, share) {
            None => Ok(()),
            Some(_) => Err(format!("share {id} is there already").into()),
        }
    }
}
