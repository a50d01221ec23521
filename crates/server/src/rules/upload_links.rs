//! Upload links: when they may be used, and what happens when a file comes through one.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::cx::{Edit, View};
use crate::language::Language;
use crate::mail::{self, letters};
use crate::rules::notices::Arrival;
use crate::rules::save::{Held, IfTaken, Times};
use pileus_api::{Code, UnixTime};
use pileus_store::accounts::{self, Account};
use pileus_store::folders::Folder;
use pileus_store::upload_links::{DELETED, LIVE, UploadLink};
use pileus_store::{StoreError, Tx};
use std::sync::Arc;

/// Bytes that a comment may have.
const COMMENT_BYTES_MAX: usize = 4096;

/// Links that an account may have at a time: all of them are one list to clients.
const LINKS_MAX: i64 = 1000;

/// A comment that visitors can be shown; 1035 if it says nothing, or too much.
pub fn comment(text: &str) -> Answer<&str> {
    let text = text.trim();
    if text.is_empty() || text.len() > COMMENT_BYTES_MAX {
        return Err(Code::NO_COMMENT.into());
    }
    Ok(text)
}

/// The folder that a link leads to; `None` while it is in the trash, and once it is gone.
pub fn folder(tx: &mut Tx<'_>, link: &UploadLink) -> Answer<Option<Folder>> {
    let folder = tx.folder(link.folder)?;
    Ok(folder.filter(|folder| folder.owner == link.owner && folder.deleted == 0))
}

/// A link that takes files.
#[derive(Debug)]
pub struct Open {
    /// The link.
    pub link: UploadLink,
    /// Bytes that the next file may have.
    pub room: u64,
}

/// The link behind a code, if it takes files: 7001 if there is none, 7002 if its folder is gone, 7004 if it has expired,
/// 7007 if there is no space left, be it the link's or the owner's, and 7008 if it has taken all its files.
pub fn open(tx: &mut Tx<'_>, code: &str, now: UnixTime) -> Answer<Open> {
    let link = tx.upload_link_by_code(code)?.ok_or(Code::LINK_UNKNOWN)?;
    if link.state != LIVE {
        return Err(Code::LINK_DELETED.into());
    }
    let owner = owner(tx, &link)?;
    target(tx, &link, now)?;
    check_limits(&link)?;
    let mut room = owner.quota.saturating_sub(owner.used);
    if link.maxspace > 0 {
        room = room.min(link.maxspace - link.space);
    }
    match u64::try_from(room) {
        Ok(room) if room > 0 => Ok(Open { link, room }),
        _ => Err(Code::LINK_SPACE_USED.into()),
    }
}

/// The account that the files will belong to. What it has given up, or is locked out of, it takes no files into.
fn owner(tx: &mut Tx<'_>, link: &UploadLink) -> Answer<Account> {
    let owner = tx.account(link.owner)?;
    owner
        .filter(|owner| owner.state == accounts::ACTIVE)
        .ok_or_else(|| Code::LINK_DELETED.into())
}

/// The folder that takes the files now.
fn target(tx: &mut Tx<'_>, link: &UploadLink, now: UnixTime) -> Answer<Folder> {
    let folder = folder(tx, link)?.ok_or(Code::LINK_DELETED)?;
    if link.expires.is_some_and(|expires| expires <= now.0) {
        return Err(Code::LINK_EXPIRED.into());
    }
    Ok(folder)
}

/// Refuses a link whose limits are reached.
fn check_limits(link: &UploadLink) -> Answer<()> {
    if link.maxspace > 0 && link.space >= link.maxspace {
        return Err(Code::LINK_SPACE_USED.into());
    }
    if link.maxfiles > 0 && link.files >= link.maxfiles {
        return Err(Code::LINK_FILES_USED.into());
    }
    Ok(())
}

/// How full the owner's account is concerns no visitor.
fn no_space(fail: Fail) -> Fail {
    if fail.code == Code::OVER_QUOTA {
        Code::LINK_SPACE_USED.into()
    } else {
        fail
    }
}

impl View<'_, '_> {
    /// The folder of a link of the caller, if it is there and the caller sees it.
    pub fn upload_link_folder(&mut self, link: &UploadLink) -> Answer<Option<Folder>> {
        match folder(self.tx, link)? {
            Some(folder) if self.sees_folder(&folder)? => Ok(Some(folder)),
            _ => Ok(None),
        }
    }
}

impl Edit<'_, '_> {
    /// A live link of the caller; 2040 if there is none.
    pub fn upload_link(&mut self, id: u64) -> Answer<UploadLink> {
        let owner = self.user.account.id;
        let id = i64::try_from(id).map_err(|_| Code::UPLOAD_LINK_MISSING)?;
        let link = self.tx.upload_link(id)?;
        let link = link
            .filter(|link| link.owner == owner && link.state == LIVE)
            .ok_or(Code::UPLOAD_LINK_MISSING)?;
        if self.user.app_folder.is_some() && self.upload_link_folder(&link)?.is_none() {
            return Err(Code::UPLOAD_LINK_MISSING.into());
        }
        Ok(link)
    }

    /// Adds a link of the caller; 4010 if he has as many as he may.
    pub fn add_upload_link(&mut self, link: &UploadLink) -> Answer<()> {
        self.tx.insert_upload_link(link)?;
        if self.count_upload_links(link.owner, 1)? > LINKS_MAX {
            return Err(Code::REQUESTS_LIMITED.into());
        }
        Ok(())
    }

    /// Writes a changed link of the caller.
    pub fn set_upload_link(&mut self, link: &mut UploadLink) -> Answer<()> {
        link.modified = self.now.0;
        self.tx.set_upload_link(link)?;
        self.count_upload_links(link.owner, 0).map(drop)
    }

    /// Ends a link of the caller for ever.
    pub fn delete_upload_link(&mut self, mut link: UploadLink) -> Answer<()> {
        (link.state, link.modified) = (DELETED, self.now.0);
        self.tx.set_upload_link(&link)?;
        self.count_upload_links(link.owner, -1).map(drop)
    }

    /// Saves a content in the folder of a link of the caller, under another name if its own is taken. All limits are checked here, where
    /// the owner's row is locked: however many uploads run, no more gets in than they allow. Whether the link still lives
    /// is not asked, since uploads that run when it is deleted may finish.
    pub fn save_through(
        &mut self,
        link: i64,
        name: &str,
        held: Held,
        from: Option<&str>,
    ) -> Answer<()> {
        let link = self.tx.upload_link(link)?.ok_or(Code::LINK_DELETED)?;
        self.check_quota(link.owner, held.size).map_err(no_space)?;
        owner(self.tx, &link)?;
        let now = self.now;
        let mut folder = target(self.tx, &link, now)?;
        if !self.tx.count_upload_link_file(link.id, held.size)? {
            let present = self.tx.upload_link(link.id)?.ok_or(StoreError::Missing)?;
            let is_full = present.maxfiles > 0 && present.files >= present.maxfiles;
            return Err(if is_full {
                Code::LINK_FILES_USED.into()
            } else {
                Code::LINK_SPACE_USED.into()
            });
        }
        self.save(&mut folder, name, held, Times::default(), IfTaken::Rename)
            .map_err(no_space)?;
        self.count_upload_links(link.owner, 0)?;
        self.tell_of_arrival(link.owner, Arrival::through(&link, from))
    }

    /// Counts links of an account up or down, moves the counter that clients follow by `subscribe`, and has them woken;
    /// answers how many links there are.
    fn count_upload_links(&mut self, account: i64, more: i64) -> Answer<i64> {
        let links = self.tx.count_upload_links(account, more)?;
        self.wake(account)?;
        Ok(links)
    }
}

/// Sends the owner of a link a mail about the files that have come since the last one. 7001 if there is no such link, 7002 if
/// it is deleted.
pub fn notify(tx: &mut Tx<'_>, app: &Arc<App>, code: &str, now: UnixTime) -> Answer<()> {
    let found = tx.upload_link_by_code(code)?.ok_or(Code::LINK_UNKNOWN)?;
    // Locked, so that of two visitors who are done at the same time one has the mail sent.
    let owner = tx.account_locked(found.owner)?;
    let owner = owner
        .filter(|owner| owner.state == accounts::ACTIVE)
        .ok_or(Code::LINK_DELETED)?;
    let link = tx.upload_link(found.id)?;
    let link = link
        .filter(|link| link.state == LIVE)
        .ok_or(Code::LINK_DELETED)?;
    let count = link.files - link.mailed;
    if count <= 0 || !mail::may_notify(tx, &owner.email, now)? {
        return Ok(());
    }
    tx.set_upload_link_mailed(link.id, link.files)?;
    let language = Language::of(&owner.language);
    let letter = letters::uploaded(language, &link.comment, count);
    mail::send(tx, app, &owner.email, &letter, true, now)
}
