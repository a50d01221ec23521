//! Block checksums of contents, as a stream of any range of the table.
//!
//! The table is made in parts when they are first wanted, and kept. So a large content needs little memory, and nothing
//! is read twice when a download goes on after a break.

use crate::app::App;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use pileus_blobs::{BlobKey, BlockHasher, BlockLayout, Error, Result};
use pileus_store::contents::Place;
use std::io;
use std::ops::Range;
use std::sync::Arc;

/// Blocks of one part: 192 KiB of checksums, for 32 MiB of a content in the smallest blocks.
const PART_BLOCKS: u64 = 8192;
const PART_BYTES: u64 = PART_BLOCKS * BlockLayout::ENTRY_BYTES;

/// Parts that are made side by side: one keeps one core busy, until it waits for the database to keep it. Clients wait for
/// all of them.
const SIDE_BY_SIDE: usize = 4;

/// A content, and where its table comes from.
struct Source {
    app: Arc<App>,
    blob: i64,
    place: Place,
    layout: BlockLayout,
}

/// Streams the bytes of `range`, which has to lie within the table.
pub(crate) fn stream(
    app: Arc<App>,
    blob: i64,
    place: Place,
    layout: BlockLayout,
    range: Range<u64>,
) -> BoxStream<'static, Result<Bytes>> {
    let source = Arc::new(Source {
        app,
        blob,
        place,
        layout,
    });
    let head = slice(&Bytes::copy_from_slice(&layout.head()), 0, &range);
    let entries = range.start.saturating_sub(BlockLayout::HEAD_BYTES)
        ..range.end.saturating_sub(BlockLayout::HEAD_BYTES);
    let parts = entries.start / PART_BYTES..entries.end.div_ceil(PART_BYTES);
    let parts = stream::iter(parts).map(move |part| {
        let (source, entries) = (source.clone(), entries.clone());
        async move {
            let bytes = source.part(part).await?;
            Ok(slice(&bytes, part * PART_BYTES, &entries))
        }
    });
    let parts = parts.buffered(SIDE_BY_SIDE);
    stream::iter([Ok(head)])
        .chain(parts)
        .filter(|bytes| std::future::ready(!matches!(bytes, Ok(bytes) if bytes.is_empty())))
        .boxed()
}

/// What of `bytes`, which begin at `at`, lies within a range.
fn slice(bytes: &Bytes, at: u64, range: &Range<u64>) -> Bytes {
    let index = |place: u64| {
        usize::try_from(place.saturating_sub(at))
            .unwrap_or(usize::MAX)
            .min(bytes.len())
    };
    bytes.slice(index(range.start)..index(range.end))
}

impl Source {
    async fn part(&self, part: u64) -> Result<Bytes> {
        let start = part * PART_BLOCKS * self.layout.block_bytes();
        let end = self
            .layout
            .size()
            .min(start.saturating_add(PART_BLOCKS * self.layout.block_bytes()));
        let key = match &self.place {
            // Small contents have small tables, which are sooner made than kept.
            Place::Inline(bytes) => {
                let mut hasher = BlockHasher::new(&self.layout);
                hasher.update(bytes);
                return Ok(hasher.finish().into());
            }
            Place::Key(key) => key
                .as_slice()
                .try_into()
                .map_err(|_| failure("a storage key has the wrong length"))?,
        };
        let number = i64::try_from(part).unwrap_or(i64::MAX);
        let blob = self.blob;
        let kept = self
            .app
            .db
            .view(move |tx| tx.block_checksums(blob, number))
            .await
            .map_err(failure)?;
        if let Some(kept) = kept {
            return Ok(kept.into());
        }
        let made = self.make(BlobKey::from_bytes(key), start..end).await?;
        self.keep(number, made.clone()).await;
        Ok(made)
    }

    async fn make(&self, key: BlobKey, range: Range<u64>) -> Result<Bytes> {
        let mut chunks = self.app.blobs.read(&key, range).await?;
        let mut hasher = BlockHasher::new(&self.layout);
        while let Some(chunk) = chunks.next().await {
            let chunk = chunk?;
            let hash = move || {
                hasher.update(&chunk);
                hasher
            };
            hasher = self.app.blobs.compute(hash).await?;
        }
        Ok(hasher.finish().into())
    }

    /// Keeps a part for the next one who asks. If that fails it is made again.
    async fn keep(&self, part: i64, bytes: Bytes) {
        let blob = self.blob;
        let kept = self
            .app
            .db
            .edit(move |tx| tx.keep_block_checksums(blob, part, &bytes))
            .await;
        if let Err(error) = kept {
            tracing::warn!(%error, "block checksums could not be kept");
        }
    }
}

fn failure(cause: impl Into<Box<dyn std::error::Error + Send + Sync>>) -> Error {
    Error::Io {
        doing: "looking up block checksums",
        source: io::Error::other(cause),
    }
}
