//! What visitors are shown of an upload link, and what they tell its owner.

use super::shown;
use crate::call::Answer;
use crate::cx::Cx;
use crate::dispatch::Public;
use crate::rules::guesses::{check_guesses, noting_guesses};
use crate::rules::metadata::wire_id;
use crate::rules::upload_links::{Open, notify, open};
use pileus_api::progress::Uploading;
use pileus_api::reply::Done;
use pileus_api::upload_links::{
    LinkProgressReply, NotifyUploadLink, ShowUploadLink, ShownUploadLinkReply, UploadLinkProgress,
};
use pileus_api::{Code, UnixTime};

impl Public for ShowUploadLink {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<ShownUploadLinkReply> {
        check_guesses(cx.app, cx.call.client)?;
        let (code, now) = (self.code.clone(), cx.now);
        let found = cx.app.db.view(move |tx| open(tx, &code, now)).await;
        let Open { link, .. } = noting_guesses(cx.app, cx.call.client, found)?;
        let (maxspace, maxfiles) = (shown(link.maxspace), shown(link.maxfiles));
        Ok(ShownUploadLinkReply {
            comment: link.comment,
            space: maxspace.map(|_| wire_id(link.space)),
            files: maxfiles.map(|_| wire_id(link.files)),
            maxspace,
            maxfiles,
            expires: link.expires.map(UnixTime),
        })
    }
}

impl Public for UploadLinkProgress {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<LinkProgressReply> {
        check_guesses(cx.app, cx.call.client)?;
        let code = self.code.clone();
        // The upload may be what has closed the link, so all that counts is whether there is one.
        let found = cx.app.db.view(move |tx| -> Answer<i64> {
            let link = tx.upload_link_by_code(&code)?.ok_or(Code::LINK_UNKNOWN)?;
            Ok(link.id)
        });
        let link = noting_guesses(cx.app, cx.call.client, found.await)?;
        let progress = cx.app.progresses.find(link, &self.progresshash);
        let progress = progress.ok_or(Code::UPLOAD_UNKNOWN)?;
        let Uploading {
            total,
            uploaded,
            currentfile,
            currentfileuploaded,
            filenumber,
            files: _,
            finished,
        } = progress.uploading();
        Ok(LinkProgressReply {
            total,
            uploaded,
            currentfile,
            currentfileuploaded,
            filenumber,
            finished,
        })
    }
}

impl Public for NotifyUploadLink {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<Done> {
        check_guesses(cx.app, cx.call.client)?;
        let (shared, code, now) = (cx.app.clone(), self.code.clone(), cx.now);
        let edited = cx.app.db.edit(move |tx| notify(tx, &shared, &code, now));
        let notified = noting_guesses(cx.app, cx.call.client, edited.await);
        // Old clients know one code for all that can be wrong with a code.
        let is_about_code = |code| [Code::LINK_UNKNOWN, Code::LINK_DELETED].contains(&code);
        match notified {
            Err(fail) if is_about_code(fail.code) => Err(Code::CODE_INVALID.into()),
            notified => notified.map(|()| Done),
        }
    }
}
