//! Mail transfer: files for people who need no account. (What `asynctransfer` does is in [`crate::transfer`].)

use crate::call::Answer;
use crate::cx::{Cx, edit_for};
use crate::dispatch::{Public, Streamed, Streams};
use crate::intake::{Intake, Keeper, Received, discard, is_clearly_more, key_of};
use crate::methods::file::new_content;
use crate::progress::Running;
use crate::rules::mail_transfer::{Envelope, SentFile, begin};
use pileus_api::progress::Uploading;
use pileus_api::reply::Done;
use pileus_api::transfer::{UploadTransfer, UploadTransferProgress};
use pileus_api::{Code, Metadata};
use pileus_blobs::BlobKey;
use std::sync::Arc;

/// Files that may be sent at once. Small ones wait in memory until the last one has arrived.
const FILES_MAX: usize = 200;

/// Whose the keys of running transfers are: no row has this id.
const PROGRESS_OWNER: i64 = 0;

impl Streams for UploadTransfer {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Streamed<Done>> {
        let envelope = Envelope::read(
            &cx.app.config.transfer,
            &self.sendermail,
            &self.receivermails,
            self.message.as_deref(),
        )?;
        if cx.body.is_none() && !(self.filename.is_some() && cx.body.may_be_empty_file()) {
            return Err(Code::NO_FILES.into());
        }
        let (account, room) = begin(cx.app, cx.call.client, &envelope).await?;
        if is_clearly_more(cx, room) {
            return Err(Code::TRANSFER_TOO_LARGE.into());
        }
        let mut intake = Intake {
            filename: self.filename.as_deref(),
            nopartial: true,
            running: Running::new(
                &cx.app.progresses,
                PROGRESS_OWNER,
                self.progresshash.as_ref(),
                cx.body,
            ),
        };
        let mut parcel = Parcel {
            room,
            files: Vec::new(),
            keys: Vec::new(),
        };
        let received = intake.receive(cx, &mut parcel).await;
        let Parcel { files, keys, .. } = parcel;
        let sent = match received {
            Ok(0) => Err(Code::NO_FILES.into()),
            Ok(_) => {
                let files = Arc::new(files);
                edit_for(cx.app, account, move |edit| {
                    edit.send_files(&envelope, &files)
                })
                .await
            }
            Err(fail) => Err(fail),
        };
        // What was there already, and everything that is not sent after all, is not needed.
        for (index, key) in keys.into_iter().enumerate() {
            let is_needed = sent.as_ref().is_ok_and(|duplicates| !duplicates[index]);
            if let Some(key) = key.filter(|_| !is_needed) {
                discard(cx.app, key).await;
            }
        }
        sent.map(|_| Streamed::Reply(Done))
    }
}

/// Files that have arrived. They wait for the last one.
struct Parcel {
    /// Bytes that may still come.
    room: u64,
    files: Vec<SentFile>,
    /// Where the blob store has the files, in the same order.
    keys: Vec<Option<BlobKey>>,
}

impl Keeper for Parcel {
    const FULL: Code = Code::TRANSFER_TOO_LARGE;

    fn room(&self) -> u64 {
        self.room
    }

    async fn keep(&mut self, _cx: &Cx<'_, '_>, received: Received) -> Answer<Option<Metadata>> {
        let Received { name, stored } = received;
        self.keys.push(key_of(&stored));
        let content = new_content(stored)?;
        self.room = self.room.saturating_sub(content.size.unsigned_abs());
        self.files.push(SentFile { name, content });
        if self.files.len() > FILES_MAX {
            return Err(Code::TRANSFER_TOO_LARGE.into());
        }
        Ok(None)
    }
}

impl Public for UploadTransferProgress {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Uploading> {
        let progress = cx.app.progresses.find(PROGRESS_OWNER, &self.progresshash);
        Ok(progress.ok_or(Code::UPLOAD_UNKNOWN)?.uploading())
    }
}
