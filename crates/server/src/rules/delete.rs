//! Deleting: what goes away together goes to the trash as one entry.

use crate::call::Answer;
use crate::cx::{Edit, View};
use crate::rules::access::Right;
use pileus_api::event::EventKind;
use pileus_store::StoreError;
use pileus_store::files::File;
use pileus_store::folders::Folder;
use pileus_store::trash::TrashEntry;

/// How much was deleted.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Deleted {
    /// Number of files.
    pub files: u64,
    /// Number of folders.
    pub folders: u64,
}

impl View<'_, '_> {
    /// A live folder and every row of a live folder below it, parents before children. Rows that stand for what others
    /// share are among them.
    pub fn rows_within(&mut self, top: Folder) -> Answer<Vec<Folder>> {
        let mut folders = Vec::new();
        let mut next = vec![top];
        while let Some(folder) = next.pop() {
            next.extend(self.tx.folder_children(folder.id)?);
            folders.push(folder);
        }
        Ok(folders)
    }
}

impl Edit<'_, '_> {
    /// Deletes a file.
    pub fn delete_file(&mut self, mut file: File) -> Answer<File> {
        self.require_file(&file, Right::Delete)?;
        let entry = self.new_trash_entry(file.owner, None, Some(file.id), file.folder)?;
        self.trash_file(&mut file, entry)?;
        let now = self.now.0;
        self.tx.touch_folder(file.folder, now)?;
        Ok(file)
    }

    /// Deletes an empty folder that is not shared by its owner. A recipient who deletes what is shared with him ends the
    /// share.
    pub fn delete_folder(&mut self, mut folder: Folder) -> Answer<Folder> {
        if let Some(share) = self.mounted(&folder)? {
            self.end_share(&share)?;
            folder.modified = self.now.0;
            return Ok(folder);
        }
        self.require(&folder, Right::Delete)?;
        let entry = self.new_trash_entry(folder.owner, Some(folder.id), None, folder.parent)?;
        self.trash_folder(&mut folder, entry)?;
        let now = self.now.0;
        self.tx.touch_folder(folder.parent, now)?;
        Ok(folder)
    }

    /// Deletes a folder with everything below it. Clients forget just the one row that an event names, so there is an
    /// event for each, the deepest first.
    ///
    /// Shares and offers in it end first, and what others share with its owner leaves it.
    pub fn delete_tree(&mut self, top: Folder) -> Answer<Deleted> {
        if let Some(share) = self.mounted(&top)? {
            self.end_share(&share)?;
            return Ok(Deleted::default());
        }
        self.require(&top, Right::Delete)?;
        let mut folders = self.rows_within(top.clone())?;
        if self.end_shares_in(&folders)? {
            // What was mounted is gone, and the others are not shared any more.
            let top = self.tx.folder(top.id)?.ok_or(StoreError::Missing)?;
            folders = self.rows_within(top)?;
        }
        let entry = self.new_trash_entry(top.owner, Some(top.id), None, top.parent)?;
        let (now, parent) = (self.now.0, top.parent);
        let mut deleted = Deleted::default();
        for mut folder in folders.into_iter().rev() {
            for mut file in self.tx.file_children(folder.id)? {
                self.trash_file(&mut file, entry)?;
                deleted.files += 1;
            }
            self.trash_folder(&mut folder, entry)?;
            deleted.folders += 1;
        }
        self.tx.touch_folder(parent, now)?;
        Ok(deleted)
    }

    fn new_trash_entry(
        &mut self,
        owner: i64,
        folder: Option<i64>,
        file: Option<i64>,
        parent: i64,
    ) -> Answer<i64> {
        let id = self.tx.id()?;
        let deleted = self.now.0;
        self.tx.insert_trash_entry(&TrashEntry {
            id,
            owner,
            folder,
            file,
            parent,
            deleted,
        })?;
        Ok(id)
    }

    fn trash_file(&mut self, file: &mut File, entry: i64) -> Answer<()> {
        // The answer and the event show the time of deletion; the row keeps the file's own.
        (file.deleted, file.modified) = (entry, self.now.0);
        self.tx.trash_file(file.id, entry)?;
        self.end_locks(file.id);
        self.use_bytes(file.owner, -file.size)?;
        self.record_file(EventKind::DeleteFile, file, None)
    }

    /// Ends the locks of a file that is gone.
    pub fn end_locks(&mut self, file: i64) {
        if let Some(open) = self.app.open_files.find(file) {
            self.tx.after_commit(move || open.locks.end());
        }
    }

    fn trash_folder(&mut self, folder: &mut Folder, entry: i64) -> Answer<()> {
        (folder.deleted, folder.modified) = (entry, self.now.0);
        self.tx.trash_folder(folder.id, entry)?;
        self.record_folder(EventKind::DeleteFolder, folder)
    }
}
