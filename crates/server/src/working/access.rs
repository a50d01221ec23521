//! Reading and writing an open file on behalf of a call.
//!
//! The lock of the file's state makes what a call sees of the rows and of the working copy one moment: a reader that
//! begins after a write was answered finds it, whether it has been committed in between or not.

use super::begin::{Start, begin};
use super::registry::State;
use super::{Descriptor, OpenFile};
use crate::app::App;
use crate::call::{Answer, Fail};
use crate::cx::{Cx, View};
use crate::methods::file::blob_key;
use crate::rules::access::Right;
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use pileus_api::Code;
use pileus_blobs::{BlobReader, WorkingFile};
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
            let range = usize::try_from(range.start).map_err(Fail::internal)?
                ..usize::try_from(range.end).map_err(Fail::internal)?;
            let piece = bytes.get(range).ok_or(Code::READ_FAILED)?.to_vec();
            return Ok(stream::iter([Ok(Bytes::from(piece))]).boxed());
        }
        Ok(self.reader(app, range).await?.boxed())
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

/// The row of a descriptor's file, if the caller still sees it; 1007 if somebody else has opened the descriptor.
fn row(view: &mut View<'_, '_>, account: i64, file: i64) -> Answer<Option<File>> {
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

/// Where bytes are to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// At an offset.
    Offset(u64),
    /// At the end of the file.
    End,
}

/// How a file is to change.
enum Change {
    Write(At, Bytes),
    Resize(u64),
}

/// Writes bytes; answers where. `promised` is how many the call is going to write in all, for which there has to be
/// room before any is written.
pub async fn write(
    cx: &Cx<'_, '_>,
    descriptor: &Descriptor,
    at: At,
    bytes: Bytes,
    promised: u64,
) -> Answer<u64> {
    change(cx, descriptor, Change::Write(at, bytes), promised).await
}

/// Cuts or extends the file.
pub async fn resize(cx: &Cx<'_, '_>, descriptor: &Descriptor, size: u64) -> Answer<()> {
    change(cx, descriptor, Change::Resize(size), 0)
        .await
        .map(drop)
}

async fn change(
    cx: &Cx<'_, '_>,
    descriptor: &Descriptor,
    change: Change,
    promised: u64,
) -> Answer<u64> {
    let file = &descriptor.file;
    let mut state = file.state.write().await;
    let (account, id) = (descriptor.account, file.id);
    let (row, used, quota) = cx
        .view(move |view| {
            let row = row(view, account, id)?.ok_or(Code::WRITE_FAILED)?;
            // A right that was taken away since the file was opened ends the writing.
            view.require_file(&row, Right::Modify)?;
            let owner = view.tx.account(row.owner)?.ok_or(Code::WRITE_FAILED)?;
            Ok((row, owner.used, owner.quota))
        })
        .await?;
    if descriptor.revision.is_some() {
        return Err(Code::DENIED.into());
    }
    let (size, appended) = match &*state {
        State::Working(working) => (working.file.size(), working.appended),
        State::Committed => (row.size.unsigned_abs(), 0),
    };
    let (start, end) = match &change {
        Change::Write(At::Offset(offset), _) => (*offset, offset.saturating_add(promised)),
        Change::Write(At::End, _) => {
            let start = size.max(appended);
            (start, start.saturating_add(promised))
        }
        Change::Resize(size) => (*size, *size),
    };
    if end > size {
        check_room(
            used.saturating_add(cx.app.open_files.growth(row.owner)),
            quota,
            end - size,
        )?;
    }
    let starts_empty = matches!(change, Change::Resize(0));
    let is_nothing = match &change {
        Change::Write(_, bytes) => bytes.is_empty(),
        Change::Resize(to) => *to == size,
    };
    if is_nothing {
        return Ok(start);
    }
    let how = if starts_empty {
        Start::Empty
    } else {
        Start::Committed
    };
    let working = begin(cx.app, file, &mut state, how).await?;
    // From here on there is something to commit, even if not all of it could be written.
    cx.app.open_files.wrote(file);
    descriptor.note_write();
    let written = match change {
        Change::Write(at, bytes) => {
            if at == At::End {
                working.appended = end;
            }
            working.file.write_at(start, bytes).await
        }
        Change::Resize(to) => {
            working.appended = 0;
            working.file.set_size(to).await
        }
    };
    let growth = i64::try_from(working.file.size()).unwrap_or(i64::MAX) - row.size;
    let more = growth - working.growth;
    working.growth = growth;
    cx.app.open_files.grow(working.copy.account, more);
    written.map_err(|error| Fail::caused(Code::WRITE_FAILED, error))?;
    Ok(start)
}

/// What was promised to be appended behind `written` does not come any more.
pub async fn break_off(file: &OpenFile, promised_end: u64) {
    if let State::Working(working) = &mut *file.state.write().await
        && working.appended == promised_end
    {
        working.appended = 0;
    }
}

/// 2008 if an account has no room for more bytes.
fn check_room(used: i64, quota: i64, more: u64) -> Answer<()> {
    let fits = i64::try_from(more)
        .ok()
        .and_then(|more| used.checked_add(more))
        .is_some_and(|used| used <= quota);
    if fits {
        Ok(())
    } else {
        Err(Code::OVER_QUOTA.into())
    }
}
