//! Moving and renaming.

use crate::call::Answer;
use crate::cx::Edit;
use crate::rules::access::{Place, Right};
use crate::rules::audience::{Viewer, is_among};
use crate::rules::census::Census;
use pileus_api::Code;
use pileus_api::event::EventKind;
use pileus_store::StoreError;
use pileus_store::files::File;
use pileus_store::folders::Folder;
use pileus_store::revisions::Revision;
use pileus_store::shares::Share;

impl Edit<'_, '_> {
    /// Refuses a move for which a right is missing. Within one share an entry is changed; otherwise it is taken away there
    /// and made here.
    fn check_move(&mut self, from: &Folder, to: &Folder) -> Answer<()> {
        let is_same = match (self.access(from)?, self.access(to)?) {
            (Some(from), Some(to)) => {
                let id = |share: &Option<Share>| share.as_ref().map(|share| share.id);
                id(&from.share) == id(&to.share)
            }
            _ => false,
        };
        if is_same {
            return self.require(from, Right::Modify);
        }
        self.require(from, Right::Delete)?;
        self.require(to, Right::Create)
    }

    /// The folder that an entry is in, as the caller sees it.
    fn folder_of(&mut self, folder: i64) -> Answer<Folder> {
        let row = self.tx.folder(folder)?.ok_or(Code::FOLDER_MISSING)?;
        self.seen(row)?.ok_or_else(|| Code::FOLDER_MISSING.into())
    }

    /// Moves or renames a folder. Nothing happens if it is there already.
    pub fn move_folder(
        &mut self,
        mut folder: Folder,
        mut parent: Folder,
        name: String,
    ) -> Answer<Folder> {
        if folder.parent == parent.id && folder.name == name {
            return Ok(folder);
        }
        if let Some(share) = self.mounted(&folder)? {
            return self.move_mount(folder, &share, parent, name);
        }
        let from = self.folder_of(folder.parent)?;
        self.check_move(&from, &parent)?;
        if self
            .tx
            .folder_child(parent.id, &name)?
            .is_some_and(|taken| taken.id != folder.id)
        {
            return Err(Code::NAME_TAKEN.into());
        }
        if Place::from(&from) != Place::from(&parent) {
            return self.move_across(folder, &from, parent, name);
        }
        let now = self.now.0;
        self.tx.place_folder(folder.id, parent.id, &name, now)?;
        self.touch_left(folder.parent, &mut parent)?;
        (folder.parent, folder.name, folder.modified) = (parent.id, name, now);
        self.record_folder(EventKind::ModifyFolder, &folder)?;
        Ok(folder)
    }

    /// Gives a shared folder another place or name in the tree of its recipient, who is the caller. Nobody else notices.
    fn move_mount(
        &mut self,
        mut folder: Folder,
        share: &Share,
        mut parent: Folder,
        name: String,
    ) -> Answer<Folder> {
        if parent.owner != self.user.account.id || parent.shared != 0 {
            return Err(Code::SHARE_IN_SHARE.into());
        }
        let taken = self.tx.folder_child(parent.id, &name)?;
        if taken.is_some_and(|taken| taken.id != share.mount) {
            return Err(Code::NAME_TAKEN.into());
        }
        let now = self.now.0;
        self.tx.place_folder(share.mount, parent.id, &name, now)?;
        self.touch_left(folder.parent, &mut parent)?;
        (folder.parent, folder.name) = (parent.id, name);
        let event = self.folder_event(EventKind::ModifyFolder, &folder);
        self.record_for(&Viewer::from(share), &event)?;
        Ok(folder)
    }

    /// Moves a folder to where other people see it, or somebody else owns it.
    fn move_across(
        &mut self,
        folder: Folder,
        from: &Folder,
        mut parent: Folder,
        name: String,
    ) -> Answer<Folder> {
        // Shares do not nest, and are not given away.
        if parent.shared != 0 || parent.owner != from.owner {
            let rows = self.rows_within(folder.clone())?;
            if rows.iter().any(|row| row.shares > 0 || row.mount != 0) {
                return Err(Code::SHARE_IN_SHARE.into());
            }
        }
        let (now, id, left) = (self.now.0, folder.id, folder.parent);
        let before = self.census(folder)?;
        if parent.owner != from.owner {
            self.give_all(&before, left, parent.owner)?;
        }
        self.tx.place_folder(id, parent.id, &name, now)?;
        self.tx.mark_shared(id, parent.shared, from.shared)?;
        self.touch_left(left, &mut parent)?;
        self.tell_of_change(&before, true)?;
        Ok(self.tx.folder(id)?.ok_or(StoreError::Missing)?)
    }

    /// Gives everything in a tree to another account, with the space it takes. What was deleted in it stays in the trash
    /// of its owner, as if it had been deleted in the folder that the tree was in.
    fn give_all(&mut self, tree: &Census, left: i64, owner: i64) -> Answer<()> {
        let bytes = tree.files().map(|file| file.size).sum::<i64>();
        self.check_quota(owner, bytes)?;
        for folder in tree.folders() {
            self.tx.move_trashed(folder.id, left)?;
            self.tx.give_folder(folder, owner, folder.shared)?;
        }
        for file in tree.files() {
            self.require_committed(file.id)?;
            self.tx.give_file(file, owner)?;
            self.hand_over_bytes(file.owner, owner, file.size)?;
        }
        Ok(())
    }

    /// Counts bytes that one account has given to another.
    fn hand_over_bytes(&mut self, from: i64, to: i64, bytes: i64) -> Answer<()> {
        self.use_bytes(from, -bytes)?;
        self.use_bytes(to, bytes)
    }

    /// Moves or renames a file; a file that has the name is replaced, and its contents become revisions of the moved
    /// one. Answers the moved file and the id of the replaced one.
    pub fn move_file(
        &mut self,
        mut file: File,
        mut parent: Folder,
        name: String,
    ) -> Answer<(File, Option<i64>)> {
        let from = self.folder_of(file.folder)?;
        self.check_move(&from, &parent)?;
        let replaced = self
            .tx
            .file_child(parent.id, &name)?
            .filter(|taken| taken.id != file.id);
        if let Some(replaced) = &replaced {
            self.require(&parent, Right::Modify)?;
            self.absorb(&file, replaced)?;
        }
        let (before, after) = (Place::from(&from), Place::from(&parent));
        let old = file.clone();
        if before.owner != after.owner {
            self.require_committed(file.id)?;
            self.check_quota(after.owner, file.size)?;
            self.tx.give_file(&file, after.owner)?;
            self.hand_over_bytes(before.owner, after.owner, file.size)?;
            file.owner = after.owner;
        }
        self.tx.place_file(file.id, parent.id, &name)?;
        self.touch_left(file.folder, &mut parent)?;
        (file.folder, file.name) = (parent.id, name);
        let replaced = replaced.map(|replaced| replaced.id);
        if before == after {
            self.record_file(EventKind::ModifyFile, &file, replaced)?;
        } else {
            self.tell_of_moved_file(&old, before, &file, after, replaced)?;
        }
        Ok((file, replaced))
    }

    /// Tells of a file that has been moved to where other people see it.
    fn tell_of_moved_file(
        &mut self,
        old: &File,
        before: Place,
        file: &File,
        after: Place,
        replaced: Option<i64>,
    ) -> Answer<()> {
        let (were, are) = (self.viewers(before)?, self.viewers(after)?);
        let gone = self.file_event(EventKind::DeleteFile, old, None);
        for viewer in were.iter().filter(|viewer| !is_among(viewer, &are)) {
            self.record_for(viewer, &gone)?;
        }
        for viewer in are.iter() {
            let kind = if is_among(viewer, &were) {
                EventKind::ModifyFile
            } else {
                EventKind::CreateFile
            };
            let event = self.file_event(kind, file, replaced);
            self.record_for(viewer, &event)?;
        }
        Ok(())
    }

    /// Makes the contents of a replaced file revisions of the one that takes its place. The replaced file is gone.
    fn absorb(&mut self, file: &File, replaced: &File) -> Answer<()> {
        self.require_committed(replaced.id)?;
        let now = self.now.0;
        self.tx.adopt_revisions(file.id, replaced.id)?;
        // The newest of the adopted contents gets the newest id, so that the order of the list is the order of events.
        let id = self.tx.id()?;
        self.tx.insert_revision(&Revision {
            id,
            file: file.id,
            blob: replaced.blob,
            size: replaced.size,
            hash: replaced.hash,
            stored: replaced.stored,
            replaced: now,
        })?;
        self.tx.remove_file(replaced.id)?;
        self.end_locks(replaced.id);
        self.use_bytes(replaced.owner, -replaced.size)
    }

    /// Both folders of a move have changed.
    fn touch_left(&mut self, left: i64, entered: &mut Folder) -> Answer<()> {
        self.touch(entered)?;
        if left != entered.id {
            let now = self.now.0;
            self.tx.touch_folder(left, now)?;
        }
        Ok(())
    }
}
