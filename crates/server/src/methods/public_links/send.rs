//! Mailing links.

use super::address;
use crate::call::Answer;
use crate::cx::Edit;
use crate::dispatch::Writes;
use crate::language::Language;
use crate::mail::letters::{self, SentLink};
use crate::mail::{may_notify, send};
use crate::methods::general::is_email;
use crate::rules::public_links::{Item, usable};
use pileus_api::public_links::SendPublink;
use pileus_api::reply::Done;
use pileus_api::{Code, UnixTime};

/// Addresses of one call.
const ADDRESSES_MAX: usize = 20;

/// Characters of a message.
const MESSAGE_MAX: usize = 2000;

impl Writes for SendPublink {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        if !cx.user.account.email_verified {
            return Err(Code::EMAIL_UNVERIFIED.into());
        }
        let addresses = addresses(&self.mails)?;
        let now = cx.now;
        let found = usable(cx.tx, &self.code, now)?;
        if !cx.is_own_link(&found.link)? {
            return Err(Code::LINK_UNKNOWN.into());
        }
        let account = cx.user.account.id;
        if !cx.app.limits.allows_sent_link(account) {
            return Err(Code::REQUESTS_LIMITED.into());
        }
        let name = match &found.item {
            Item::File(file) => &file.name,
            Item::Folder(folder) => &folder.name,
            Item::Tree => &found.link.name,
            Item::Collection(collection) => &collection.name,
        };
        let message = self.message.as_deref().unwrap_or_default();
        let sent = SentLink {
            sender: &found.owner.email,
            name,
            message: message.chars().take(MESSAGE_MAX).collect(),
            address: address(cx.app, &self.code),
            expires: found.link.expires.map(UnixTime),
            has_password: found.link.password_hash.is_some(),
        };
        // All of them, whether they really get the mail or not: that is not the sender's business.
        let (app, count) = (cx.app.clone(), addresses.len());
        let limited = app.clone();
        cx.tx
            .after_commit(move || limited.limits.sent_links(account, count));
        for to in addresses {
            // Strangers must not use up the mails of a lost password.
            if may_notify(cx.tx, to, now)? {
                // Who has an account here has a language; others probably have the sender's.
                let reader = cx.tx.account_by_email(to)?;
                let language = reader.map_or(found.owner.language.clone(), |it| it.language);
                let letter = letters::public_link(Language::of(&language), &sent);
                send(cx.tx, &app, to, &letter, true, now)?;
            }
        }
        Ok(Done)
    }
}

/// The addresses of a list, each once.
fn addresses(list: &str) -> Answer<Vec<&str>> {
    let mut addresses: Vec<&str> = Vec::new();
    let given = list.split(',').map(str::trim);
    for address in given.filter(|address| !address.is_empty()) {
        if !is_email(address) {
            return Err(Code::EMAIL_INVALID.into());
        }
        if !addresses
            .iter()
            .any(|known| known.eq_ignore_ascii_case(address))
        {
            addresses.push(address);
        }
    }
    match addresses.len() {
        0 => Err(Code::NO_MAIL.into()),
        1..=ADDRESSES_MAX => Ok(addresses),
        _ => Err(Code::REQUESTS_LIMITED.into()),
    }
}
