//! What links an account has.

use super::{address, limit, metadata, short_address};
use crate::call::Answer;
use crate::cx::{Cx, View};
use crate::dispatch::Public;
use crate::rules::metadata::wire_id;
use crate::rules::public_links::{Item, item};
use pileus_api::UnixTime;
use pileus_api::public_links::{LinksReply, ListPlShort, ListPublinks, PublicLinkInfo};
use pileus_store::public_links::PublicLink;

impl Public for ListPublinks {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<LinksReply> {
        links(cx, true).await
    }
}

impl Public for ListPlShort {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<LinksReply> {
        links(cx, false).await
    }
}

/// The caller's links, but for those to something in the trash.
async fn links(cx: &Cx<'_, '_>, has_metadata: bool) -> Answer<LinksReply> {
    // What has been counted is to be seen.
    cx.app.link_counts.flush(&cx.app.db).await?;
    cx.view(move |view| rows(view, has_metadata)).await
}

fn rows(cx: &mut View<'_, '_>, has_metadata: bool) -> Answer<LinksReply> {
    let most = limit(cx.app.config.listing_max_entries);
    let links = cx.tx.public_links(cx.user.account.id, most)?;
    let mut publinks = Vec::with_capacity(links.len());
    for link in links {
        if let Some(item) = item(cx.tx, &link)?
            && cx.sees_item(&item)?
        {
            publinks.push(info(cx, link, &item, has_metadata)?);
        }
    }
    Ok(LinksReply { publinks })
}

fn info(
    cx: &mut View<'_, '_>,
    link: PublicLink,
    item: &Item,
    has_metadata: bool,
) -> Answer<PublicLinkInfo> {
    let limit = |most: i64| (most > 0).then(|| wire_id(most));
    let is_folder = item.is_folder();
    let uploads = matches!(item, Item::Folder(_)).then_some(false);
    let is_short = !has_metadata;
    Ok(PublicLinkInfo {
        metadata: has_metadata
            .then(|| metadata(cx, &link, item))
            .transpose()?,
        linkid: wire_id(link.id),
        link: address(cx.app, &link.code),
        shortlink: short_address(cx.app, &link),
        code: link.code,
        shortcode: link.shortcode,
        created: UnixTime(link.created),
        modified: UnixTime(link.modified),
        expires: link.expires.map(UnixTime),
        maxdownloads: limit(link.maxdownloads),
        maxtraffic: limit(link.maxtraffic),
        downloads: wire_id(link.downloads),
        traffic: wire_id(link.traffic),
        views: wire_id(link.views),
        haspassword: link.password_hash.is_some(),
        r#type: wire_id(link.kind),
        enableduploadforeveryone: uploads,
        enableduploadforchosenusers: uploads,
        isfolder: is_short.then_some(is_folder),
        id: match item {
            Item::File(file) => Some(format!("f{}", file.id)),
            Item::Folder(folder) => Some(format!("d{}", folder.id)),
            Item::Tree | Item::Collection(_) => None,
        }
        .filter(|_| is_short),
        fileid: link.file.filter(|_| is_short).map(wire_id),
        folderid: link.folder.filter(|_| is_short).map(wire_id),
    })
}
