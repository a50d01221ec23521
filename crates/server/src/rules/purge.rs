//! Removing for ever. Used by people who clear their trash and by the janitor, who has no login.

use pileus_store::files::File;
use pileus_store::folders::Folder;
use pileus_store::{Stored, Tx};

/// Removes a deleted file with its revisions, also from the links that hold a content of it.
pub fn file(tx: &mut Tx<'_>, file: &File, now: i64) -> Stored<()> {
    for revision in tx.revisions(file.id)? {
        tx.remove_revision(revision.id)?;
        tx.release_content(revision.blob, now)?;
    }
    tx.release_content(file.blob, now)?;
    tx.remove_trash_entry_of_file(file.deleted, file.id)?;
    tx.remove_file(file.id)?;
    tx.unlink_file(file.id, now)
}

/// Removes a deleted folder with everything deleted below it.
pub fn folder(tx: &mut Tx<'_>, top: Folder, now: i64) -> Stored<()> {
    let mut next = vec![top];
    while let Some(folder) = next.pop() {
        for deleted in tx.file_trashed_children(folder.id)? {
            file(tx, &deleted, now)?;
        }
        next.extend(tx.folder_trashed_children(folder.id)?);
        tx.remove_trash_entry_of_folder(folder.deleted, folder.id)?;
        tx.remove_folder(folder.id)?;
        tx.unlink_folder(folder.id)?;
    }
    Ok(())
}
