//! Writing an open file on behalf of a call.
//!
//! Whether the caller may, and whether there is room, is asked with the lock of the file's state held, for each call
//! anew. Calls that have arrived together are judged together: nobody can tell that from their having been carried out
//! one right after the other.

use super::access::row;
use super::begin::{Start, begin};
use super::registry::{State, Working};
use super::{Descriptor, OpenFile};
use crate::app::App;
use crate::call::{Answer, Fail};
use crate::cx::{Cx, View};
use crate::rules::access::Right;
use bytes::Bytes;
use pileus_api::Code;
use pileus_store::files::File;
use std::sync::Arc;

/// Where bytes are to be written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum At {
    /// At an offset.
    Offset(u64),
    /// At the end of the file.
    End,
}

/// What there is to know before a file changes.
struct Facts {
    row: File,
    /// Bytes that the owner uses, those included that working copies will take up.
    used: i64,
    quota: i64,
}

impl Facts {
    /// Looks whether the caller may write to a file, whose state is locked.
    async fn new(cx: &Cx<'_, '_>, descriptor: &Descriptor) -> Answer<Self> {
        let (account, id) = (descriptor.account, descriptor.file.id);
        let (row, used, quota) = cx
            .view(move |view| {
                let Some(row) = row(view, account, id)? else {
                    return Err(why_unwritable(view, id)?.into());
                };
                // A right that was taken away since the file was opened ends the writing.
                view.require_file(&row, Right::Modify)?;
                let owner = view.tx.account(row.owner)?.ok_or(Code::WRITE_FAILED)?;
                Ok((row, owner.used, owner.quota))
            })
            .await?;
        if descriptor.revision.is_some() {
            return Err(Code::DENIED.into());
        }
        let used = used.saturating_add(cx.app.open_files.growth(row.owner));
        Ok(Self { row, used, quota })
    }

    /// The size of the file, and where bytes are appended.
    fn ends(&self, state: &State) -> (u64, u64) {
        match state {
            State::Working(working) => {
                let size = working.file.size();
                (size, size.max(working.appended))
            }
            State::Committed => (self.row.size.unsigned_abs(), self.row.size.unsigned_abs()),
        }
    }

    /// 2008 if a file of `size` bytes may not come to end at `end`.
    fn check_room(&self, size: u64, end: u64) -> Answer<()> {
        let more = end.saturating_sub(size);
        let fits = i64::try_from(more)
            .ok()
            .and_then(|more| self.used.checked_add(more))
            .is_some_and(|used| used <= self.quota);
        if fits || more == 0 {
            Ok(())
        } else {
            Err(Code::OVER_QUOTA.into())
        }
    }

    /// Counts what a change has added to a working copy, or taken away.
    fn count_growth(&self, app: &App, working: &mut Working) {
        let size = i64::try_from(working.file.size()).unwrap_or(i64::MAX);
        let growth = size - self.row.size;
        let more = growth - working.growth;
        working.growth = growth;
        app.open_files.grow(working.copy.account, more);
    }
}

/// Writes pieces at offsets, one after the other; answers what became of each.
pub async fn write_all(
    cx: &Cx<'_, '_>,
    descriptor: &Descriptor,
    pieces: Vec<(u64, Bytes)>,
) -> Answer<Vec<Answer<()>>> {
    let mut state = descriptor.file.state.write().await;
    let facts = Facts::new(cx, descriptor).await?;
    let (size, _) = facts.ends(&state);
    let mut answers = Vec::with_capacity(pieces.len());
    let mut fitting = Vec::with_capacity(pieces.len());
    for (offset, bytes) in pieces {
        if bytes.is_empty() {
            // However far behind the end it stands, nothing grows.
            answers.push(Ok(()));
            continue;
        }
        let fits = facts.check_room(size, offset.saturating_add(bytes.len() as u64));
        if fits.is_ok() {
            fitting.push((answers.len(), (offset, bytes)));
        }
        answers.push(fits);
    }
    if fitting.is_empty() {
        return Ok(answers);
    }
    let working = begin_change(cx.app, descriptor, &mut state, Start::Committed).await?;
    let (places, pieces): (Vec<_>, Vec<_>) = fitting.into_iter().unzip();
    let written = working.file.write_all(pieces).await;
    facts.count_growth(cx.app, working);
    for (place, written) in places.into_iter().zip(written.map_err(not_written)?) {
        answers[place] = written.map_err(not_written);
    }
    Ok(answers)
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
    let mut state = descriptor.file.state.write().await;
    let facts = Facts::new(cx, descriptor).await?;
    let (size, append_at) = facts.ends(&state);
    let start = match at {
        At::Offset(offset) => offset,
        At::End => append_at,
    };
    let end = start.saturating_add(promised);
    if promised > 0 {
        facts.check_room(size, end)?;
    }
    if bytes.is_empty() {
        return Ok(start);
    }
    let working = begin_change(cx.app, descriptor, &mut state, Start::Committed).await?;
    if at == At::End {
        working.appended = end;
    }
    let written = working.file.write_at(start, bytes).await;
    facts.count_growth(cx.app, working);
    written.map_err(not_written)?;
    Ok(start)
}

/// Cuts or extends the file.
pub async fn resize(cx: &Cx<'_, '_>, descriptor: &Descriptor, to: u64) -> Answer<()> {
    let mut state = descriptor.file.state.write().await;
    let facts = Facts::new(cx, descriptor).await?;
    let (size, _) = facts.ends(&state);
    facts.check_room(size, to)?;
    if to == size {
        return Ok(());
    }
    let how = if to == 0 {
        Start::Empty
    } else {
        Start::Committed
    };
    let working = begin_change(cx.app, descriptor, &mut state, how).await?;
    working.appended = 0;
    let resized = working.file.set_size(to).await;
    facts.count_growth(cx.app, working);
    resized.map_err(not_written)
}

/// The working copy that is to be changed. From here on there is something to commit, even if not all of the change
/// succeeds.
async fn begin_change<'a>(
    app: &Arc<App>,
    descriptor: &Descriptor,
    state: &'a mut State,
    how: Start,
) -> Answer<&'a mut Working> {
    let working = begin(app, &descriptor.file, state, how).await?;
    app.open_files.wrote(&descriptor.file);
    descriptor.note_write();
    Ok(working)
}

/// Why a file that the caller has open for writing cannot be written any more: it was deleted, or he has lost sight of the
/// place where it is.
fn why_unwritable(view: &mut View<'_, '_>, file: i64) -> Answer<Code> {
    let is_place_seen = match view.tx.file(file)? {
        Some(file) => view.access_in(file.folder)?.is_some(),
        None => true,
    };
    Ok(if is_place_seen {
        Code::WRITE_FAILED
    } else {
        Code::DENIED
    })
}

fn not_written(error: pileus_blobs::Error) -> Fail {
    Fail::caused(Code::WRITE_FAILED, error)
}

/// What was promised to be appended behind `written` does not come any more.
pub async fn break_off(file: &OpenFile, promised_end: u64) {
    if let State::Working(working) = &mut *file.state.write().await
        && working.appended == promised_end
    {
        working.appended = 0;
    }
}
