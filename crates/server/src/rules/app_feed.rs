//! The feed of an app that was let into one folder only: what moves into the folder appears there, and what moves out
//! is gone. A folder comes and goes with all that is in it.
//!
//! A client may read its feed long after things happened, so each event is judged by where things were at that moment.
//! The feed itself knows: it is complete, and has the folder of whatever it tells of.

use crate::call::Answer;
use crate::cx::View;
use pileus_api::event::EventKind;
use pileus_store::events::Event;
use pileus_store::names::Object;
use std::collections::{HashMap, HashSet};

/// Rows of the feed that are looked through at once.
const ROWS_AT_ONCE: i64 = 1000;

/// A stretch of the feed as the caller sees it.
pub struct Seen {
    /// What is told.
    pub events: Vec<Event>,
    /// The position after which the rest was not looked at.
    pub ends_early: Option<i64>,
}

impl View<'_, '_> {
    /// What the caller sees of rows of the feed that follow each other. It ends with the first folder that has come or
    /// gone: all of that is told under one position, so no answer can be cut within, and one answer has one at most.
    pub fn seen_feed(&mut self, rows: Vec<Event>) -> Answer<Seen> {
        let Some(top) = self.user.app_folder else {
            return Ok(Seen {
                events: rows,
                ends_early: None,
            });
        };
        let mut inside = Inside::new(top);
        let mut events = Vec::new();
        for row in rows {
            let (kind, diffid) = (row.kind, row.diffid);
            let placed = row.folder.map(|folder| (folder, row.parent));
            let event = self.seen_event(row, &mut inside, diffid)?;
            inside.parents.extend(placed);
            match event {
                Some(event) if event.kind != kind && event.folder.is_some() => {
                    self.tell_whole(event, &mut events)?;
                    return Ok(Seen {
                        events,
                        ends_early: Some(diffid),
                    });
                }
                event => events.extend(event),
            }
        }
        Ok(Seen {
            events,
            ends_early: None,
        })
    }

    /// What the caller sees of the events of one file, as things lie now.
    pub fn seen_history(&mut self, rows: Vec<Event>) -> Answer<Vec<Event>> {
        let Some(top) = self.user.app_folder else {
            return Ok(rows);
        };
        let mut inside = Inside::new(top);
        let mut seen = Vec::new();
        for row in rows {
            seen.extend(self.seen_event(row, &mut inside, i64::MAX)?);
        }
        Ok(seen)
    }

    fn seen_event(
        &mut self,
        row: Event,
        inside: &mut Inside,
        before: i64,
    ) -> Answer<Option<Event>> {
        let Some(parent) = row.parent else {
            return Ok(Some(row).filter(|row| is_kind(row, [EventKind::ModifyUserInfo])));
        };
        if row.folder == Some(inside.top) {
            return Ok(None);
        }
        let is_inside = inside.has(self, parent, before)?;
        if !is_kind(&row, [EventKind::ModifyFile, EventKind::ModifyFolder]) {
            return Ok(Some(row).filter(|_| is_inside));
        }
        let Some(told) = self.tx.event_before(&row)? else {
            return Ok(Some(row).filter(|_| is_inside));
        };
        let was_inside = match told.parent {
            Some(parent) => inside.has(self, parent, before)?,
            None => false,
        };
        Ok(match (was_inside, is_inside) {
            (true, true) => Some(row),
            (false, true) => Some(appearing(row)),
            // As it was: where it is now, and how it is called there, is not the app's business.
            (true, false) => Some(Event {
                diffid: row.diffid,
                time: row.time,
                ..vanishing(told)
            }),
            (false, false) => None,
        })
    }

    /// Tells of a folder that has come or gone, and of what was in it: what is made before its contents, and deleted
    /// after them.
    fn tell_whole(&mut self, folder: Event, events: &mut Vec<Event>) -> Answer<()> {
        let (diffid, time) = (folder.diffid, folder.time);
        let contents = self.contents_at(&folder)?.into_iter().map(|event| Event {
            diffid,
            time,
            replaced_file: None,
            ..event
        });
        if is_kind(&folder, [EventKind::CreateFolder]) {
            events.push(folder);
            events.extend(contents.map(appearing));
        } else {
            events.extend(contents.rev().map(vanishing));
            events.push(folder);
        }
        Ok(())
    }

    /// What was in the folder of an event at its position, parents first, as it was last told: what is in it now and
    /// has not changed since, and what has changed, as it was before.
    fn contents_at(&mut self, of: &Event) -> Answer<Vec<Event>> {
        let mut changed = self.changed_after(of)?;
        let mut contents = Vec::new();
        let mut open: Vec<i64> = of.folder.into_iter().collect();
        while let Some(folder) = open.pop() {
            let mut found = self.tx.events_of_contents(of.account, folder, of.diffid)?;
            found.retain(|event| {
                event
                    .object()
                    .is_some_and(|it| !changed.objects.contains(&it))
            });
            found.extend(changed.by_folder.remove(&folder).unwrap_or_default());
            open.extend(found.iter().filter_map(|event| event.folder));
            contents.extend(found);
        }
        Ok(contents)
    }

    /// What the feed tells of after an event.
    fn changed_after(&mut self, of: &Event) -> Answer<Changed> {
        let mut changed = Changed::default();
        let mut at = of.diffid;
        loop {
            let rows = self.tx.events_after(of.account, at, ROWS_AT_ONCE)?;
            let Some(last) = rows.last() else {
                return Ok(changed);
            };
            at = last.diffid;
            for row in rows {
                // A file that is replaced has no other event that tells its end.
                let replaced = row.replaced_file.map(|file| Event {
                    kind: EventKind::ModifyFile as i64,
                    file: Some(file),
                    folder: None,
                    ..row.clone()
                });
                for row in [Some(row), replaced].into_iter().flatten() {
                    self.note_change(row, &mut changed)?;
                }
            }
        }
    }

    /// Notes what an event tells of as it was before, if no earlier one told of it.
    fn note_change(&mut self, row: Event, changed: &mut Changed) -> Answer<()> {
        if !row
            .object()
            .is_some_and(|object| changed.objects.insert(object))
        {
            return Ok(());
        }
        let before = if is_kind(&row, [EventKind::CreateFile, EventKind::CreateFolder]) {
            None
        } else if is_kind(&row, [EventKind::DeleteFile, EventKind::DeleteFolder]) {
            Some(row)
        } else {
            self.tx.event_before(&row)?
        };
        if let Some((folder, before)) = before.and_then(|event| Some((event.parent?, event))) {
            changed.by_folder.entry(folder).or_default().push(before);
        }
        Ok(())
    }
}

fn is_kind<const N: usize>(event: &Event, kinds: [EventKind; N]) -> bool {
    kinds.iter().any(|&kind| kind as i64 == event.kind)
}

/// The event of an object that has not been there before.
fn appearing(event: Event) -> Event {
    let kind = match event.file {
        Some(_) => EventKind::CreateFile,
        None => EventKind::CreateFolder,
    };
    Event {
        kind: kind as i64,
        ..event
    }
}

/// The event of an object that is not there any more.
fn vanishing(event: Event) -> Event {
    let kind = match event.file {
        Some(_) => EventKind::DeleteFile,
        None => EventKind::DeleteFolder,
    };
    Event {
        kind: kind as i64,
        replaced_file: None,
        ..event
    }
}

/// What has changed after a position.
#[derive(Default)]
struct Changed {
    objects: HashSet<Object>,
    /// Those of them that were there at that position, as they were then, by the folder that they were in.
    by_folder: HashMap<i64, Vec<Event>>,
}

/// Which folders lie in the folder of an app.
struct Inside {
    top: i64,
    /// The folders that folders are in, as far as it has been looked up.
    parents: HashMap<i64, Option<i64>>,
}

impl Inside {
    fn new(top: i64) -> Self {
        Self {
            top,
            parents: HashMap::new(),
        }
    }

    /// Whether a folder is the folder of the app or below it, at a position of the feed.
    fn has(&mut self, view: &mut View<'_, '_>, folder: i64, before: i64) -> Answer<bool> {
        let mut at = folder;
        while at != self.top {
            let parent = match self.parents.get(&at) {
                Some(&parent) => parent,
                None => {
                    let account = view.user.account.id;
                    let parent = view.tx.parent_before(account, at, before)?;
                    self.parents.insert(at, parent);
                    parent
                }
            };
            match parent {
                Some(parent) => at = parent,
                None => return Ok(false),
            }
        }
        Ok(true)
    }
}
