//! Telling the recipient of a share what has become of everything that its owner was told of meanwhile.

use super::believed::{At, Believed, gone_event, inside, is_seen_elsewhere};
use super::{Join, open_share};
use crate::call::Answer;
use crate::cx::Edit;
use crate::rules::audience::Viewer;
use crate::rules::census::Change;
use pileus_api::event::EventKind;
use pileus_store::events::Event;
use pileus_store::names::Object;
use pileus_store::shares::Share;
use std::collections::{HashMap, HashSet};

/// Events of the owner that are caught up with in one transaction.
const CATCH_UP: i64 = 400;

/// How far a recipient has caught up with the owner.
pub enum Caught {
    /// He is told of every change from now on.
    All,
    /// Up to this event; and what is there now, and what is not there any more.
    UpTo(i64, HashMap<Object, Option<At>>),
}

/// Tells what has become of everything that the owner was told of meanwhile.
pub fn catch_up(edit: &mut Edit<'_, '_>, join: Join, from: i64, told: &Believed) -> Answer<Caught> {
    let Some(share) = open_share(edit, join)? else {
        return Ok(Caught::All);
    };
    // Changes in the folder come before this, and are in the owner's feed, or after it, and are told to the recipient.
    edit.lock(share.owner)?;
    let events = edit.tx.events_after(share.owner, from, CATCH_UP)?;
    let mut catching = CatchingUp {
        viewer: Viewer::from(&share),
        share,
        told,
        changes: HashMap::new(),
        in_folders: None,
    };
    for object in in_order_of_last(&events) {
        catching.tell(edit, object)?;
    }
    match events.last().filter(|_| events.len() as i64 == CATCH_UP) {
        Some(last) => Ok(Caught::UpTo(last.diffid, catching.changes)),
        None => {
            edit.follow(&catching.share)?;
            edit.tx.set_share_joined(join.share)?;
            edit.forget_places();
            if catching.share.permissions != join.permissions {
                edit.tell_rights(&catching.share)?;
            }
            edit.tell_recipient_of_begin(&catching.share)?;
            Ok(Caught::All)
        }
    }
}

/// The files and folders of events, in the order in which each was last told of.
fn in_order_of_last(events: &[Event]) -> Vec<Object> {
    let mut seen = HashSet::new();
    let mut objects: Vec<Object> = events
        .iter()
        .rev()
        .flat_map(|event| [event.object(), event.replaced_file.map(Object::file)])
        .flatten()
        .filter(|object| seen.insert(*object))
        .collect();
    objects.reverse();
    objects
}

struct CatchingUp<'a> {
    share: Share,
    viewer: Viewer,
    told: &'a Believed,
    changes: HashMap<Object, Option<At>>,
    /// What the recipient believes, or has believed, to be in folders; made when the first folder is gone.
    in_folders: Option<HashMap<i64, Vec<Object>>>,
}

impl CatchingUp<'_> {
    /// Where the recipient believes something to be; `None` if he knows nothing of it.
    fn believed(&self, object: Object) -> Option<&At> {
        match self.changes.get(&object) {
            Some(changed) => changed.as_ref(),
            None => self.told.get(&object),
        }
    }

    fn knows(&self, object: Object) -> bool {
        self.believed(object).is_some()
    }

    /// Notes where the recipient believes something to be from now on.
    fn set(&mut self, object: Object, at: Option<At>) {
        if let (Some(at), Some(in_folders)) = (&at, &mut self.in_folders) {
            in_folders.entry(at.parent).or_default().push(object);
        }
        self.changes.insert(object, at);
    }

    /// What the recipient believes to be in a folder.
    fn believed_in(&mut self, folder: i64) -> Vec<Object> {
        let (told, changes) = (self.told, &self.changes);
        let in_folders = self.in_folders.get_or_insert_with(|| {
            let mut in_folders: HashMap<i64, Vec<Object>> = HashMap::new();
            let changed = changes
                .iter()
                .filter_map(|(object, at)| Some((object, at.as_ref()?)));
            for (object, at) in told.iter().chain(changed) {
                in_folders.entry(at.parent).or_default().push(*object);
            }
            in_folders
        });
        // Some have moved on since, and some were noted twice.
        let noted = in_folders.remove(&folder).unwrap_or_default();
        let is_in = |object: &Object| self.believed(*object).is_some_and(|at| at.parent == folder);
        let inside: HashSet<Object> = noted.into_iter().filter(is_in).collect();
        inside.into_iter().collect()
    }

    fn tell(&mut self, edit: &mut Edit<'_, '_>, object: Object) -> Answer<()> {
        match (object.as_folder(), object.as_file()) {
            (Some(folder), _) => self.tell_folder(edit, folder),
            (None, Some(file)) => self.tell_file(edit, file),
            (None, None) => Ok(()),
        }
    }

    /// Tells that something has left the share, unless its recipient sees it without. Clients forget just the one row
    /// that an event names, so what he believes to be in a folder comes first, wherever that is now.
    fn tell_gone(&mut self, edit: &mut Edit<'_, '_>, object: Object) -> Answer<()> {
        let Some(at) = self.believed(object).cloned() else {
            return Ok(());
        };
        self.set(object, None);
        if let Some(folder) = object.as_folder() {
            for child in self.believed_in(folder) {
                self.tell(edit, child)?;
            }
        }
        if is_seen_elsewhere(edit.tx, &self.share, object)? {
            return Ok(());
        }
        let gone = gone_event(edit, &self.share, object, at);
        edit.record_for(&self.viewer, &gone).map(drop)
    }

    fn tell_folder(&mut self, edit: &mut Edit<'_, '_>, id: i64) -> Answer<()> {
        let object = Object::folder(id);
        let Some(folder) = inside(edit, &self.share, id)? else {
            return self.tell_gone(edit, object);
        };
        self.tell_way_to(edit, folder.parent)?;
        let change = if self.knows(object) {
            Change::Other
        } else {
            Change::New
        };
        edit.tell_entry(&self.viewer, change, &folder, &[])?;
        self.set(object, Some(At::from(&folder)));
        Ok(())
    }

    /// Tells of a folder and of those above it, as far as they are in the share and not known.
    fn tell_way_to(&mut self, edit: &mut Edit<'_, '_>, folder: i64) -> Answer<()> {
        let mut way = Vec::new();
        let mut at = folder;
        while !self.knows(Object::folder(at))
            && let Some(folder) = inside(edit, &self.share, at)?
        {
            at = folder.parent;
            way.push(folder);
        }
        for folder in way.into_iter().rev() {
            edit.tell_entry(&self.viewer, Change::New, &folder, &[])?;
            let object = Object::folder(folder.id);
            self.set(object, Some(At::from(&folder)));
        }
        Ok(())
    }

    fn tell_file(&mut self, edit: &mut Edit<'_, '_>, id: i64) -> Answer<()> {
        let object = Object::file(id);
        let file = edit.tx.file(id)?.filter(|file| file.deleted == 0);
        let place = match &file {
            Some(file) => inside(edit, &self.share, file.folder)?,
            None => None,
        };
        let (Some(file), Some(folder)) = (file, place) else {
            return self.tell_gone(edit, object);
        };
        self.tell_way_to(edit, folder.id)?;
        let kind = if self.knows(object) {
            EventKind::ModifyFile
        } else {
            EventKind::CreateFile
        };
        let event = edit.file_event(kind, &file, None);
        edit.record_for(&self.viewer, &event)?;
        self.set(object, Some(At::from(&file)));
        Ok(())
    }
}
