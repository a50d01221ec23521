//! Uploads: bytes first, then rows, then the answer.

use crate::app::App;
use crate::body::Broken;
use crate::call::{Answer, Fail};
use crate::cx::{Cx, Edit};
use crate::dispatch::{Streamed, Streams};
use crate::methods::file::{new_content, times};
use crate::progress::Progress;
use crate::rules::access::Right;
use crate::rules::save::{Held, IfTaken};
use pileus_api::args::FolderRef;
use pileus_api::file::{Checksums, IfHash, UploadFile, UploadReply};
use pileus_api::name::check_name;
use pileus_api::{Code, Metadata};
use pileus_blobs::{BlobKey, Error as BlobError, Stored};
use pileus_store::contents::NewContent;
use std::sync::atomic::Ordering;
use std::time::Instant;

impl Streams for UploadFile {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<UploadReply>> {
        let progress = self.progresshash.as_ref().map(|hash| {
            let owner = cx.progress_owner();
            let total = cx.body.total.unwrap_or(0);
            cx.app
                .progresses
                .begin(owner, hash, total, cx.body.received_counter())
        });
        let reply = UploadReply {
            fileids: Vec::new(),
            metadata: Vec::new(),
            checksums: Vec::new(),
        };
        let mut upload = Upload {
            asked: self,
            progress: progress.as_deref(),
            reply,
            room: u64::MAX,
        };
        let received = upload.receive(cx).await;
        let reply = received.map(|()| upload.reply);
        if let Some(progress) = &progress {
            let mut state = progress.state();
            state.current = None;
            state.ended = Some(Instant::now());
        }
        reply.map(Streamed::Reply)
    }
}

/// What multipart may add to the bytes of the files.
const OVERHEAD_BYTES: i64 = 65_536;

/// A file whose bytes have been stored, but which no row knows yet.
struct Received {
    name: String,
    stored: Stored,
    /// Whether the connection broke before its end.
    is_partial: bool,
}

/// An upload under way.
struct Upload<'u> {
    asked: &'u UploadFile,
    progress: Option<&'u Progress>,
    reply: UploadReply,
    /// Bytes that may come; the quota is checked exactly when a file is saved.
    room: u64,
}

impl Upload<'_> {
    async fn receive(&mut self, cx: &mut Cx<'_, '_>) -> Answer<()> {
        self.check_target(cx).await?;
        if cx.body.is_none() {
            // An empty file: java-net leaves the data away if there are no bytes.
            if let Some(name) = &self.asked.filename {
                check_name(name)?;
                let writer = cx.app.blobs.writer(self.inline_max(cx));
                let stored = writer
                    .finish()
                    .await
                    .map_err(|error| blob_failure(&error))?;
                self.save(
                    cx,
                    Received {
                        name: name.clone(),
                        stored,
                        is_partial: false,
                    },
                )
                .await?;
            }
            return Ok(());
        }
        let mut number = 0;
        loop {
            let head = cx
                .body
                .next_file()
                .await
                .map_err(|Broken| Code::UPLOAD_BROKEN)?;
            let Some(head) = head else { return Ok(()) };
            number += 1;
            let name = self.name_of(number, head.name)?;
            if let Some(progress) = self.progress {
                let mut state = progress.state();
                (state.current, state.current_bytes, state.number) =
                    (Some(name.clone()), 0, number);
            }
            let received = self.receive_one(cx, name, head.length).await?;
            let is_partial = received.is_partial;
            self.save(cx, received).await?;
            if let (Some(progress), Some(saved)) = (self.progress, self.reply.metadata.last()) {
                progress.state().files.push(saved.clone());
            }
            if is_partial {
                return Err(Code::UPLOAD_BROKEN.into());
            }
        }
    }

    fn inline_max(&self, cx: &Cx<'_, '_>) -> usize {
        usize::try_from(cx.app.config.inline_max_bytes).unwrap_or(usize::MAX)
    }

    /// What is wrong with the target is known before the bytes arrive, and said before they are taken.
    async fn check_target(&mut self, cx: &Cx<'_, '_>) -> Answer<()> {
        if self.asked.encrypted {
            return Err(Code::DENIED.into());
        }
        // Small uploads are checked when they are saved, which saves a transaction.
        if cx
            .body
            .total
            .is_some_and(|total| total <= cx.app.config.inline_max_bytes)
        {
            return Ok(());
        }
        let folder = self.asked.folder.0.clone();
        let total = cx
            .body
            .total
            .and_then(|total| i64::try_from(total).ok())
            .unwrap_or(0);
        let room = cx
            .view(move |view| {
                let folder = view.folder(&folder)?;
                let access = view.access(&folder)?.ok_or(Code::FOLDER_MISSING)?;
                if !access.allows(Right::Create) && !access.allows(Right::Modify) {
                    return Err(Code::DENIED.into());
                }
                let owner = view.tx.account(folder.owner)?;
                Ok(owner.map_or(0, |owner| owner.quota.saturating_sub(owner.used)))
            })
            .await?;
        // The overhead of multipart is part of the total, so only a clear excess is refused before anything is read.
        if total > room.saturating_add(OVERHEAD_BYTES) {
            return Err(Code::OVER_QUOTA.into());
        }
        self.room = u64::try_from(room).unwrap_or(0);
        Ok(())
    }

    /// The name of a file: what the transport carries, which the parameter overrides for the first file. Whole paths
    /// in multipart names are cut to what follows the last slash, since the Python file system sends them.
    fn name_of(&self, number: u64, carried: Option<Vec<u8>>) -> Answer<String> {
        let name = match (&self.asked.filename, carried) {
            (Some(name), _) if number == 1 => name.clone(),
            (_, Some(bytes)) => {
                let path = String::from_utf8(bytes).map_err(|_| Code::BAD_NAME)?;
                path.rsplit('/').next().unwrap_or_default().to_owned()
            }
            (_, None) => return Err(Code::BAD_NAME.into()),
        };
        check_name(&name)?;
        Ok(name)
    }

    async fn receive_one(
        &self,
        cx: &mut Cx<'_, '_>,
        name: String,
        length: Option<u64>,
    ) -> Answer<Received> {
        let mut writer = cx.app.blobs.writer(self.inline_max(cx));
        let room = self.room;
        if length.is_some_and(|length| length > room) {
            return Err(Code::OVER_QUOTA.into());
        }
        let is_partial = loop {
            match cx.body.chunk().await {
                Ok(Some(bytes)) => {
                    if let Some(progress) = self.progress {
                        progress.state().current_bytes += bytes.len() as u64;
                    }
                    cx.app
                        .metrics
                        .bytes_received
                        .fetch_add(bytes.len() as u64, Ordering::Relaxed);
                    writer
                        .write(bytes)
                        .await
                        .map_err(|error| blob_failure(&error))?;
                    if writer.written() > room {
                        return Err(Code::OVER_QUOTA.into());
                    }
                }
                Ok(None) => break false,
                Err(Broken) if self.asked.nopartial => return Err(Code::UPLOAD_BROKEN.into()),
                Err(Broken) => break true,
            }
        };
        let stored = writer
            .finish()
            .await
            .map_err(|error| blob_failure(&error))?;
        Ok(Received {
            name,
            stored,
            is_partial,
        })
    }

    async fn save(&mut self, cx: &Cx<'_, '_>, received: Received) -> Answer<()> {
        let key = match &received.stored.place {
            pileus_blobs::Place::Key(key) => Some(*key),
            pileus_blobs::Place::Inline(_) => None,
        };
        let content = new_content(received.stored)?;
        let (folder, name) = (self.asked.folder.0.clone(), received.name);
        let times = times(self.asked.mtime, self.asked.ctime);
        let if_taken = if_taken(self.asked.renameifexists, self.asked.ifhash);
        let saved = cx
            .edit(move |edit| save_in(edit, &folder, &name, &content, times, if_taken))
            .await;
        // Equal bytes were there already, or the rows were refused: either way nothing refers to this copy.
        if let (
            Some(key),
            Err(_)
            | Ok(SavedReply {
                duplicate: true, ..
            }),
        ) = (key, &saved)
        {
            discard(cx.app, key).await;
        }
        let saved = saved?;
        self.reply.fileids.push(saved.fileid);
        self.reply.metadata.push(saved.metadata);
        self.reply.checksums.push(saved.checksums);
        Ok(())
    }
}

/// What a call wants to happen if the name is taken.
pub(super) fn if_taken(renameifexists: bool, ifhash: Option<IfHash>) -> IfTaken {
    match (renameifexists, ifhash) {
        (true, _) => IfTaken::Rename,
        (false, Some(condition)) => IfTaken::Check(condition),
        (false, None) => IfTaken::Overwrite,
    }
}

/// Removes bytes that no row refers to, before the answer: what is left to be done after it would be left undone by a stop
/// of the server. If this fails the janitor finds them later.
pub(crate) async fn discard(app: &App, key: BlobKey) {
    if let Err(error) = app.blobs.delete(&key).await {
        tracing::warn!(%error, "an unneeded blob could not be removed");
    }
}

/// What the answer says about one saved file.
pub(super) struct SavedReply {
    pub(super) fileid: u64,
    pub(super) metadata: Metadata,
    pub(super) checksums: Checksums,
    /// Whether the same bytes were there already.
    pub(super) duplicate: bool,
}

/// Saves a content that has been stored as a file.
pub(super) fn save_in(
    edit: &mut Edit<'_, '_>,
    folder: &FolderRef,
    name: &str,
    content: &NewContent,
    times: crate::rules::save::Times,
    if_taken: IfTaken,
) -> Answer<SavedReply> {
    let mut folder = edit.folder(folder)?;
    edit.check_quota(folder.owner, content.size)?;
    let kept = edit.tx.keep_content(content)?;
    let held = Held {
        blob: kept.id,
        size: content.size,
        hash: content.hash,
    };
    let saved = edit.save(&mut folder, name, held, times, if_taken)?;
    let mut metadata = edit.file_metadata(&saved.file)?;
    let fileid = saved.file.id.unsigned_abs();
    if let Some(facts) = metadata.file_mut() {
        facts.conflicted = saved.conflicted;
    }
    let checksums = Checksums {
        sha1: hex::encode(content.sha1),
        md5: hex::encode(content.md5),
        sha256: hex::encode(content.sha256),
    };
    Ok(SavedReply {
        fileid,
        metadata,
        checksums,
        duplicate: kept.duplicate,
    })
}

/// A failure of the blob store during an upload: the client may try again later.
fn blob_failure(error: &BlobError) -> Fail {
    Fail::caused(Code::UPLOAD_FAILED, error)
}
