//! Blobs in memory: for tests, and for servers that are to forget everything.

use std::collections::HashMap;
use std::ops::Range;
use std::sync::{PoisonError, RwLock};
use std::time::{SystemTime, UNIX_EPOCH};

use bytes::{Bytes, BytesMut};
use futures_util::stream::{self, BoxStream, StreamExt};

use crate::reader::READ_CHUNK_BYTES;
use crate::{BlobKey, Error, Listed, Result};

/// All blobs of a process.
#[derive(Default)]
pub(crate) struct Memory {
    blobs: RwLock<HashMap<BlobKey, Blob>>,
}

struct Blob {
    content: Bytes,
    modified: u64,
}

impl Memory {
    pub(crate) fn put(&self, key: BlobKey, parts: &[Bytes]) {
        let mut content = BytesMut::with_capacity(parts.iter().map(Bytes::len).sum());
        for part in parts {
            content.extend_from_slice(part);
        }
        let modified = SystemTime::now()
            .duration_since(UNIX_EPOCH)
            .unwrap_or_default()
            .as_secs();
        let blob = Blob {
            content: content.freeze(),
            modified,
        };
        self.blobs
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .insert(key, blob);
    }

    fn content(&self, key: &BlobKey) -> Option<Bytes> {
        let blobs = self.blobs.read().unwrap_or_else(PoisonError::into_inner);
        blobs.get(key).map(|blob| blob.content.clone())
    }

    pub(crate) fn read(
        &self,
        key: BlobKey,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let content = self.content(&key).ok_or(Error::NotFound(key))?;
        let damaged = || {
            let detail = format!(
                "{} bytes long, bytes {range:?} were asked for",
                content.len()
            );
            Error::Corrupt { key, detail }
        };
        let end = usize::try_from(range.end)
            .ok()
            .filter(|&end| end <= content.len());
        let end = end.ok_or_else(damaged)?;
        let start = usize::try_from(range.start).map_or(end, |start| start.min(end));
        let mut rest = content.slice(start..end);
        let chunks = std::iter::from_fn(move || {
            let chunk = rest.split_to(rest.len().min(READ_CHUNK_BYTES));
            (!chunk.is_empty()).then_some(Ok(chunk))
        });
        Ok(stream::iter(chunks).boxed())
    }

    pub(crate) fn delete(&self, key: &BlobKey) {
        self.blobs
            .write()
            .unwrap_or_else(PoisonError::into_inner)
            .remove(key);
    }

    pub(crate) fn size(&self, key: &BlobKey) -> Option<u64> {
        self.content(key).map(|content| content.len() as u64)
    }

    pub(crate) fn list(&self) -> BoxStream<'static, Result<Listed>> {
        let blobs = self.blobs.read().unwrap_or_else(PoisonError::into_inner);
        let listed: Vec<_> = blobs
            .iter()
            .map(|(&key, blob)| {
                Ok(Listed {
                    key,
                    size: blob.content.len() as u64,
                    modified: blob.modified,
                })
            })
            .collect();
        stream::iter(listed).boxed()
    }
}
