//! What is told about shares and offers, to either side.

use crate::rules::metadata::wire_id;
use pileus_api::UnixTime;
use pileus_api::sharing::ShareInfo;
use pileus_store::accounts::Account;
use pileus_store::share_requests::ShareRequest;
use pileus_store::shares::{self, Share};
use serde::{Deserialize, Serialize};

/// An account, as the other side of a share is told of it.
#[derive(Clone, Debug, Serialize, Deserialize)]
struct Party {
    /// Left out where the other side has not shown itself yet.
    id: Option<i64>,
    email: String,
}

impl From<&Account> for Party {
    fn from(account: &Account) -> Self {
        Self {
            id: Some(account.id),
            email: account.email.clone(),
        }
    }
}

/// What one side is told about a share or an offer; `event.detail` of events about them.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub struct ShareDetail {
    request: Option<i64>,
    share: Option<i64>,
    folder: i64,
    /// Name that it was offered under.
    name: Option<String>,
    /// The owner, for a recipient.
    from: Option<Party>,
    /// The recipient, for an owner.
    to: Option<Party>,
    /// The owner, for himself.
    owner: Option<i64>,
    created: Option<i64>,
    expires: Option<i64>,
    permissions: Option<i64>,
    message: Option<String>,
}

impl ShareDetail {
    /// An offer, for the one who made it.
    pub fn offer_made(request: &ShareRequest) -> Self {
        Self {
            to: Some(Party {
                id: None,
                email: request.email.clone(),
            }),
            owner: Some(request.owner),
            ..Self::offer(request)
        }
    }

    /// An offer, for the one it was made to.
    pub fn offer_got(request: &ShareRequest, owner: &Account) -> Self {
        Self {
            from: Some(owner.into()),
            ..Self::offer(request)
        }
    }

    /// An offer, for one who has nothing but its code.
    pub fn offer_found(request: &ShareRequest, owner: &Account) -> Self {
        Self {
            to: Self::offer_made(request).to,
            ..Self::offer_got(request, owner)
        }
    }

    fn offer(request: &ShareRequest) -> Self {
        Self {
            request: Some(request.id),
            share: None,
            folder: request.folder,
            name: Some(request.name.clone()),
            from: None,
            to: None,
            owner: None,
            created: Some(request.created),
            expires: Some(request.expires),
            permissions: Some(request.permissions),
            message: request.message.clone(),
        }
    }

    /// A share, for its owner.
    pub fn given(share: &Share, recipient: &Account) -> Self {
        Self {
            to: Some(recipient.into()),
            owner: Some(share.owner),
            ..Self::share(share)
        }
    }

    /// A share, for its recipient.
    pub fn taken(share: &Share, owner: &Account) -> Self {
        Self {
            from: Some(owner.into()),
            ..Self::share(share)
        }
    }

    fn share(share: &Share) -> Self {
        Self {
            request: None,
            share: Some(share.id),
            folder: share.folder,
            name: Some(share.name.clone()),
            from: None,
            to: None,
            owner: None,
            created: Some(share.created),
            expires: None,
            permissions: Some(share.permissions),
            message: None,
        }
    }

    /// The same with the offer that it came from.
    pub fn from_offer(self, request: i64) -> Self {
        Self {
            request: Some(request),
            ..self
        }
    }

    /// What is told when rights have changed.
    pub fn of_change(self) -> Self {
        Self {
            name: None,
            owner: None,
            created: None,
            ..self
        }
    }

    /// What is told when a share has ended.
    pub fn of_end(self) -> Self {
        Self {
            permissions: None,
            ..self.of_change()
        }
    }
}

impl From<ShareDetail> for ShareInfo {
    fn from(detail: ShareDetail) -> Self {
        let may = |bit: i64| detail.permissions.map(|rights| rights & bit != 0);
        Self {
            sharerequestid: detail.request.map(wire_id),
            shareid: detail.share.map(wire_id),
            folderid: wire_id(detail.folder),
            sharename: detail.name,
            fromuserid: detail.from.as_ref().and_then(|from| from.id).map(wire_id),
            frommail: detail.from.map(|from| from.email),
            touserid: detail.to.as_ref().and_then(|to| to.id).map(wire_id),
            tomail: detail.to.map(|to| to.email),
            folderowneruserid: detail.owner.map(wire_id),
            created: detail.created.map(UnixTime),
            expires: detail.expires.map(UnixTime),
            canread: detail.permissions.map(|_| true),
            cancreate: may(shares::CREATE),
            canmodify: may(shares::MODIFY),
            candelete: may(shares::DELETE),
            message: detail.message,
        }
    }
}
