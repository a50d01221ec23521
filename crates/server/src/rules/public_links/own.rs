//! What the makers of links may do with them.

use super::{Item, item};
use crate::call::{Answer, Fail};
use crate::cx::{Edit, View};
use crate::secrets::random_token;
use pileus_api::Code;
use pileus_store::StoreError;
use pileus_store::public_links::{DELETED, PublicLink};

/// Letters and digits of a short code. It is meant to be typed, and who wants secrecy uses the long one.
const SHORTCODE_LENGTH: usize = 8;

/// Free short codes are looked for this often. With 62⁸ of them, one try nearly always does.
const SHORTCODE_TRIES: usize = 8;

impl View<'_, '_> {
    /// Whether the caller sees what a link leads to. Trees and collections are not for apps that see one folder.
    pub fn sees_item(&mut self, item: &Item) -> Answer<bool> {
        match item {
            Item::File(file) => self.sees_file(file),
            Item::Folder(folder) => self.sees_folder(folder),
            Item::Tree | Item::Collection(_) => Ok(self.user.app_folder.is_none()),
        }
    }
}

impl Edit<'_, '_> {
    /// A live link of the caller; 2027 if there is none.
    pub fn public_link(&mut self, id: u64) -> Answer<PublicLink> {
        let id = i64::try_from(id).map_err(|_| Code::LINK_MISSING)?;
        let link = self.tx.public_link(id)?.ok_or(Code::LINK_MISSING)?;
        if link.state != DELETED && self.is_own_link(&link)? {
            Ok(link)
        } else {
            Err(Code::LINK_MISSING.into())
        }
    }

    /// Whether a link is the caller's, and for an app that sees one folder, whether it leads into that.
    pub fn is_own_link(&mut self, link: &PublicLink) -> Answer<bool> {
        if link.owner != self.user.account.id || self.user.app_folder.is_none() {
            return Ok(link.owner == self.user.account.id);
        }
        match item(self.tx, link)? {
            Some(item) => self.sees_item(&item),
            None => Ok(false),
        }
    }

    /// A short code that no link has, or ever had.
    pub fn free_shortcode(&mut self) -> Answer<String> {
        for _ in 0..SHORTCODE_TRIES {
            let mut code = random_token().map_err(Fail::internal)?;
            code.truncate(SHORTCODE_LENGTH);
            if !self.tx.is_shortcode_used(&code)? {
                return Ok(code);
            }
        }
        Err(Fail::internal("no short code is free"))
    }

    /// Adds a link of the caller; answers how many he has now.
    pub fn add_public_link(&mut self, link: &PublicLink) -> Answer<i64> {
        self.tx.insert_public_link(link)?;
        Ok(self.count_public_links(1)?)
    }

    /// Writes a changed link of the caller.
    pub fn set_public_link(&mut self, link: &mut PublicLink) -> Answer<()> {
        link.modified = self.now.0;
        self.tx.set_public_link(link)?;
        Ok(self.count_public_links(0).map(drop)?)
    }

    /// Ends a link of the caller for ever.
    pub fn delete_public_link(&mut self, mut link: PublicLink) -> Answer<()> {
        let now = self.now.0;
        (link.state, link.modified) = (DELETED, now);
        self.tx.set_public_link(&link)?;
        self.tx.remove_link_items(link.id, now)?;
        Ok(self.count_public_links(-1).map(drop)?)
    }

    /// Counts links of the caller up or down, moves the counter that clients follow by `subscribe`, and has them woken;
    /// answers how many links there are.
    fn count_public_links(&mut self, more: i64) -> Result<i64, StoreError> {
        let (account, diffid) = (self.user.account.id, self.user.account.diffid);
        let links = self.tx.count_public_links(account, more)?;
        self.app.feed.wake_after_commit(self.tx, account, diffid);
        Ok(links)
    }
}
