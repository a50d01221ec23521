//! Changing and deleting links.

use super::{expiry, hash, limit, short_address};
use crate::call::Answer;
use crate::cx::{Cx, Edit};
use crate::dispatch::{Public, Writes};
use pileus_api::Code;
use pileus_api::public_links::{ChangePublink, ChangedLinkReply, DeletePublink};
use pileus_api::reply::Done;

/// What a link is to change to.
#[derive(Clone)]
struct Change {
    linkid: u64,
    expires: Option<i64>,
    deleteexpire: bool,
    maxdownloads: Option<i64>,
    maxtraffic: Option<i64>,
    shortlink: bool,
    deleteshortlink: bool,
    password_hash: Option<String>,
    deletepassword: bool,
}

impl Change {
    fn apply(&self, cx: &mut Edit<'_, '_>) -> Answer<ChangedLinkReply> {
        let before = cx.public_link(self.linkid)?;
        let mut link = before.clone();
        if self.deleteexpire {
            link.expires = None;
        }
        link.expires = self.expires.or(link.expires);
        link.maxdownloads = self.maxdownloads.unwrap_or(link.maxdownloads);
        link.maxtraffic = self.maxtraffic.unwrap_or(link.maxtraffic);
        if self.deletepassword {
            link.password_hash = None;
        }
        link.password_hash = self.password_hash.clone().or(link.password_hash);
        if self.deleteshortlink
            && let Some(shortcode) = link.shortcode.take()
        {
            cx.tx.retire_shortcode(&shortcode)?;
        }
        if self.shortlink && link.shortcode.is_none() {
            link.shortcode = Some(cx.free_shortcode()?);
        }
        if link != before {
            cx.set_public_link(&mut link)?;
        }
        Ok(ChangedLinkReply {
            shortlink: short_address(cx.app, &link).filter(|_| self.shortlink),
            shortcode: link.shortcode.filter(|_| self.shortlink),
        })
    }
}

impl Public for ChangePublink {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<ChangedLinkReply> {
        if self.enableuploadforeveryone || self.enableuploadforchosenusers {
            return Err(Code::DENIED.into());
        }
        // What was counted without limits counts for those that are set now.
        cx.app.link_counts.flush(&cx.app.db).await?;
        let change = Change {
            linkid: self.linkid,
            expires: expiry(self.expire),
            deleteexpire: self.deleteexpire,
            maxdownloads: self.maxdownloads.map(limit),
            maxtraffic: self.maxtraffic.map(limit),
            shortlink: self.shortlink,
            deleteshortlink: self.deleteshortlink,
            password_hash: hash(cx, self.linkpassword.as_ref()).await?,
            deletepassword: self.deletepassword,
        };
        cx.edit(move |edit| change.apply(edit)).await
    }
}

impl Writes for DeletePublink {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        let link = cx.public_link(self.linkid)?;
        cx.delete_public_link(link)?;
        Ok(Done)
    }
}
