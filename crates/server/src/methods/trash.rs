//! The trash.

use crate::call::Answer;
use crate::cx::{Edit, View};
use crate::dispatch::{Reads, Writes};
use crate::methods::listing::{Scope, list};
use crate::rules::purge;
use crate::rules::trash::retention_start;
use pileus_api::args::TrashArg;
use pileus_api::listing::Node;
use pileus_api::name::numbered;
use pileus_api::reply::Done;
use pileus_api::trash::{
    RestorePathReply, RestoreReply, TrashClear, TrashGetRestorePath, TrashList, TrashRestore,
    TrashRestorePath,
};
use pileus_api::{Code, Listing, Metadata, UnixTime};
use pileus_store::files::File;
use pileus_store::folders::Folder;
use pileus_store::trash::TrashEntry;

/// What lies directly under the top of the trash.
enum Top {
    File(File),
    Folder(Folder),
}

/// The entry's object, unless it hangs below a folder that was deleted later.
fn top(cx: &mut View<'_, '_>, entry: &TrashEntry) -> Answer<Option<Top>> {
    let (object, parent) = match (entry.folder, entry.file) {
        (Some(id), _) => {
            let folder = cx
                .tx
                .folder(id)?
                .filter(|folder| folder.deleted == entry.id);
            let parent = folder.as_ref().map(|folder| folder.parent);
            (folder.map(Top::Folder), parent)
        }
        (None, Some(id)) => {
            let file = cx.tx.file(id)?.filter(|file| file.deleted == entry.id);
            let parent = file.as_ref().map(|file| file.folder);
            (file.map(Top::File), parent)
        }
        (None, None) => (None, None),
    };
    let Some(parent) = parent else {
        return Ok(None);
    };
    let Some(parent) = cx.tx.folder(parent)? else {
        return Ok(object.filter(|_| cx.user.app_folder.is_none()));
    };
    let is_top = parent.deleted == 0 && cx.sees_folder(&parent)?;
    Ok(object.filter(|_| is_top))
}

/// Everything directly under the top of the trash, the newest deletion first.
fn tops(cx: &mut View<'_, '_>) -> Answer<Vec<Top>> {
    let entries = cx.tx.trash_entries(cx.user.account.id)?;
    let start = retention_start(cx.app, cx.now.0);
    let mut found = Vec::new();
    for entry in entries.iter().filter(|entry| entry.deleted >= start) {
        found.extend(top(cx, entry)?);
    }
    Ok(found)
}

/// The top of the trash itself.
fn trash_root(cx: &mut View<'_, '_>) -> Answer<Metadata> {
    let root = cx.root()?;
    Ok(Metadata {
        isdeleted: true,
        ..cx.folder_metadata(&root)?
    })
}

/// Collects a trash listing.
struct Lister<'l> {
    nodes: &'l mut Vec<Node>,
    recursive: bool,
    files: bool,
}

impl Lister<'_> {
    fn add_file(&mut self, cx: &mut View<'_, '_>, file: &File, depth: u32) -> Answer<()> {
        if self.files {
            let metadata = cx.trashed_file_metadata(file)?;
            self.nodes.push(Node {
                depth,
                open: false,
                metadata,
            });
        }
        Ok(())
    }

    fn add_folder(&mut self, cx: &mut View<'_, '_>, folder: Folder, depth: u32) -> Answer<()> {
        let limit = usize::try_from(cx.app.config.listing_max_entries).unwrap_or(usize::MAX);
        let mut pending = vec![(folder, depth)];
        while let Some((folder, depth)) = pending.pop() {
            let metadata = cx.trashed_folder_metadata(&folder)?;
            self.nodes.push(Node {
                depth,
                open: self.recursive,
                metadata,
            });
            if self.recursive {
                self.add_files_of(cx, folder.id, depth + 1)?;
                let children = cx.tx.folder_trashed_children(folder.id)?;
                pending.extend(children.into_iter().rev().map(|child| (child, depth + 1)));
            }
            if self.nodes.len() > limit {
                return Err(Code::INTERNAL.into());
            }
        }
        Ok(())
    }

    fn add_files_of(&mut self, cx: &mut View<'_, '_>, folder: i64, depth: u32) -> Answer<()> {
        for file in cx.tx.file_trashed_children(folder)? {
            self.add_file(cx, &file, depth)?;
        }
        Ok(())
    }
}

impl Reads for TrashList {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<Listing> {
        let mut nodes = Vec::new();
        let id = self.folderid.unwrap_or(0);
        if id == 0 {
            nodes.push(Node {
                depth: 0,
                open: true,
                metadata: trash_root(cx)?,
            });
            let mut lister = Lister {
                nodes: &mut nodes,
                recursive: self.recursive,
                files: !self.nofiles,
            };
            for top in tops(cx)? {
                match top {
                    Top::File(file) => lister.add_file(cx, &file, 1)?,
                    Top::Folder(folder) => lister.add_folder(cx, folder, 1)?,
                }
            }
            return Ok(Listing::new(nodes));
        }
        let folder = cx.trashed_folder(id)?;
        let metadata = cx.trashed_folder_metadata(&folder)?;
        nodes.push(Node {
            depth: 0,
            open: true,
            metadata,
        });
        let mut lister = Lister {
            nodes: &mut nodes,
            recursive: self.recursive,
            files: !self.nofiles,
        };
        lister.add_files_of(cx, folder.id, 1)?;
        for child in cx.tx.folder_trashed_children(folder.id)? {
            lister.add_folder(cx, child, 1)?;
        }
        Ok(Listing::new(nodes))
    }
}

impl Reads for TrashRestorePath {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<RestorePathReply> {
        cx.restore_path(&self.entry)
    }
}

impl Reads for TrashGetRestorePath {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<RestorePathReply> {
        cx.restore_path(&self.entry)
    }
}

impl View<'_, '_> {
    /// Where an entry of the trash would go, and under which name.
    fn restore_path(&mut self, entry: &TrashArg) -> Answer<RestorePathReply> {
        let (mut metadata, parent, is_file) = match *entry {
            TrashArg::Folder(0) => return Err(Code::BAD_FOLDERID.into()),
            TrashArg::File(id) => {
                let file = self.trashed_file(id)?;
                (self.file_metadata(&file)?, file.folder, true)
            }
            TrashArg::Folder(id) => {
                let folder = self.trashed_folder(id)?;
                (self.folder_metadata(&folder)?, folder.parent, false)
            }
        };
        let to = self.restore_destination(parent)?;
        let mut name = metadata.name.clone();
        let mut number = 2;
        while if is_file {
            self.tx.file_child(to.id, &name)?.is_some()
        } else {
            self.tx.folder_child(to.id, &name)?.is_some()
        } {
            name = numbered(&metadata.name, number);
            number += 1 + number / 64;
        }
        metadata.name = name;
        metadata.parentfolderid = Some(self.wire_folder(to.id));
        Ok(RestorePathReply {
            metadata,
            destination: self.folder_metadata(&to)?,
        })
    }
}

/// Brings things back to where they were, or to one given folder.
struct Restore {
    to: Option<u64>,
}

impl Restore {
    fn destination(&self, cx: &mut Edit<'_, '_>, parent: i64) -> Answer<Folder> {
        match self.to {
            Some(id) => cx
                .folder_by_id(id)?
                .ok_or_else(|| Code::FOLDER_MISSING.into()),
            None => cx.restore_destination(parent),
        }
    }

    fn file(&self, cx: &mut Edit<'_, '_>, file: File) -> Answer<Metadata> {
        let mut to = self.destination(cx, file.folder)?;
        let file = cx.restore_file(file, &mut to)?;
        cx.file_metadata(&file)
    }

    fn folder(&self, cx: &mut Edit<'_, '_>, folder: Folder) -> Answer<Folder> {
        let mut to = self.destination(cx, folder.parent)?;
        cx.restore_folder(folder, &mut to)
    }

    fn everything(&self, cx: &mut Edit<'_, '_>) -> Answer<RestoreReply> {
        let mut restored = Vec::new();
        // Each round brings back what hangs under the top; what hung below a folder of this round is there in the next.
        loop {
            let found = tops(cx)?;
            if found.is_empty() {
                break;
            }
            for top in found {
                restored.push(match top {
                    Top::File(file) => self.file(cx, file)?,
                    Top::Folder(folder) => {
                        let folder = self.folder(cx, folder)?;
                        cx.folder_metadata(&folder)?
                    }
                });
            }
        }
        match self.to {
            None => Ok(RestoreReply::Many(restored)),
            Some(id) => {
                let to = cx.folder_by_id(id)?.ok_or(Code::FOLDER_MISSING)?;
                let scope = Scope {
                    recursive: false,
                    deleted: false,
                    files: true,
                    shares: true,
                };
                list(cx, &to, scope).map(RestoreReply::One)
            }
        }
    }
}

/// A listing of one entry alone.
fn alone(metadata: Metadata) -> Listing {
    Listing::new(vec![Node {
        depth: 0,
        open: false,
        metadata,
    }])
}

impl Writes for TrashRestore {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<RestoreReply> {
        if let Some(id) = self.restoreto
            && cx.folder_by_id(id)?.is_none()
        {
            return Err(Code::FOLDER_MISSING.into());
        }
        let restore = Restore { to: self.restoreto };
        match self.entry {
            TrashArg::Folder(0) => restore.everything(cx),
            TrashArg::File(id) => {
                let file = cx.trashed_file(id)?;
                restore
                    .file(cx, file)
                    .map(|metadata| RestoreReply::One(alone(metadata)))
            }
            TrashArg::Folder(id) => {
                let folder = cx.trashed_folder(id)?;
                let folder = restore.folder(cx, folder)?;
                if !self.metadata {
                    return Ok(RestoreReply::One(alone(cx.folder_metadata(&folder)?)));
                }
                let scope = Scope {
                    recursive: true,
                    deleted: false,
                    files: true,
                    shares: true,
                };
                list(cx, &folder, scope).map(RestoreReply::One)
            }
        }
    }
}

impl Writes for TrashClear {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        let UnixTime(now) = cx.now;
        match self.entry {
            TrashArg::File(id) => {
                let file = cx.trashed_file(id)?;
                purge::file(cx.tx, &file, now)?;
            }
            TrashArg::Folder(0) => {
                for top in tops(cx)? {
                    match top {
                        Top::File(file) => purge::file(cx.tx, &file, now)?,
                        Top::Folder(folder) => purge::folder(cx.tx, folder, now)?,
                    }
                }
            }
            TrashArg::Folder(id) => {
                let folder = cx.trashed_folder(id)?;
                purge::folder(cx.tx, folder, now)?;
            }
        }
        Ok(Done)
    }
}
