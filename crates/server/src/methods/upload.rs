//! Uploads: bytes first, then rows, then the answer.

use crate::call::Answer;
use crate::cx::{Cx, Edit};
use crate::dispatch::{Streamed, Streams};
use crate::intake::{Intake, Keeper, Received, discard, is_clearly_more, key_of};
use crate::methods::file::{new_content, times};
use crate::progress::Running;
use crate::rules::access::Right;
use crate::rules::save::{Held, IfTaken};
use pileus_api::args::FolderRef;
use pileus_api::file::{Checksums, IfHash, UploadFile, UploadReply};
use pileus_api::{Code, Metadata};
use pileus_store::contents::NewContent;

impl Streams for UploadFile {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<UploadReply>> {
        let mut intake = Intake {
            filename: self.filename.as_deref(),
            nopartial: self.nopartial,
            running: Running::new(
                &cx.app.progresses,
                cx.progress_owner(),
                self.progresshash.as_ref(),
                cx.body,
            ),
        };
        let mut files = Files {
            asked: self,
            room: check_target(self, cx).await?,
            reply: UploadReply {
                fileids: Vec::new(),
                metadata: Vec::new(),
                checksums: Vec::new(),
            },
        };
        intake.receive(cx, &mut files).await?;
        Ok(Streamed::Reply(files.reply))
    }
}

/// Files that become the caller's.
struct Files<'u> {
    asked: &'u UploadFile,
    /// Bytes that may come; the quota is checked exactly when a file is saved.
    room: u64,
    reply: UploadReply,
}

impl Keeper for Files<'_> {
    const FULL: Code = Code::OVER_QUOTA;

    fn room(&self) -> u64 {
        self.room
    }

    async fn keep(&mut self, cx: &Cx<'_, '_>, received: Received) -> Answer<Option<Metadata>> {
        let key = key_of(&received.stored);
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
        self.reply.metadata.push(saved.metadata.clone());
        self.reply.checksums.push(saved.checksums);
        Ok(Some(saved.metadata))
    }
}

/// What is wrong with the target is known before the bytes arrive, and said before they are taken. Answers how many may
/// come.
async fn check_target(asked: &UploadFile, cx: &Cx<'_, '_>) -> Answer<u64> {
    if asked.encrypted {
        return Err(Code::DENIED.into());
    }
    // Small uploads are checked when they are saved, which saves a transaction.
    if cx
        .body
        .total
        .is_some_and(|total| total <= cx.app.config.inline_max_bytes)
    {
        return Ok(u64::MAX);
    }
    let folder = asked.folder.0.clone();
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
    let room = u64::try_from(room).unwrap_or(0);
    if is_clearly_more(cx, room) {
        return Err(Code::OVER_QUOTA.into());
    }
    Ok(room)
}

/// What a call wants to happen if the name is taken.
pub(super) fn if_taken(renameifexists: bool, ifhash: Option<IfHash>) -> IfTaken {
    match (renameifexists, ifhash) {
        (true, _) => IfTaken::Rename,
        (false, Some(condition)) => IfTaken::Check(condition),
        (false, None) => IfTaken::Overwrite,
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
