//! Public links: what they lead to, and when they may be used.

use crate::app::App;
use crate::call::{Answer, Call, Fail};
use crate::cx::{Edit, View};
use crate::login::User;
use crate::secrets::random_token;
use pileus_api::{Code, UnixTime};
use pileus_store::accounts::{self, Account};
use pileus_store::files::File;
use pileus_store::folders::Folder;
use pileus_store::public_links::{LIVE, PublicLink};
use pileus_store::{StoreError, Tx};
use std::sync::Arc;

/// Letters and digits of a short code. It is meant to be typed, and who wants secrecy uses the long one.
const SHORTCODE_LENGTH: usize = 8;

/// Free short codes are looked for this often. With 62⁸ of them, one try nearly always does.
const SHORTCODE_TRIES: usize = 8;

/// What a link leads to.
#[derive(Clone, Debug)]
pub enum Item {
    /// A file.
    File(File),
    /// A folder.
    Folder(Folder),
}

/// What a link leads to; `None` while it is in the trash, and once it is gone.
pub fn item(tx: &mut Tx<'_>, link: &PublicLink) -> Answer<Option<Item>> {
    Ok(match (link.file, link.folder) {
        (Some(id), _) => tx
            .file(id)?
            .filter(|file| file.owner == link.owner && file.deleted == 0)
            .map(Item::File),
        (None, Some(id)) => tx
            .folder(id)?
            .filter(|folder| folder.owner == link.owner && folder.deleted == 0)
            .map(Item::Folder),
        (None, None) => None,
    })
}

/// A link that works, apart from its password and its limits.
pub struct Usable {
    /// The link.
    pub link: PublicLink,
    /// What it leads to.
    pub item: Item,
    owner: Account,
}

/// The link behind a code: 7001 if there is none, 7002 if it leads nowhere any more, 7004 if it has expired.
pub fn usable(tx: &mut Tx<'_>, code: &str, now: UnixTime) -> Answer<Usable> {
    let link = tx.public_link_by_code(code)?.ok_or(Code::LINK_UNKNOWN)?;
    if link.state != LIVE {
        return Err(Code::LINK_DELETED.into());
    }
    let owner = tx
        .account(link.owner)?
        .filter(|owner| owner.state == accounts::ACTIVE)
        .ok_or(Code::LINK_DELETED)?;
    let item = item(tx, &link)?.ok_or(Code::LINK_DELETED)?;
    if link.expires.is_some_and(|expires| expires <= now.0) {
        return Err(Code::LINK_EXPIRED.into());
    }
    Ok(Usable { link, item, owner })
}

/// Refuses a link whose limits are reached.
fn check_limits(link: &PublicLink) -> Answer<()> {
    if link.maxtraffic > 0 && link.traffic >= link.maxtraffic {
        return Err(Code::LINK_TRAFFIC_USED.into());
    }
    if link.maxdownloads > 0 && link.downloads >= link.maxdownloads {
        return Err(Code::LINK_DOWNLOADS_USED.into());
    }
    Ok(())
}

/// A code, with the password hash that the visitor has been checked against.
#[derive(Clone, Debug)]
pub struct Visit {
    /// Code or short code of the link.
    pub code: String,
    /// Hash of the password that the visitor knows; a link with another one stays closed.
    pub known_hash: Option<String>,
}

/// An open link. Visitors see what its owner sees, since nobody else has ids for it.
pub struct Opened<'a, 't> {
    /// The owner's view.
    pub view: View<'a, 't>,
    /// The link.
    pub link: PublicLink,
    /// What it leads to.
    pub item: Item,
}

/// Opens a link for a visitor, after all checks.
pub fn open<'a, 't>(
    tx: &'a mut Tx<'t>,
    app: &'a Arc<App>,
    call: &'a Call,
    visit: &Visit,
    now: UnixTime,
) -> Answer<Opened<'a, 't>> {
    let Usable { link, item, owner } = usable(tx, &visit.code, now)?;
    if link.password_hash.is_some() && link.password_hash != visit.known_hash {
        return Err(Code::LINK_PASSWORD_NEEDED.into());
    }
    check_limits(&link)?;
    let user = User::new(owner, None);
    let mut view = View::new(tx, app, Some(call), user, now);
    view.own_only = true;
    Ok(Opened { view, link, item })
}

impl View<'_, '_> {
    /// Whether the caller sees what a link leads to.
    pub fn sees_item(&mut self, item: &Item) -> Answer<bool> {
        match item {
            Item::File(file) => self.sees_file(file),
            Item::Folder(folder) => self.sees_folder(folder),
        }
    }
}

impl Edit<'_, '_> {
    /// A live link of the caller; 2027 if there is none.
    pub fn public_link(&mut self, id: u64) -> Answer<PublicLink> {
        let owner = self.user.account.id;
        let id = i64::try_from(id).map_err(|_| Code::LINK_MISSING)?;
        let link = self.tx.public_link(id)?;
        let link = link
            .filter(|link| link.owner == owner && link.state == LIVE)
            .ok_or(Code::LINK_MISSING)?;
        if self.user.app_folder.is_some() {
            let item = item(self.tx, &link)?.ok_or(Code::LINK_MISSING)?;
            if !self.sees_item(&item)? {
                return Err(Code::LINK_MISSING.into());
            }
        }
        Ok(link)
    }

    /// A short code that no link has.
    pub fn free_shortcode(&mut self) -> Answer<String> {
        for _ in 0..SHORTCODE_TRIES {
            let mut code = random_token().map_err(Fail::internal)?;
            code.truncate(SHORTCODE_LENGTH);
            if self.tx.public_link_by_code(&code)?.is_none() {
                return Ok(code);
            }
        }
        Err(Fail::internal("no short code is free"))
    }

    /// Adds a link of the caller.
    pub fn add_public_link(&mut self, link: &PublicLink) -> Answer<()> {
        self.tx.insert_public_link(link)?;
        Ok(self.count_public_link_change()?)
    }

    /// Writes a changed link of the caller.
    pub fn set_public_link(&mut self, link: &mut PublicLink) -> Answer<()> {
        link.modified = self.now.0;
        self.tx.set_public_link(link)?;
        Ok(self.count_public_link_change()?)
    }

    /// Moves the counter that clients follow by `subscribe`, and has them woken.
    fn count_public_link_change(&mut self) -> Result<(), StoreError> {
        let (account, diffid) = (self.user.account.id, self.user.account.diffid);
        self.tx.count_public_link_change(account)?;
        self.tx.notify(account, diffid);
        let feed = self.app.feed.clone();
        self.tx.after_commit(move || feed.wake(account));
        Ok(())
    }
}
