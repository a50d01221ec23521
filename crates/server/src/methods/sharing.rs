//! Sharing folders between accounts.

use crate::call::Answer;
use crate::cx::{Cx, Edit, View};
use crate::dispatch::{Public, Reads, Writes};
use crate::rules::administration::check_email;
use crate::rules::guesses::with_code;
use crate::rules::offers::{End, Offer, open_owner, permissions};
use crate::rules::share_detail::ShareDetail;
use crate::secrets::fingerprint;
use pileus_api::Code;
use pileus_api::args::FolderRef;
use pileus_api::name::check_name;
use pileus_api::reply::Done;
use pileus_api::sharing::{
    AcceptShare, AcceptedReply, BothWays, CancelShareRequest, ChangeShare, DeclineShare,
    ListShares, RemoveShare, RequestArg, RequestReply, ShareFolder, ShareInfo, ShareRequestInfo,
    SharesReply,
};
use pileus_store::StoreError;
use pileus_store::accounts::email_key;
use pileus_store::folders::Folder;
use pileus_store::share_requests::ShareRequest;
use pileus_store::shares::{ALWAYS, BLOCKED, Share};

impl Writes for ShareFolder {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<RequestReply> {
        cx.require_sharing()?;
        let folder = cx.folder(&self.folder.0)?;
        if folder.id == cx.user.account.root {
            return Err(Code::ROOT_UNSHAREABLE.into());
        }
        if folder.owner != cx.user.account.id {
            return Err(Code::NOT_OWN_FOLDER.into());
        }
        check_email(&self.mail)?;
        let name = self.name.as_deref().unwrap_or(&folder.name).to_owned();
        check_name(&name)?;
        let request = cx.make_offer(Offer {
            folder,
            email: &self.mail,
            permissions: self.permissions,
            name: &name,
            message: self.message.as_deref(),
        })?;
        cx.accept_if_always(&request)?;
        Ok(RequestReply {
            share: ShareDetail::offer_made(&request).into(),
        })
    }
}

impl View<'_, '_> {
    /// Refuses an app that was not allowed to share, or that sees one folder only, with 2003.
    fn require_sharing(&mut self) -> Answer<()> {
        let Some(app) = self.user.token.as_ref().and_then(|token| token.app) else {
            return Ok(());
        };
        let account = self.user.account.id;
        let may = self.user.app_folder.is_none()
            && self
                .tx
                .grant(account, app)?
                .is_some_and(|grant| grant.permissions & pileus_store::apps::MANAGE_SHARES != 0);
        // Tokens made by an administrator belong to no app, and may do everything.
        if may || app == 0 {
            Ok(())
        } else {
            Err(Code::DENIED.into())
        }
    }

    /// Whether an offer is open: its time is not over, and neither its folder nor its owner is gone.
    fn is_open(&mut self, request: &ShareRequest) -> Answer<bool> {
        Ok(open_owner(self.tx, request, self.now.0)?.is_some())
    }

    /// What is shared, by the caller or with the caller.
    fn shares(&mut self, listed: &ListShares) -> Answer<BothWays> {
        let me = self.user.account.id;
        let mut incoming = Vec::new();
        if !listed.noincoming {
            for share in self.tx.shares_taken(me)? {
                let owner = self.tx.account(share.owner)?.ok_or(StoreError::Missing)?;
                incoming.push(ShareInfo::from(ShareDetail::taken(&share, &owner)));
            }
        }
        let mut outgoing = Vec::new();
        if !listed.nooutgoing {
            for share in self.tx.shares_given(me)? {
                let recipient = self.tx.account(share.recipient)?;
                let recipient = recipient.ok_or(StoreError::Missing)?;
                outgoing.push(ShareInfo::from(ShareDetail::given(&share, &recipient)));
            }
        }
        Ok(both_ways(listed, incoming, outgoing))
    }

    /// What is offered, by the caller or to the caller. Offers to an address that is not verified are not shown: it may be
    /// somebody else's.
    fn offers(&mut self, listed: &ListShares) -> Answer<BothWays> {
        let me = self.user.account.clone();
        let mut incoming = Vec::new();
        if !listed.noincoming && me.email_verified {
            for request in self.tx.share_requests_to(&me.email)? {
                if let Some(owner) = open_owner(self.tx, &request, self.now.0)? {
                    incoming.push(ShareInfo::from(ShareDetail::offer_got(&request, &owner)));
                }
            }
        }
        let mut outgoing = Vec::new();
        if !listed.nooutgoing {
            for request in self.tx.share_requests_made(me.id)? {
                if self.is_open(&request)? {
                    outgoing.push(ShareInfo::from(ShareDetail::offer_made(&request)));
                }
            }
        }
        Ok(both_ways(listed, incoming, outgoing))
    }
}

fn both_ways(listed: &ListShares, incoming: Vec<ShareInfo>, outgoing: Vec<ShareInfo>) -> BothWays {
    BothWays {
        incoming: (!listed.noincoming).then_some(incoming),
        outgoing: (!listed.nooutgoing).then_some(outgoing),
    }
}

impl Reads for ListShares {
    fn run(&self, cx: &mut View<'_, '_>) -> Answer<SharesReply> {
        cx.require_sharing()?;
        Ok(SharesReply {
            shares: (!self.noshares).then(|| cx.shares(self)).transpose()?,
            requests: (!self.norequests).then(|| cx.offers(self)).transpose()?,
        })
    }
}

impl Public for ShareRequestInfo {
    async fn run(&self, cx: &mut Cx<'_, '_>) -> Answer<RequestReply> {
        let (hash, now) = (fingerprint(&self.code), cx.now.0);
        let found = cx.app.db.view(move |tx| -> Answer<RequestReply> {
            let request = tx.share_request_by_code(&hash)?;
            let request = request.ok_or(Code::REQUEST_MISSING)?;
            let owner = open_owner(tx, &request, now)?.ok_or(Code::REQUEST_MISSING)?;
            Ok(RequestReply {
                share: ShareDetail::offer_found(&request, &owner).into(),
            })
        });
        with_code(cx.app, cx.call.client, found).await
    }
}

impl Edit<'_, '_> {
    /// An open offer that the caller may answer: 2021 if there is none, 2022 if its code is good but its address is that of
    /// another account.
    fn offer_to_caller(&mut self, request: &RequestArg) -> Answer<ShareRequest> {
        let me = self.user.account.clone();
        let is_to_caller = |found: &ShareRequest| email_key(&found.email) == email_key(&me.email);
        let found = match request {
            RequestArg::Id(id) => {
                let found = match i64::try_from(*id) {
                    Ok(id) => self.tx.share_request(id)?,
                    Err(_) => None,
                };
                // Offers to others do not exist.
                found.filter(|found| {
                    found.owner == me.id || (me.email_verified && is_to_caller(found))
                })
            }
            RequestArg::Code(code) => self.tx.share_request_by_code(&fingerprint(code))?,
        };
        let found = found.ok_or(Code::REQUEST_MISSING)?;
        if !self.is_open(&found)? {
            return Err(Code::REQUEST_MISSING.into());
        }
        match request {
            _ if found.owner == me.id => Err(Code::OWN_ADDRESS.into()),
            RequestArg::Id(_) => Ok(found),
            RequestArg::Code(_) if is_to_caller(&found) => Ok(found),
            RequestArg::Code(_) if self.tx.account_by_email(&found.email)?.is_none() => Ok(found),
            RequestArg::Code(_) => Err(Code::NOT_FOR_CALLER.into()),
        }
    }

    /// The folder that a share is to appear in: the caller's own, and not itself shared (2023).
    fn mount_folder(&mut self, into: Option<&FolderRef>) -> Answer<Folder> {
        let Some(into) = into else {
            return self.share_root();
        };
        let folder = self.folder(into)?;
        if folder.owner != self.user.account.id || folder.shared != 0 {
            return Err(Code::SHARE_IN_SHARE.into());
        }
        Ok(folder)
    }

    /// A share of which the caller is one side; 2025 if there is none.
    fn own_share(&mut self, id: u64) -> Answer<Share> {
        let me = self.user.account.id;
        let share = match i64::try_from(id) {
            Ok(id) => self.tx.share(id)?,
            Err(_) => None,
        };
        share
            .filter(|share| share.owner == me || share.recipient == me)
            .ok_or_else(|| Code::SHARE_MISSING.into())
    }
}

impl Writes for CancelShareRequest {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        cx.require_sharing()?;
        let me = cx.user.account.id;
        let request = match i64::try_from(self.sharerequestid) {
            Ok(id) => cx.tx.share_request(id)?,
            Err(_) => None,
        };
        let request = request
            .filter(|request| request.owner == me)
            .ok_or(Code::REQUEST_MISSING)?;
        if !cx.is_open(&request)? {
            return Err(Code::REQUEST_MISSING.into());
        }
        cx.end_offer(&request, End::Cancelled)?;
        Ok(Done)
    }
}

impl Writes for AcceptShare {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<AcceptedReply> {
        cx.require_sharing()?;
        let request = cx.offer_to_caller(&self.request)?;
        let name = self.name.as_deref().unwrap_or(&request.name).to_owned();
        check_name(&name)?;
        let into = cx.mount_folder(self.into.0.as_ref())?;
        let share = cx.accept_offer(&request, into, &name)?;
        let (me, owner) = (share.recipient, share.owner);
        if self.always {
            cx.tx.set_share_policy(me, owner, ALWAYS)?;
        } else if cx.tx.share_policy(me, owner)? == BLOCKED {
            cx.tx.set_share_policy(me, owner, 0)?;
        }
        let folder = cx.tx.folder(share.folder)?.ok_or(StoreError::Missing)?;
        let folder = cx.seen(folder)?.ok_or(StoreError::Missing)?;
        let (owner, _) = cx.parties(&share)?;
        Ok(AcceptedReply {
            metadata: cx.folder_metadata(&folder)?,
            share: ShareDetail::taken(&share, &owner).into(),
        })
    }
}

impl Writes for DeclineShare {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        cx.require_sharing()?;
        let request = cx.offer_to_caller(&self.request)?;
        cx.end_offer(&request, End::Declined)?;
        if self.block {
            let me = cx.user.account.id;
            cx.tx.set_share_policy(me, request.owner, BLOCKED)?;
        }
        Ok(Done)
    }
}

impl Writes for RemoveShare {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        cx.require_sharing()?;
        let share = cx.own_share(self.shareid)?;
        cx.end_share(&share)?;
        Ok(Done)
    }
}

impl Writes for ChangeShare {
    fn run(&self, cx: &mut Edit<'_, '_>) -> Answer<Done> {
        cx.require_sharing()?;
        let share = cx.own_share(self.shareid)?;
        // To a recipient his rights are not there to be changed.
        if share.owner != cx.user.account.id {
            return Err(Code::SHARE_MISSING.into());
        }
        cx.change_share(&share, permissions(self.permissions))?;
        Ok(Done)
    }
}
