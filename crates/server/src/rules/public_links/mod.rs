//! Public links: what they lead to, and when they may be used.

mod complaints;
mod contents;
mod own;
mod pages;
mod visit;

pub use complaints::set_closed;
pub use contents::{Entry, Place, Walk};
pub use pages::{Mark, Page};
pub use visit::{Key, PASS_SECONDS, Visit, content_pass, lock, pass};

use crate::call::Answer;
use pileus_api::{Code, UnixTime};
use pileus_store::Tx;
use pileus_store::accounts::{self, Account};
use pileus_store::collections::Collection;
use pileus_store::files::File;
use pileus_store::folders::Folder;
use pileus_store::public_links::{CLOSED, DELETED, PublicLink};

/// What a link leads to.
#[derive(Clone, Debug)]
pub enum Item {
    /// A file.
    File(File),
    /// A folder.
    Folder(Folder),
    /// A virtual folder of what was there when the link was made.
    Tree,
    /// A collection.
    Collection(Collection),
}

impl Item {
    /// Whether it is a folder, be it a virtual one.
    pub fn is_folder(&self) -> bool {
        !matches!(self, Self::File(_))
    }
}

/// What a link leads to; `None` while it is in the trash, and once it is gone.
pub fn item(tx: &mut Tx<'_>, link: &PublicLink) -> Answer<Option<Item>> {
    Ok(match (link.file, link.folder, link.collection) {
        (Some(id), _, _) => tx
            .file(id)?
            .filter(|file| file.owner == link.owner && file.deleted == 0)
            .map(Item::File),
        (None, Some(id), _) => tx
            .folder(id)?
            .filter(|folder| folder.owner == link.owner && folder.deleted == 0)
            .map(Item::Folder),
        (None, None, Some(id)) => tx
            .collection(id)?
            .filter(|collection| collection.account == link.owner)
            .map(Item::Collection),
        (None, None, None) => Some(Item::Tree),
    })
}

/// A link that works, apart from its password and its limits.
#[derive(Clone, Debug)]
pub struct Usable {
    /// The link.
    pub link: PublicLink,
    /// What it leads to.
    pub item: Item,
    /// Who made it.
    pub owner: Account,
}

/// The link behind a code: 7001 if there is none, 7002 if it leads nowhere any more, 7003 if it was closed, 7004 if it has expired.
pub fn usable(tx: &mut Tx<'_>, code: &str, now: UnixTime) -> Answer<Usable> {
    let link = tx.public_link_by_code(code)?.ok_or(Code::LINK_UNKNOWN)?;
    if link.state == DELETED {
        return Err(Code::LINK_DELETED.into());
    }
    let owner = tx
        .account(link.owner)?
        .filter(|owner| owner.state == accounts::ACTIVE)
        .ok_or(Code::LINK_DELETED)?;
    let item = item(tx, &link)?.ok_or(Code::LINK_DELETED)?;
    if link.state == CLOSED {
        return Err(Code::LINK_CLOSED.into());
    }
    if is_expired(&link, now) {
        return Err(Code::LINK_EXPIRED.into());
    }
    Ok(Usable { link, item, owner })
}

/// Whether the time of a link is over.
pub fn is_expired(link: &PublicLink, now: UnixTime) -> bool {
    link.expires.is_some_and(|expires| expires <= now.0)
}

/// Refuses a link whose limits are reached.
pub fn check_limits(link: &PublicLink) -> Answer<()> {
    if link.maxtraffic > 0 && link.traffic >= link.maxtraffic {
        return Err(Code::LINK_TRAFFIC_USED.into());
    }
    if link.maxdownloads > 0 && link.downloads >= link.maxdownloads {
        return Err(Code::LINK_DOWNLOADS_USED.into());
    }
    Ok(())
}
