//! `pileus restore`.

use super::backup::remove_database;
use super::copies::{Copied, copy_contents};
use super::error::{Error, Result};
use super::manifest::{self, Manifest};
use super::{open, output};
use crate::cli::DataArgs;
use crate::settings;
use pileus_blobs::BlobStore;
use pileus_server::config::Config;
use pileus_server::start::{DATABASE_FILE, KEY_FILE};
use pileus_store::check::Findings;
use pileus_store::transfer::{self, TableRows};
use pileus_store::{Db, SqliteOptions, Stored};
use serde_json::json;
use std::os::unix::fs::DirBuilderExt;
use std::path::Path;
use std::process::ExitCode;

/// The backup's database while it is being read. A copy, since reading may bring it to the current schema.
const WORKING_COPY: &str = "restore.db";

/// Fills an empty data folder. Fails if something is missing or contradictory; all the rest is restored then.
pub async fn run(from: &Path, data: &DataArgs, as_json: bool) -> Result<ExitCode> {
    let manifest = Manifest::read(from)?;
    let config = settings::of_data(data)?;
    refuse_data(&config)?;
    let folder = config.data.clone();
    std::fs::DirBuilder::new()
        .recursive(true)
        .mode(0o700)
        .create(&folder)
        .map_err(Error::about(folder.display()))?;
    let key = from.join(KEY_FILE);
    let key = std::fs::read(&key).map_err(Error::about(key.display()))?;
    manifest::replace(&folder.join(KEY_FILE), &key)?;

    let app = open(config).await?;
    let target = app.db.clone();
    if let Err(error) = tokio::task::spawn_blocking(move || transfer::ensure_empty(&target)).await?
    {
        // With the key the folder would no longer count as empty at the next try.
        std::fs::remove_file(folder.join(KEY_FILE))?;
        return Err(error.into());
    }
    let source = open_copy(&from.join(DATABASE_FILE), &folder.join(WORKING_COPY)).await?;
    let blobs = BlobStore::disk(from).await?;
    // Bytes first: a row without its bytes must not exist.
    let copied = copy_contents(&source, &blobs, &app.blobs).await?;
    let target = app.db.clone();
    let copy = move || -> Stored<Vec<TableRows>> {
        let rows = transfer::copy(&source, &target)?;
        drop(source);
        Ok(rows)
    };
    let rows = tokio::task::spawn_blocking(copy).await??;
    remove_database(&folder.join(WORKING_COPY))?;
    compare(&manifest, &rows)?;
    let found = app.db.view(|tx| tx.check()).await?;
    tell(&rows, &copied, &found, as_json)
}

/// Refuses to restore over data.
fn refuse_data(config: &Config) -> Result<()> {
    for name in [KEY_FILE, DATABASE_FILE, "blobs"] {
        let file = config.data.join(name);
        if file.exists() {
            let file = file.display();
            return Err(Error::new(format!(
                "{file} is there already; only an empty data folder can be filled"
            )));
        }
    }
    Ok(())
}

async fn open_copy(database: &Path, copy: &Path) -> Result<Db> {
    remove_database(copy)?;
    let (database, copy) = (database.to_owned(), copy.to_owned());
    let open = move || {
        std::fs::copy(&database, &copy).map_err(Error::about(database.display()))?;
        Ok(Db::open_sqlite(&copy, &SqliteOptions::default())?)
    };
    tokio::task::spawn_blocking(open).await?
}

/// Refuses a database that has not what the backup says it has.
fn compare(manifest: &Manifest, rows: &[TableRows]) -> Result<()> {
    for TableRows { name, rows } in rows {
        // Tables that are younger than the backup are not in it.
        let wanted = manifest.rows.get(*name).copied().unwrap_or(0);
        if *rows != wanted {
            return Err(Error::new(format!(
                "the backup is damaged: table {name} has {rows} rows instead of {wanted}"
            )));
        }
    }
    Ok(())
}

fn tell(rows: &[TableRows], copied: &Copied, found: &Findings, as_json: bool) -> Result<ExitCode> {
    let problems: Vec<&str> = copied
        .damaged
        .iter()
        .map(String::as_str)
        .chain(found.problems.iter().map(|problem| problem.text.as_str()))
        .collect();
    let is_whole = problems.is_empty();
    let total: u64 = rows.iter().map(|table| table.rows).sum();
    if as_json {
        output::json(&json!({
            "rows": total,
            "blobscopied": copied.copied,
            "bytescopied": copied.copied_bytes,
            "problems": problems,
        }))?;
    } else {
        let size = output::size(i64::try_from(copied.copied_bytes).unwrap_or(i64::MAX));
        let done = format!(
            "restored {total} rows and {} blobs with {size}",
            copied.copied
        );
        let problems = problems.into_iter().map(str::to_owned);
        output::lines([done].into_iter().chain(problems))?;
    }
    Ok(match is_whole {
        true => ExitCode::SUCCESS,
        false => ExitCode::FAILURE,
    })
}
