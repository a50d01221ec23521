//! `pileus backup`.
//!
//! A backup has the layout of a data folder: an SQLite database, whatever the server's own engine is, the blobs below
//! `blobs`, and the key file. So a server could run on it, and `pileus check` can prove it.
//!
//! While the server runs, contents come and go. First, therefore, all contents are copied that are there; then the
//! database, as it is at one moment; and then the few contents that this moment has and the first round has not. They
//! cannot be gone by then: what nobody holds any more is kept for an hour.

use super::copies::{Copied, copy_contents};
use super::error::{Error, Result};
use super::manifest::{self, Manifest, sync_folder_of};
use super::{open_existing, output};
use crate::cli::DataArgs;
use futures_util::StreamExt;
use pileus_blobs::BlobStore;
use pileus_server::app::App;
use pileus_server::start::{DATABASE_FILE, KEY_FILE};
use pileus_store::transfer::{self, TableRows};
use pileus_store::{Db, SqliteOptions, Stored};
use serde_json::json;
use std::fs::File;
use std::io::ErrorKind;
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::process::ExitCode;

/// The database of a backup that is not finished.
const UNFINISHED: &str = "unfinished.db";

/// What SQLite appends to the name of a database for its write-ahead log.
const LOG_SUFFIX: &str = "-wal";

/// What may lie in the folder of a backup, finished or not.
const OWN_FILES: [&str; 5] = [
    manifest::FILE_NAME,
    DATABASE_FILE,
    KEY_FILE,
    "blobs",
    "staging",
];

/// Copies everything. Fails if a content is missing or damaged; the backup then has all the others.
pub async fn run(to: &Path, data: &DataArgs, as_json: bool) -> Result<ExitCode> {
    let app = open_existing(data).await?;
    let _lock = prepare(to, &app.config.data)?;
    let blobs = BlobStore::disk(to).await?;
    let first = copy_contents(&app.db, &app.blobs, &blobs).await?;
    let made = app.clock.now().0;
    let database = copy_database(&app.db, to).await?;
    let second = copy_contents(&database.db, &app.blobs, &blobs).await?;
    let manifest = Manifest::new(made, &database.tables, second.copied + second.present);
    finish(&app, to, database, &manifest).await?;
    let removed = remove_old(to, &blobs).await?;
    let copied = Copied {
        copied: first.copied + second.copied,
        copied_bytes: first.copied_bytes + second.copied_bytes,
        present: manifest.blobs.saturating_sub(first.copied + second.copied),
        damaged: second.damaged,
    };
    tell(&manifest, &copied, removed, as_json)
}

/// Makes the folder, if need be, and keeps other backups out of it as long as the answer lives.
fn prepare(folder: &Path, data: &Path) -> Result<File> {
    let about = || folder.display().to_string();
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(folder)
        .map_err(Error::about(about()))?;
    if folder.canonicalize()? == data.canonicalize()? {
        return Err(Error::new(format!(
            "{}: this is the data folder itself",
            about()
        )));
    }
    for entry in std::fs::read_dir(folder).map_err(Error::about(about()))? {
        let name = entry?.file_name();
        let name = name.to_string_lossy();
        let is_own =
            OWN_FILES.contains(&&*name) || name.starts_with(UNFINISHED) || name.ends_with(".new");
        if !is_own {
            return Err(Error::new(format!(
                "{}: there is something else in it: {name}",
                about()
            )));
        }
    }
    let lock = File::open(folder).map_err(Error::about(about()))?;
    lock.try_lock()
        .map_err(|_| Error::new(format!("{}: another backup is at work in it", about())))?;
    Ok(lock)
}

/// A copy of the database.
struct DatabaseCopy {
    db: Db,
    tables: Vec<TableRows>,
    file: PathBuf,
}

async fn copy_database(from: &Db, folder: &Path) -> Result<DatabaseCopy> {
    let file = folder.join(UNFINISHED);
    remove_database(&file)?;
    // Whoever may look into the folder may still not read what is in the database.
    let mut private = File::options();
    private.write(true).create_new(true).mode(0o600);
    private.open(&file).map_err(Error::about(file.display()))?;
    let (from, place) = (from.clone(), file.clone());
    let copy = move || -> Stored<_> {
        let db = Db::open_sqlite(&place, &SqliteOptions::default())?;
        transfer::copy(&from, &db)?;
        // What is being written just now is not copied either: the backup has what was committed.
        while db.edit_blocking(|tx| tx.remove_working_copies_piece())? > 0 {}
        // The bytes of what nobody holds are not copied, and a row without its bytes must not exist.
        while db.edit_blocking(|tx| tx.remove_garbage_piece())? > 0 {}
        let tables = transfer::count(&db)?;
        Ok((db, tables))
    };
    let (db, tables) = tokio::task::spawn_blocking(copy).await??;
    Ok(DatabaseCopy { db, tables, file })
}

/// Makes the copy of the database the backup's own, and the backup a finished one.
async fn finish(app: &App, folder: &Path, copy: DatabaseCopy, manifest: &Manifest) -> Result<()> {
    let key = app.config.data.join(KEY_FILE);
    let key = std::fs::read(&key).map_err(Error::about(key.display()))?;
    manifest::replace(&folder.join(KEY_FILE), &key)?;
    let DatabaseCopy { db, file, .. } = copy;
    close(db).await?;
    if beside(&file, LOG_SUFFIX).exists() {
        let file = file.display();
        return Err(Error::new(format!("{file}: closing it has failed")));
    }
    let database = folder.join(DATABASE_FILE);
    let put = || {
        File::open(&file)?.sync_all()?;
        std::fs::rename(&file, &database)
    };
    // A log that belongs to the old database would be taken for one of the new.
    remove_logs(&database)?;
    put().map_err(Error::about(database.display()))?;
    sync_folder_of(&database)?;
    manifest.write(folder)
}

/// Removes blobs that only an earlier backup had; answers how many.
async fn remove_old(folder: &Path, blobs: &BlobStore) -> Result<u64> {
    let file = folder.join(DATABASE_FILE);
    let open = move || Db::open_sqlite(&file, &SqliteOptions::default());
    let db = tokio::task::spawn_blocking(open).await??;
    let mut removed = 0;
    let mut listed = blobs.list();
    while let Some(blob) = listed.next().await {
        let key = blob?.key;
        let is_known = db
            .view(move |tx| tx.has_storage_key(key.as_bytes()))
            .await?;
        if !is_known {
            blobs.delete(&key).await?;
            removed += 1;
        }
    }
    close(db).await?;
    Ok(removed)
}

/// Closes a database, which moves what is in its write-ahead log to the file itself.
async fn close(db: Db) -> Result<()> {
    Ok(tokio::task::spawn_blocking(move || drop(db)).await?)
}

fn tell(manifest: &Manifest, copied: &Copied, removed: u64, as_json: bool) -> Result<ExitCode> {
    if as_json {
        output::json(&json!({
            "made": manifest.made,
            "rows": manifest.rows,
            "blobs": manifest.blobs,
            "blobscopied": copied.copied,
            "bytescopied": copied.copied_bytes,
            "blobsremoved": removed,
            "damaged": copied.damaged,
        }))?;
    } else {
        let rows: u64 = manifest.rows.values().sum();
        let size = output::size(i64::try_from(copied.copied_bytes).unwrap_or(i64::MAX));
        let mut lines = vec![format!(
            "backed up {rows} rows and {} blobs; {} of the blobs were new, with {size}",
            manifest.blobs, copied.copied,
        )];
        if removed > 0 {
            lines.push(format!(
                "removed {removed} blobs that only earlier backups had"
            ));
        }
        lines.extend(copied.damaged.iter().cloned());
        output::lines(lines)?;
    }
    Ok(match copied.damaged.is_empty() {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}

/// Removes an SQLite database with everything that belongs to it.
pub fn remove_database(file: &Path) -> Result<()> {
    remove_logs(file)?;
    remove_if_there(file)
}

/// Removes what SQLite keeps beside a database that is open or was left by a crash.
fn remove_logs(database: &Path) -> Result<()> {
    [LOG_SUFFIX, "-shm"]
        .iter()
        .try_for_each(|suffix| remove_if_there(&beside(database, suffix)))
}

fn beside(database: &Path, suffix: &str) -> PathBuf {
    let mut name = database.as_os_str().to_owned();
    name.push(suffix);
    name.into()
}

fn remove_if_there(file: &Path) -> Result<()> {
    match std::fs::remove_file(file) {
        Err(error) if error.kind() != ErrorKind::NotFound => {
            Err(Error::about(file.display())(error))
        }
        _ => Ok(()),
    }
}
