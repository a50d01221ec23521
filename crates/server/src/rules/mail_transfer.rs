//! Mail transfers: who may send what to whom, where the files are, and when they go.
//!
//! The files belong to an account that nobody can log in to. So they are files like all others: counted, checked, copied,
//! and reached by a public link.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::config::Transfer;
use crate::cx::{Edit, edit_owed};
use crate::language::Language;
use crate::limits::TRANSFER_WINDOW;
use crate::mail::transfer_letters::{Sent, delivery, receipt};
use crate::mail::{self, Letter};
use crate::methods::general::is_email;
use crate::methods::public_links::address;
use crate::rules::accounts::{NewUser, add_user};
use crate::rules::purge;
use crate::rules::save::{Held, IfTaken, Times};
use crate::secrets::random_token;
use pileus_api::{Code, UnixTime};
use pileus_store::accounts::{Account, email_key};
use pileus_store::contents::NewContent;
use pileus_store::public_links::{FOLDER, LIVE, PublicLink};
use pileus_store::{StoreError, Tx};
use std::net::IpAddr;
use std::sync::Arc;

/// User name of the account that the files belong to. It is no mail address, so nobody else can have it, and the account has
/// no password.
const ACCOUNT: &str = "transfers";

/// Addresses that files may be sent to at once.
const RECEIVERS_MAX: usize = 20;

/// Characters of a message.
const MESSAGE_CHARS_MAX: usize = 160;

/// How long the files are there.
const LIFE_SECONDS: i64 = 7 * 86_400;

/// Who sends something to whom.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Envelope {
    sender: String,
    receivers: Vec<String>,
    message: Option<String>,
}

/// A file that is sent.
#[derive(Clone, Debug)]
pub struct SentFile {
    /// Its name.
    pub name: String,
    /// Its bytes, which are stored.
    pub content: NewContent,
}

impl Envelope {
    /// Reads what the caller has given: 1074, 1075, 2098, 2099 and 2100.
    pub fn read(
        settings: &Transfer,
        sender: &str,
        receivers: &str,
        message: Option<&str>,
    ) -> Answer<Self> {
        let sender = sender.trim();
        if !settings.enabled {
            return Err(Code::SENDER_REFUSED.into());
        }
        if !is_email(sender) {
            return Err(Code::BAD_SENDER.into());
        }
        let mut found: Vec<String> = Vec::new();
        for receiver in receivers.split(',').map(str::trim) {
            if !is_email(receiver) {
                return Err(Code::BAD_RECEIVERS.into());
            }
            let key = email_key(receiver);
            if found.iter().any(|known| email_key(known) == key) {
                continue;
            }
            if found.len() == RECEIVERS_MAX {
                return Err(Code::TOO_MANY_RECEIVERS.into());
            }
            found.push(receiver.to_owned());
        }
        if is_listed(&settings.blocked_senders, sender) {
            return Err(Code::SENDER_REFUSED.into());
        }
        let is_blocked = |receiver: &String| is_listed(&settings.blocked_receivers, receiver);
        if found.iter().any(is_blocked) {
            return Err(Code::RECEIVER_REFUSED.into());
        }
        let message = message.map(|message| {
            let clean = message
                .trim()
                .chars()
                .map(|char| if char.is_control() { ' ' } else { char });
            clean.take(MESSAGE_CHARS_MAX).collect::<String>()
        });
        Ok(Self {
            sender: sender.to_owned(),
            receivers: found,
            message: message.filter(|message| !message.is_empty()),
        })
    }
}

/// Whether an address, or `@` with its host, is on a list.
fn is_listed(list: &[String], address: &str) -> bool {
    let key = email_key(address);
    let host = key.rfind('@').map(|at| &key[at..]);
    list.iter()
        .map(|listed| email_key(listed.trim()))
        .any(|listed| listed == key || Some(listed.as_str()) == host)
}

/// Lets a transfer begin; answers the account that its files will belong to, and how many bytes they may have. Who sends too
/// often has to wait (4010).
pub async fn begin(app: &Arc<App>, client: IpAddr, envelope: &Envelope) -> Answer<(i64, u64)> {
    let settings = &app.config.transfer;
    if !app.limits.allows_transfer(client, settings.per_network) {
        return Err(Code::REQUESTS_LIMITED.into());
    }
    let (shared, sender, now) = (app.clone(), email_key(&envelope.sender), app.clock.now());
    let account = app.db.edit(move |tx| {
        check_sender(tx, &shared, &sender, now)?;
        account(tx, &shared, now)
    });
    let account = account.await?;
    let free = u64::try_from(account.quota.saturating_sub(account.used)).unwrap_or(0);
    let room = free.min(settings.max_bytes);
    if room == 0 {
        return Err(Code::TRANSFER_TOO_LARGE.into());
    }
    Ok((account.id, room))
}

fn check_sender(tx: &mut Tx<'_>, app: &App, sender: &str, now: UnixTime) -> Answer<()> {
    let window = i64::try_from(TRANSFER_WINDOW.as_secs()).unwrap_or(i64::MAX);
    let sent = tx.count_mail_transfers_since(sender, now.0.saturating_sub(window))?;
    if sent.unsigned_abs() >= app.config.transfer.per_sender {
        return Err(Code::REQUESTS_LIMITED.into());
    }
    Ok(())
}

/// The account that the files belong to, which is made when it is needed first. Its space is what the settings say.
fn account(tx: &mut Tx<'_>, app: &App, now: UnixTime) -> Answer<Account> {
    let quota = app.config.transfer.total_bytes;
    if tx.account_by_email(ACCOUNT)?.is_none() {
        make_account(tx, app, quota, now)?;
    }
    let account = tx.account_by_email(ACCOUNT)?;
    let mut account = account.ok_or(StoreError::Missing)?;
    let quota = i64::try_from(quota).unwrap_or(i64::MAX);
    if account.quota != quota {
        tx.set_account_quota(account.id, quota)?;
        account.quota = quota;
    }
    Ok(account)
}

fn make_account(tx: &mut Tx<'_>, app: &App, quota: u64, now: UnixTime) -> Answer<()> {
    let new = NewUser {
        email: ACCOUNT.into(),
        email_verified: true,
        // No password has this hash.
        password_hash: String::new(),
        password_sealed: None,
        language: app.config.default_language.clone(),
        quota,
    };
    match add_user(tx, &new, now) {
        // Somebody else was quicker.
        Err(fail) if fail.code == Code::EMAIL_TAKEN => Ok(()),
        made => made.map(drop),
    }
}

impl Edit<'_, '_> {
    /// Keeps the files of a transfer and writes its mails: all in one transaction, so that nobody gets a link to half of
    /// them. Answers which of the contents were there already.
    pub fn send_files(&mut self, envelope: &Envelope, files: &[SentFile]) -> Answer<Vec<bool>> {
        let sender = email_key(&envelope.sender);
        let (app, now) = (self.app.clone(), self.now);
        // The row of the account is locked by now, so of many transfers at once no more pass than may.
        check_sender(self.tx, &app, &sender, now)?;
        let mut root = self.root()?;
        // Whoever opens the link sees who has sent it. An address may have a slash.
        let wanted = envelope.sender.replace('/', "_");
        let name = match self.tx.folder_child(root.id, &wanted)? {
            None => wanted,
            Some(_) => self.free_folder_name(root.id, &wanted)?,
        };
        let mut folder = self.make_folder(&mut root, &name, None)?;
        let (mut duplicates, mut listed) = (Vec::new(), Vec::new());
        for SentFile { name, content } in files {
            let kept = self.tx.keep_content(content)?;
            duplicates.push(kept.duplicate);
            let held = Held {
                blob: kept.id,
                size: content.size,
                hash: content.hash,
            };
            let saved = self
                .save(&mut folder, name, held, Times::default(), IfTaken::Rename)
                .map_err(too_large)?;
            listed.push((saved.file.name, content.size.unsigned_abs()));
        }
        let expires = now.0.saturating_add(LIFE_SECONDS);
        self.tx
            .insert_mail_transfer(folder.id, &sender, now.0, expires)?;
        let code = self.link_to_sent(folder.id, expires)?;
        let sent = Sent {
            sender: &envelope.sender,
            message: envelope.message.as_deref(),
            files: &listed,
            link: &address(&app, &code),
            expires: UnixTime(expires),
        };
        deliver(self.tx, &app, &envelope.receivers, &sent, now)?;
        Ok(duplicates)
    }

    fn link_to_sent(&mut self, folder: i64, expires: i64) -> Answer<String> {
        let code = random_token().map_err(Fail::internal)?;
        let link = PublicLink {
            id: self.tx.id()?,
            owner: self.user.account.id,
            kind: FOLDER,
            folder: Some(folder),
            file: None,
            collection: None,
            name: String::new(),
            code: code.clone(),
            shortcode: None,
            password_hash: None,
            state: LIVE,
            created: self.now.0,
            modified: self.now.0,
            expires: Some(expires),
            maxdownloads: 0,
            maxtraffic: 0,
            downloads: 0,
            traffic: 0,
            views: 0,
        };
        // The bound on the links of a person is none for all who send something.
        self.add_public_link(&link)?;
        Ok(code)
    }
}

fn too_large(fail: Fail) -> Fail {
    if fail.code == Code::OVER_QUOTA {
        Code::TRANSFER_TOO_LARGE.into()
    } else {
        fail
    }
}

/// Writes the mails. Receivers who have got too many mails lately are left out, and the receipt says so; if that is all of
/// them, nothing is sent (2100).
fn deliver(
    tx: &mut Tx<'_>,
    app: &Arc<App>,
    receivers: &[String],
    sent: &Sent<'_>,
    now: UnixTime,
) -> Answer<()> {
    let (mut reached, mut left_out) = (Vec::new(), Vec::new());
    for receiver in receivers {
        let is_reached = send(tx, app, receiver, |language| delivery(language, sent), now)?;
        let list = if is_reached {
            &mut reached
        } else {
            &mut left_out
        };
        list.push(receiver.as_str());
    }
    if reached.is_empty() {
        return Err(Code::RECEIVER_REFUSED.into());
    }
    let written = |language| receipt(language, sent, &reached, &left_out);
    send(tx, app, sent.sender, written, now).map(drop)
}

/// Writes a mail, in the language of its reader where that is known; answers whether it may go.
fn send(
    tx: &mut Tx<'_>,
    app: &Arc<App>,
    to: &str,
    letter: impl FnOnce(Language) -> Letter,
    now: UnixTime,
) -> Answer<bool> {
    if !mail::may_notify(tx, to, now)? {
        return Ok(false);
    }
    let account = tx.account_by_email(to)?;
    let language = account.map_or_else(
        || app.config.default_language.clone(),
        |account| account.language,
    );
    mail::send(tx, app, to, &letter(Language::of(&language)), true, now)?;
    Ok(true)
}

/// Removes a few transfers whose time is over; answers how many it was.
pub async fn clear(app: &Arc<App>, now: i64) -> Answer<usize> {
    let expired = app
        .db
        .view(move |tx| -> Answer<Option<(i64, Vec<i64>)>> {
            let account = tx.account_by_email(ACCOUNT)?;
            let Some(account) = account else {
                return Ok(None);
            };
            Ok(Some((account.id, tx.expired_mail_transfers(now)?)))
        })
        .await?;
    let Some((account, folders)) = expired else {
        return Ok(0);
    };
    for &id in &folders {
        edit_owed(app, account, move |edit| {
            if let Some(folder) = edit.tx.folder(id)? {
                if folder.deleted == 0 {
                    edit.delete_tree(folder)?;
                }
                let trashed = edit.tx.folder(id)?.ok_or(StoreError::Missing)?;
                purge::folder(edit.tx, trashed, now)?;
            }
            Ok(edit.tx.remove_mail_transfer(id)?)
        })
        .await?;
    }
    Ok(folders.len())
}

#[cfg(test)]
mod tests {
    use super::*;

    fn read(sender: &str, receivers: &str, message: Option<&str>) -> Result<Envelope, u16> {
        let settings = Transfer {
            enabled: true,
            blocked_senders: vec!["@spam.example".into()],
            blocked_receivers: vec!["No@example.com".into()],
            ..Transfer::default()
        };
        Envelope::read(&settings, sender, receivers, message).map_err(|fail| fail.code.number())
    }

    #[test]
    fn an_envelope_is_checked() {
        let many = |count: u32| -> String {
            let addresses: Vec<_> = (0..count).map(|n| format!("r{n}@example.com")).collect();
            addresses.join(",")
        };
        assert!(read("a@example.com", &many(20), None).is_ok());
        for (sender, receivers, code) in [
            ("nobody", "b@example.com", 1074),
            ("a@example.com\r\nBcc: c@example.com", "b@example.com", 1074),
            ("a@example.com", "", 1075),
            ("a@example.com", "b@example.com,", 1075),
            ("a@example.com", "b@example.com\nc@example.com", 1075),
            ("a@example.com", &many(21), 2099),
            ("a@SPAM.example", "b@example.com", 2098),
            ("a@example.com", "b@example.com, no@EXAMPLE.com", 2100),
        ] {
            assert_eq!(
                read(sender, receivers, None),
                Err(code),
                "{sender} {receivers}"
            );
        }
        let settings = Transfer::default();
        let refused = Envelope::read(&settings, "a@example.com", "b@example.com", None);
        assert_eq!(refused.unwrap_err().code, Code::SENDER_REFUSED);
    }

    #[test]
    fn receivers_count_once_and_messages_are_cut() {
        let long = "ä".repeat(200);
        let envelope = read("a@example.com", "b@example.com, B@example.com", Some(&long)).unwrap();
        assert_eq!(envelope.receivers, ["b@example.com"]);
        assert_eq!(envelope.message.unwrap().chars().count(), 160);
        let blank = read("a@example.com", "b@example.com", Some(" \n ")).unwrap();
        assert_eq!(blank.message, None);
        let lines = read("a@example.com", "b@example.com", Some("one\ntwo")).unwrap();
        assert_eq!(lines.message.unwrap(), "one two");
    }
}
