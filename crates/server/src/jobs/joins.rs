//! Tells the recipient of a large share what is in it.
//!
//! The share works as soon as it is accepted; only its recipient's feed has to catch up. That is done in many short
//! transactions, so that nobody else waits for it. Meanwhile people work in the folder, and what they do is not told to
//! the recipient. So whatever has been told is remembered, and at the end everything that the owner's feed has had since
//! is told once more as it is by then, in the same transaction in which the recipient begins to be told of changes.
//!
//! What has been told stands in the recipient's feed. After a crash it is read from there, and if the share ends before
//! all of it was told, what was is taken back.

mod believed;
mod catch_up;

use super::runner::{Taken, Work};
use crate::app::App;
use crate::call::{Answer, Fail};
use crate::cx::{Edit, edit_owed};
use crate::rules::audience::Viewer;
use crate::rules::census::Change;
use believed::{At, Believed, inside, told_early};
use catch_up::{Caught, catch_up};
use pileus_api::event::EventKind;
use pileus_store::jobs::JOIN;
use pileus_store::names::Object;
use pileus_store::shares::Share;
use serde::{Deserialize, Serialize};
use std::collections::HashMap;
use std::sync::Arc;

/// Files that are told in one transaction.
const PIECE: i64 = 400;

/// A share whose recipient is to be told what is in it.
pub struct Joins;

/// The particulars of such a job.
#[derive(Clone, Copy, Debug, Serialize, Deserialize)]
pub struct Join {
    /// The share.
    pub share: i64,
    /// Newest event of the owner before the share began.
    pub from: i64,
    /// Rights that the share began with.
    pub permissions: i64,
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
            let told = told_early(tx, &share)?;
            Ok(Some((share, told)))
        });
        let Some((share, told)) = begun.await? else {
            return Ok(());
        };
        let telling = Telling {
            app,
            join,
            recipient: share.recipient,
            told: Arc::new(told.into_iter().collect()),
        };
        telling.run(share.folder, join.from).await
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
    More(Vec<(Object, At)>, Vec<Left>),
}

struct Telling {
    app: Arc<App>,
    join: Join,
    recipient: i64,
    /// What the recipient has been told of.
    told: Arc<Believed>,
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
                    self.change(changes);
                }
            }
        }
    }

    fn know(&mut self, objects: Vec<(Object, At)>) {
        Arc::make_mut(&mut self.told).extend(objects);
    }

    fn change(&mut self, changes: HashMap<Object, Option<At>>) {
        let told = Arc::make_mut(&mut self.told);
        for (object, at) in changes {
            match at {
                Some(at) => told.insert(object, at),
                None => told.remove(&object),
            };
        }
    }
}

/// The share of a job, as long as its recipient is to be told something.
fn open_share(edit: &mut Edit<'_, '_>, join: Join) -> Answer<Option<Share>> {
    Ok(edit.tx.share(join.share)?.filter(|share| !share.joined))
}

fn tell_folder(edit: &mut Edit<'_, '_>, join: Join, folder: i64, told: &Believed) -> Answer<Told> {
    let Some(share) = open_share(edit, join)? else {
        return Ok(Told::Over);
    };
    let Some(folder) = inside(edit, &share, folder)? else {
        return Ok(Told::More(Vec::new(), Vec::new()));
    };
    let object = Object::folder(folder.id);
    let mut new = Vec::new();
    if !told.contains_key(&object) {
        edit.tell_entry(&Viewer::from(&share), Change::New, &folder, &[])?;
        new.push((object, At::from(&folder)));
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
    told: &Believed,
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
        if !told.contains_key(&object) {
            let event = edit.file_event(EventKind::CreateFile, &file, None);
            edit.record_for(&viewer, &event)?;
            new.push((object, At::from(&file)));
        }
    }
    Ok(Told::More(new, left))
}
