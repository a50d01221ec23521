//! The beginning of a working copy: a row that finds it after a crash, then a working file over the committed content.

use super::registry::{OpenFile, State, Working};
use crate::app::App;
use crate::call::{Answer, Fail};
use crate::methods::file::blob_key;
use pileus_api::Code;
use pileus_blobs::WorkingFile;
use pileus_store::StoreError;
use pileus_store::contents::Place;
use pileus_store::working::WorkingCopy;
use std::sync::Arc;

/// How long a working copy belongs to the node that began it. Working copies are committed within seconds, so a row of
/// this age belongs to a node that is gone for good.
const LEASE_SECONDS: i64 = 86_400;

/// What the working copy begins with.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Start {
    /// The committed content.
    Committed,
    /// Nothing: the file is being emptied.
    Empty,
}

/// What the rows say about the content that is going to change.
struct Begun {
    copy: WorkingCopy,
    /// It was there already: an earlier run of this node could not commit it.
    is_old: bool,
    size: i64,
    place: Place,
}

/// Makes sure that a file has a working copy, whose lock the caller holds. 5003 if that cannot be made.
pub(super) async fn begin<'a>(
    app: &Arc<App>,
    file: &OpenFile,
    state: &'a mut State,
    start: Start,
) -> Answer<&'a mut Working> {
    if let State::Committed = state {
        *state = State::Working(begin_working(app, file.id, start).await?);
    }
    match state {
        State::Working(working) => {
            reopen_if_published(app, working).await?;
            Ok(working)
        }
        State::Committed => Err(Fail::internal("a working copy is not there")),
    }
}

/// Goes on with a working copy whose commit has failed after its bytes were published: those cannot be written any more,
/// but the working file is the same.
pub(super) async fn reopen_if_published(app: &App, working: &mut Working) -> Answer<()> {
    if !working.file.is_published().await {
        return Ok(());
    }
    let reopened = app.working_dir()?.reopen(working.copy.id).await;
    let reopened = reopened.map_err(|error| Fail::caused(Code::WRITE_FAILED, error))?;
    let lost = || Fail::caused(Code::WRITE_FAILED, "a working file is gone");
    working.file = Arc::new(reopened.ok_or_else(lost)?);
    Ok(())
}

async fn begin_working(app: &Arc<App>, file: i64, start: Start) -> Answer<Working> {
    let node = app.working_dir()?.name().to_owned();
    let now = app.clock.now().0;
    let begun = app
        .db
        .edit(move |tx| -> Answer<Begun> {
            let row = tx.file(file)?.filter(|row| row.deleted == 0);
            let row = row.ok_or(Code::WRITE_FAILED)?;
            // Two nodes that begin at the same time do so one after the other.
            tx.account_locked(row.owner)?;
            let content = tx.content(row.blob)?.ok_or(StoreError::Missing)?;
            let place = tx.content_place(&content)?.ok_or(StoreError::Missing)?;
            let (size, is_old, copy) = match tx.working_copy_of_file(file)? {
                Some(copy) if copy.node == node => (row.size, true, copy),
                Some(copy) if copy.lease_until > now => {
                    let cause = "another node has the file open for writing";
                    return Err(Fail::caused(Code::WRITE_FAILED, cause));
                }
                given_up => {
                    if let Some(copy) = given_up {
                        tx.remove_working_copy(&copy, now)?;
                    }
                    if !tx.hold_content(row.blob)? {
                        return Err(StoreError::Missing.into());
                    }
                    let copy = WorkingCopy {
                        id: tx.id()?,
                        account: row.owner,
                        file: Some(file),
                        upload: None,
                        node: node.clone(),
                        lease_until: now.saturating_add(LEASE_SECONDS),
                        base_blob: Some(row.blob),
                        size: row.size,
                        hasher: None,
                        changed: now,
                    };
                    tx.insert_working_copy(&copy)?;
                    (row.size, false, copy)
                }
            };
            Ok(Begun {
                copy,
                is_old,
                size,
                place,
            })
        })
        .await?;
    let committed = begun.size;
    let (mut copy, is_old) = (begun.copy.clone(), begun.is_old);
    let opened = match open_file(app, begun, start).await {
        Ok(file) => hold_base(app, &mut copy, &file).await.map(|()| file),
        Err(error) => Err(error),
    };
    match opened {
        Ok(file) => Ok(Working {
            growth: i64::try_from(file.size()).unwrap_or(i64::MAX) - committed,
            file: Arc::new(file),
            copy,
            appended: 0,
        }),
        Err(error) => {
            // What an earlier run has left holds bytes that were acknowledged.
            if !is_old {
                forget(app, copy).await;
            }
            Err(Fail::caused(Code::WRITE_FAILED, error))
        }
    }
}

type AnyError = Box<dyn std::error::Error + Send + Sync>;

/// A file over a content that rests on another one may itself rest on that one. Then it holds that one.
async fn hold_base(
    app: &Arc<App>,
    copy: &mut WorkingCopy,
    file: &WorkingFile,
) -> Result<(), AnyError> {
    let Some(base) = file.base() else {
        return Ok(());
    };
    let (wanted, now) = (copy.clone(), app.clock.now().0);
    let held = app
        .db
        .edit(move |tx| tx.rest_working_copy(&wanted, base.as_bytes(), now))
        .await?;
    copy.base_blob = Some(held);
    Ok(())
}

async fn open_file(app: &App, begun: Begun, start: Start) -> Result<WorkingFile, AnyError> {
    let dir = app.working_dir().map_err(|fail| format!("{fail:?}"))?;
    let id = begun.copy.id;
    if begun.is_old
        && let Some(file) = dir.reopen(id).await?
    {
        return Ok(file);
    }
    match (start, begun.place) {
        (Start::Empty, _) => Ok(dir.create(id).await?),
        (Start::Committed, Place::Inline(bytes)) => Ok(dir.create_with(id, bytes.into()).await?),
        (Start::Committed, Place::Key(key)) => {
            let key = blob_key(&key).map_err(|fail| format!("{fail:?}"))?;
            Ok(dir.create_over(id, &key, begun.size.unsigned_abs()).await?)
        }
    }
}

/// Removes a working copy that nothing has been written to, or that has been committed.
pub(super) async fn forget(app: &Arc<App>, copy: WorkingCopy) {
    let (id, now) = (copy.id, app.clock.now().0);
    if let Err(error) = app
        .db
        .edit(move |tx| tx.remove_working_copy(&copy, now))
        .await
    {
        tracing::warn!(%error, "the row of a working copy could not be removed");
        return;
    }
    remove_file(app, id).await;
}

/// Removes a working file. What is left behind is found at the next start.
pub(super) async fn remove_file(app: &App, id: i64) {
    if let Ok(dir) = app.working_dir()
        && let Err(error) = dir.remove(id).await
    {
        tracing::warn!(%error, "a working file was left behind");
    }
}
