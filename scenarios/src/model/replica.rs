//! A copy of an account's tree that knows nothing but the change feed.

use super::answer::{is_folder, list, number, text};
use super::deals::Deals;
use super::seen::Seen;
use crate::Result;
use crate::connection::{Call, Connection};
use pileus_wire::Tree;
use std::collections::{BTreeMap, BTreeSet};
use std::fmt;

/// What a client keeps of a folder: parent and name.
pub type FolderRow = (u64, String);

/// What a client keeps of a file.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileRow {
    /// Folder it is in.
    pub folder: u64,
    /// Name.
    pub name: String,
    /// Bytes.
    pub size: u64,
    /// Hash of the content.
    pub hash: u64,
    /// Unix seconds.
    pub created: u64,
    /// Unix seconds.
    pub modified: u64,
}

impl FileRow {
    /// Reads it from metadata.
    pub fn read(metadata: &Tree) -> Result<Self> {
        Ok(Self {
            folder: number(metadata, "parentfolderid")?,
            name: text(metadata, "name")?.to_owned(),
            size: number(metadata, "size")?,
            hash: number(metadata, "hash")?,
            created: number(metadata, "created")?,
            modified: number(metadata, "modified")?,
        })
    }
}

/// Everything that lives in an account.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rows {
    /// Folders by id, without the root.
    pub folders: BTreeMap<u64, FolderRow>,
    /// Files by id.
    pub files: BTreeMap<u64, FileRow>,
    /// What is shared or somebody else's, by kind (true for folders) and id.
    pub seen: BTreeMap<(bool, u64), Seen>,
}

impl Rows {
    /// Adds an entry, or puts it in the place of what was known of it.
    pub fn put(&mut self, metadata: &Tree) -> Result<()> {
        let is_folder = is_folder(metadata)?;
        let id = number(metadata, if is_folder { "folderid" } else { "fileid" })?;
        if is_folder {
            let row = (
                number(metadata, "parentfolderid")?,
                text(metadata, "name")?.to_owned(),
            );
            self.folders.insert(id, row);
        } else {
            self.files.insert(id, FileRow::read(metadata)?);
        }
        self.note_seen((is_folder, id), Seen::read(metadata)?);
        Ok(())
    }

    /// Notes what is known of an entry that is shared or somebody else's; of others there is nothing to note.
    pub fn note_seen(&mut self, entry: (bool, u64), seen: Seen) {
        if seen == Seen::default() {
            self.seen.remove(&entry);
        } else {
            self.seen.insert(entry, seen);
        }
    }

    /// What a feed has to have told of these rows. Rights are told of with folders, and files have those of their folder.
    /// That a folder of one's own is shared is told with it, and not with what is in it.
    #[must_use]
    pub fn as_told(&self) -> Self {
        let mut told = self.clone();
        for (entry, mut seen) in std::mem::take(&mut told.seen) {
            match &mut seen.foreign {
                None => seen.isshared = false,
                Some(rights) if !entry.0 => (rights.modify, rights.delete) = (false, false),
                Some(_) => {}
            }
            told.note_seen(entry, seen);
        }
        told
    }

    fn remove_folder(&mut self, id: u64) {
        self.folders.remove(&id);
        self.seen.remove(&(true, id));
    }

    fn remove_file(&mut self, id: u64) {
        self.files.remove(&id);
        self.seen.remove(&(false, id));
    }
}

/// Fails unless both are equal, and tells what differs.
pub fn same_rows(what: &str, expected: &Rows, found: &Rows) -> Result<()> {
    if expected == found {
        return Ok(());
    }
    let mut told = format!("{what} differs from the model:");
    differences("folder", &expected.folders, &found.folders, &mut told);
    differences("file", &expected.files, &found.files, &mut told);
    differences("sight of", &expected.seen, &found.seen, &mut told);
    Err(told.into())
}

fn differences<K: Ord + fmt::Debug, T: PartialEq + fmt::Debug>(
    kind: &str,
    expected: &BTreeMap<K, T>,
    found: &BTreeMap<K, T>,
    out: &mut String,
) {
    let ids = expected
        .keys()
        .chain(found.keys().filter(|id| !expected.contains_key(id)));
    for id in ids.filter(|id| expected.get(id) != found.get(id)) {
        out.push_str(&format!(
            "\n{kind} {id:?}: model {:?}, server {:?}",
            expected.get(id),
            found.get(id)
        ));
    }
}

/// The copy.
#[derive(Debug, Default)]
pub struct Replica {
    /// What it holds.
    pub rows: Rows,
    /// Shares and offers.
    pub deals: Deals,
    /// Folders of shares that have begun without any contents being told, and have not ended yet: a page leaves out what
    /// comes and goes on it.
    passing: BTreeSet<u64>,
    diffid: u64,
}

impl Replica {
    /// Reads one page of at most `limit` events; false if there was nothing new.
    pub fn follow(&mut self, connection: &mut Connection, token: &str, limit: u64) -> Result<bool> {
        let call = Call::new("diff")
            .with("auth", token)
            .with("diffid", self.diffid)
            .with("limit", limit);
        let answer = connection.call(&call.with("timeformat", "timestamp"))?.tree;
        let entries = list(&answer, "entries")?;
        if entries.len() as u64 > limit {
            return Err(format!("{} events in a page of {limit}", entries.len()).into());
        }
        for event in entries {
            let diffid = number(event, "diffid")?;
            if diffid <= self.diffid {
                return Err(format!("event {diffid} after {}", self.diffid).into());
            }
            self.diffid = diffid;
            self.apply(event)?;
        }
        let next = number(&answer, "diffid")?;
        if next < self.diffid {
            return Err(format!("the position goes back from {} to {next}", self.diffid).into());
        }
        self.diffid = next;
        Ok(!entries.is_empty())
    }

    /// Reads pages until there is nothing new.
    pub fn catch_up(&mut self, connection: &mut Connection, token: &str, limit: u64) -> Result<()> {
        while self.follow(connection, token, limit)? {}
        match self.passing.first() {
            None => Ok(()),
            Some(folder) => {
                Err(format!("the share of folder {folder} has begun before its contents").into())
            }
        }
    }

    fn apply(&mut self, event: &Tree) -> Result<()> {
        let kind = text(event, "event")?;
        if kind == "modifyuserinfo" {
            return Ok(());
        }
        if self.deals.apply(kind, event)? {
            return self.check_begun_or_ended(kind, event);
        }
        let metadata = event.get("metadata").ok_or("an event without metadata")?;
        if let Some(replaced) = metadata.get("deletedfileid").and_then(Tree::as_u64) {
            self.rows.remove_file(replaced);
        }
        match kind {
            "createfolder" | "modifyfolder" | "createfile" | "modifyfile" => {
                let parent = number(metadata, "parentfolderid")?;
                if parent != 0 && !self.rows.folders.contains_key(&parent) {
                    return Err(
                        format!("{kind} below folder {parent}, of which nothing was told").into(),
                    );
                }
                self.rows.put(metadata)
            }
            "deletefolder" => {
                let id = number(metadata, "folderid")?;
                let has_more = self.rows.folders.values().any(|(parent, _)| *parent == id)
                    || self.rows.files.values().any(|file| file.folder == id);
                if has_more {
                    return Err(format!("folder {id} is deleted before what is in it").into());
                }
                self.rows.remove_folder(id);
                Ok(())
            }
            "deletefile" => {
                self.rows.remove_file(number(metadata, "fileid")?);
                Ok(())
            }
            _ => Err(format!("unknown event {kind}").into()),
        }
    }

    /// A recipient hears that a share has begun after its contents, and that it has ended after they are gone.
    fn check_begun_or_ended(&mut self, kind: &str, event: &Tree) -> Result<()> {
        if !matches!(kind, "acceptedsharein" | "removedsharein") {
            return Ok(());
        }
        let folder = number(event, "share.folderid")?;
        let is_known = self.rows.folders.contains_key(&folder);
        if kind == "acceptedsharein" {
            if !is_known {
                self.passing.insert(folder);
            }
            return Ok(());
        }
        self.passing.remove(&folder);
        if is_known {
            return Err(format!("the share of folder {folder} ends before its contents").into());
        }
        Ok(())
    }
}
