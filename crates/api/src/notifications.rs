//! Notices to the account, and the people it has to do with.

use pileus_api_derive::{Method, Params, Reply};
use pileus_wire::UnixTime;

/// Lists notices to the account, the newest first.
#[derive(Method, Params)]
#[method(name = "listnotifications", caller = Account, access = Read, reply = NotificationsReply)]
pub struct ListNotifications {
    /// Only those newer than this one.
    pub notificationid: Option<u64>,
}

/// Notices.
#[derive(Reply)]
pub struct NotificationsReply {
    /// The newest notice the account has had; 0 if there was none.
    pub notificationid: u64,
    /// The notices, the newest first.
    pub notifications: Vec<Notification>,
}

/// A notice.
#[derive(Clone, Debug, PartialEq, Eq, Reply)]
pub struct Notification {
    /// Id; later ones are higher.
    pub notificationid: u64,
    /// The text to show.
    pub notification: String,
    /// When it was made.
    pub mtime: UnixTime,
    /// Whether it was not read yet.
    pub isnew: bool,
    /// Always 0: no icon.
    pub iconid: u64,
    /// What happens when a person chooses it; `none`, `gotofolder`, or `opensharerequest`.
    pub action: String,
    /// The folder to go to.
    pub folderid: Option<u64>,
    /// The offer to show. It may have been answered.
    pub sharerequestid: Option<u64>,
}

/// Marks notices as read. Waiting clients are told.
#[derive(Method, Params)]
#[method(name = "readnotifications", caller = Account, access = Write)]
pub struct ReadNotifications {
    /// Those up to this one; all, if not given.
    pub notificationid: Option<u64>,
}

/// Lists the people the account shares folders with.
#[derive(Method, Params)]
#[method(name = "contactlist", caller = Account, access = Read, reply = ContactsReply)]
pub struct ContactList {}

/// People.
#[derive(Reply)]
pub struct ContactsReply {
    /// The people, those that were met last first.
    pub contacts: Vec<Contact>,
}

/// Somebody.
#[derive(Clone, Debug, PartialEq, Eq, Reply)]
pub struct Contact {
    /// Name; the mail address, as there is no other.
    pub name: String,
    /// Mail address.
    pub value: String,
    /// Always 1: known from shares.
    pub source: u64,
}
