//! The bytes of an archive, while its contents are read.

use super::Archive;
use bytes::Bytes;
use futures_util::stream::{BoxStream, Stream, StreamExt, try_unfold};
use pileus_blobs::{Error, Result};
use std::future::Future;
use std::io;

/// Headers and small contents are gathered into pieces of this size.
const PIECE_BYTES: usize = 64 * 1024;

/// Chunks of contents that are at least this long are passed on without copying them.
const LARGE_CHUNK_BYTES: usize = 8 * 1024;

/// Delivers the contents of an archive.
pub trait Contents: Send + Sync + 'static {
    /// Names a content.
    type Id: Send + Sync + 'static;

    /// Begins to read a content of `size` bytes, which is never 0.
    fn open(
        &self,
        content: &Self::Id,
        size: u64,
    ) -> impl Future<Output = Result<BoxStream<'static, Result<Bytes>>>> + Send;
}

/// The bytes of an archive, exactly [`Archive::length`] of them. One content is open at a time, and nothing is read before
/// it is asked for. If a content cannot be read, or is not as long as it was said to be, the bytes end with an error.
pub fn bytes<C: Contents>(
    archive: Archive<C::Id>,
    contents: C,
) -> impl Stream<Item = Result<Bytes>> + Send + 'static {
    let writer = Writer {
        archive,
        contents,
        stage: Stage::Entry(0),
        gathered: Vec::new(),
        chunk: None,
    };
    try_unfold(writer, |mut writer| async move {
        Ok(writer.piece().await?.map(|piece| (piece, writer)))
    })
}

struct Writer<C: Contents> {
    archive: Archive<C::Id>,
    contents: C,
    stage: Stage,
    /// What has been written and not been asked for.
    gathered: Vec<u8>,
    /// What comes behind it.
    chunk: Option<Bytes>,
}

/// What is to be written next.
enum Stage {
    /// The local header of the entry with this index.
    Entry(usize),
    /// The rest of a content.
    Content {
        index: usize,
        left: u64,
        stream: BoxStream<'static, Result<Bytes>>,
    },
    /// The entry of the central directory with this index.
    Directory(usize),
    /// Nothing.
    Done,
}

impl<C: Contents> Writer<C> {
    async fn piece(&mut self) -> Result<Option<Bytes>> {
        while self.chunk.is_none() && self.gathered.len() < PIECE_BYTES {
            match std::mem::replace(&mut self.stage, Stage::Done) {
                Stage::Entry(index) => self.stage = self.begin_entry(index).await?,
                Stage::Content {
                    index,
                    left,
                    stream,
                } => self.stage = self.continue_content(index, left, stream).await?,
                Stage::Directory(index) => self.stage = self.write_directory(index),
                Stage::Done => break,
            }
        }
        if !self.gathered.is_empty() {
            return Ok(Some(std::mem::take(&mut self.gathered).into()));
        }
        Ok(self.chunk.take())
    }

    async fn begin_entry(&mut self, index: usize) -> Result<Stage> {
        let Some(entry) = self.archive.entries.get(index) else {
            return Ok(Stage::Directory(0));
        };
        self.archive.write_local_header(entry, &mut self.gathered);
        match &entry.content {
            Some(content) if entry.size > 0 => Ok(Stage::Content {
                index,
                left: entry.size,
                stream: self.contents.open(content, entry.size).await?,
            }),
            _ => Ok(Stage::Entry(index + 1)),
        }
    }

    async fn continue_content(
        &mut self,
        index: usize,
        left: u64,
        mut stream: BoxStream<'static, Result<Bytes>>,
    ) -> Result<Stage> {
        let Some(chunk) = stream.next().await.transpose()? else {
            return if left == 0 {
                Ok(Stage::Entry(index + 1))
            } else {
                Err(wrong_length())
            };
        };
        let left = left
            .checked_sub(chunk.len() as u64)
            .ok_or_else(wrong_length)?;
        if chunk.len() < LARGE_CHUNK_BYTES {
            self.gathered.extend_from_slice(&chunk);
        } else {
            self.chunk = Some(chunk);
        }
        Ok(Stage::Content {
            index,
            left,
            stream,
        })
    }

    fn write_directory(&mut self, index: usize) -> Stage {
        match self.archive.entries.get(index) {
            Some(entry) => {
                self.archive
                    .write_directory_header(entry, &mut self.gathered);
                Stage::Directory(index + 1)
            }
            None => {
                self.archive.write_end(&mut self.gathered);
                Stage::Done
            }
        }
    }
}

fn wrong_length() -> Error {
    Error::Io {
        doing: "packing a content",
        source: io::Error::new(
            io::ErrorKind::InvalidData,
            "it is not as long as it was when it was stored",
        ),
    }
}
