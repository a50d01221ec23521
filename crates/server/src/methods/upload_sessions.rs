//! Upload sessions: see [`crate::sessions`] for their bytes.

use crate::call::{Answer, Content, Fail, Raw};
use crate::cx::{Cx, Edit, View};
use crate::dispatch::{Streamed, Streams, Writes};
use crate::intake::discard;
use crate::methods::file::{new_content, read, times};
use crate::methods::upload::{if_taken, save_in};
use crate::rules::tree::Version;
use crate::sessions::{Copied, KEPT_SECONDS, Locked, Receiving, Session, Source, disk_failure};
use bytes::Bytes;
use futures_util::stream::{self, BoxStream, StreamExt};
use pileus_api::Code;
use pileus_api::args::FileRef;
use pileus_api::name::check_name;
use pileus_api::reply::Done;
use pileus_api::upload_sessions::{
    UploadBlockChecksums, UploadCreate, UploadCreated, UploadDelete, UploadInfo, UploadSave,
    UploadSaved, UploadSize, UploadState, UploadWrite, UploadWriteFromFile, UploadWriteFromUpload,
};
use pileus_blobs::{BlobKey, BlockHasher, BlockLayout, Place, Stored, WorkingFile};
use std::sync::Arc;

/// Sessions that an account may have at a time.
const SESSIONS_MAX: i64 = 1000;

/// Makes sure that a session is the caller's; answers its id.
fn own(view: &mut View<'_, '_>, uploadid: u64) -> Answer<i64> {
    let id = i64::try_from(uploadid).map_err(|_| Code::UPLOADID_MISSING)?;
    let upload = view.tx.upload(id)?;
    let is_own = upload.is_some_and(|upload| {
        let is_kept = upload.modified > view.now.0.saturating_sub(KEPT_SECONDS);
        // An app that sees one folder has sessions of its own, and the account's others do not.
        let is_callers =
            (upload.account, upload.app_folder) == (view.user.account.id, view.user.app_folder);
        is_callers && is_kept
    });
    is_own.then_some(id).ok_or(Code::UPLOADID_MISSING.into())
}

/// The most bytes that a session of the caller may come to hold: what could be saved.
fn room(view: &View<'_, '_>) -> u64 {
    let account = &view.user.account;
    u64::try_from(account.quota.saturating_sub(account.used)).unwrap_or(0)
}

/// A session of the caller.
async fn session(cx: &Cx<'_, '_>, uploadid: u64) -> Answer<Arc<Session>> {
    let id = cx.view(move |view| own(view, uploadid)).await?;
    Ok(cx.app.sessions.get(id))
}

impl Writes for UploadCreate {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<UploadCreated> {
        let (account, app_folder) = (cx.user.account.id, cx.user.app_folder);
        if self.filesize.is_some_and(|size| size > room(cx)) {
            return Err(Code::OVER_QUOTA.into());
        }
        if cx.tx.count_uploads(account)? >= SESSIONS_MAX {
            return Err(Code::REQUESTS_LIMITED.into());
        }
        let declared = self.filesize.and_then(|size| i64::try_from(size).ok());
        let (id, now) = (cx.tx.id()?, cx.now.0);
        let app = cx.app.clone();
        let node = app.working_dir()?.name();
        cx.tx
            .insert_upload(id, account, app_folder, declared, node, now)?;
        Ok(UploadCreated {
            uploadid: id.unsigned_abs(),
        })
    }
}

impl Streams for UploadWrite {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<UploadSize>> {
        let uploadid = self.uploadid;
        let (id, room) = cx
            .view(move |view| Ok((own(view, uploadid)?, room(view))))
            .await?;
        let receiving = Receiving {
            app: cx.app,
            session: cx.app.sessions.get(id),
            offset: self.uploadoffset,
            room,
            copied: None,
        };
        // Without data there is nothing to write, which is what some clients end with. One file is all that is taken.
        let announced = cx.body.next_file().await;
        let size = match announced {
            Ok(_) => receiving.run(Source::Body(cx.body)).await?,
            Err(_) => return Err(Code::UPLOAD_BROKEN.into()),
        };
        Ok(Streamed::Reply(UploadSize { size }))
    }
}

impl Streams for UploadWriteFromFile {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<UploadSize>> {
        let (uploadid, fileid, hash) = (self.uploadid, self.fileid, self.hash);
        let end = self.offset.checked_add(self.count);
        let range = self.offset..self.offset.saturating_add(self.count);
        let is_in_place = self.uploadoffset == self.offset;
        let copied_range = range.clone();
        let (id, room, place, copied) = cx
            .view(move |view| {
                let id = own(view, uploadid)?;
                let current = Version {
                    file: view.file(&FileRef::Id(fileid))?,
                    revisionid: None,
                };
                let version = view.version_by_hash(current, hash)?;
                let content = view.content_of(&version.file)?;
                if end.is_none_or(|end| end > content.size.unsigned_abs()) {
                    return Err(Code::FILE_MISSING.into());
                }
                let place = view
                    .tx
                    .content_place(&content)?
                    .ok_or(Code::UPLOAD_FAILED)?;
                let copied = if is_in_place {
                    Copied::of(view.tx, content.id, &copied_range)?
                } else {
                    None
                };
                Ok((id, room(view), place, copied))
            })
            .await?;
        let bytes = read(cx.app, place, range)
            .await
            .map_err(|fail| Fail::caused(Code::UPLOAD_FAILED, format!("{fail:?}")))?;
        let receiving = Receiving {
            app: cx.app,
            session: cx.app.sessions.get(id),
            offset: self.uploadoffset,
            room,
            copied,
        };
        let size = receiving.run(Source::Stream(bytes)).await?;
        Ok(Streamed::Reply(UploadSize { size }))
    }
}

impl Streams for UploadWriteFromUpload {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<UploadSize>> {
        let (uploadid, readuploadid) = (self.uploadid, self.readuploadid);
        let (id, source, room) = cx
            .view(move |view| Ok((own(view, uploadid)?, own(view, readuploadid)?, room(view))))
            .await?;
        let source = cx.app.sessions.get(source);
        let file = source.lock().await.open(cx.app).await?.file.clone();
        let end = self.offset.checked_add(self.count);
        let end = end
            .filter(|end| *end <= file.size())
            .ok_or(Code::FILE_MISSING)?;
        let bytes = file.read(self.offset..end).await.map_err(disk_failure)?;
        let receiving = Receiving {
            app: cx.app,
            session: cx.app.sessions.get(id),
            offset: self.uploadoffset,
            room,
            copied: None,
        };
        let size = receiving.run(Source::Stream(bytes.boxed())).await?;
        Ok(Streamed::Reply(UploadSize { size }))
    }
}

impl Streams for UploadInfo {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<UploadState>> {
        let session = session(cx, self.uploadid).await?;
        let mut locked = session.lock_hashed(cx.app).await?;
        // A client that hears of bytes will not send them again, so they have to be safe.
        locked.note(cx.app).await?;
        let digests = locked.open(cx.app).await?.digests();
        let digests = digests.await.map_err(disk_failure)?;
        Ok(Streamed::Reply(UploadState {
            size: digests.size,
            sha1: hex::encode(digests.sha1),
            md5: hex::encode(digests.md5),
            sha256: hex::encode(digests.sha256),
        }))
    }
}

impl Streams for UploadBlockChecksums {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        let session = session(cx, self.uploadid).await?;
        let file = session.lock().await.open(cx.app).await?.file.clone();
        let layout = BlockLayout::of(file.size());
        if layout.size() == 0 {
            return Err(Code::UPLOADID_MISSING.into());
        }
        let stream = block_checksums(cx, &file, layout).await?;
        Ok(Streamed::Followed(
            Done,
            Content {
                length: layout.table_bytes(),
                content_type: "application/octet-stream".into(),
                file_name: None,
                bytes: Raw::Stream(stream),
            },
        ))
    }
}

/// The table of a session's block checksums, made while it is sent. Sessions change, so nothing of it is kept.
async fn block_checksums(
    cx: &Cx<'_, '_>,
    file: &WorkingFile,
    layout: BlockLayout,
) -> Answer<BoxStream<'static, pileus_blobs::Result<Bytes>>> {
    let chunks = file.read(0..layout.size()).await.map_err(disk_failure)?;
    let blobs = cx.app.blobs.clone();
    let begun = (chunks, Some(BlockHasher::new(&layout)));
    let entries = stream::try_unfold(begun, move |(mut chunks, hasher)| {
        let blobs = blobs.clone();
        async move {
            let Some(mut hasher) = hasher else {
                return Ok(None);
            };
            let Some(chunk) = chunks.next().await.transpose()? else {
                return Ok(Some((Bytes::from(hasher.finish()), (chunks, None))));
            };
            let (hasher, entries) = blobs
                .compute(move || {
                    hasher.update(&chunk);
                    let entries = hasher.take();
                    (hasher, entries)
                })
                .await?;
            Ok(Some((Bytes::from(entries), (chunks, Some(hasher)))))
        }
    });
    let head = Bytes::copy_from_slice(&layout.head());
    Ok(stream::iter([Ok(head)]).chain(entries).boxed())
}

impl Streams for UploadDelete {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        let session = session(cx, self.uploadid).await?;
        let mut locked = session.lock().await;
        let uploadid = self.uploadid;
        let id = cx
            .edit(move |edit| {
                let id = own(edit, uploadid)?;
                edit.tx.remove_upload(id)?;
                Ok(id)
            })
            .await?;
        locked.forget();
        remove_file(cx, id).await;
        Ok(Streamed::Reply(Done))
    }
}

/// Removes the bytes of a session whose rows are gone. If that fails they are found at the next start.
async fn remove_file(cx: &Cx<'_, '_>, id: i64) {
    let Ok(working) = cx.app.working_dir() else {
        return;
    };
    if let Err(error) = working.remove(id).await {
        tracing::warn!(%error, "the bytes of an upload session could not be removed");
    }
}

impl Streams for UploadSave {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<UploadSaved>> {
        check_name(&self.name)?;
        let session = session(cx, self.uploadid).await?;
        if self.encrypted {
            return Err(Code::DENIED.into());
        }
        let mut locked = session.lock_hashed(cx.app).await?;
        // If the save is refused, the session goes on from its row.
        locked.note(cx.app).await?;
        let uploadid = self.uploadid;
        let states = cx
            .view(move |view| {
                let id = own(view, uploadid)?;
                Ok(view.tx.hash_states(id, 0..=i64::MAX)?)
            })
            .await?;
        let stored = store(cx, &mut locked).await?;
        let key = match &stored.place {
            Place::Key(key) => Some(*key),
            Place::Inline(_) => None,
        };
        let mut content = new_content(stored)?;
        content.states.extend(states);
        let (folder, name) = (self.folder.0.clone(), self.name.clone());
        let times = times(self.mtime, self.ctime);
        let if_taken = if_taken(self.renameifexists, self.ifhash);
        let saved = cx
            .edit(move |edit| {
                let id = own(edit, uploadid)?;
                let saved = save_in(edit, &folder, &name, &content, times, if_taken)?;
                edit.tx.remove_upload(id)?;
                Ok((id, saved))
            })
            .await;
        match saved {
            Ok((id, saved)) => {
                if let (Some(key), true) = (key, saved.duplicate) {
                    discard(cx.app, key).await;
                }
                remove_file(cx, id).await;
                Ok(Streamed::Reply(UploadSaved {
                    metadata: saved.metadata,
                    checksums: vec![saved.checksums],
                }))
            }
            Err(fail) => {
                // Trouble leaves it open whether the rows are there; then the blob stays, and if nothing refers to it
                // the janitor finds it.
                if let (Some(key), true) = (key, !fail.is_trouble()) {
                    take_back(cx, key).await;
                }
                Err(fail)
            }
        }
    }
}

/// Makes a content of the session's bytes, with the states of its hashes that its rows lack. The session has to be opened anew afterwards, if it is still there.
async fn store(cx: &Cx<'_, '_>, locked: &mut Locked<'_>) -> Answer<Stored> {
    let open = locked.open(cx.app).await?;
    let digests = open.digests().await.map_err(disk_failure)?;
    let states = open.take_states().await?;
    let place = if digests.size <= cx.app.config.inline_max_bytes {
        let bytes = open.read(0..digests.size).await;
        Place::Inline(bytes.map_err(disk_failure)?)
    } else {
        let published = open.file.publish().await.map_err(disk_failure)?;
        Place::Key(published.key)
    };
    locked.forget();
    Ok(Stored {
        digests,
        place,
        states,
    })
}

/// Removes a blob that has the same bytes as a session's file, before the session is written to again.
async fn take_back(cx: &Cx<'_, '_>, key: BlobKey) {
    if let Err(error) = cx.app.blobs.delete(&key).await {
        tracing::warn!(%error, "an unneeded blob could not be removed");
    }
}
