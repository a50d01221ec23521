//! What calls that succeed do to the model.

use super::super::answer::{list, number, same, text};
use super::super::effect::numbered;
use super::policy::{Arrival, Policy};
use super::step::Step;
use super::world::{File, Folder, Offer, World, wire};
use crate::Result;
use pileus_wire::Tree;

/// A call that succeeded.
pub(super) struct Scene<'s> {
    /// Who made it.
    pub(super) who: usize,
    /// The answer.
    pub(super) answer: &'s Tree,
    /// For a copied folder, what is in the copy.
    pub(super) copy: Option<&'s Tree>,
    /// For an offer that was taken at once, what its recipient has got.
    pub(super) arrival: Option<&'s Arrival>,
}

impl Scene<'_> {
    fn metadata(&self) -> Result<&Tree> {
        let metadata = self.answer.get("metadata");
        metadata.ok_or_else(|| "an answer without metadata".into())
    }
}

/// A content under a name.
struct Saved<'s> {
    folder: u64,
    name: &'s str,
    size: u64,
    hash: Option<u64>,
}

impl World {
    /// Takes the effect of a call.
    pub(super) fn take_effect(&mut self, step: &Step, scene: &Scene<'_>) -> Result<()> {
        match step {
            Step::CreateFolder { parent, name } => {
                check_place(scene.metadata()?, *parent, name)?;
                let id = number(scene.metadata()?, "folderid")?;
                self.folder_added(id, *parent, name)
            }
            Step::Upload { folder, name, size } => {
                let [metadata] = list(scene.answer, "metadata")? else {
                    return Err("not one file".into());
                };
                let saved = Saved {
                    folder: *folder,
                    name,
                    size: *size as u64,
                    hash: None,
                };
                self.saved(scene.who, &saved, metadata)
            }
            Step::CopyFile { file, to, name } => self.file_copied(*file, *to, name, scene),
            Step::RenameFile { file, to, name } => self.file_moved(*file, *to, name, scene),
            Step::DeleteFile { file } => {
                self.groups += 1;
                let group = self.groups;
                self.file_mut(*file)?.group = group;
                Ok(())
            }
            Step::RenameFolder { folder, to, name } => {
                self.folder_moved(scene.who, *folder, *to, name)?;
                check_place(scene.metadata()?, *to, name)?;
                same("folderid", *folder, number(scene.metadata()?, "folderid")?)
            }
            Step::DeleteFolder { folder } => self.tree_deleted(scene.who, *folder).map(drop),
            Step::DeleteFolderRecursive { folder } => {
                let deleted = self.tree_deleted(scene.who, *folder)?;
                let told = |name| number(scene.answer, name);
                same(
                    "what is deleted",
                    deleted,
                    (told("deletedfiles")?, told("deletedfolders")?),
                )
            }
            Step::CopyFolder { folder, to, name } => {
                check_place(scene.metadata()?, *to, name)?;
                let id = number(scene.metadata()?, "folderid")?;
                self.folder_added(id, *to, name)?;
                let copy = scene.copy.ok_or("the copy was not listed")?;
                self.contents_copied(scene.who, *folder, id, copy)
            }
            Step::RestoreFile { file, to } => self.file_restored(*file, *to, scene),
            Step::RestoreFolder { folder, to } => self.folder_restored(*folder, *to, scene),
            Step::ClearTrash => {
                self.files
                    .retain(|_, file| file.group == 0 || file.owner != scene.who);
                self.folders
                    .retain(|_, folder| folder.group == 0 || folder.owner != scene.who);
                Ok(())
            }
            Step::Share {
                folder,
                recipient,
                permissions,
            } => self.offered(*folder, *recipient, *permissions, scene),
            Step::Accept {
                offer,
                into,
                name,
                always,
            } => {
                let owner = self.offerer(*offer)?;
                self.accepted(*offer, *into, name, scene)?;
                self.taken_by_hand(scene.who, owner, *always);
                Ok(())
            }
            Step::Decline { offer, block } => {
                let owner = self.offerer(*offer)?;
                self.offers.remove(offer);
                if *block {
                    self.policies.insert((scene.who, owner), Policy::Blocks);
                }
                Ok(())
            }
            Step::Cancel { offer } => {
                self.offers.remove(offer);
                Ok(())
            }
            Step::Change { share, permissions } => {
                let share = self.shares.get_mut(share).ok_or("no share to change")?;
                share.permissions = *permissions;
                Ok(())
            }
            Step::Remove { share } => {
                self.shares.remove(share);
                Ok(())
            }
        }
    }

    fn file_mut(&mut self, id: u64) -> Result<&mut File> {
        self.files
            .get_mut(&id)
            .ok_or_else(|| format!("no file {id}").into())
    }

    fn folder_mut(&mut self, id: u64) -> Result<&mut Folder> {
        self.folders
            .get_mut(&id)
            .ok_or_else(|| format!("no folder {id}").into())
    }

    fn owner_of(&self, folder: u64) -> Result<usize> {
        self.owner(folder)
            .ok_or_else(|| format!("no folder {folder}").into())
    }

    pub(super) fn folder_added(&mut self, id: u64, parent: u64, name: &str) -> Result<()> {
        let folder = Folder {
            owner: self.owner_of(parent)?,
            parent,
            name: name.to_owned(),
            group: 0,
        };
        match self.folders.insert(id, folder) {
            None => Ok(()),
            Some(_) => Err(format!("folder {id} is there already").into()),
        }
    }

    /// A content was saved: over the file that has the name, as the deleted one of the caller that had it, or as a new
    /// file.
    fn saved(&mut self, who: usize, saved: &Saved<'_>, metadata: &Tree) -> Result<()> {
        check_place(metadata, saved.folder, saved.name)?;
        same("size", saved.size, number(metadata, "size")?)?;
        let hash = number(metadata, "hash")?;
        same("hash", saved.hash.unwrap_or(hash), hash)?;
        let id = number(metadata, "fileid")?;
        let owner = self.owner_of(saved.folder)?;
        let file = File {
            owner,
            folder: saved.folder,
            name: saved.name.to_owned(),
            size: saved.size,
            hash,
            created: number(metadata, "created")?,
            modified: number(metadata, "modified")?,
            group: 0,
        };
        if let Some(there) = self.file_child(saved.folder, saved.name) {
            same("fileid", there, id)?;
            same("created", self.file_mut(there)?.created, file.created)?;
        } else {
            let had_it = |file: &File| {
                file.group != 0 && file.folder == saved.folder && file.name == saved.name
            };
            let revived = self.files.values().any(had_it) && owner == who;
            let is_deleted = self.files.get(&id).map(had_it);
            same(
                "whether the file was deleted",
                revived.then_some(true),
                is_deleted,
            )?;
        }
        self.files.insert(id, file);
        Ok(())
    }

    fn file_copied(&mut self, file: u64, to: u64, name: &str, scene: &Scene<'_>) -> Result<()> {
        let source = self.file_mut(file)?.clone();
        if source.folder == to && source.name == name {
            return same("fileid", file, number(scene.metadata()?, "fileid")?);
        }
        let saved = Saved {
            folder: to,
            name,
            size: source.size,
            hash: Some(source.hash),
        };
        self.saved(scene.who, &saved, scene.metadata()?)
    }

    fn file_moved(&mut self, id: u64, to: u64, name: &str, scene: &Scene<'_>) -> Result<()> {
        let replaced = self.file_child(to, name).filter(|replaced| *replaced != id);
        let metadata = scene.metadata()?;
        let told = metadata.get("deletedfileid").and_then(Tree::as_u64);
        same("deletedfileid", replaced, told)?;
        if let Some(replaced) = replaced {
            self.files.remove(&replaced);
        }
        let owner = self.owner_of(to)?;
        let file = self.file_mut(id)?;
        (file.owner, file.folder, file.name) = (owner, to, name.to_owned());
        check_place(metadata, to, name)?;
        same("fileid", id, number(metadata, "fileid")?)
    }

    fn folder_moved(&mut self, who: usize, id: u64, to: u64, name: &str) -> Result<()> {
        if let Some(share) = self.mounted(who, id) {
            let share = self.shares.get_mut(&share).ok_or("no share to move")?;
            (share.parent, share.name) = (to, name.to_owned());
            return Ok(());
        }
        let owner = self.owner_of(to)?;
        let left = self.folder_mut(id)?.parent;
        if owner != self.owner_of(id)? {
            let given = self.below(id);
            self.leave_trash(&given, left);
            self.give(&given, owner);
        }
        let folder = self.folder_mut(id)?;
        (folder.parent, folder.name) = (to, name.to_owned());
        Ok(())
    }

    /// What was deleted in folders that get another owner stays with the old one.
    fn leave_trash(&mut self, folders: &[u64], left: u64) {
        let folders_in = self.folders.values_mut();
        folders_in
            .filter(|folder| folder.group != 0 && folders.contains(&folder.parent))
            .for_each(|folder| folder.parent = left);
        let files = self.files.values_mut();
        files
            .filter(|file| file.group != 0 && folders.contains(&file.folder))
            .for_each(|file| file.folder = left);
    }

    fn give(&mut self, folders: &[u64], owner: usize) {
        for id in folders {
            if let Some(folder) = self.folders.get_mut(id) {
                folder.owner = owner;
            }
        }
        let files = self.files.values_mut();
        files
            .filter(|file| folders.contains(&file.folder))
            .for_each(|file| file.owner = owner);
    }

    /// Deletes a folder with everything below it; tells how many files and folders that were. What is shared with the
    /// caller is left instead.
    fn tree_deleted(&mut self, who: usize, top: u64) -> Result<(u64, u64)> {
        if let Some(share) = self.mounted(who, top) {
            self.shares.remove(&share);
            return Ok((0, 0));
        }
        let folders = self.below(top);
        let files = self.files_in(&folders);
        self.offers
            .retain(|_, offer| !folders.contains(&offer.folder));
        self.shares.retain(|_, share| {
            !folders.contains(&share.folder) && !folders.contains(&share.parent)
        });
        self.groups += 1;
        let group = self.groups;
        for id in &folders {
            self.folder_mut(*id)?.group = group;
        }
        for id in &files {
            self.file_mut(*id)?.group = group;
        }
        Ok((files.len() as u64, folders.len() as u64))
    }

    /// Copies what somebody sees in a folder into a new one, of which the listing tells the new ids.
    fn contents_copied(&mut self, who: usize, from: u64, to: u64, listed: &Tree) -> Result<()> {
        let entries = list(listed, "contents")?;
        let find = |name: &str, is_folder: bool| {
            let is_it = |entry: &&Tree| {
                entry.get("name").and_then(Tree::as_str) == Some(name)
                    && entry.get("isfolder").and_then(Tree::as_bool) == Some(is_folder)
            };
            let found = entries.iter().find(is_it);
            found.ok_or_else(|| format!("{name} is missing in the copy"))
        };
        let files = self.files_in(&[from]);
        let folders = self.children_seen(who, from);
        same(
            "entries of a copy",
            files.len() + folders.len(),
            entries.len(),
        )?;
        for id in files {
            let source = self.file_mut(id)?.clone();
            let saved = Saved {
                folder: to,
                name: &source.name,
                size: source.size,
                hash: Some(source.hash),
            };
            self.saved(who, &saved, find(&source.name, false)?)?;
        }
        for (id, name) in folders {
            let copy = find(&name, true)?;
            let copied = number(copy, "folderid")?;
            self.folder_added(copied, to, &name)?;
            self.contents_copied(who, id, copied, copy)?;
        }
        Ok(())
    }

    fn file_restored(&mut self, id: u64, to: Option<u64>, scene: &Scene<'_>) -> Result<()> {
        let mut file = self.file_mut(id)?.clone();
        file.folder = self.destination(scene.who, to, file.folder);
        let taken = |name: &str| self.file_child(file.folder, name).is_some();
        if taken(&file.name) {
            file.name = numbered(&file.name, taken);
        }
        file.owner = self.owner_of(file.folder)?;
        file.group = 0;
        check_place(scene.metadata()?, file.folder, &file.name)?;
        same("fileid", id, number(scene.metadata()?, "fileid")?)?;
        self.files.insert(id, file);
        Ok(())
    }

    fn folder_restored(&mut self, id: u64, to: Option<u64>, scene: &Scene<'_>) -> Result<()> {
        let Folder {
            owner: before,
            parent: old,
            name,
            group,
        } = self.folder_mut(id)?.clone();
        let parent = self.destination(scene.who, to, old);
        let owner = self.owner_of(parent)?;
        let taken = |name: &str| self.folder_child(parent, name).is_some();
        let name = if taken(&name) {
            numbered(&name, taken)
        } else {
            name
        };
        check_place(scene.metadata()?, parent, &name)?;
        same("folderid", id, number(scene.metadata()?, "folderid")?)?;
        let folders = self.tree(id, |folder| folder.group == group);
        for folder in &folders {
            self.folder_mut(*folder)?.group = 0;
        }
        let files = self.files.values_mut();
        files
            .filter(|file| file.group == group && folders.contains(&file.folder))
            .for_each(|file| file.group = 0);
        if before != owner {
            self.leave_trash(&folders, old);
            self.give(&folders, owner);
        }
        let folder = self.folder_mut(id)?;
        (folder.parent, folder.name) = (parent, name);
        Ok(())
    }

    fn offered(
        &mut self,
        folder: u64,
        recipient: usize,
        permissions: u64,
        scene: &Scene<'_>,
    ) -> Result<()> {
        let id = number(scene.answer, "share.sharerequestid")?;
        let offer = Offer {
            folder,
            recipient,
            permissions,
            name: self.folder_mut(folder)?.name.clone(),
        };
        same(
            "sharename",
            offer.name.as_str(),
            text(scene.answer, "share.sharename")?,
        )?;
        if let Some(arrival) = scene.arrival {
            return self.taken_at_once(offer, arrival);
        }
        match self.offers.insert(id, offer) {
            None => Ok(()),
            Some(_) => Err(format!("offer {id} is there already").into()),
        }
    }

    fn accepted(&mut self, offer: u64, into: u64, name: &str, scene: &Scene<'_>) -> Result<()> {
        let offer = self.offers.remove(&offer).ok_or("no offer to accept")?;
        let name = self.free_folder_name(into, name);
        check_place(scene.metadata()?, into, &name)?;
        same(
            "folderid",
            offer.folder,
            number(scene.metadata()?, "folderid")?,
        )?;
        self.share_added(number(scene.answer, "share.shareid")?, offer, into, name)
    }

    /// Who made an offer.
    fn offerer(&self, offer: u64) -> Result<usize> {
        let offer = self.offers.get(&offer).ok_or("no offer to answer")?;
        self.owner_of(offer.folder)
    }
}

pub(super) fn check_place(metadata: &Tree, parent: u64, name: &str) -> Result<()> {
    same("name", name, text(metadata, "name")?)?;
    same(
        "parentfolderid",
        wire(parent),
        number(metadata, "parentfolderid")?,
    )
}
