//! Who is told of a change: the owner of what changed, and everybody it is shared with.

use crate::call::Answer;
use crate::cx::Edit;
use crate::rules::access::{Place, next_shared};
use pileus_store::events::{CREATE, DELETE, Event, MODIFY, SHARED};
use pileus_store::shares::{self, Share};
use std::sync::Arc;

/// Somebody who sees a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Viewer {
    /// The account.
    pub account: i64,
    /// What its events say about the place: [`SHARED`], and for a recipient his rights.
    pub flags: i64,
    /// For a recipient, the shared folder.
    top: i64,
    /// For a recipient, the row that stands for the shared folder in his tree.
    mount: i64,
}

impl Viewer {
    fn owner(place: Place) -> Self {
        Self {
            account: place.owner,
            flags: if place.shared == 0 { 0 } else { SHARED },
            top: 0,
            mount: 0,
        }
    }
}

/// Rights in a share, and the flags that events say them with.
const FLAGS: [(i64, i64); 3] = [
    (shares::CREATE, CREATE),
    (shares::MODIFY, MODIFY),
    (shares::DELETE, DELETE),
];

/// The rights that the flags of an event say.
pub fn permissions_of(flags: i64) -> i64 {
    let said = FLAGS.into_iter().filter(|(_, flag)| flags & flag != 0);
    said.fold(0, |rights, (right, _)| rights | right)
}

impl From<&Share> for Viewer {
    fn from(share: &Share) -> Self {
        let flags = FLAGS
            .into_iter()
            .filter(|(right, _)| share.permissions & right != 0)
            .fold(SHARED, |flags, (_, flag)| flags | flag);
        Self {
            account: share.recipient,
            flags,
            top: share.folder,
            mount: share.mount,
        }
    }
}

/// Everybody who sees a place, the owner first.
pub type Viewers = Arc<[Viewer]>;

/// Whether the account of a viewer is among others.
pub fn is_among(viewer: &Viewer, others: &[Viewer]) -> bool {
    others.iter().any(|other| other.account == viewer.account)
}

impl Edit<'_, '_> {
    /// Everybody who sees what is at a place. The owner's row is locked first: whoever ends or begins a share does so too,
    /// and nobody is told of changes that came before or after his time.
    pub fn viewers(&mut self, place: Place) -> Answer<Viewers> {
        if let Some((_, viewers)) = self.audiences.iter().find(|(known, _)| *known == place) {
            return Ok(viewers.clone());
        }
        self.lock(place.owner)?;
        let mut viewers = vec![Viewer::owner(place)];
        let mut shared = place.shared;
        while shared != 0 {
            let shares = self.tx.shares_of_folder(shared)?;
            viewers.extend(shares.iter().filter(|share| share.joined).map(Viewer::from));
            shared = next_shared(self.tx, shared)?;
        }
        let viewers: Viewers = viewers.into();
        self.audiences.push((place, viewers.clone()));
        Ok(viewers)
    }

    /// Records an event for everybody who sees what is at a place.
    pub fn record(&mut self, place: Place, event: &Event) -> Answer<()> {
        self.lock(place.owner)?;
        let (caller, owner) = (self.user.account.id, Viewer::owner(place));
        self.record_for(&owner, event)?;
        let mut shared = place.shared;
        while shared != 0 {
            if event.folder == Some(shared) {
                // It has another name and place for each.
                let shares = self.tx.shares_of_folder(shared)?;
                for share in shares.iter().filter(|share| share.joined) {
                    self.record_for(&Viewer::from(share), event)?;
                }
            } else {
                self.record_for_recipients(shared, caller, event)?;
            }
            shared = next_shared(self.tx, shared)?;
        }
        Ok(())
    }

    /// Records an event in the logs of everybody a folder is shared with: all of them at once, but for the caller, whose
    /// counters this edit keeps.
    fn record_for_recipients(&mut self, shared: i64, caller: i64, event: &Event) -> Answer<()> {
        self.write_counters_of_others()?;
        for (account, diffid) in self.tx.insert_event_for_recipients(shared, caller, event)? {
            self.has_advanced(account, diffid);
        }
        if event.owner == Some(caller) {
            return Ok(());
        }
        match self.tx.share_of(shared, caller)? {
            Some(share) if share.joined => self.record_for(&Viewer::from(&share), event),
            _ => Ok(()),
        }
    }

    /// Forgets who sees what, because places or shares are changing.
    pub fn forget_places(&mut self) {
        self.known.forget();
        self.audiences.clear();
    }

    /// Records an event in the log of one viewer, as he sees it.
    pub fn record_for(&mut self, viewer: &Viewer, event: &Event) -> Answer<()> {
        let mut event = Event {
            flags: viewer.flags,
            ..event.clone()
        };
        if viewer.top != 0
            && event.folder == Some(viewer.top)
            && let Some(mount) = self.tx.folder(viewer.mount)?
        {
            (event.parent, event.name) = (Some(mount.parent), Some(mount.name));
        }
        self.append_event(viewer.account, event)
    }
}
