//! Recording what changed, in the transaction that changes it.

use crate::call::{Answer, Fail};
use crate::cx::Edit;
use crate::rules::access::Place;
use pileus_api::event::EventKind;
use pileus_store::StoreError;
use pileus_store::accounts::Account;
use pileus_store::events::Event;
use pileus_store::files::File;
use pileus_store::folders::Folder;

impl Edit<'_, '_> {
    /// Records an event about a folder for everybody who sees it.
    pub fn record_folder(&mut self, kind: EventKind, folder: &Folder) -> Answer<()> {
        let event = self.folder_event(kind, folder);
        self.record(Place::from(folder), &event)
    }

    /// An event about a folder, in nobody's log yet.
    pub fn folder_event(&self, kind: EventKind, folder: &Folder) -> Event {
        Event {
            folder: Some(folder.id),
            parent: Some(folder.parent),
            name: Some(folder.name.clone()),
            owner: Some(folder.owner),
            created: Some(folder.created),
            modified: Some(folder.modified),
            ..self.blank(kind)
        }
    }

    /// Records an event about a file for everybody who sees it. `replaced` is the file it has taken the place of.
    pub fn record_file(
        &mut self,
        kind: EventKind,
        file: &File,
        replaced: Option<i64>,
    ) -> Answer<()> {
        let event = self.file_event(kind, file, replaced);
        let place = self.place(file.folder)?.ok_or(StoreError::Missing)?;
        self.record(place, &event)
    }

    /// An event about a file, in nobody's log yet.
    pub fn file_event(&self, kind: EventKind, file: &File, replaced: Option<i64>) -> Event {
        Event {
            file: Some(file.id),
            parent: Some(file.folder),
            name: Some(file.name.clone()),
            owner: Some(file.owner),
            created: Some(file.created),
            modified: Some(file.modified),
            revisionid: Some(file.revisionid),
            blob: Some(file.blob),
            size: Some(file.size),
            hash: Some(file.hash),
            replaced_file: replaced,
            ..self.blank(kind)
        }
    }

    /// Records a change of the account's own data.
    pub fn record_account(&mut self, account: &Account) -> Answer<()> {
        let detail = account_detail(account)?;
        let event = Event {
            detail: Some(detail),
            ..self.blank(EventKind::ModifyUserInfo)
        };
        self.append_event(account.id, event).map(drop)
    }

    /// Puts an event at the end of an account's log. Answers its place.
    pub fn append_event(&mut self, account: i64, event: Event) -> Answer<i64> {
        let diffid = self.next_diffid(account)?;
        self.tx.insert_event(&Event {
            account,
            diffid,
            ..event
        })?;
        Ok(diffid)
    }

    /// An event of a kind that says nothing yet.
    pub fn blank(&self, kind: EventKind) -> Event {
        blank(kind, self.now.0)
    }
}

/// An event of a kind that says nothing yet.
fn blank(kind: EventKind, time: i64) -> Event {
    Event {
        account: 0,
        diffid: 0,
        time,
        kind: kind as i64,
        folder: None,
        file: None,
        parent: None,
        name: None,
        owner: None,
        flags: 0,
        created: None,
        modified: None,
        revisionid: None,
        blob: None,
        size: None,
        hash: None,
        replaced_file: None,
        detail: None,
    }
}

/// The event that every feed begins with.
pub fn first_event(account: &Account, now: i64) -> Answer<Event> {
    let detail = Some(account_detail(account)?);
    Ok(Event {
        account: account.id,
        diffid: 1,
        detail,
        ..blank(EventKind::ModifyUserInfo, now)
    })
}

/// What a `modifyuserinfo` event keeps of the account.
#[derive(serde::Serialize, serde::Deserialize)]
pub struct AccountDetail {
    /// Mail address.
    pub email: String,
    /// Whether it is verified.
    pub verified: bool,
    /// Bytes it may use.
    pub quota: i64,
    /// Bytes it used.
    pub used: i64,
    /// Language.
    pub language: String,
}

fn account_detail(account: &Account) -> Answer<String> {
    let detail = AccountDetail {
        email: account.email.clone(),
        verified: account.email_verified,
        quota: account.quota,
        used: account.used,
        language: account.language.clone(),
    };
    serde_json::to_string(&detail).map_err(Fail::internal)
}
