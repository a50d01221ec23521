//! A copy of an account's tree that knows nothing but the change feed.

use super::answer::{is_folder, list, number, text};
use crate::Result;
use crate::connection::{Call, Connection};
use pileus_wire::Tree;
use std::collections::BTreeMap;

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
}

impl Rows {
    /// Adds an entry, or puts it in the place of what was known of it.
    pub fn put(&mut self, metadata: &Tree) -> Result<()> {
        if is_folder(metadata)? {
            let row = (
                number(metadata, "parentfolderid")?,
                text(metadata, "name")?.to_owned(),
            );
            self.folders.insert(number(metadata, "folderid")?, row);
        } else {
            self.files
                .insert(number(metadata, "fileid")?, FileRow::read(metadata)?);
        }
        Ok(())
    }
}

/// The copy.
#[derive(Debug, Default)]
pub struct Replica {
    /// What it holds.
    pub rows: Rows,
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
        Ok(())
    }

    fn apply(&mut self, event: &Tree) -> Result<()> {
        let kind = text(event, "event")?;
        if kind == "modifyuserinfo" {
            return Ok(());
        }
        let metadata = event.get("metadata").ok_or("an event without metadata")?;
        if let Some(replaced) = metadata.get("deletedfileid").and_then(Tree::as_u64) {
            self.rows.files.remove(&replaced);
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
                self.rows.folders.remove(&id);
                Ok(())
            }
            "deletefile" => {
                self.rows.files.remove(&number(metadata, "fileid")?);
                Ok(())
            }
            _ => Err(format!("unknown event {kind}").into()),
        }
    }
}
