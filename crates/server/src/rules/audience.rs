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

/// The flags that say the rights of a recipient.
pub fn flags_of(permissions: i64) -> i64 {
    FLAGS
        .into_iter()
        .filter(|(right, _)| permissions & right != 0)
        .fold(SHARED, |flags, (_, flag)| flags | flag)
}

impl From<&Share> for Viewer {
    fn from(share: &Share) -> Self {
        Self {
            account: share.recipient,
            flags: flags_of(share.permissions),
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

    /// Records an event for everybody who sees what is at a place: in the log of the owner, which those follow whom he
    /// shares it with.
    pub fn record(&mut self, place: Place, event: &Event) -> Answer<()> {
        self.lock(place.owner)?;
        let diffid = self.record_for(&Viewer::owner(place), event)?;
        let mut shared = place.shared;
        while shared != 0 {
            if event.folder == Some(shared) {
                // It has another name and place for each.
                let shares = self.tx.shares_of_folder(shared)?;
                for share in shares.iter().filter(|share| share.joined) {
                    self.record_for(&Viewer::from(share), event)?;
                }
            } else {
                self.note_shared_event(place.owner, shared, diffid)?;
            }
            shared = next_shared(self.tx, shared)?;
        }
        Ok(())
    }

    /// Forgets who sees what, because places or shares are changing.
    pub fn forget_places(&mut self) {
        self.known.forget();
        self.audiences.clear();
    }

    /// Records an event in the log of one viewer, as he sees it. Answers its place there.
    pub fn record_for(&mut self, viewer: &Viewer, event: &Event) -> Answer<i64> {
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
