//! Packing files and folders into archives.

use crate::app::App;
use crate::call::{Answer, Content, Fail, Need, Raw};
use crate::cx::{Cx, provided};
use crate::dispatch::{Streamed, Streams};
use crate::methods::file::blob_key;
use crate::rules::selection::Selected;
use crate::zip::{self, Archive, Contents, NewFile, Oversize};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use pileus_api::UnixTime;
use pileus_api::archiving::GetZip;
use pileus_api::reply::Done;
use pileus_blobs::{BlobKey, Error};
use pileus_store::StoreError;
use pileus_store::contents::Place;
use std::io;
use std::sync::Arc;

/// Where the bytes of a packed file are. Those that lie in the database are read when their turn comes: together they may
/// be more than fits into memory.
enum Source {
    /// In the database, by the content's id.
    Database(i64),
    /// In the blob store.
    Blob(BlobKey),
}

/// The contents of this server.
struct Stored(Arc<App>);

impl Contents for Stored {
    type Id = Source;

    async fn open(
        &self,
        content: &Source,
        size: u64,
    ) -> pileus_blobs::Result<BoxStream<'static, pileus_blobs::Result<Bytes>>> {
        match content {
            Source::Blob(key) => Ok(self.0.blobs.read(key, 0..size).await?.boxed()),
            Source::Database(blob) => {
                let bytes = inline_bytes(&self.0, *blob)
                    .await
                    .map_err(|error| Error::Io {
                        doing: "reading a content from the database",
                        source: io::Error::other(error),
                    })?;
                Ok(stream::iter([Ok(bytes)]).boxed())
            }
        }
    }
}

async fn inline_bytes(app: &App, blob: i64) -> Result<Bytes, StoreError> {
    let read = app.db.view(move |tx| {
        let content = tx.content(blob)?.ok_or(StoreError::Missing)?;
        tx.content_place(&content)?.ok_or(StoreError::Missing)
    });
    match read.await? {
        Place::Inline(bytes) => Ok(bytes.into()),
        // Contents do not move once they are stored.
        Place::Key(_) => Err(StoreError::Missing),
    }
}

/// Lays out an archive of what was selected.
fn pack(selected: Vec<Selected>, zone_seconds: i64) -> Answer<Archive<Source>> {
    let oversize = |Oversize| Fail::internal("a selection does not fit into a zip archive");
    let mut archive = Archive::new(zone_seconds);
    let mut indices = Vec::with_capacity(selected.len());
    for entry in selected {
        let parent = entry.parent.and_then(|at| indices.get(at).copied());
        let added = match entry.file {
            None => archive.add_folder(parent, &entry.name, entry.modified),
            Some(file) => archive.add_file(NewFile {
                parent,
                name: &entry.name,
                modified: entry.modified,
                size: file.size.unsigned_abs(),
                crc32: u32::try_from(file.crc32)
                    .map_err(|_| Fail::internal("a CRC-32 has more than 32 bits"))?,
                content: match &file.storage_key {
                    Some(key) => Source::Blob(blob_key(key)?),
                    None => Source::Database(file.blob),
                },
            }),
        };
        indices.push(added.map_err(oversize)?);
    }
    Ok(archive)
}

/// What was selected, if the checksums of all of it are known.
fn complete(selected: Vec<Selected>) -> Answer<Vec<Selected>> {
    let mut files = selected.iter().filter_map(|entry| entry.file.as_ref());
    match files.find(|file| file.pending) {
        Some(file) => Err(Need::Sums { blob: file.blob }.into()),
        None => Ok(selected),
    }
}

/// How far a zone is east of UTC: `+0200`, `-05:30`, or one of the names that a datetime may end with. UTC is what
/// anything else counts as.
fn zone_seconds(zone: &str) -> i64 {
    // A plus that was not escaped in an address arrives as a blank.
    let sign = if zone.starts_with(' ') { "+" } else { "" };
    let zone = zone.trim();
    // Midnight of 1970 in that zone is as far from zero as the zone is from UTC.
    UnixTime::parse(&format!("1970-01-01T00:00:00{sign}{zone}")).map_or(0, |time| -time.0)
}

impl Streams for GetZip {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        let tree = &self.tree;
        let select = || {
            let tree = tree.clone();
            cx.view(move |view| complete(view.select(&tree)?))
        };
        let selected = provided(cx.app, select).await?;
        let zone = self.timeoffset.as_deref().map_or(0, zone_seconds);
        let archive = pack(selected, zone)?;
        let content_type = if self.forcedownload {
            "application/octet-stream"
        } else {
            "application/zip"
        };
        Ok(Streamed::Content(Content {
            length: archive.length(),
            content_type: content_type.into(),
            file_name: self.filename.clone(),
            bytes: Raw::Stream(zip::bytes(archive, Stored(cx.app.clone())).boxed()),
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::zone_seconds;

    #[test]
    fn zones() {
        for (zone, seconds) in [
            ("+0200", 7200),
            (" 0200", 7200),
            ("+02:00", 7200),
            ("-0530", -19_800),
            ("-05:30", -19_800),
            ("EET", 7200),
            ("PDT", -25_200),
            ("JST", 32_400),
            ("UTC", 0),
            ("", 0),
            ("0200", 0),
            ("nonsense", 0),
            ("+99999999999", 0),
            ("\u{fc}", 0),
        ] {
            assert_eq!(zone_seconds(zone), seconds, "{zone:?}");
        }
    }
}
