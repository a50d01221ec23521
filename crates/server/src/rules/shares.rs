//! Shares, from being accepted to their end.

use crate::app::App;
use crate::call::{Answer, Fail};
use crate::cx::{Edit, edit_owed};
use crate::jobs::joins::Join;
use crate::language::Language;
use crate::login::User;
use crate::rules::audience::Viewer;
use crate::rules::census::Change;
use crate::rules::notices::Notice;
use crate::rules::offers::End;
use crate::rules::share_detail::ShareDetail;
use pileus_api::Code;
use pileus_api::event::EventKind;
use pileus_store::StoreError;
use pileus_store::accounts::Account;
use pileus_store::events::Event;
use pileus_store::files::File;
use pileus_store::folders::{Folder, NewFolder};
use pileus_store::jobs::{JOIN, NewJob};
use pileus_store::share_requests::ShareRequest;
use pileus_store::shares::{self, Share};
use std::sync::Arc;

/// Entries of a share that its recipient is told of in the transaction in which he accepts it. More are told by a job.
const TOLD_AT_ONCE: i64 = 2000;

/// Folders with the files in them.
type Entries = Vec<(Folder, Vec<File>)>;

/// Ends everything that an account shares, is offering, or was given, before it goes.
///
/// # Errors
/// If the account is gone already, or the database has trouble.
pub async fn end_all(app: &Arc<App>, account: i64) -> Answer<()> {
    edit_owed(app, account, move |edit| edit.end_all_shares(account)).await
}

impl Edit<'_, '_> {
    /// Records an event about a share or an offer in somebody's log.
    pub fn record_share(
        &mut self,
        account: i64,
        kind: EventKind,
        detail: &ShareDetail,
    ) -> Answer<()> {
        let detail = serde_json::to_string(detail).map_err(Fail::internal)?;
        let event = Event {
            detail: Some(detail),
            ..self.blank(kind)
        };
        self.append_event(account, event).map(drop)
    }

    /// Does something as another account would.
    pub fn on_behalf<T>(
        &mut self,
        account: Account,
        job: impl FnOnce(&mut Self) -> Answer<T>,
    ) -> Answer<T> {
        self.lock(account.id)?;
        self.forget_places();
        let caller = std::mem::replace(&mut self.user, User::new(account, None));
        let done = job(self);
        self.user = caller;
        self.forget_places();
        done
    }

    /// The folder that the caller's shares go into if no other is named. It is made when it is needed.
    pub fn share_root(&mut self) -> Answer<Folder> {
        let account = self.user.account.id;
        let kept = match self.tx.share_root(account)? {
            Some(id) => self.tx.folder(id)?,
            None => None,
        };
        let is_usable =
            |folder: &Folder| folder.owner == account && folder.deleted == 0 && folder.shared == 0;
        if let Some(folder) = kept.filter(is_usable)
            && self.sees_folder(&folder)?
        {
            return Ok(folder);
        }
        let mut root = self.root()?;
        let language = Language::of(&self.user.account.language);
        let name = language.say("Shared with me", "Mit mir geteilt");
        let name = match self.tx.folder_child(root.id, name)? {
            Some(_) => self.free_folder_name(root.id, name)?,
            None => name.to_owned(),
        };
        let folder = self.make_folder(&mut root, &name, None)?;
        self.tx.set_share_root(account, folder.id)?;
        Ok(folder)
    }

    /// Makes a share of an offer to the caller: the folder appears in `into`, under the name or the next free one.
    pub fn accept_offer(
        &mut self,
        request: &ShareRequest,
        mut into: Folder,
        name: &str,
    ) -> Answer<Share> {
        let me = self.user.account.clone();
        // Whoever changes something in the folder from now on tells the caller, or has done so before.
        self.lock(request.owner)?;
        self.tx.remove_share_request(request.id)?;
        let folder = self.tx.folder(request.folder)?;
        let folder = folder
            .filter(|folder| folder.deleted == 0)
            .ok_or(Code::REQUEST_MISSING)?;
        self.check_no_access(me.id, &folder)?;
        let name = match self.tx.folder_child(into.id, name)? {
            Some(_) => self.free_folder_name(into.id, name)?,
            None => name.to_owned(),
        };
        let entries = self.few_entries(&folder)?;
        let since = self.newest_diffid(me.id)?;
        let mount = NewFolder {
            id: self.tx.id()?,
            owner: me.id,
            parent: into.id,
            name: &name,
            created: folder.created,
            modified: folder.modified,
            shared: 0,
            mount: folder.id,
        };
        self.tx.insert_folder(&mount)?;
        self.touch(&mut into)?;
        let share = Share {
            id: self.tx.id()?,
            folder: folder.id,
            owner: request.owner,
            recipient: me.id,
            permissions: request.permissions,
            name: request.name.clone(),
            created: self.now.0,
            mount: mount.id,
            request: request.id,
            since,
            joined: entries.is_some(),
        };
        if share.joined {
            self.follow(&share)?;
        }
        self.tx.insert_share(&share)?;
        self.forget_places();
        self.tell_owner_of_begin(&share)?;
        match entries {
            Some(entries) => {
                let viewer = Viewer::from(&share);
                for (folder, files) in &entries {
                    self.tell_entry(&viewer, Change::New, folder, files)?;
                }
                self.tell_recipient_of_begin(&share)?;
            }
            None => self.join_later(&share)?,
        }
        Ok(share)
    }

    /// What is in a folder, itself included, parents before children; `None` if that is too much to be told at once.
    fn few_entries(&mut self, top: &Folder) -> Answer<Option<Entries>> {
        let mut entries = Vec::new();
        let mut room = TOLD_AT_ONCE;
        let mut next = vec![top.clone()];
        while let Some(folder) = next.pop() {
            let files = self.tx.file_children_after(folder.id, "", room)?;
            room -= 1 + i64::try_from(files.len()).unwrap_or(i64::MAX);
            if room <= 0 {
                return Ok(None);
            }
            let rows = self.tx.folder_children(folder.id)?;
            next.extend(rows.into_iter().filter(|row| row.mount == 0));
            entries.push((folder, files));
        }
        Ok(Some(entries))
    }

    /// Leaves it to a job to tell the recipient of a share what is in it.
    fn join_later(&mut self, share: &Share) -> Answer<()> {
        let join = Join {
            share: share.id,
            from: self.newest_diffid(share.owner)?,
            permissions: share.permissions,
        };
        let payload = serde_json::to_string(&join).map_err(Fail::internal)?;
        let now = self.now.0;
        self.tx.add_job(&NewJob {
            kind: JOIN,
            account: share.recipient,
            progress_key: None,
            payload: &payload,
            progress: "",
            run_at: now,
            created: now,
        })?;
        let bell = self.app.bell.clone();
        self.tx.after_commit(move || bell.ring());
        Ok(())
    }

    /// Tells the recipient that a share has begun. What is in it he has been told already: clients rely on it.
    pub fn tell_recipient_of_begin(&mut self, share: &Share) -> Answer<()> {
        let (owner, recipient) = self.parties(share)?;
        let detail = ShareDetail::taken(share, &owner).from_offer(share.request);
        self.record_share(recipient.id, EventKind::AcceptedShareIn, &detail)
    }

    fn tell_owner_of_begin(&mut self, share: &Share) -> Answer<()> {
        let (owner, recipient) = self.parties(share)?;
        let detail = ShareDetail::given(share, &recipient).from_offer(share.request);
        self.record_share(owner.id, EventKind::AcceptedShareOut, &detail)?;
        let notice = Notice::Accepted {
            by: recipient.email,
            name: share.name.clone(),
            folder: share.folder,
        };
        self.tell(owner.id, &notice)
    }

    /// The owner and the recipient of a share.
    pub fn parties(&mut self, share: &Share) -> Answer<(Account, Account)> {
        let owner = self.tx.account(share.owner)?.ok_or(StoreError::Missing)?;
        let recipient = self.tx.account(share.recipient)?;
        Ok((owner, recipient.ok_or(StoreError::Missing)?))
    }

    /// Ends a share, whoever wants it: everything in it is gone for the recipient.
    pub fn end_share(&mut self, share: &Share) -> Answer<()> {
        self.lock(share.owner)?;
        self.place_news(share.recipient)?;
        let viewer = Viewer::from(share);
        if !share.joined {
            self.take_back_what_was_told(share)?;
        } else if let Some(folder) = self.tx.folder(share.folder)? {
            for folder in self.rows_within(folder)?.into_iter().rev() {
                if folder.mount == 0 {
                    let files = self.tx.file_children(folder.id)?;
                    self.tell_entry(&viewer, Change::Gone, &folder, &files)?;
                }
            }
        }
        let now = self.now.0;
        if let Some(mount) = self.tx.folder(share.mount)? {
            self.tx.remove_folder(mount.id)?;
            self.tx.touch_folder(mount.parent, now)?;
        }
        self.tx.remove_share(share.id)?;
        self.forget_places();
        let (owner, recipient) = self.parties(share)?;
        let detail = ShareDetail::taken(share, &owner).of_end();
        self.record_share(recipient.id, EventKind::RemovedShareIn, &detail)?;
        let detail = ShareDetail::given(share, &recipient).of_end();
        self.record_share(owner.id, EventKind::RemovedShareOut, &detail)?;
        match self.tx.folder(share.folder)? {
            Some(folder) => self.count_share(&folder, -1),
            None => Ok(()),
        }
    }

    /// Ends every share and offer of these folders, which belong to one owner, and takes out of them what others share
    /// with him. Answers whether there was any.
    pub fn end_shares_in(&mut self, folders: &[Folder]) -> Answer<bool> {
        let mut has_ended = false;
        for folder in folders {
            if folder.shares > 0 {
                self.end_all_of(folder.id)?;
                has_ended = true;
            }
            if folder.mount != 0
                && let Some(share) = self.tx.share_of(folder.mount, folder.owner)?
            {
                self.end_share(&share)?;
                has_ended = true;
            }
        }
        Ok(has_ended)
    }

    /// Whether a folder, or one below it, is shared or offered by its owner.
    pub fn has_shares_within(&mut self, folder: &Folder) -> Answer<bool> {
        let given = self.tx.shares_given(folder.owner)?;
        let offered = self.tx.share_requests_made(folder.owner)?;
        let shared = given.iter().map(|share| share.folder);
        for id in shared.chain(offered.iter().map(|request| request.folder)) {
            let is_live = self.tx.folder(id)?.is_some_and(|row| row.deleted == 0);
            if is_live && self.tx.is_below(id, folder.id)? {
                return Ok(true);
            }
        }
        Ok(false)
    }

    /// Ends everything that an account shares, is offering, or was given.
    pub fn end_all_shares(&mut self, account: i64) -> Answer<()> {
        for request in self.tx.share_requests_made(account)? {
            self.end_offer(&request, End::Cancelled)?;
        }
        let mut shares = self.tx.shares_given(account)?;
        shares.extend(self.tx.shares_taken(account)?);
        for share in shares {
            self.end_share(&share)?;
        }
        Ok(())
    }

    /// Changes what a recipient may do. Clients keep rights with each folder, so the recipient is told of all of them.
    pub fn change_share(&mut self, share: &Share, permissions: i64) -> Answer<()> {
        if share.permissions == permissions {
            return Ok(());
        }
        self.lock(share.owner)?;
        // What has happened before is told with the rights of before.
        self.place_news(share.recipient)?;
        self.tx.set_share_permissions(share.id, permissions)?;
        self.forget_places();
        let share = Share {
            permissions,
            ..share.clone()
        };
        let (owner, recipient) = self.parties(&share)?;
        // Who has not been told that the share has begun hears of his rights then.
        if share.joined {
            self.tell_rights(&share)?;
            let detail = ShareDetail::taken(&share, &owner).of_change();
            self.record_share(recipient.id, EventKind::ModifiedShareIn, &detail)?;
        }
        let detail = ShareDetail::given(&share, &recipient).of_change();
        self.record_share(owner.id, EventKind::ModifiedShareOut, &detail)
    }

    /// Tells the recipient of a share what he may do in each folder of it.
    pub fn tell_rights(&mut self, share: &Share) -> Answer<()> {
        let viewer = Viewer::from(share);
        let folder = self.tx.folder(share.folder)?.ok_or(StoreError::Missing)?;
        for folder in self.rows_within(folder)? {
            if folder.mount == 0 {
                self.tell_entry(&viewer, Change::Other, &folder, &[])?;
            }
        }
        Ok(())
    }

    /// Accepts an offer for a recipient who has said that he takes all offers of its owner.
    pub fn accept_if_always(&mut self, request: &ShareRequest) -> Answer<()> {
        let Some(recipient) = self.verified_recipient(&request.email)? else {
            return Ok(());
        };
        if self.tx.share_policy(recipient.id, request.owner)? != shares::ALWAYS {
            return Ok(());
        }
        self.on_behalf(recipient, |edit| {
            let into = edit.share_root()?;
            edit.accept_offer(request, into, &request.name).map(drop)
        })
    }
}
