//! Tells the recipient of a large share what is in it.
//!
//! The share works as soon as it is accepted; only its recipient's feed has to catch up. That is done in many short
//! transactions, so that nobody else waits for it. Meanwhile people work in the folder, and what they do is not told to
//! the recipient. So whatever has been told is remembered, and at the end everything that the owner's feed has had since
//! is told once more as it is by then, in the same transaction in which the recipient begins to be told of changes.

use super::runner::{Taken, Work};
use crate::app::App;
use crate::call::{Answer, Fail};
use crate::cx::{Edit, edit_owed};
use crate::rules::audience::Viewer;
use crate::rules::census::Change;
use pileus_api::event::EventKind;
use pileus_store::events::Event;
use pileus_store::folders::Folder;
use pileus_store::jobs::JOIN;
use pileus_store::names::Object;
use pileus_store::shares::Share;
use serde::{Deserialize, Serialize};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Files that are told in one transaction.
const PIECE: i64 = 400;

/// Events of the owner that are caught up with in one transaction.
const CATCH_UP: i64 = 400;

/// A share whose recipient is to be told what is in it.
pub struct Joins;

/// The particulars of such a job.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Join {
    /// The share.
    pub share: i64,
    /// The offer that it came from.
    pub request: i64,
}

impl Work for Joins {
    const KIND: i64 = JOIN;
    const NAME: &'static str = "joins";
    const AT_ONCE: usize = 2;
    const ATTEMPTS: i64 = 1000;
    const KEPT_SECONDS: i64 = 0;

    async fn work(app: Arc<App>, taken: Taken) -> Answer<()> {
        let join: Join = serde_json::from_str(&taken.job.payload).map_err(Fail::internal)?;
        let begun = app.db.view(move |tx| -> Answer<_> {
            let Some(share) = tx.share(join.share)?.filter(|share| !share.joined) else {
                return Ok(None);
            };
            let owner = tx.account(share.owner)?;
            Ok(owner.map(|owner| (share, owner.diffid)))
        });
        let Some((share, from)) = begun.await? else {
            return Ok(());
        };
        let telling = Telling {
            app,
            join,
            recipient: share.recipient,
            told: Arc::default(),
        };
        telling.run(share.folder, from).await
    }
}

/// What is still to be told: files of a folder, after a name, and folders.
enum Left {
    Folder(i64),
    Files(i64, String),
}

/// What came of a transaction.
enum Told {
    /// The share is gone, or somebody else has told everything.
    Over,
    /// More is known now, and this is to be told as well.
    More(Vec<Object>, Vec<Left>),
}

struct Telling {
    app: Arc<App>,
    join: Join,
    recipient: i64,
    /// What the recipient has been told of.
    told: Arc<HashSet<Object>>,
}

impl Telling {
    async fn run(mut self, top: i64, mut from: i64) -> Answer<()> {
        let mut left = vec![Left::Folder(top)];
        while let Some(next) = left.pop() {
            let join = self.join;
            let told = self.told.clone();
            let piece = edit_owed(&self.app, self.recipient, move |edit| match &next {
                Left::Folder(folder) => tell_folder(edit, join, *folder, &told),
                Left::Files(folder, after) => tell_files(edit, join, *folder, after, &told),
            });
            match piece.await? {
                Told::Over => return Ok(()),
                Told::More(told, more) => {
                    self.know(told);
                    left.extend(more);
                }
            }
        }
        loop {
            let (join, told) = (self.join, self.told.clone());
            let caught = edit_owed(&self.app, self.recipient, move |edit| {
                catch_up(edit, join, from, &told)
            });
            match caught.await? {
                Caught::All => return Ok(()),
                Caught::UpTo(diffid, changes) => {
                    from = diffid;
                    self.change(&changes);
                }
            }
        }
    }

    fn know(&mut self, objects: Vec<Object>) {
        Arc::make_mut(&mut self.told).extend(objects);
    }

    fn change(&mut self, changes: &HashMap<Object, bool>) {
        let told = Arc::make_mut(&mut self.told);
        for (object, is_there) in changes {
            if *is_there {
                told.insert(*object);
            } else {
                told.remove(object);
            }
        }
    }
}

/// The share of a job, as long as its recipient is to be told something.
fn open_share(edit: &mut Edit<'_, '_>, join: Join) -> Answer<Option<Share>> {
    Ok(edit.tx.share(join.share)?.filter(|share| !share.joined))
}

/// A folder, if it is in the share.
fn inside(edit: &mut Edit<'_, '_>, share: &Share, folder: i64) -> Answer<Option<Folder>> {
    let folder = edit.tx.folder(folder)?;
    let Some(folder) = folder.filter(|folder| folder.deleted == 0 && folder.mount == 0) else {
        return Ok(None);
    };
    let by = edit.tx.share_above(folder.shared, share.recipient)?;
    Ok(by.filter(|by| by.id == share.id).map(|_| folder))
}

fn tell_folder(
    edit: &mut Edit<'_, '_>,
    join: Join,
    folder: i64,
    told: &HashSet<Object>,
) -> Answer<Told> {
    let Some(share) = open_share(edit, join)? else {
        return Ok(Told::Over);
    };
    let Some(folder) = inside(edit, &share, folder)? else {
        return Ok(Told::More(Vec::new(), Vec::new()));
    };
    let object = Object::folder(folder.id);
    let mut new = Vec::new();
    if !told.contains(&object) {
        edit.tell_entry(&Viewer::from(&share), Change::New, &folder, &[])?;
        new.push(object);
    }
    let mut left = vec![Left::Files(folder.id, String::new())];
    for child in edit.tx.folder_children(folder.id)? {
        if child.mount == 0 {
            left.push(Left::Folder(child.id));
        }
    }
    Ok(Told::More(new, left))
}

fn tell_files(
    edit: &mut Edit<'_, '_>,
    join: Join,
    folder: i64,
    after: &str,
    told: &HashSet<Object>,
) -> Answer<Told> {
    let Some(share) = open_share(edit, join)? else {
        return Ok(Told::Over);
    };
    if inside(edit, &share, folder)?.is_none() {
        return Ok(Told::More(Vec::new(), Vec::new()));
    }
    let viewer = Viewer::from(&share);
    let files = edit.tx.file_children_after(folder, after, PIECE)?;
    let mut left = Vec::new();
    if let Some(last) = files.last().filter(|_| files.len() as i64 == PIECE) {
        left.push(Left::Files(folder, last.name.clone()));
    }
    let mut new = Vec::new();
    for file in files {
        let object = Object::file(file.id);
        if !told.contains(&object) {
            let event = edit.file_event(EventKind::CreateFile, &file, None);
            edit.record_for(&viewer, &event)?;
            new.push(object);
        }
    }
    Ok(Told::More(new, left))
}

/// How far a recipient has caught up with the owner.
enum Caught {
    /// He is told of every change from now on.
    All,
    /// Up to this event; and what is there now, and what is not there any more.
    UpTo(i64, HashMap<Object, bool>),
}

/// Tells what has become of everything that the owner was told of meanwhile.
fn catch_up(
    edit: &mut Edit<'_, '_>,
    join: Join,
    from: i64,
    told: &HashSet<Object>,
) -> Answer<Caught> {
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
    };
    for object in in_order_of_last(&events) {
        catching.tell(edit, object)?;
    }
    match events.last().filter(|_| events.len() as i64 == CATCH_UP) {
        Some(last) => Ok(Caught::UpTo(last.diffid, catching.changes)),
        None => {
            edit.tx.set_share_joined(join.share)?;
            edit.forget_places();
            edit.announce(&catching.share, join.request)?;
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
        .flat_map(|event| {
            let file = event.file.map(Object::file);
            let folder = event.folder.map(Object::folder);
            let replaced = event.replaced_file.map(Object::file);
            [file.or(folder), replaced]
        })
        .flatten()
        .filter(|object| seen.insert(*object))
        .collect();
    objects.reverse();
    objects
}

struct CatchingUp<'a> {
    share: Share,
    viewer: Viewer,
    told: &'a HashSet<Object>,
    changes: HashMap<Object, bool>,
}

impl CatchingUp<'_> {
    fn knows(&self, object: Object) -> bool {
        let changed = self.changes.get(&object).copied();
        changed.unwrap_or_else(|| self.told.contains(&object))
    }

    fn tell(&mut self, edit: &mut Edit<'_, '_>, object: Object) -> Answer<()> {
        match (object.as_folder(), object.as_file()) {
            (Some(folder), _) => self.tell_folder(edit, folder),
            (None, Some(file)) => self.tell_file(edit, file),
            (None, None) => Ok(()),
        }
    }

    fn tell_folder(&mut self, edit: &mut Edit<'_, '_>, id: i64) -> Answer<()> {
        let object = Object::folder(id);
        let found = inside(edit, &self.share, id)?;
        match (found, self.knows(object)) {
            (None, false) => return Ok(()),
            (None, true) => {
                if let Some(gone) = edit.tx.folder(id)? {
                    edit.tell_entry(&self.viewer, Change::Gone, &gone, &[])?;
                }
                self.changes.insert(object, false);
            }
            (Some(folder), true) => {
                edit.tell_entry(&self.viewer, Change::Other, &folder, &[])?;
            }
            (Some(folder), false) => self.tell_new_folder(edit, &folder)?,
        }
        Ok(())
    }

    /// Tells of a folder, after those above it.
    fn tell_new_folder(&mut self, edit: &mut Edit<'_, '_>, folder: &Folder) -> Answer<()> {
        let mut chain = vec![folder.clone()];
        while let Some(lowest) = chain.last()
            && lowest.id != self.share.folder
            && !self.knows(Object::folder(lowest.parent))
            && let Some(above) = inside(edit, &self.share, lowest.parent)?
        {
            chain.push(above);
        }
        for folder in chain.into_iter().rev() {
            edit.tell_entry(&self.viewer, Change::New, &folder, &[])?;
            self.changes.insert(Object::folder(folder.id), true);
        }
        Ok(())
    }

    fn tell_file(&mut self, edit: &mut Edit<'_, '_>, id: i64) -> Answer<()> {
        let object = Object::file(id);
        let file = edit.tx.file(id)?;
        let place = match file.as_ref().filter(|file| file.deleted == 0) {
            Some(file) => inside(edit, &self.share, file.folder)?,
            None => None,
        };
        let kind = match (&place, self.knows(object)) {
            (None, false) => return Ok(()),
            (None, true) => EventKind::DeleteFile,
            (Some(_), true) => EventKind::ModifyFile,
            (Some(_), false) => EventKind::CreateFile,
        };
        if let Some(folder) = &place
            && !self.knows(Object::folder(folder.id))
        {
            self.tell_new_folder(edit, folder)?;
        }
        if let Some(file) = file {
            let event = edit.file_event(kind, &file, None);
            edit.record_for(&self.viewer, &event)?;
        }
        self.changes.insert(object, place.is_some());
        Ok(())
    }
}
