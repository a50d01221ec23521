//! Making links.

use super::{address, expiry, hash, limit, metadata, short_address};
use crate::call::{Answer, Fail};
use crate::cx::{Cx, Edit};
use crate::dispatch::Public;
use crate::rules::metadata::wire_id;
use crate::rules::public_links::Item;
use crate::secrets::random_token;
use pileus_api::archiving::TreeArg;
use pileus_api::name::check_name;
use pileus_api::public_links::{
    GetCollectionPublink, GetFilePublink, GetFolderPublink, GetTreePublink, LinkOptions,
    NewLinkReply,
};
use pileus_api::{Code, UnixTime};
use pileus_store::public_link_items::{NewLinkItem, TOP};
use pileus_store::public_links::{COLLECTION, FILE, FOLDER, LIVE, PublicLink, TREE};

/// Links that an account may have at a time: all of them are one list to clients.
const LINKS_MAX: i64 = 10_000;

/// What a new link is to be like.
#[derive(Clone)]
struct Wanted {
    options: LinkOptions,
    password_hash: Option<String>,
}

impl Wanted {
    async fn read(cx: &Cx<'_, '_>, options: &LinkOptions) -> Answer<Self> {
        Ok(Self {
            options: options.clone(),
            password_hash: hash(cx, options.linkpassword.as_ref()).await?,
        })
    }

    /// Whether the link is to be an ordinary one, of which each item needs only one.
    fn is_plain(&self) -> bool {
        let LinkOptions {
            expire,
            maxdownloads,
            maxtraffic,
            shortlink,
            linkpassword,
        } = &self.options;
        expiry(*expire).is_none()
            && maxdownloads.unwrap_or(0) == 0
            && maxtraffic.unwrap_or(0) == 0
            && !shortlink
            && linkpassword.is_none()
    }

    /// A link to an item of the caller: the ordinary one that is there, or a new one. Trees have none that is there.
    fn link(&self, cx: &mut Edit<'_, '_>, item: &Item) -> Answer<NewLinkReply> {
        check_verified(cx)?;
        let owner = cx.user.account.id;
        let present = match item {
            _ if !self.is_plain() => None,
            Item::File(file) => cx.tx.unlimited_link_to_file(file.id, owner)?,
            Item::Folder(folder) => cx.tx.unlimited_link_to_folder(folder.id, owner)?,
            Item::Collection(collection) => {
                cx.tx.unlimited_link_to_collection(collection.id, owner)?
            }
            Item::Tree => None,
        };
        let link = match present {
            Some(link) => link,
            None => self.make(cx, item, "")?,
        };
        told(cx, link, item)
    }

    fn make(&self, cx: &mut Edit<'_, '_>, item: &Item, name: &str) -> Answer<PublicLink> {
        let (kind, file, folder, collection) = match item {
            Item::File(file) => (FILE, Some(file.id), None, None),
            Item::Folder(folder) => (FOLDER, None, Some(folder.id), None),
            Item::Tree => (TREE, None, None, None),
            Item::Collection(collection) => (COLLECTION, None, None, Some(collection.id)),
        };
        let shortcode = if self.options.shortlink {
            Some(cx.free_shortcode()?)
        } else {
            None
        };
        let link = PublicLink {
            id: cx.tx.id()?,
            owner: cx.user.account.id,
            kind,
            folder,
            file,
            collection,
            name: name.to_owned(),
            code: random_token().map_err(Fail::internal)?,
            shortcode,
            password_hash: self.password_hash.clone(),
            state: LIVE,
            created: cx.now.0,
            modified: cx.now.0,
            expires: expiry(self.options.expire),
            maxdownloads: limit(self.options.maxdownloads.unwrap_or(0)),
            maxtraffic: limit(self.options.maxtraffic.unwrap_or(0)),
            downloads: 0,
            traffic: 0,
            views: 0,
        };
        if cx.add_public_link(&link)? > LINKS_MAX {
            return Err(Code::REQUESTS_LIMITED.into());
        }
        Ok(link)
    }
}

fn check_verified(cx: &Edit<'_, '_>) -> Answer<()> {
    if cx.user.account.email_verified {
        Ok(())
    } else {
        Err(Code::EMAIL_UNVERIFIED.into())
    }
}

/// Only the owner lets everybody in, whoever else may see an entry.
fn check_owner(cx: &Edit<'_, '_>, owner: i64) -> Answer<()> {
    if owner == cx.user.account.id {
        Ok(())
    } else {
        Err(Code::NOT_OWNED.into())
    }
}

/// What the maker of a link is told about it.
fn told(cx: &mut Edit<'_, '_>, link: PublicLink, item: &Item) -> Answer<NewLinkReply> {
    Ok(NewLinkReply {
        metadata: metadata(cx, &link, item)?,
        linkid: wire_id(link.id),
        link: address(cx.app, &link.code),
        shortlink: short_address(cx.app, &link),
        code: link.code,
        shortcode: link.shortcode,
        created: UnixTime(link.created),
        modified: UnixTime(link.modified),
        downloads: wire_id(link.downloads),
        downloadenabled: true,
    })
}

impl Public for GetFilePublink {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<NewLinkReply> {
        let wanted = Wanted::read(cx, &self.options).await?;
        let file = self.file.clone();
        cx.edit(move |edit| {
            let file = edit.file(&file.0)?;
            check_owner(edit, file.owner)?;
            wanted.link(edit, &Item::File(file))
        })
        .await
    }
}

impl Public for GetFolderPublink {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<NewLinkReply> {
        let wanted = Wanted::read(cx, &self.options).await?;
        let folder = self.folder.clone();
        cx.edit(move |edit| {
            let folder = edit.folder(&folder.0)?;
            check_owner(edit, folder.owner)?;
            if folder.id == edit.user.account.root {
                return Err(Code::ROOT_UNSHAREABLE.into());
            }
            wanted.link(edit, &Item::Folder(folder))
        })
        .await
    }
}

impl Public for GetCollectionPublink {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<NewLinkReply> {
        let wanted = Wanted::read(cx, &self.options).await?;
        let id = i64::try_from(self.collectionid).map_err(|_| Code::COLLECTION_MISSING)?;
        cx.edit(move |edit| {
            let account = edit.user.account.id;
            let collection = edit.tx.collection(id)?;
            let collection = collection
                .filter(|collection| collection.account == account)
                .ok_or(Code::COLLECTION_MISSING)?;
            wanted.link(edit, &Item::Collection(collection))
        })
        .await
    }
}

impl Public for GetTreePublink {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<NewLinkReply> {
        if check_name(&self.name).is_err() {
            return Err(Code::NO_NAME.into());
        }
        let TreeArg {
            folderid,
            folderids,
            fileids,
            ..
        } = &self.tree;
        if folderid.is_none() && folderids.is_empty() && fileids.is_empty() {
            return Err(Code::BAD_FOLDERID.into());
        }
        let wanted = Wanted::read(cx, &self.options).await?;
        let (name, tree) = (self.name.clone(), self.tree.clone());
        cx.edit(move |edit| {
            check_verified(edit)?;
            check_tree(edit, &tree)?;
            let link = wanted.make(edit, &Item::Tree, &name)?;
            fill(edit, link.id, &tree)?;
            told(edit, link, &Item::Tree)
        })
        .await
    }
}

/// Refuses a tree that names what is not the caller's.
fn check_tree(cx: &mut Edit<'_, '_>, tree: &TreeArg) -> Answer<()> {
    for &id in tree.folderid.iter().chain(&tree.folderids) {
        let folder = cx.folder_by_id(id)?.ok_or(Code::BAD_FOLDERID)?;
        check_owner(cx, folder.owner)?;
    }
    for &id in &tree.fileids {
        let file = cx.file_by_id(id)?.ok_or(Code::FILE_MISSING)?;
        check_owner(cx, file.owner)?;
    }
    Ok(())
}

/// Puts what a tree selects behind a link, as it is now. What others share with the caller is left out.
fn fill(cx: &mut Edit<'_, '_>, link: i64, tree: &TreeArg) -> Answer<()> {
    cx.own_only = true;
    let selected = cx.select(tree)?;
    for (item, entry) in (1..).zip(&selected) {
        let (folder, file) = (entry.folder.as_ref(), entry.file.as_ref());
        let created = match (folder, file) {
            (Some(folder), _) => folder.created,
            (None, Some(file)) => file.created,
            (None, None) => entry.modified,
        };
        // Numbers count from 1, and a parent is always before what is in it.
        let parent = entry.parent.and_then(|index| i64::try_from(index + 1).ok());
        cx.tx.insert_link_item(
            link,
            &NewLinkItem {
                item,
                parent: parent.unwrap_or(TOP),
                folder: folder.map(|folder| folder.id),
                file: file.map(|file| (file.id, file.blob)),
                name: &entry.name,
                created,
                modified: entry.modified,
            },
        )?;
    }
    Ok(cx.tx.hold_linked_contents(link)?)
}
