//! Public links.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::cx::{Cx, Edit, View};
use crate::dispatch::{Public, Reads, Writes};
use crate::methods::listing::{Scope, list};
use crate::methods::streaming::Wish;
use crate::rules::metadata::wire_id;
use crate::rules::public_links::{Item, Opened, Visit, item, open, usable};
use crate::secrets::random_token;
use pileus_api::field::Datetime;
use pileus_api::listing::Node;
use pileus_api::name::Path;
use pileus_api::public_links::{
    ChangePublink, ChangedLinkReply, DeletePublink, GetFilePublink, GetFolderPublink,
    GetPublinkDownload, LinkOptions, LinksReply, ListPlShort, ListPublinks, NewLinkReply,
    PublicLinkInfo, ShowPublink, ShownLinkReply,
};
use pileus_api::reply::Done;
use pileus_api::streaming::LinkReply;
use pileus_api::{Code, Listing, Metadata, UnixTime};
use pileus_store::StoreError;
use pileus_store::files::File;
use pileus_store::public_links::{DELETED, FILE, FOLDER, LIVE, PublicLink};

/// Full address of a link.
pub(crate) fn address(app: &App, code: &str) -> String {
    format!("{}/publink/show?code={code}", app.web_base())
}

/// Full address of a short link, if there is one.
fn short_address(app: &App, link: &PublicLink) -> Option<String> {
    link.shortcode.as_deref().map(|code| address(app, code))
}

/// The sync client sends 0 where it has no time to set.
fn expiry(given: Option<Datetime>) -> Option<i64> {
    given
        .map(|Datetime(UnixTime(time))| time)
        .filter(|&time| time != 0)
}

/// A limit for the database. What is beyond its numbers will never be reached.
fn limit(given: u64) -> i64 {
    i64::try_from(given).unwrap_or(i64::MAX)
}

/// The hash of a new password, if one is given.
async fn hash(cx: &Cx<'_, '_>, password: Option<&String>) -> Answer<Option<String>> {
    match password {
        None => Ok(None),
        Some(password) => {
            let hash = cx.app.hashing.hash(password.clone()).await;
            hash.map(Some).map_err(Fail::internal)
        }
    }
}

/// Metadata of what a link leads to.
fn metadata(cx: &mut View<'_, '_>, item: &Item) -> Answer<Metadata> {
    match item {
        Item::File(file) => cx.file_metadata(file),
        Item::Folder(folder) => cx.folder_metadata(folder),
    }
}

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

    /// A link to an item of the caller: the ordinary one that is there, or a new one.
    fn link(&self, cx: &mut Edit<'_, '_>, item: &Item) -> Answer<NewLinkReply> {
        if !cx.user.account.email_verified {
            return Err(Code::EMAIL_UNVERIFIED.into());
        }
        let owner = cx.user.account.id;
        let present = match item {
            _ if !self.is_plain() => None,
            Item::File(file) => cx.tx.unlimited_link_to_file(file.id, owner)?,
            Item::Folder(folder) => cx.tx.unlimited_link_to_folder(folder.id, owner)?,
        };
        let link = match present {
            Some(link) => link,
            None => self.make(cx, item)?,
        };
        Ok(NewLinkReply {
            linkid: wire_id(link.id),
            link: address(cx.app, &link.code),
            shortlink: short_address(cx.app, &link),
            code: link.code,
            shortcode: link.shortcode,
            created: UnixTime(link.created),
            modified: UnixTime(link.modified),
            downloads: wire_id(link.downloads),
            downloadenabled: true,
            metadata: metadata(cx, item)?,
        })
    }

    fn make(&self, cx: &mut Edit<'_, '_>, item: &Item) -> Answer<PublicLink> {
        let (kind, file, folder) = match item {
            Item::File(file) => (FILE, Some(file.id), None),
            Item::Folder(folder) => (FOLDER, None, Some(folder.id)),
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
        cx.add_public_link(&link)?;
        Ok(link)
    }
}

impl Public for GetFilePublink {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<NewLinkReply> {
        let wanted = Wanted::read(cx, &self.options).await?;
        let file = self.file.clone();
        cx.edit(move |edit| {
            let file = edit.file(&file.0)?;
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
            if folder.id == edit.user.account.root {
                return Err(Code::ROOT_UNSHAREABLE.into());
            }
            wanted.link(edit, &Item::Folder(folder))
        })
        .await
    }
}

/// Begins the visit of a link: checks a password against it, and slows down who guesses.
async fn visit(cx: &Cx<'_, '_>, code: &str, password: Option<&String>) -> Answer<Visit> {
    if !cx.app.limits.allows_link(cx.call.client) {
        return Err(Code::LOGINS_LIMITED.into());
    }
    let visit = Visit {
        code: code.to_owned(),
        known_hash: None,
    };
    let Some(password) = password else {
        return Ok(visit);
    };
    let (code, now) = (visit.code.clone(), cx.now);
    let found = cx
        .app
        .db
        .view(move |tx| usable(tx, &code, now).map(|found| found.link.password_hash))
        .await;
    let Some(hash) = noting_guesses(cx, found)? else {
        return Ok(visit);
    };
    let fits = cx
        .app
        .hashing
        .verify(password.clone(), Some(hash.clone()))
        .await
        .map_err(Fail::internal)?;
    if !fits {
        cx.app.limits.failed_link(cx.call.client);
        return Err(Code::LINK_PASSWORD_NEEDED.into());
    }
    Ok(Visit {
        known_hash: Some(hash),
        ..visit
    })
}

/// Counts an answer that the code is unknown.
fn noting_guesses<T>(cx: &Cx<'_, '_>, answer: Answer<T>) -> Answer<T> {
    answer.inspect_err(|fail| {
        if fail.code == Code::LINK_UNKNOWN {
            cx.app.limits.failed_link(cx.call.client);
        }
    })
}

impl Public for ShowPublink {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<ShownLinkReply> {
        let visit = visit(cx, &self.code, self.linkpassword.as_ref()).await?;
        let (app, call, now) = (cx.app.clone(), cx.call.clone(), cx.now);
        let caller = cx.user.as_ref().map(|user| user.account.id);
        let shown = cx
            .app
            .db
            .view(move |tx| {
                let Opened {
                    mut view,
                    link,
                    item,
                } = open(tx, &app, &call, &visit, now)?;
                let listing = show(&mut view, &item)?;
                let is_mine = caller == Some(link.owner);
                let expires = link.expires.map(UnixTime);
                let reply = ShownLinkReply::new(wire_id(link.downloads), expires, is_mine, listing);
                Ok((link.id, reply))
            })
            .await;
        let (id, reply) = noting_guesses(cx, shown)?;
        let counted = cx.app.db.edit(move |tx| tx.count_public_link_view(id));
        counted.await?;
        Ok(reply)
    }
}

/// What a link leads to, with everything below it. Where the item lies is the owner's business.
fn show(view: &mut View<'_, '_>, item: &Item) -> Answer<Listing> {
    let mut nodes = match item {
        Item::File(file) => vec![Node {
            depth: 0,
            open: false,
            metadata: view.file_metadata(file)?,
        }],
        Item::Folder(folder) => {
            let scope = Scope {
                recursive: true,
                deleted: false,
                files: true,
                shares: true,
            };
            list(view, folder, scope)?.into_nodes()
        }
    };
    if let Some(top) = nodes.first_mut() {
        top.metadata.parentfolderid = None;
    }
    Ok(Listing::new(nodes))
}

impl Public for GetPublinkDownload {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<LinkReply> {
        let visit = visit(cx, &self.code, self.linkpassword.as_ref()).await?;
        let (app, call, now) = (cx.app.clone(), cx.call.clone(), cx.now);
        let choice = Choice {
            fileid: self.fileid,
            path: self.path.clone(),
        };
        let contenttype = self.contenttype.clone();
        let (forcedownload, maxspeed, skipfilename) = (
            self.forcedownload,
            self.maxspeed.unwrap_or(0),
            self.skipfilename,
        );
        let given = cx
            .app
            .db
            .edit(move |tx| {
                let Opened {
                    mut view,
                    link,
                    item,
                } = open(tx, &app, &call, &visit, now)?;
                let wish = Wish {
                    forcedownload,
                    contenttype: contenttype.as_deref(),
                    maxspeed,
                    skipfilename,
                };
                wish.check()?;
                let file = choice.file(&mut view, &item)?;
                let reply = wish.link(&view, &file)?;
                // Another node may have used up the limits since they were checked.
                if !view.tx.count_public_link_download(link.id, file.size)? {
                    return Err(Code::LINK_DOWNLOADS_USED.into());
                }
                Ok(reply)
            })
            .await;
        noting_guesses(cx, given)
    }
}

/// Which file of a link is meant.
struct Choice {
    fileid: Option<u64>,
    path: Option<String>,
}

impl Choice {
    /// The file: 2009 if it is not what the link leads to, or not below it.
    fn file(&self, view: &mut View<'_, '_>, item: &Item) -> Answer<File> {
        let top = match item {
            Item::File(file) if self.fileid.is_none_or(|id| id == wire_id(file.id)) => {
                return Ok(file.clone());
            }
            Item::File(_) => return Err(Code::FILE_MISSING.into()),
            Item::Folder(top) => top,
        };
        if let Some(id) = self.fileid {
            let file = view.file_by_id(id)?.ok_or(Code::FILE_MISSING)?;
            let folder = view.tx.folder(file.folder)?.ok_or(StoreError::Missing)?;
            return if view.is_within(&folder, top.id)? {
                Ok(file)
            } else {
                Err(Code::FILE_MISSING.into())
            };
        }
        let path = self.path.as_deref().ok_or(Code::NO_FILEID)?;
        let path = Path::parse(path).ok_or(Code::BAD_PATH)?;
        let (parents, name) = path.split_last().ok_or(Code::FILE_MISSING)?;
        let mut folder = top.id;
        for part in &parents.parts {
            let child = view.tx.folder_child(folder, part)?;
            folder = child.ok_or(Code::NO_PARENT)?.id;
        }
        let file = view.tx.file_child(folder, &name)?;
        file.ok_or_else(|| Code::FILE_MISSING.into())
    }
}

/// The caller's links, but for those to something in the trash.
fn links(cx: &mut View<'_, '_>, has_metadata: bool) -> Answer<LinksReply> {
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
    let is_folder = matches!(item, Item::Folder(_));
    let uploads = is_folder.then_some(false);
    let is_short = !has_metadata;
    Ok(PublicLinkInfo {
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
        metadata: has_metadata.then(|| metadata(cx, item)).transpose()?,
        isfolder: is_short.then_some(is_folder),
        id: is_short.then(|| match item {
            Item::File(file) => format!("f{}", file.id),
            Item::Folder(folder) => format!("d{}", folder.id),
        }),
        fileid: link.file.filter(|_| is_short).map(wire_id),
        folderid: link.folder.filter(|_| is_short).map(wire_id),
    })
}

impl Reads for ListPublinks {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<LinksReply> {
        links(cx, true)
    }
}

impl Reads for ListPlShort {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<LinksReply> {
        links(cx, false)
    }
}

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
        if self.deleteshortlink {
            link.shortcode = None;
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
        let mut link = cx.public_link(self.linkid)?;
        link.state = DELETED;
        cx.set_public_link(&mut link)?;
        Ok(Done)
    }
}
