//! Feeds: does a client that has followed one from its beginning see the tree as it is?

use super::{Accounts, Findings, ProblemKind, Seen};
use crate::events::Event;
use crate::files::File;
use crate::folders::Folder;
use crate::record::ContentHash;
use crate::{Stored, Tx};
use std::collections::HashMap;
use std::hash::{DefaultHasher, Hash, Hasher};

/// Events that are read at a time.
const PAGE: i64 = 5000;

/// Events that may leave an entry in the replica, and so bound its size. A longer feed is replayed several times, each
/// time for a part of the entries.
const EVENTS_AT_ONCE: i64 = 1_000_000;

/// Kinds of events, as the API numbers them.
const DELETE_FOLDER: i64 = 3;
const DELETE_FILE: i64 = 6;

/// What is told of a folder or a file. The time a folder was modified is left out: a change in a folder changes it without
/// an event of its own.
#[derive(Hash)]
struct Told<'a> {
    parent: Option<i64>,
    name: Option<&'a str>,
    created: Option<i64>,
    modified: Option<i64>,
    revisionid: Option<i64>,
    blob: Option<i64>,
    size: Option<i64>,
    hash: Option<ContentHash>,
}

impl Told<'_> {
    /// One number for all of it.
    fn fingerprint(&self) -> u64 {
        let mut hasher = DefaultHasher::new();
        self.hash(&mut hasher);
        hasher.finish()
    }
}

/// A folder or a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
enum Entry {
    Folder(i64),
    File(i64),
}

/// What a client remembers of each entry: a fingerprint of everything that was told about it.
type Replica = HashMap<Entry, u64>;

/// Those of all entries that are looked at in one go.
#[derive(Clone, Copy)]
struct Part {
    number: i64,
    of: i64,
}

impl Part {
    fn has(self, entry: Entry) -> bool {
        let (Entry::Folder(id) | Entry::File(id)) = entry;
        id.rem_euclid(self.of) == self.number
    }
}

/// Replays the feed of every account.
pub(super) fn check(tx: &mut Tx<'_>, accounts: &Accounts, found: &mut Findings) -> Stored<()> {
    for (&id, account) in accounts {
        let of = 1 + account.diffid.max(0) / EVENTS_AT_ONCE;
        for number in 0..of {
            let part = Part { number, of };
            let mut replica = replay(tx, id, account, part, found)?;
            compare(tx, account.root, part, &mut replica, id, found)?;
            for entry in replica.keys() {
                let text = format!(
                    "account {id}: the feed has {}, the tree has not",
                    name(*entry)
                );
                found.add(ProblemKind::Feed, text);
            }
        }
    }
    Ok(())
}

/// What a client knows that has followed the feed to its end.
fn replay(
    tx: &mut Tx<'_>,
    id: i64,
    account: &Seen,
    part: Part,
    found: &mut Findings,
) -> Stored<Replica> {
    let mut replica = Replica::new();
    let mut last = 0;
    loop {
        let page = tx.events_after(id, last, PAGE)?;
        if page.is_empty() {
            break;
        }
        if part.number == 0 {
            found.counts.events += page.len() as u64;
        }
        for event in page {
            if event.diffid == last {
                let text = format!("account {id}: two events have the place {last}");
                found.add(ProblemKind::Feed, text);
            }
            last = event.diffid;
            learn(&mut replica, part, &event);
        }
    }
    if part.number == 0 && last != account.diffid {
        let diffid = account.diffid;
        let text = format!("account {id}: counts {diffid} as its newest event, which is {last}");
        found.add(ProblemKind::Feed, text);
    }
    // What has no place in the feed yet gets one as soon as anybody looks.
    for news in tx.news_of_followed(id)? {
        let mut after = news.start - 1;
        loop {
            let page = tx.events_in_shared_folder(news.owner, news.folder, after, PAGE)?;
            let Some(last) = page.last() else { break };
            after = last.diffid;
            for event in page {
                learn(&mut replica, part, &event);
            }
        }
    }
    Ok(replica)
}

/// Does to a replica what an event says.
fn learn(replica: &mut Replica, part: Part, event: &Event) {
    if let Some(replaced) = event.replaced_file {
        replica.remove(&Entry::File(replaced));
    }
    let (entry, modified) = match (event.folder, event.file) {
        (Some(folder), None) => (Entry::Folder(folder), None),
        (None, Some(file)) => (Entry::File(file), event.modified),
        _ => return,
    };
    if !part.has(entry) {
        return;
    }
    if [DELETE_FOLDER, DELETE_FILE].contains(&event.kind) {
        replica.remove(&entry);
        return;
    }
    let told = Told {
        parent: event.parent,
        name: event.name.as_deref(),
        created: event.created,
        modified,
        revisionid: event.revisionid,
        blob: event.blob,
        size: event.size,
        hash: event.hash,
    };
    replica.insert(entry, told.fingerprint());
}

/// Takes everything out of a replica that is in the tree, and tells what is not as it is there.
fn compare(
    tx: &mut Tx<'_>,
    root: i64,
    part: Part,
    replica: &mut Replica,
    account: i64,
    found: &mut Findings,
) -> Stored<()> {
    let mut check = |entry: Entry, fingerprint: u64| {
        if !part.has(entry) {
            return;
        }
        let text = match replica.remove(&entry) {
            Some(told) if told == fingerprint => return,
            Some(_) => format!("account {account}: the feed has another {}", name(entry)),
            None => format!(
                "account {account}: the tree has {}, the feed has not",
                name(entry)
            ),
        };
        found.add(ProblemKind::Feed, text);
    };
    let mut next = vec![root];
    while let Some(folder) = next.pop() {
        for file in tx.file_children(folder)? {
            check(Entry::File(file.id), fingerprint_of_file(&file));
        }
        for row in tx.folder_children(folder)? {
            let Some(folder) = seen(tx, account, row)? else {
                continue;
            };
            next.push(folder.id);
            check(Entry::Folder(folder.id), fingerprint_of_folder(&folder));
        }
    }
    Ok(())
}

/// A folder row as an account sees it: a row of its own that stands for a shared folder is that folder in another place.
/// Rows of others that stand for something are not seen at all.
fn seen(tx: &mut Tx<'_>, account: i64, row: Folder) -> Stored<Option<Folder>> {
    if row.mount == 0 {
        return Ok(Some(row));
    }
    if row.owner != account {
        return Ok(None);
    }
    // Until everything in a share has been told, the feed knows nothing of it.
    let is_told = tx
        .share_of(row.mount, account)?
        .is_some_and(|share| share.joined);
    let shared = tx.folder(row.mount)?.filter(|_| is_told);
    Ok(shared.map(|shared| Folder {
        parent: row.parent,
        name: row.name,
        ..shared
    }))
}

fn fingerprint_of_folder(folder: &Folder) -> u64 {
    let told = Told {
        parent: Some(folder.parent),
        name: Some(&folder.name),
        created: Some(folder.created),
        modified: None,
        revisionid: None,
        blob: None,
        size: None,
        hash: None,
    };
    told.fingerprint()
}

fn fingerprint_of_file(file: &File) -> u64 {
    let told = Told {
        parent: Some(file.folder),
        name: Some(&file.name),
        created: Some(file.created),
        modified: Some(file.modified),
        revisionid: Some(file.revisionid),
        blob: Some(file.blob),
        size: Some(file.size),
        hash: Some(file.hash),
    };
    told.fingerprint()
}

fn name(entry: Entry) -> String {
    match entry {
        Entry::Folder(id) => format!("folder {id}"),
        Entry::File(id) => format!("file {id}"),
    }
}
