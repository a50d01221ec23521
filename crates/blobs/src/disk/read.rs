//! Reading ranges of files with large reads, one chunk ahead of the consumer.

use std::fs::File;
use std::io::{self, ErrorKind};
use std::ops::Range;
use std::sync::Arc;

use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use rustix::buffer::spare_capacity;
use tokio::task::{JoinHandle, spawn_blocking};

use super::{Disk, blocking};
use crate::reader::READ_CHUNK_BYTES;
use crate::{BlobKey, Error, Result};

/// Context of errors.
const READING: &str = "reading a blob";

/// What is left to read of a file.
struct Rest {
    key: BlobKey,
    file: Arc<File>,
    range: Range<u64>,
}

impl Rest {
    /// Splits the next chunk off and starts reading it.
    fn start(&mut self) -> Option<JoinHandle<Result<Bytes>>> {
        let chunk = self.next_chunk()?;
        let (key, file) = (self.key, Arc::clone(&self.file));
        Some(spawn_blocking(move || read_chunk(key, &file, chunk)))
    }

    fn next_chunk(&mut self) -> Option<Range<u64>> {
        let start = self.range.start;
        let end = self
            .range
            .end
            .min(start.saturating_add(READ_CHUNK_BYTES as u64));
        self.range.start = end;
        (start < end).then_some(start..end)
    }
}

impl Disk {
    /// Opens a blob and reads the first chunk, in one hop to a thread that may block.
    ///
    /// A range that ends behind the end of the file is damage: the caller knows the size of what
    /// was stored.
    pub(crate) async fn read(
        &self,
        key: BlobKey,
        range: Range<u64>,
    ) -> Result<BoxStream<'static, Result<Bytes>>> {
        let path = self.blob(&key);
        let (first, mut rest) = blocking(READING, move || {
            let file = File::open(path).map_err(|e| match e.kind() {
                ErrorKind::NotFound => Error::NotFound(key),
                _ => Error::io(READING, e),
            })?;
            let size = file.metadata().map_err(|e| Error::io(READING, e))?.len();
            if range.end > size {
                let detail = format!("{size} bytes long, bytes {range:?} were asked for");
                return Err(Error::Corrupt { key, detail });
            }
            let mut rest = Rest {
                key,
                file: Arc::new(file),
                range,
            };
            let first = match rest.next_chunk() {
                Some(chunk) => Some(read_chunk(key, &rest.file, chunk)?),
                None => None,
            };
            Ok((first, rest))
        })
        .await?;

        let ahead = rest.start();
        let chunks = stream::try_unfold((rest, ahead), |(mut rest, ahead)| async {
            let Some(ahead) = ahead else { return Ok(None) };
            let chunk = ahead
                .await
                .map_err(|e| Error::io(READING, io::Error::other(e)))??;
            let ahead = rest.start();
            Ok(Some((chunk, (rest, ahead))))
        });
        Ok(stream::iter(first.map(Ok)).chain(chunks).boxed())
    }
}

/// Reads exactly these bytes.
fn read_chunk(key: BlobKey, file: &File, range: Range<u64>) -> Result<Bytes> {
    // A chunk is at most READ_CHUNK_BYTES long.
    let length = (range.end - range.start) as usize;
    let chunk = read_up_to(file, range.start, length).map_err(|e| Error::io(READING, e))?;
    if chunk.len() < length {
        let end = range.start + chunk.len() as u64;
        let detail = format!("ends at byte {end}, before the end that was asked for");
        return Err(Error::Corrupt { key, detail });
    }
    Ok(chunk.into())
}

/// Reads `length` bytes at `offset`; fewer only at the end of the file.
pub(crate) fn read_up_to(file: &File, offset: u64, length: usize) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::with_capacity(length);
    while bytes.len() < length {
        let next = offset + bytes.len() as u64;
        match rustix::io::pread(file, spare_capacity(&mut bytes), next) {
            Ok(0) => break,
            Ok(_) | Err(rustix::io::Errno::INTR) => {}
            Err(e) => return Err(e.into()),
        }
    }
    // The allocator may have given more room than was asked for, and reading may have filled it.
    bytes.truncate(length);
    Ok(bytes)
}
