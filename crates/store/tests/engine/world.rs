//! A small server's database in which everything fits.

use pileus_store::accounts::NewAccount;
use pileus_store::contents::{NewContent, Place};
use pileus_store::events::Event;
use pileus_store::files::File;
use pileus_store::folders::{Folder, NewFolder};
use pileus_store::revisions::Revision;
use pileus_store::trash::TrashEntry;
use pileus_store::{ContentHash, Db, Stored, Tx};

pub const ACCOUNT: i64 = 1;
pub const ROOT: i64 = 2;
/// A folder in the root, and one in it.
pub const FOLDER: i64 = 10;
pub const SUBFOLDER: i64 = 11;
/// A deleted folder, with a file that went away with it.
pub const DELETED_FOLDER: i64 = 12;
pub const DELETED_FILE: i64 = 22;
/// A file in the folder, whose bytes are in the database, and one in the subfolder, whose bytes are not.
pub const SMALL_FILE: i64 = 20;
pub const LARGE_FILE: i64 = 21;
const TRASH_ENTRY: i64 = 40;
const NOW: i64 = 1_000_000;

/// Fills an empty database.
pub fn build(db: &Db) {
    db.edit_blocking(|tx| {
        let mut feed = Feed { diffid: 0 };
        account(tx)?;
        let folder = feed.folder(tx, FOLDER, ROOT, "folder")?;
        feed.folder(tx, SUBFOLDER, FOLDER, "subfolder")?;
        let deleted = feed.folder(tx, DELETED_FOLDER, ROOT, "deleted")?;
        let small = content(tx, 7, Place::Inline(vec![1; 7]))?;
        let large = content(tx, 70_000, Place::Key(vec![2; 16]))?;
        let earlier = content(tx, 5, Place::Inline(vec![3; 5]))?;
        feed.file(tx, SMALL_FILE, folder.id, "small", small, 7)?;
        feed.file(tx, LARGE_FILE, SUBFOLDER, "large", large, 70_000)?;
        tx.insert_revision(&Revision {
            id: 50,
            file: LARGE_FILE,
            blob: earlier,
            size: 5,
            hash: ContentHash(5),
            stored: NOW,
            replaced: NOW,
        })?;
        tx.hold_content(small)?;
        let gone = feed.file(tx, DELETED_FILE, DELETED_FOLDER, "gone", small, 7)?;
        tx.insert_trash_entry(&TrashEntry {
            id: TRASH_ENTRY,
            owner: ACCOUNT,
            folder: Some(DELETED_FOLDER),
            file: None,
            parent: ROOT,
            deleted: NOW,
        })?;
        tx.trash_file(gone.id, TRASH_ENTRY)?;
        feed.tell_file(tx, 6, &gone)?;
        tx.trash_folder(deleted.id, TRASH_ENTRY)?;
        feed.tell_folder(tx, 3, &deleted)?;
        tx.set_account_counters(ACCOUNT, 70_007, feed.diffid)
    })
    .expect("the world is built");
}

fn account(tx: &mut Tx<'_>) -> Stored<()> {
    tx.insert_account(&NewAccount {
        id: ACCOUNT,
        email: "ann@example.com",
        email_verified: true,
        password_hash: "hash",
        password_sealed: Some(&[1, 2, 3]),
        language: "en",
        quota: 1 << 40,
        root: ROOT,
        created: NOW,
    })?;
    tx.insert_folder(&NewFolder {
        id: ROOT,
        owner: ACCOUNT,
        parent: 0,
        name: "",
        created: NOW,
        modified: NOW,
        shared: 0,
        mount: 0,
    })
    .map(drop)
}

fn content(tx: &mut Tx<'_>, size: i64, place: Place) -> Stored<i64> {
    let byte = size.to_le_bytes()[0];
    let kept = tx.keep_content(&NewContent {
        size,
        hash: ContentHash(size.unsigned_abs()),
        sha1: [byte; 20],
        sha256: [byte; 32],
        md5: [byte; 16],
        crc32: u32::from(byte),
        place,
        states: Vec::new(),
    })?;
    Ok(kept.id)
}

/// Makes entries and tells of them.
struct Feed {
    diffid: i64,
}

impl Feed {
    fn folder(&mut self, tx: &mut Tx<'_>, id: i64, parent: i64, name: &str) -> Stored<Folder> {
        let folder = tx.insert_folder(&NewFolder {
            id,
            owner: ACCOUNT,
            parent,
            name,
            created: NOW,
            modified: NOW,
            shared: 0,
            mount: 0,
        })?;
        self.tell_folder(tx, 1, &folder)?;
        Ok(folder)
    }

    fn file(
        &mut self,
        tx: &mut Tx<'_>,
        id: i64,
        folder: i64,
        name: &str,
        blob: i64,
        size: i64,
    ) -> Stored<File> {
        let file = File {
            id,
            owner: ACCOUNT,
            folder,
            name: name.to_owned(),
            created: NOW,
            modified: NOW,
            deleted: 0,
            revisionid: id + 100,
            stored: NOW,
            blob,
            size,
            hash: ContentHash(size.unsigned_abs()),
            media: None,
        };
        tx.insert_file(&file)?;
        self.tell_file(tx, 4, &file)?;
        Ok(file)
    }

    fn tell_folder(&mut self, tx: &mut Tx<'_>, kind: i64, folder: &Folder) -> Stored<()> {
        let event = Event {
            folder: Some(folder.id),
            parent: Some(folder.parent),
            name: Some(folder.name.clone()),
            created: Some(folder.created),
            modified: Some(folder.modified),
            ..self.event(kind)
        };
        tx.insert_event(&event)
    }

    fn tell_file(&mut self, tx: &mut Tx<'_>, kind: i64, file: &File) -> Stored<()> {
        let event = Event {
            file: Some(file.id),
            parent: Some(file.folder),
            name: Some(file.name.clone()),
            created: Some(file.created),
            modified: Some(file.modified),
            revisionid: Some(file.revisionid),
            blob: Some(file.blob),
            size: Some(file.size),
            hash: Some(file.hash),
            ..self.event(kind)
        };
        tx.insert_event(&event)
    }

    fn event(&mut self, kind: i64) -> Event {
        self.diffid += 1;
        Event {
            account: ACCOUNT,
            diffid: self.diffid,
            time: NOW,
            kind,
            folder: None,
            file: None,
            parent: None,
            name: None,
            owner: Some(ACCOUNT),
            flags: 0,
            created: None,
            modified: None,
            revisionid: None,
            blob: None,
            size: None,
            hash: None,
            replaced_file: None,
            detail: None,
        }
    }
}
