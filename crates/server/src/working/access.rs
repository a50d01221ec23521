//! Reading an open file on behalf of a call.
//!
//! The lock of the file's state makes what a call sees of the rows and of the working copy one moment: a reader that
//! begins after a write was answered finds it, whether it has been committed in between or not.

use super::Descriptor;
use super::registry::State;
use crate::app::App;
use crate::call::{Answer, Fail};
use crate::cx::{Cx, View};
use crate::methods::file::blob_key;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use pileus_api::Code;
use pileus_blobs::{BlobReader, Piece, WorkingFile};
use pileus_store::contents::Place;
use pileus_store::files::File;
use std::ops::Range;
use std::sync::Arc;

/// The content that a descriptor reads, as of one moment.
pub enum Source {
    /// A working copy.
    Working(Arc<WorkingFile>),
    /// A committed content.
    Committed {
        /// Bytes.
        size: u64,
        /// Where they are.
        place: Place,
    },
}

/// The bytes of an answer.
pub type Chunks = BoxStream<'static, pileus_blobs::Result<Bytes>>;

impl Source {
    /// Its size in bytes.
    pub fn size(&self) -> u64 {
        match self {
            Self::Working(file) => file.size(),
            Self::Committed { size, .. } => *size,
        }
    }

    /// Up to `count` bytes from `offset` on, as far as there are any.
    pub fn range(&self, offset: u64, count: u64) -> Range<u64> {
        let size = self.size();
        let start = offset.min(size);
        start..start.saturating_add(count).min(size)
    }

    /// Reads a range within the content.
    pub async fn read(&self, app: &App, range: Range<u64>) -> Answer<Chunks> {
        if let Self::Committed {
            place: Place::Inline(bytes),
            ..
        } = self
        {
            return Ok(stream::iter([Ok(inline(bytes, range)?)]).boxed());
        }
        Ok(self.reader(app, range).await?.boxed())
    }

    /// Reads several ranges within the content, all of them at once. If it `keeps` them, large pieces may be left where
    /// the kernel has them.
    pub async fn read_all(
        &self,
        app: &App,
        ranges: Vec<Range<u64>>,
        keeps: bool,
    ) -> Answer<Vec<Piece>> {
        let read = match self {
            // It may change before they are sent.
            Self::Working(file) => file.read_all(ranges).await.map(in_memory),
            Self::Committed { place, .. } => match place {
                Place::Key(key) => app.blobs.read_all(&blob_key(key)?, ranges, keeps).await,
                Place::Inline(bytes) => {
                    let pieces = ranges.into_iter().map(|range| inline(bytes, range));
                    return pieces.collect::<Answer<_>>().map(in_memory);
                }
            },
        };
        read.map_err(|error| Fail::caused(Code::READ_FAILED, error))
    }

    async fn reader(&self, app: &App, range: Range<u64>) -> Answer<BlobReader> {
        let reader = match self {
            Self::Working(file) => file.read(range).await,
            Self::Committed { place, .. } => match place {
                Place::Key(key) => app.blobs.read(&blob_key(key)?, range).await,
                Place::Inline(_) => return Err(Fail::internal("the bytes are in the database")),
            },
        };
        reader.map_err(|error| Fail::caused(Code::READ_FAILED, error))
    }
}

fn in_memory(pieces: Vec<Bytes>) -> Vec<Piece> {
    pieces.into_iter().map(Piece::Bytes).collect()
}

/// A range of a content in the database.
fn inline(bytes: &[u8], range: Range<u64>) -> Answer<Bytes> {
    let range = usize::try_from(range.start).map_err(Fail::internal)?
        ..usize::try_from(range.end).map_err(Fail::internal)?;
    let piece = bytes.get(range).ok_or(Code::READ_FAILED)?;
    Ok(Bytes::copy_from_slice(piece))
}

/// The row of a descriptor's file, if the caller still sees it; 1007 if somebody else has opened the descriptor.
pub(super) fn row(view: &mut View<'_, '_>, account: i64, file: i64) -> Answer<Option<File>> {
    if view.user.account.id != account {
        return Err(Code::BAD_DESCRIPTOR.into());
    }
    view.file_by_id(file.unsigned_abs())
}

/// What a descriptor reads now: 5004 if the file is gone.
pub async fn source(cx: &Cx<'_, '_>, descriptor: &Descriptor) -> Answer<Source> {
    let state = descriptor.file.state.read().await;
    let working = match &*state {
        State::Working(working) if descriptor.revision.is_none() => Some(working.file.clone()),
        _ => None,
    };
    let (account, file, revision) = (descriptor.account, descriptor.file.id, descriptor.revision);
    let is_committed = working.is_none();
    let committed = cx
        .view(move |view| {
            let file = row(view, account, file)?.ok_or(Code::READ_FAILED)?;
            if !is_committed {
                return Ok(None);
            }
            let content = view.tx.content(revision.unwrap_or(file.blob))?;
            let content = content.ok_or(Code::READ_FAILED)?;
            let place = view.tx.content_place(&content)?.ok_or(Code::READ_FAILED)?;
            Ok(Some((content.size.unsigned_abs(), place)))
        })
        .await?;
    match (working, committed) {
        (Some(file), _) => Ok(Source::Working(file)),
        (None, Some((size, place))) => Ok(Source::Committed { size, place }),
        (None, None) => Err(Code::READ_FAILED.into()),
    }
}

/// Makes sure that the caller may still read the file.
pub async fn check(cx: &Cx<'_, '_>, descriptor: &Descriptor) -> Answer<()> {
    let (account, file) = (descriptor.account, descriptor.file.id);
    cx.view(move |view| {
        row(view, account, file)?.ok_or(Code::READ_FAILED)?;
        Ok(())
    })
    .await
}
