//! The end of a working copy: it becomes the file's content.
//!
//! Bytes first, then rows: the working file is put on stable storage and published as a blob, one transaction makes that
//! the file's content and removes the row of the working copy, and then the working file goes. A crash at any point
//! leaves either the row with its working file, which is committed at the next start, or a committed content.
//!
//! Contents up to `SUMMED_AT_ONCE_BYTES` are hashed on the way. Larger ones are committed with a drawn `hash` and get
//! their checksums from [`super::sums`] a moment later, so that a commit takes no longer for a large file.

use super::begin;
use super::registry::{LastCommit, OpenFile, State, Working};
use crate::app::App;
use crate::call::{Answer, Fail};
use crate::cx::{Edit, edit_owed};
use crate::methods::file::new_content;
use crate::rules::save::Held;
use futures_util::TryStreamExt;
use pileus_api::Code;
use pileus_api::event::EventKind;
use pileus_blobs::{BlobKey, Digests, Place, Stored, WorkingFile};
use pileus_store::ContentHash;
use pileus_store::contents::{NewContent, NewPending};
use pileus_store::working::WorkingCopy;
use std::sync::Arc;

/// Contents up to this size are hashed before they are committed: it takes about as long as the rest of a commit.
const SUMMED_AT_ONCE_BYTES: u64 = 1024 * 1024;

/// What is to become the content of a file.
#[derive(Clone)]
enum New {
    /// With checksums.
    Complete(Box<NewContent>),
    /// Without, for now; and the blob it rests on until then.
    Pending(NewPending, Option<BlobKey>),
}

impl New {
    /// The blob that was made for it.
    fn key(&self) -> Option<BlobKey> {
        match self {
            Self::Pending(new, _) => Some(BlobKey::from_bytes(new.storage_key)),
            Self::Complete(new) => match &new.place {
                pileus_store::contents::Place::Key(key) => {
                    Some(BlobKey::from_bytes(key.as_slice().try_into().ok()?))
                }
                pileus_store::contents::Place::Inline(_) => None,
            },
        }
    }
}

/// What became of a working copy.
#[derive(Clone, Copy, Debug, Default)]
struct Outcome {
    /// The blob that was made is needed.
    is_kept: bool,
    /// The commit, for the next one.
    last: Option<LastCommit>,
}

/// Commits what was written to a file, if anything was. 5003 if that fails; what was written is kept, and it is tried
/// again.
pub async fn commit(app: &Arc<App>, file: &Arc<OpenFile>) -> Answer<()> {
    let mut state = file.state.write().await;
    let State::Working(working) = &mut *state else {
        app.open_files.committed(file.id);
        return Ok(());
    };
    match commit_working(app, file.id, working).await {
        Ok(()) => {
            app.open_files.grow(working.copy.account, -working.growth);
            let id = working.copy.id;
            *state = State::Committed;
            // A server that stops waits for files that are not committed, and so for this.
            begin::remove_file(app, id).await;
            app.open_files.committed(file.id);
            Ok(())
        }
        Err(fail) => {
            tracing::error!(file.id = file.id, cause = ?fail, "a file could not be committed; it will be tried again");
            app.open_files.commit_failed(file.id);
            Err(Fail::caused(Code::WRITE_FAILED, format!("{fail:?}")))
        }
    }
}

async fn commit_working(app: &Arc<App>, file: i64, working: &mut Working) -> Answer<()> {
    let id = working.copy.id;
    if app.db.view(move |tx| tx.working_copy(id)).await?.is_none() {
        // The account is gone, and with it everything it had.
        return Ok(());
    }
    begin::reopen_if_published(app, working).await?;
    let new = prepare(app, &working.file).await?;
    let is_pending = matches!(new, New::Pending(..));
    let key = new.key();
    let (copy, last) = (working.copy.clone(), app.open_files.last_commit(file));
    let now = app.clock.now().0;
    let committed = edit_owed(app, copy.account, move |edit| {
        commit_in(edit, &copy, &new, last)
    })
    .await;
    let is_kept = committed.as_ref().is_ok_and(|outcome| outcome.is_kept);
    if let Some(key) = key.filter(|_| !is_kept)
        && let Err(error) = app.blobs.delete(&key).await
    {
        tracing::warn!(%error, "an unneeded blob could not be removed");
    }
    if let Some(last) = committed?.last {
        app.open_files.remember_commit(file, last, now);
    }
    if is_pending && is_kept {
        app.open_files.unsummed.notify_one();
    }
    Ok(())
}

/// Makes the bytes of a working file a content.
async fn prepare(app: &App, file: &WorkingFile) -> Answer<New> {
    let size = file.size();
    let read = || async move { file.read(0..size).await.map_err(Fail::internal) };
    if size <= app.config.inline_max_bytes {
        let chunks: Vec<bytes::Bytes> =
            read().await?.try_collect().await.map_err(Fail::internal)?;
        let bytes = bytes::Bytes::from(chunks.concat());
        let stored = Stored {
            digests: Digests::of(&bytes),
            place: Place::Inline(bytes),
            states: Vec::new(),
        };
        return Ok(New::Complete(Box::new(new_content(stored)?)));
    }
    let mut digests = None;
    if size <= SUMMED_AT_ONCE_BYTES {
        let read = read().await?;
        digests = Some(app.blobs.digests(read).await.map_err(Fail::internal)?);
    }
    let published = file.publish().await.map_err(Fail::internal)?;
    match published.digests.or(digests) {
        Some(digests) => {
            let place = Place::Key(published.key);
            let content = new_content(Stored {
                digests,
                place,
                states: Vec::new(),
            })?;
            Ok(New::Complete(Box::new(content)))
        }
        None => {
            let pending = NewPending {
                size: i64::try_from(size).map_err(Fail::internal)?,
                hash: drawn_hash()?,
                storage_key: *published.key.as_bytes(),
                base: None,
            };
            Ok(New::Pending(pending, published.base))
        }
    }
}

/// A hash for a content whose checksums are not known. It has nothing to do with the bytes, and no other content has it.
fn drawn_hash() -> Answer<ContentHash> {
    let mut bytes = [0; 8];
    getrandom::fill(&mut bytes).map_err(Fail::internal)?;
    Ok(ContentHash(u64::from_le_bytes(bytes).max(1)))
}

/// Makes a content that of the working copy's file, and removes the row of the working copy.
fn commit_in(
    edit: &mut Edit<'_, '_>,
    copy: &WorkingCopy,
    new: &New,
    last: Option<LastCommit>,
) -> Answer<Outcome> {
    let now = edit.now.0;
    // Both may have gone for good while the file was open.
    let Some(copy) = edit.tx.working_copy(copy.id)? else {
        return Ok(Outcome::default());
    };
    let file = copy.file.map(|id| edit.tx.file(id)).transpose()?.flatten();
    let Some(mut file) = file else {
        edit.tx.remove_working_copy(&copy, now)?;
        return Ok(Outcome::default());
    };
    let (held, is_kept) = keep(edit, new)?;
    edit.tx.remove_working_copy(&copy, now)?;
    let is_live = file.deleted == 0;
    if (file.size, file.hash) == (held.size, held.hash) {
        edit.tx.release_content(held.blob, now)?;
        let before = (file.created, file.modified);
        if is_live {
            file.modified = now;
            edit.set_times(&mut file, before)?;
        }
        return Ok(Outcome {
            is_kept,
            last: None,
        });
    }
    let run = last.filter(|last| last.continues(file.revisionid, now));
    if file.size == 0 || run.is_some() {
        edit.tx.release_content(file.blob, now)?;
    } else {
        edit.keep_as_revision(&file)?;
    }
    if is_live {
        edit.use_bytes(file.owner, held.size - file.size)?;
    }
    edit.set_content(&mut file, held, now)?;
    // What is in the trash is news to nobody.
    if is_live {
        edit.tx.touch_folder(file.folder, now)?;
        edit.record_file(EventKind::ModifyFile, &file, None)?;
    }
    let last = LastCommit {
        revisionid: file.revisionid,
        since: run.map_or(now, |run| run.since),
    };
    Ok(Outcome {
        is_kept,
        last: Some(last),
    })
}

/// Keeps a content, with one reference; answers whether the blob that was made for it is needed.
fn keep(edit: &mut Edit<'_, '_>, new: &New) -> Answer<(Held, bool)> {
    match new {
        New::Complete(new) => {
            let kept = edit.tx.keep_content(new)?;
            let held = Held {
                blob: kept.id,
                size: new.size,
                hash: new.hash,
            };
            Ok((held, !kept.duplicate))
        }
        New::Pending(new, base) => {
            let mut new = new.clone();
            if let Some(base) = base {
                let id = edit.tx.content_with_key(base.as_bytes())?;
                let id = id.ok_or(pileus_store::StoreError::Missing)?;
                edit.tx.hold_content(id)?;
                new.base = Some(id);
            }
            let held = Held {
                blob: edit.tx.keep_pending_content(&new)?,
                size: new.size,
                hash: new.hash,
            };
            Ok((held, true))
        }
    }
}
