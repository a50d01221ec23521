//! Offers to share a folder, from being made to being answered.

use crate::call::{Answer, Fail};
use crate::cx::Edit;
use crate::language::Language;
use crate::mail::{self, letters};
use crate::rules::notices::Notice;
use crate::rules::share_detail::ShareDetail;
use crate::secrets::{fingerprint, random_token};
use pileus_api::Code;
use pileus_api::event::EventKind;
use pileus_store::accounts::{self, Account, email_key};
use pileus_store::folders::Folder;
use pileus_store::share_requests::ShareRequest;
use pileus_store::shares::{BLOCKED, CREATE, DELETE, MODIFY};
use pileus_store::{StoreError, Tx};

/// How long an offer is open.
const OPEN_SECONDS: i64 = 21 * 86_400;

/// Bytes of a message; what is beyond is cut off.
const MESSAGE_BYTES: usize = 1024;

/// Open offers that an account may have at a time.
const OFFERS_MAX: i64 = 1000;

/// Shares that an account may have given: all of them are one list to clients.
const SHARES_MAX: i64 = 10_000;

/// What an owner wants to offer.
pub struct Offer<'a> {
    /// The folder.
    pub folder: Folder,
    /// The address of the recipient, which has been checked.
    pub email: &'a str,
    /// Rights as the wire has them.
    pub permissions: u64,
    /// Name to offer it under.
    pub name: &'a str,
    /// What to say about it.
    pub message: Option<&'a str>,
}

/// How an offer ends without a share.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum End {
    /// The owner has taken it back, or its time was over.
    Cancelled,
    /// The recipient does not want it.
    Declined,
}

/// Rights as they are kept: bits without a meaning do not count.
pub fn permissions(given: u64) -> i64 {
    let known = CREATE | MODIFY | DELETE;
    i64::try_from(given & known.unsigned_abs()).unwrap_or(0)
}

/// The owner of an offer, if it is open: its time is not over, and neither its folder nor its owner is gone.
pub fn open_owner(tx: &mut Tx<'_>, request: &ShareRequest, now: i64) -> Answer<Option<Account>> {
    if request.expires <= now {
        return Ok(None);
    }
    let folder = tx.folder(request.folder)?;
    if folder.is_none_or(|folder| folder.deleted != 0) {
        return Ok(None);
    }
    let owner = tx.account(request.owner)?;
    Ok(owner.filter(|owner| owner.state == accounts::ACTIVE))
}

impl Edit<'_, '_> {
    /// Makes an offer of the caller. Whether the recipient takes it at once is another matter.
    pub fn make_offer(&mut self, offer: Offer<'_>) -> Answer<ShareRequest> {
        let owner = self.user.account.clone();
        if !owner.email_verified {
            return Err(Code::EMAIL_UNVERIFIED.into());
        }
        if email_key(offer.email) == email_key(&owner.email) {
            return Err(Code::OWN_ADDRESS.into());
        }
        let recipient = self.recipient(offer.email)?;
        if let Some(recipient) = &recipient {
            if self.tx.share_policy(recipient.id, owner.id)? == BLOCKED {
                return Err(Code::OFFERS_UNWANTED.into());
            }
            self.check_no_access(recipient.id, &offer.folder)?;
        }
        let folder = offer.folder;
        if self
            .tx
            .share_request_of(folder.id, offer.email)?
            .is_some_and(|open| open.expires > self.now.0)
        {
            return Err(Code::ALREADY_OFFERED.into());
        }
        let (offers, shares) = self.tx.count_given(owner.id)?;
        if offers >= OFFERS_MAX || shares >= SHARES_MAX {
            return Err(Code::REQUESTS_LIMITED.into());
        }
        // One whose time was over, but which nobody has cleared away yet.
        if let Some(old) = self.tx.share_request_of(folder.id, offer.email)? {
            self.end_offer(&old, End::Cancelled)?;
        }
        let code = random_token().map_err(Fail::internal)?;
        let request = ShareRequest {
            id: self.tx.id()?,
            folder: folder.id,
            owner: owner.id,
            email: offer.email.to_owned(),
            permissions: permissions(offer.permissions),
            name: offer.name.to_owned(),
            message: offer
                .message
                .map(|message| cut(message).to_owned())
                .filter(|message| !message.is_empty()),
            created: self.now.0,
            expires: self.now.0.saturating_add(OPEN_SECONDS),
        };
        self.tx
            .insert_share_request(&request, &fingerprint(&code))?;
        if let Some(recipient) = recipient.as_ref().filter(|found| found.email_verified) {
            self.tell_of_offer(&request, &owner, recipient)?;
        }
        let detail = ShareDetail::offer_made(&request);
        self.record_share(owner.id, EventKind::RequestShareOut, &detail)?;
        self.count_share(&folder, 1)?;
        self.mail_offer(&request, &owner, recipient.as_ref(), &code)?;
        Ok(request)
    }

    /// The account of an address, if offers can reach it.
    fn recipient(&mut self, email: &str) -> Answer<Option<Account>> {
        let found = self.tx.account_by_email(email)?;
        Ok(found.filter(|account| account.state == accounts::ACTIVE))
    }

    /// The account of an address that has proven to be its own.
    pub fn verified_recipient(&mut self, email: &str) -> Answer<Option<Account>> {
        let found = self.recipient(email)?;
        Ok(found.filter(|account| account.email_verified))
    }

    /// Tells a recipient of an offer to him.
    pub fn tell_of_offer(
        &mut self,
        request: &ShareRequest,
        owner: &Account,
        recipient: &Account,
    ) -> Answer<()> {
        let detail = ShareDetail::offer_got(request, owner);
        self.record_share(recipient.id, EventKind::RequestShareIn, &detail)?;
        let notice = Notice::Offered {
            from: owner.email.clone(),
            name: request.name.clone(),
            request: request.id,
        };
        self.tell(recipient.id, &notice)
    }

    fn mail_offer(
        &mut self,
        request: &ShareRequest,
        owner: &Account,
        recipient: Option<&Account>,
        code: &str,
    ) -> Answer<()> {
        let now = self.now;
        // Strangers must not use up the mails of a lost password.
        if !mail::may_notify(self.tx, &request.email, now)? {
            return Ok(());
        }
        // Somebody without an account reads what the owner reads.
        let language = recipient.map_or(&owner.language, |recipient| &recipient.language);
        let letter = letters::share_offer(
            self.app,
            Language::of(language),
            &owner.email,
            request,
            code,
            recipient.is_some(),
        );
        let app = self.app;
        mail::send(self.tx, app, &request.email, &letter, true, now)
    }

    /// 2024 if an account sees the folder, or one above or below it, already.
    pub fn check_no_access(&mut self, account: i64, folder: &Folder) -> Answer<()> {
        if self.tx.share_above(folder.shared, account)?.is_some() {
            return Err(Code::ALREADY_SHARED.into());
        }
        for share in self.tx.shares_taken(account)? {
            if share.owner != folder.owner {
                continue;
            }
            if self.tx.is_below(share.folder, folder.id)? {
                return Err(Code::ALREADY_SHARED.into());
            }
        }
        Ok(())
    }

    /// Ends an offer without a share, and tells both sides.
    pub fn end_offer(&mut self, request: &ShareRequest, end: End) -> Answer<()> {
        self.lock(request.owner)?;
        self.tx.remove_share_request(request.id)?;
        let (to_recipient, to_owner) = match end {
            End::Cancelled => (EventKind::CancelledShareIn, EventKind::CancelledShareOut),
            End::Declined => (EventKind::DeclinedShareIn, EventKind::DeclinedShareOut),
        };
        let owner = self.tx.account(request.owner)?.ok_or(StoreError::Missing)?;
        if let Some(recipient) = self.verified_recipient(&request.email)? {
            let detail = ShareDetail::offer_got(request, &owner);
            self.record_share(recipient.id, to_recipient, &detail)?;
        }
        let detail = ShareDetail::offer_made(request);
        self.record_share(owner.id, to_owner, &detail)?;
        match self.tx.folder(request.folder)? {
            Some(folder) => self.count_share(&folder, -1),
            None => Ok(()),
        }
    }

    /// Counts the shares and offers of a folder up or down. The first one and the last one change how it looks.
    pub fn count_share(&mut self, folder: &Folder, more: i64) -> Answer<()> {
        let shares = self.tx.count_shares(folder.id, more)?;
        if shares > 1 || (shares == 1 && more < 0) {
            return Ok(());
        }
        let above = match self.tx.folder(folder.parent)? {
            Some(above) => above.shared,
            None => 0,
        };
        if shares == 0 {
            self.tx.mark_shared(folder.id, above, folder.id)?;
        } else {
            self.tx.mark_shared(folder.id, folder.id, above)?;
        }
        self.forget_places();
        let folder = self.tx.folder(folder.id)?.ok_or(StoreError::Missing)?;
        if folder.deleted != 0 {
            return Ok(());
        }
        self.record_folder(EventKind::ModifyFolder, &folder)
    }

    /// Tells somebody whose address has just been verified of the offers that wait for him.
    pub fn tell_of_waiting_offers(&mut self, account: &Account) -> Answer<()> {
        let now = self.now.0;
        for request in self.tx.share_requests_to(&account.email)? {
            let owner = self.tx.account(request.owner)?;
            if let Some(owner) = owner.filter(|_| request.expires > now) {
                self.tell_of_offer(&request, &owner, account)?;
            }
        }
        Ok(())
    }

    /// Ends all offers of a folder, and the shares of it.
    pub fn end_all_of(&mut self, folder: i64) -> Answer<()> {
        for request in self.tx.share_requests_of_folder(folder)? {
            self.end_offer(&request, End::Cancelled)?;
        }
        for share in self.tx.shares_of_folder(folder)? {
            self.end_share(&share)?;
        }
        Ok(())
    }
}

/// The beginning of a message that still fits.
fn cut(message: &str) -> &str {
    let mut end = message.len().min(MESSAGE_BYTES);
    while !message.is_char_boundary(end) {
        end -= 1;
    }
    &message[..end]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rights_without_a_meaning_do_not_count() {
        assert_eq!(permissions(0), 0);
        assert_eq!(permissions(7), 7);
        assert_eq!(permissions(8), 0);
        assert_eq!(permissions(u64::MAX), 7);
    }

    #[test]
    fn messages_are_cut_between_letters() {
        assert_eq!(cut("short"), "short");
        let long = "ä".repeat(600);
        assert_eq!(cut(&long).len(), 1024);
        let shifted = format!("a{long}");
        assert_eq!(cut(&shifted).len(), 1023);
    }
}
