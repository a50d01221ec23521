//! Upload links, as their owners have them. What visitors do is in the other files.

mod incoming;
mod visit;

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::cx::{Edit, View};
use crate::dispatch::{Reads, Writes};
use crate::rules::metadata::wire_id;
use crate::rules::upload_links::comment;
use crate::secrets::random_token;
use pileus_api::field::Datetime;
use pileus_api::reply::Done;
use pileus_api::upload_links::{
    ChangeUploadLink, CreateUploadLink, DeleteUploadLink, ListUploadLinks, NewUploadLinkReply,
    UploadLinkInfo, UploadLinksReply,
};
use pileus_api::{Code, Metadata, UnixTime};
use pileus_store::upload_links::{LIVE, UploadLink};

/// Full address of a link. The page that the fragment names is found by a script at the root.
fn address(app: &App, code: &str) -> String {
    format!("{}/#page=puplink&code={code}", app.web_base())
}

/// Clients send 0 where they have no time to set.
fn expiry(given: Option<Datetime>) -> Option<i64> {
    given
        .map(|Datetime(UnixTime(time))| time)
        .filter(|&time| time != 0)
}

/// A limit for the database. What is beyond its numbers will never be reached.
fn limit(given: u64) -> i64 {
    i64::try_from(given).unwrap_or(i64::MAX)
}

/// A limit for the wire, if there is one.
fn shown(limit: i64) -> Option<u64> {
    (limit > 0).then(|| wire_id(limit))
}

impl Writes for CreateUploadLink {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<NewUploadLinkReply> {
        let comment = comment(&self.comment)?;
        let folder = cx.folder(&self.folder.0)?;
        if folder.owner != cx.user.account.id {
            return Err(Code::FOLDER_NOT_OWN.into());
        }
        if !cx.user.account.email_verified {
            return Err(Code::EMAIL_UNVERIFIED.into());
        }
        let link = UploadLink {
            id: cx.tx.id()?,
            owner: folder.owner,
            folder: folder.id,
            code: random_token().map_err(Fail::internal)?,
            comment: comment.to_owned(),
            state: LIVE,
            created: cx.now.0,
            modified: cx.now.0,
            expires: expiry(self.expire),
            maxspace: limit(self.maxspace.unwrap_or(0)),
            maxfiles: limit(self.maxfiles.unwrap_or(0)),
            space: 0,
            files: 0,
            mailed: 0,
        };
        cx.add_upload_link(&link)?;
        Ok(NewUploadLinkReply {
            uploadlinkid: wire_id(link.id),
            link: address(cx.app, &link.code),
            code: link.code,
        })
    }
}

impl Reads for ListUploadLinks {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<UploadLinksReply> {
        let most = limit(cx.app.config.listing_max_entries);
        let mut uploadlinks = Vec::new();
        for link in cx.tx.upload_links(cx.user.account.id, most)? {
            if let Some(folder) = cx.upload_link_folder(&link)? {
                let metadata = cx.folder_metadata(&folder)?;
                uploadlinks.push(info(cx.app, link, metadata));
            }
        }
        Ok(UploadLinksReply { uploadlinks })
    }
}

fn info(app: &App, link: UploadLink, metadata: Metadata) -> UploadLinkInfo {
    let expires = link.expires.map(UnixTime);
    UploadLinkInfo {
        uploadlinkid: wire_id(link.id),
        link: address(app, &link.code),
        code: link.code,
        comment: link.comment,
        files: wire_id(link.files),
        space: wire_id(link.space),
        created: UnixTime(link.created),
        modified: UnixTime(link.modified),
        expires,
        expire: expires,
        maxspace: shown(link.maxspace),
        maxfiles: shown(link.maxfiles),
        metadata,
    }
}

impl Writes for DeleteUploadLink {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        let link = cx.upload_link(self.uploadlinkid)?;
        cx.delete_upload_link(link)?;
        Ok(Done)
    }
}

impl Writes for ChangeUploadLink {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        let before = cx.upload_link(self.uploadlinkid)?;
        let mut link = before.clone();
        if self.deleteexpire {
            link.expires = None;
        }
        link.expires = expiry(self.expire).or(link.expires);
        link.maxspace = self.maxspace.map_or(link.maxspace, limit);
        link.maxfiles = self.maxfiles.map_or(link.maxfiles, limit);
        if let Some(text) = &self.comment {
            comment(text)?.clone_into(&mut link.comment);
        }
        if link != before {
            cx.set_upload_link(&mut link)?;
        }
        Ok(Done)
    }
}
