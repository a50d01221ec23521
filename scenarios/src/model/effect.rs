//! What successful calls do to the model, and what their answers have to say.

use super::account::{Account, File, Folder};
use super::answer::{list, number, same, text};
use super::contents::{Content, Contents, index};
use super::step::Step;
use crate::Result;
use pileus_wire::Tree;
use std::rc::Rc;

/// How far a time that is "now" may be off.
pub(super) const NOW_TOLERANCE_S: u64 = 120;

/// What the effect of a call depends on besides the account.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scene<'a> {
    /// The contents that are uploaded.
    pub(super) contents: &'a Contents,
    /// The answer.
    pub(super) answer: &'a Tree,
    /// After `copyfolder` the listing of the copy, with everything below.
    pub(super) copy: Option<&'a Tree>,
    /// Unix seconds.
    pub(super) now: u64,
}

/// What is saved as a file.
#[derive(Clone, Debug)]
pub(super) struct Saved<'a> {
    pub(super) folder: u64,
    pub(super) name: &'a str,
    pub(super) content: Rc<Content>,
    /// Modification time, if the call says one.
    pub(super) modified: Option<u64>,
    /// Whether a new file is created now whatever its modification time.
    pub(super) created_now: bool,
}

impl Scene<'_> {
    pub(super) fn metadata(&self) -> Result<&Tree> {
        self.answer
            .get("metadata")
            .ok_or_else(|| "no metadata".into())
    }

    /// Checks a time: the one that was said, or now. Tells what it is.
    fn time(&self, metadata: &Tree, key: &str, expected: Option<u64>) -> Result<u64> {
        let found = number(metadata, key)?;
        match expected {
            Some(expected) => same(key, expected, found)?,
            None if found.abs_diff(self.now) > NOW_TOLERANCE_S => {
                return Err(format!("{key} is not now but {found}").into());
            }
            None => {}
        }
        Ok(found)
    }
}

/// Checks place and name in the metadata of an entry.
fn check_place(metadata: &Tree, parent: u64, name: &str) -> Result<()> {
    same(
        "parentfolderid",
        parent,
        number(metadata, "parentfolderid")?,
    )?;
    same("name", name, text(metadata, "name")?)
}

/// The first numbered form of a name that is free.
pub(super) fn numbered(name: &str, is_taken: impl Fn(&str) -> bool) -> String {
    let (stem, extension) = match name.rfind('.').filter(|&dot| dot > 0) {
        Some(dot) => name.split_at(dot),
        None => (name, ""),
    };
    let free = (2..)
        .map(|number: u64| format!("{stem} ({number}){extension}"))
        .find(|name| !is_taken(name));
    free.unwrap_or_default()
}

impl Account {
    /// Takes the effect of a call that succeeded.
    pub(super) fn take_effect(&mut self, step: &Step, scene: &Scene<'_>) -> Result<()> {
        match step {
            Step::CreateFolder {
                parent,
                name,
                if_not_exists,
            } => self.folder_made(*parent, name, *if_not_exists, scene),
            Step::Upload {
                folder,
                name,
                content,
                rename,
                mtime,
            } => {
                let content = scene.contents.get(*content).clone();
                let taken = |name: &str| self.file_child(*folder, name).is_some();
                let name = if *rename && taken(name) {
                    numbered(name, taken)
                } else {
                    name.clone()
                };
                let saved = Saved {
                    folder: *folder,
                    name: &name,
                    content,
                    modified: *mtime,
                    created_now: false,
                };
                let [metadata] = list(scene.answer, "metadata")? else {
                    return Err("not one file".into());
                };
                self.saved(saved, metadata, scene)
            }
            Step::CopyFile {
                file,
                to,
                name,
                mtime,
                ..
            } => self.file_copied(*file, *to, name.as_deref(), *mtime, scene),
            Step::RenameFile { file, to, name } => {
                self.file_moved(*file, *to, name.as_deref(), scene)
            }
            Step::DeleteFile { file } => {
                let group = self.next();
                if let Some(file) = self.files.get_mut(file) {
                    file.group = group;
                }
                same(
                    "isdeleted",
                    Some(&Tree::Bool(true)),
                    scene.metadata()?.get("isdeleted"),
                )
            }
            Step::RenameFolder { folder, to, name } => {
                let Some(moved) = self.folders.get_mut(folder) else {
                    return Err("no folder to move".into());
                };
                moved.parent = to.unwrap_or(moved.parent);
                moved.name = name.clone().unwrap_or_else(|| moved.name.clone());
                check_place(scene.metadata()?, moved.parent, &moved.name)
            }
            Step::DeleteFolder { folder } => self.tree_deleted(*folder).map(drop),
            Step::DeleteFolderRecursive { folder } => {
                let (files, folders) = self.tree_deleted(*folder)?;
                same("deletedfiles", files, number(scene.answer, "deletedfiles")?)?;
                same(
                    "deletedfolders",
                    folders,
                    number(scene.answer, "deletedfolders")?,
                )
            }
            Step::CopyFolder {
                folder,
                to,
                name,
                skip,
                content_only,
                ..
            } => {
                let Some(source) = self.folders.get(folder) else {
                    return Err("no folder to copy".into());
                };
                let name = name.as_ref().unwrap_or(&source.name).clone();
                let name = (!content_only).then_some(name);
                self.folder_copied(*folder, *to, name, *skip, scene)
            }
            Step::RestoreFile { file, to } => self.file_restored(*file, *to, scene),
            Step::RestoreFolder { folder, to } => self.folder_restored(*folder, *to, scene),
            Step::ClearFile { file } => {
                self.files.remove(file);
                Ok(())
            }
            Step::ClearFolder { folder } => {
                self.cleared(*folder);
                Ok(())
            }
            Step::Revert { file, number } => self.reverted(*file, *number, scene),
        }
    }

    fn folder_made(
        &mut self,
        parent: u64,
        name: &str,
        if_not_exists: bool,
        scene: &Scene<'_>,
    ) -> Result<()> {
        let metadata = scene.metadata()?;
        check_place(metadata, parent, name)?;
        let id = number(metadata, "folderid")?;
        let there = self.folder_child(parent, name);
        if if_not_exists {
            same(
                "created",
                Some(&Tree::Bool(there.is_none())),
                scene.answer.get("created"),
            )?;
        }
        match there {
            Some(there) => same("folderid", there, id),
            None => self.folder_added(id, parent, name),
        }
    }

    fn folder_added(&mut self, id: u64, parent: u64, name: &str) -> Result<()> {
        let folder = Folder {
            parent,
            name: name.to_owned(),
            group: 0,
        };
        match self.folders.insert(id, folder) {
            None => Ok(()),
            Some(_) => Err(format!("folder {id} is there already").into()),
        }
    }

    /// A content was saved under a name: over the file that has it, as the deleted file that had it, or as a new one.
    ///
    /// What was written to it through descriptors is committed first.
    pub(super) fn saved(
        &mut self,
        saved: Saved<'_>,
        metadata: &Tree,
        scene: &Scene<'_>,
    ) -> Result<()> {
        let Saved {
            folder,
            name,
            content,
            ..
        } = saved;
        check_place(metadata, folder, name)?;
        same("size", content.size(), number(metadata, "size")?)?;
        same("hash", content.hash, number(metadata, "hash")?)?;
        let id = number(metadata, "fileid")?;
        self.committed(id, scene.now);
        self.unsure.remove(&id);
        let modified = scene.time(metadata, "modified", saved.modified)?;
        let stored = self.next();
        if let Some(there) = self.file_child(folder, name) {
            same("fileid", there, id)?;
            let Some(file) = self.files.get_mut(&there) else {
                return Ok(());
            };
            same("created", file.created, number(metadata, "created")?)?;
            file.modified = modified;
            if file.content != content {
                file.revisions.insert(file.stored, file.content.clone());
                (file.content, file.stored) = (content, stored);
            }
            return Ok(());
        }
        let expected = if saved.created_now {
            None
        } else {
            saved.modified
        };
        let created = scene.time(metadata, "created", expected)?;
        let deleted =
            self.file_ids(|file| file.group != 0 && file.folder == folder && file.name == name);
        let mut revisions = std::collections::BTreeMap::new();
        if !deleted.is_empty() {
            let Some(file) = self.files.get(&id).filter(|_| deleted.contains(&id)) else {
                return Err(
                    format!("file {id} is none of those that had the name: {deleted:?}").into(),
                );
            };
            revisions.clone_from(&file.revisions);
            revisions.insert(file.stored, file.content.clone());
        } else if self.files.contains_key(&id) {
            return Err(format!("file {id} is there already").into());
        }
        let name = name.to_owned();
        self.files.insert(
            id,
            File {
                folder,
                name,
                content,
                stored,
                revisions,
                created,
                modified,
                group: 0,
                working: None,
                run: None,
            },
        );
        Ok(())
    }

    fn file_copied(
        &mut self,
        file: u64,
        to: u64,
        name: Option<&str>,
        mtime: Option<u64>,
        scene: &Scene<'_>,
    ) -> Result<()> {
        let Some(source) = self.files.get_mut(&file) else {
            return Err("no file to copy".into());
        };
        let name = name.unwrap_or(&source.name).to_owned();
        if source.folder == to && source.name == name {
            source.modified = mtime.unwrap_or(source.modified);
            let modified = source.modified;
            same("fileid", file, number(scene.metadata()?, "fileid")?)?;
            return scene
                .time(scene.metadata()?, "modified", Some(modified))
                .map(drop);
        }
        let saved = Saved {
            folder: to,
            name: &name,
            content: source.content.clone(),
            modified: mtime,
            created_now: false,
        };
        self.saved(saved, scene.metadata()?, scene)
    }

    fn file_moved(
        &mut self,
        file: u64,
        to: Option<u64>,
        name: Option<&str>,
        scene: &Scene<'_>,
    ) -> Result<()> {
        let Some(mut moved) = self.files.get(&file).cloned() else {
            return Err("no file to move".into());
        };
        moved.folder = to.unwrap_or(moved.folder);
        moved.name = name.unwrap_or(&moved.name).to_owned();
        let replaced = self
            .file_child(moved.folder, &moved.name)
            .filter(|replaced| *replaced != file);
        let metadata = scene.metadata()?;
        same(
            "deletedfileid",
            replaced,
            metadata.get("deletedfileid").and_then(Tree::as_u64),
        )?;
        if let Some(replaced) = replaced {
            self.committed(replaced, scene.now);
            self.unsure.remove(&replaced);
        }
        if let Some(replaced) = replaced.and_then(|replaced| self.files.remove(&replaced)) {
            let newest = self.next();
            moved.revisions.extend(replaced.revisions);
            moved.revisions.insert(newest, replaced.content);
        }
        check_place(metadata, moved.folder, &moved.name)?;
        same("fileid", file, number(metadata, "fileid")?)?;
        same("modified", moved.modified, number(metadata, "modified")?)?;
        same("created", moved.created, number(metadata, "created")?)?;
        self.files.insert(file, moved);
        Ok(())
    }

    /// Deletes a folder with everything that lives below it; tells how many files and folders that were.
    fn tree_deleted(&mut self, top: u64) -> Result<(u64, u64)> {
        let group = self.next();
        let folders = self.within(top, |folder| folder.group == 0);
        let mut count = 0;
        for file in self
            .files
            .values_mut()
            .filter(|file| file.group == 0 && folders.contains(&file.folder))
        {
            file.group = group;
            count += 1;
        }
        for folder in &folders {
            if let Some(folder) = self.folders.get_mut(folder) {
                folder.group = group;
            }
        }
        Ok((count, folders.len() as u64))
    }

    /// A folder was copied into another under a name; without one only what it contains.
    fn folder_copied(
        &mut self,
        from: u64,
        to: u64,
        name: Option<String>,
        skip: bool,
        scene: &Scene<'_>,
    ) -> Result<()> {
        let Some(copy) = scene.copy else {
            return Err("the copy was not listed".into());
        };
        let id = number(scene.metadata()?, "folderid")?;
        match name {
            None => same("folderid", to, id)?,
            Some(name) => {
                check_place(scene.metadata()?, to, &name)?;
                match self.folder_child(to, &name) {
                    Some(merged) => same("folderid", merged, id)?,
                    None => self.folder_added(id, to, &name)?,
                }
            }
        }
        self.contents_copied(from, id, copy, skip, scene)
    }

    /// Copies what lives in a folder into another, of which the listing tells the new ids.
    fn contents_copied(
        &mut self,
        from: u64,
        to: u64,
        listed: &Tree,
        skip: bool,
        scene: &Scene<'_>,
    ) -> Result<()> {
        let entries = list(listed, "contents")?;
        let listed = |name: &str, is_folder: bool| {
            let is_it = |entry: &&Tree| {
                entry.get("name").and_then(Tree::as_str) == Some(name)
                    && entry.get("isfolder").and_then(Tree::as_bool) == Some(is_folder)
            };
            entries
                .iter()
                .find(is_it)
                .ok_or_else(|| format!("{name} is missing in the copy"))
        };
        for id in self.file_ids(|file| file.group == 0 && file.folder == from) {
            let Some(file) = self.files.get(&id) else {
                continue;
            };
            let (name, content, modified) =
                (file.name.clone(), file.content.clone(), Some(file.modified));
            if skip && self.file_child(to, &name).is_some() {
                continue;
            }
            let saved = Saved {
                folder: to,
                name: &name,
                content,
                modified,
                created_now: true,
            };
            self.saved(saved, listed(&name, false)?, scene)?;
        }
        let is_child = |folder: &Folder| folder.group == 0 && folder.parent == from;
        for id in self.folder_ids(is_child).into_iter().filter(|id| *id != 0) {
            let Some(name) = self.folders.get(&id).map(|folder| folder.name.clone()) else {
                continue;
            };
            let copy = listed(&name, true)?;
            let copy_id = number(copy, "folderid")?;
            match self.folder_child(to, &name) {
                Some(merged) => same("folderid", merged, copy_id)?,
                None => self.folder_added(copy_id, to, &name)?,
            }
            self.contents_copied(id, copy_id, copy, skip, scene)?;
        }
        Ok(())
    }

    fn file_restored(&mut self, id: u64, to: Option<u64>, scene: &Scene<'_>) -> Result<()> {
        let Some(mut file) = self.files.get(&id).cloned() else {
            return Err("no file to restore".into());
        };
        file.folder = self.destination(to, file.folder);
        let taken = |name: &str| self.file_child(file.folder, name).is_some();
        if taken(&file.name) {
            file.name = numbered(&file.name, taken);
        }
        file.group = 0;
        check_place(scene.metadata()?, file.folder, &file.name)?;
        same("fileid", id, number(scene.metadata()?, "fileid")?)?;
        self.files.insert(id, file);
        Ok(())
    }

    fn folder_restored(&mut self, id: u64, to: Option<u64>, scene: &Scene<'_>) -> Result<()> {
        let Some(mut top) = self.folders.get(&id).cloned() else {
            return Err("no folder to restore".into());
        };
        let group = top.group;
        top.parent = self.destination(to, top.parent);
        let taken = |name: &str| self.folder_child(top.parent, name).is_some();
        if taken(&top.name) {
            top.name = numbered(&top.name, taken);
        }
        check_place(scene.metadata()?, top.parent, &top.name)?;
        same("folderid", id, number(scene.metadata()?, "folderid")?)?;
        self.folders.insert(id, top);
        let folders = self.within(id, |folder| folder.group == group);
        for file in self
            .files
            .values_mut()
            .filter(|file| file.group == group && folders.contains(&file.folder))
        {
            file.group = 0;
        }
        for folder in &folders {
            if let Some(folder) = self.folders.get_mut(folder) {
                folder.group = 0;
            }
        }
        Ok(())
    }

    /// Removes a deleted folder with everything below it for ever; 0 is the whole trash.
    fn cleared(&mut self, top: u64) {
        if top == 0 {
            self.files.retain(|_, file| file.group == 0);
            self.folders.retain(|_, folder| folder.group == 0);
            return;
        }
        let folders = self.within(top, |folder| folder.group != 0);
        self.files.retain(|_, file| !folders.contains(&file.folder));
        self.folders.retain(|id, _| !folders.contains(id));
    }

    /// The `number`-th earlier content, from the newest.
    fn revision(&self, id: u64, number: u64) -> Option<Rc<Content>> {
        let revisions = &self.files.get(&id)?.revisions;
        let index = index(number, revisions.len());
        revisions.values().rev().nth(index).cloned()
    }

    /// The `number`-th earlier content, from the newest, is the present one again.
    fn reverted(&mut self, id: u64, number_: u64, scene: &Scene<'_>) -> Result<()> {
        let Some(content) = self.revision(id, number_) else {
            return Err("no revision to revert to".into());
        };
        self.committed(id, scene.now);
        self.unsure.remove(&id);
        let stored = self.next();
        let Some(file) = self.files.get_mut(&id) else {
            return Err("no file to revert".into());
        };
        file.revisions.insert(file.stored, file.content.clone());
        (file.content, file.stored) = (content.clone(), stored);
        let metadata = scene.metadata()?;
        same("hash", content.hash, number(metadata, "hash")?)?;
        file.modified = scene.time(metadata, "modified", None)?;
        Ok(())
    }
}
