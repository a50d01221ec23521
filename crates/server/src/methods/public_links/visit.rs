//! What visitors do with links.

use crate::call::Answer;
use crate::cx::Cx;
use crate::dispatch::Public;
use crate::methods::streaming::Wish;
use crate::rules::guesses::noting_guesses;
use crate::rules::metadata::wire_id;
use crate::rules::public_links::{
    Key, Usable, Visit, Walk, check_limits, content_pass, lock, pass,
};
use crate::rules::save::Times;
use pileus_api::file::FileReply;
use pileus_api::public_links::{CopyPubFile, GetPublinkDownload, ShowPublink, ShownLinkReply};
use pileus_api::streaming::LinkReply;
use pileus_api::{Code, UnixTime};
use pileus_store::Tx;
use pileus_store::public_link_counts::LinkUse;
use pileus_store::public_links::PublicLink;

async fn visit(
    cx: &Cx<'_, '_>,
    code: &str,
    password: Option<&String>,
    token: Option<&String>,
) -> Answer<Visit> {
    let key = Key {
        password: password.cloned(),
        pass: token.cloned(),
    };
    Visit::begin(cx.app, cx.call.client, code, &key).await
}

/// Opens a link whose limits count.
fn open(tx: &mut Tx<'_>, visit: &Visit, now: UnixTime) -> Answer<Usable> {
    let found = visit.open(tx, now)?;
    check_limits(&found.link)?;
    Ok(found)
}

impl Public for ShowPublink {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<ShownLinkReply> {
        let password = self.linkpassword.as_ref();
        let visit = visit(cx, &self.code, password, self.linktoken.as_ref()).await?;
        let now = cx.now;
        let has_password = visit.has_password;
        let most = cx.app.config.listing_max_entries;
        let caller = cx.user.as_ref().map(|user| user.account.id);
        let shown = cx
            .app
            .db
            .view(move |tx| {
                let found = open(tx, &visit, now)?;
                let listing = Walk::new(tx, &found).listing(most)?;
                Ok((found.link, listing))
            })
            .await;
        let (link, listing) = noting_guesses(cx.app, cx.call.client, shown)?;
        let downloads = told_downloads(cx, &link).await?;
        let view = LinkUse {
            views: 1,
            ..LinkUse::default()
        };
        cx.app.link_counts.add(link.id, view);
        let lock = lock(link.password_hash.as_deref());
        Ok(ShownLinkReply::new(
            wire_id(downloads),
            link.expires.map(UnixTime),
            caller == Some(link.owner),
            has_password.then(|| pass(cx.app, lock, now)),
            listing,
        ))
    }
}

/// How often there was a download, those included that are not written yet.
async fn told_downloads(cx: &Cx<'_, '_>, link: &PublicLink) -> Answer<i64> {
    if !cx.app.link_counts.has_downloads(link.id) {
        return Ok(link.downloads);
    }
    cx.app.link_counts.flush(&cx.app.db).await?;
    let id = link.id;
    let now = cx.app.db.view(move |tx| tx.public_link(id)).await?;
    Ok(now.map_or(link.downloads, |now| now.downloads))
}

impl Public for GetPublinkDownload {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<LinkReply> {
        let password = self.linkpassword.as_ref();
        let visit = visit(cx, &self.code, password, self.linktoken.as_ref()).await?;
        let (app, now) = (cx.app.clone(), cx.now);
        let (fileid, path) = (self.fileid, self.path.clone());
        let wish = Wish {
            forcedownload: self.forcedownload,
            contenttype: self.contenttype.clone(),
            maxspeed: self.maxspeed.unwrap_or(0),
            skipfilename: self.skipfilename,
        };
        let given = cx
            .app
            .db
            .view(move |tx| {
                let found = open(tx, &visit, now)?;
                wish.check()?;
                let file = Walk::new(tx, &found).choose(fileid, path.as_deref())?;
                let pass = content_pass(&found.link)?;
                wish.link(&app, file.owner, &file, Some(pass), now)
            })
            .await;
        noting_guesses(cx.app, cx.call.client, given)
    }
}

impl Public for CopyPubFile {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<FileReply> {
        let password = self.linkpassword.as_ref();
        let visit = visit(cx, &self.code, password, self.linktoken.as_ref()).await?;
        let (fileid, path) = (self.fileid, self.path.clone());
        let (to, noover) = (self.to.clone(), self.noover);
        // There is no folder that the copy could stay in.
        let Some(parent) = to.parent else {
            return Err(Code::NO_TARGET.into());
        };
        let copied = cx
            .edit(move |edit| {
                let now = edit.now;
                let found = visit.open(edit.tx, now)?;
                let file = Walk::new(edit.tx, &found).choose(fileid, path.as_deref())?;
                let mut folder = edit.folder(&parent)?;
                let name = to.name.clone().unwrap_or_else(|| file.name.clone());
                if noover && edit.tx.file_child(folder.id, &name)?.is_some() {
                    return Err(Code::NAME_TAKEN.into());
                }
                let saved = edit.copy_file(&file, &mut folder, &name, Times::default())?;
                Ok(FileReply {
                    metadata: edit.file_metadata(&saved.file)?,
                })
            })
            .await;
        noting_guesses(cx.app, cx.call.client, copied)
    }
}
