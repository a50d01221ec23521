//! What a backup says about itself.

use super::error::{Error, Result};
use pileus_store::transfer::TableRows;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::fs::File;
use std::io::Write;
use std::os::unix::fs::OpenOptionsExt;
use std::path::Path;

/// Name of the manifest in a backup.
pub const FILE_NAME: &str = "manifest.json";

/// The layout of backups that this program writes and reads.
const FORMAT: u32 = 1;

/// What a backup says about itself.
#[derive(Debug, Serialize, Deserialize)]
pub struct Manifest {
    format: u32,
    /// Version of the program that made it.
    pub program: String,
    /// The moment that it is of, in unix seconds.
    pub made: i64,
    /// Rows of each table.
    pub rows: BTreeMap<String, u64>,
    /// Contents outside of the database.
    pub blobs: u64,
}

impl Manifest {
    /// A manifest for a backup of this moment.
    pub fn new(made: i64, tables: &[TableRows], blobs: u64) -> Self {
        let rows = tables
            .iter()
            .map(|table| (table.name.to_owned(), table.rows));
        Self {
            format: FORMAT,
            program: env!("CARGO_PKG_VERSION").to_owned(),
            made,
            rows: rows.collect(),
            blobs,
        }
    }

    /// Reads the manifest of a backup.
    ///
    /// # Errors
    /// When there is none, or this program does not understand it.
    pub fn read(folder: &Path) -> Result<Self> {
        let file = folder.join(FILE_NAME);
        let text = std::fs::read(&file).map_err(|error| {
            let folder = folder.display();
            Error::new(format!(
                "{folder} is no finished backup: {FILE_NAME}: {error}"
            ))
        })?;
        let manifest: Self = serde_json::from_slice(&text).map_err(Error::about(file.display()))?;
        if manifest.format != FORMAT {
            let (file, format) = (file.display(), manifest.format);
            return Err(Error::new(format!(
                "{file}: format {format} was made by another version of the program"
            )));
        }
        Ok(manifest)
    }

    /// Writes the manifest of a backup.
    ///
    /// # Errors
    /// When it cannot be written.
    pub fn write(&self, folder: &Path) -> Result<()> {
        let text = serde_json::to_vec_pretty(self)?;
        replace(&folder.join(FILE_NAME), &text)
    }
}

/// Replaces a file by another one that only its owner can read, durably and in one step.
pub fn replace(file: &Path, content: &[u8]) -> Result<()> {
    let next = file.with_extension("new");
    let write = || {
        let mut out = File::options()
            .write(true)
            .create(true)
            .truncate(true)
            .mode(0o600)
            .open(&next)?;
        out.write_all(content)?;
        out.sync_all()?;
        std::fs::rename(&next, file)
    };
    write().map_err(Error::about(file.display()))?;
    sync_folder_of(file)
}

/// Puts the name of a file on stable storage.
pub fn sync_folder_of(file: &Path) -> Result<()> {
    let folder = file.parent().unwrap_or(Path::new("."));
    let sync = || File::open(folder)?.sync_all();
    sync().map_err(Error::about(folder.display()))
}
