//! What the recipient of a share believes to be in it, while he is being told.

use crate::call::Answer;
use crate::cx::Edit;
use crate::rules::audience::Viewer;
use pileus_api::event::EventKind;
use pileus_store::events::Event;
use pileus_store::files::File;
use pileus_store::folders::Folder;
use pileus_store::names::Object;
use pileus_store::shares::Share;
use pileus_store::{Stored, Tx};
use std::cmp::Reverse;
use std::collections::HashMap;

/// Events that are read at a time.
const PAGE: i64 = 1000;

/// Where the recipient believes something to be.
#[derive(Clone, Debug)]
pub struct At {
    /// The folder that it is in.
    pub parent: i64,
    /// Name.
    pub name: String,
}

impl From<&Folder> for At {
    fn from(folder: &Folder) -> Self {
        Self {
            parent: folder.parent,
            name: folder.name.clone(),
        }
    }
}

impl From<&File> for At {
    fn from(file: &File) -> Self {
        Self {
            parent: file.folder,
            name: file.name.clone(),
        }
    }
}

/// What the recipient believes to be there.
pub type Believed = HashMap<Object, At>;

/// A folder, if it is in the share.
pub fn inside(edit: &mut Edit<'_, '_>, share: &Share, folder: i64) -> Answer<Option<Folder>> {
    let folder = edit.tx.folder(folder)?;
    let Some(folder) = folder.filter(|folder| folder.deleted == 0 && folder.mount == 0) else {
        return Ok(None);
    };
    let by = edit.tx.share_above(folder.shared, share.recipient)?;
    Ok(by.filter(|by| by.id == share.id).map(|_| folder))
}

/// What the recipient of a share has been told of since it began, and believes to be there. What he sees without the share
/// is left out.
pub fn told_early(tx: &mut Tx<'_>, share: &Share) -> Stored<Vec<(Object, At)>> {
    let gone = [EventKind::DeleteFolder as i64, EventKind::DeleteFile as i64];
    let mut believed = Believed::new();
    let mut after = share.since;
    loop {
        let events = tx.events_after(share.recipient, after, PAGE)?;
        let Some(last) = events.last() else { break };
        after = last.diffid;
        for event in events {
            if let Some(replaced) = event.replaced_file {
                believed.remove(&Object::file(replaced));
            }
            let (Some(object), Some(parent), Some(name)) =
                (event.object(), event.parent, event.name)
            else {
                continue;
            };
            if gone.contains(&event.kind) {
                believed.remove(&object);
            } else {
                believed.insert(object, At { parent, name });
            }
        }
    }
    let mut told = Vec::new();
    for (object, at) in believed {
        if !is_seen_elsewhere(tx, share, object)? {
            told.push((object, at));
        }
    }
    Ok(told)
}

/// Whether the recipient of a share sees something as his own, or by another share.
pub fn is_seen_elsewhere(tx: &mut Tx<'_>, share: &Share, object: Object) -> Stored<bool> {
    let folder = match (object.as_folder(), object.as_file()) {
        (Some(folder), _) => Some(folder),
        (None, Some(file)) => {
            let file = tx.file(file)?.filter(|file| file.deleted == 0);
            file.map(|file| file.folder)
        }
        (None, None) => None,
    };
    let folder = match folder {
        Some(folder) => tx.folder(folder)?.filter(|folder| folder.deleted == 0),
        None => None,
    };
    let Some(folder) = folder else {
        return Ok(false);
    };
    let by = tx.share_above(folder.shared, share.recipient)?;
    Ok(folder.owner == share.recipient || by.is_some_and(|by| by.id != share.id))
}

impl Edit<'_, '_> {
    /// Tells the recipient of a share, of which he has not been told everything, that it has begun and that everything in
    /// it is gone, the deepest first.
    pub fn take_back_what_was_told(&mut self, share: &Share) -> Answer<()> {
        // The job that tells him works as the recipient.
        self.lock(share.recipient)?;
        let mut told = told_early(self.tx, share)?;
        self.tell_recipient_of_begin(share)?;
        let parents: HashMap<Object, i64> = told
            .iter()
            .map(|(object, at)| (*object, at.parent))
            .collect();
        let above = |object: &Object| parents.get(object).map(|parent| Object::folder(*parent));
        let depth = |object| {
            std::iter::successors(Some(object), above)
                .take(told.len())
                .count()
        };
        let depths: HashMap<Object, usize> = parents
            .keys()
            .map(|object| (*object, depth(*object)))
            .collect();
        told.sort_by_key(|(object, _)| Reverse(depths.get(object).copied()));
        let viewer = Viewer::from(share);
        for (object, at) in told {
            let gone = gone_event(self, share, object, at);
            self.record_for(&viewer, &gone)?;
        }
        Ok(())
    }
}

/// The event that something is gone from where the recipient of a share believes it to be.
pub fn gone_event(edit: &Edit<'_, '_>, share: &Share, object: Object, at: At) -> Event {
    let kind = match object.as_file() {
        Some(_) => EventKind::DeleteFile,
        None => EventKind::DeleteFolder,
    };
    Event {
        file: object.as_file(),
        folder: object.as_folder(),
        parent: Some(at.parent),
        name: Some(at.name),
        owner: Some(share.owner),
        ..edit.blank(kind)
    }
}
