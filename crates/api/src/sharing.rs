//! Sharing folders between accounts.
//!
//! A folder is offered to a mail address, and its recipient accepts or declines. One share is one folder with one
//! recipient; it covers everything below the folder.

use crate::args::{FolderArg, FolderRef};
use crate::codes::Code;
use crate::field::{Field, put, spec, text, text_value};
use crate::metadata::Metadata;
use crate::method::ParamSpec;
use pileus_api_derive::{Method, Params, Reply};
use pileus_wire::{Params as Given, UnixTime, Value};

/// Offers a folder to somebody, who gets a mail. An address without an account may be offered a folder too.
///
/// Where the recipient has said that he takes all offers of this owner, the share exists at once.
#[derive(Method, Params)]
#[method(name = "sharefolder", caller = User, access = Write, reply = RequestReply,
         fails = [DENIED, BAD_NAME, FOLDER_MISSING, EMAIL_UNVERIFIED, ROOT_UNSHAREABLE, NOT_OWN_FOLDER, OFFERS_UNWANTED,
                  EMAIL_INVALID, ALREADY_OFFERED, OWN_ADDRESS, ALREADY_SHARED])]
pub struct ShareFolder {
    /// The folder.
    pub folder: FolderArg,
    /// Mail address of the recipient.
    #[param(missing = NO_RECIPIENT)]
    pub mail: String,
    /// What the recipient may do beside reading: 1 make, 2 change, 4 delete entries, added up. Other bits do not count.
    #[param(missing = NO_PERMISSIONS)]
    pub permissions: u64,
    /// Name that the folder is offered under; its own, if not given.
    pub name: Option<String>,
    /// What the recipient is told about it; at most 1,024 bytes.
    pub message: Option<String>,
}

/// An offer.
#[derive(Reply)]
pub struct RequestReply {
    /// The offer.
    pub share: ShareInfo,
}

/// Lists what is shared and offered, by the caller and to the caller.
#[derive(Method, Params)]
#[method(name = "listshares", caller = User, access = Read, reply = SharesReply, fails = [DENIED])]
pub struct ListShares {
    /// Leave offers out.
    pub norequests: bool,
    /// Leave shares out.
    pub noshares: bool,
    /// Leave out what others share with the caller.
    pub noincoming: bool,
    /// Leave out what the caller shares.
    pub nooutgoing: bool,
}

/// Shares and offers.
#[derive(Reply)]
pub struct SharesReply {
    /// Shares.
    pub shares: Option<BothWays>,
    /// Offers that nobody has answered yet.
    pub requests: Option<BothWays>,
}

/// What comes in and what goes out.
#[derive(Clone, Debug, PartialEq, Eq, Reply)]
pub struct BothWays {
    /// Of others, to the caller.
    pub incoming: Option<Vec<ShareInfo>>,
    /// Of the caller, to others.
    pub outgoing: Option<Vec<ShareInfo>>,
}

/// A share or an offer, as one of its two sides sees it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Reply)]
pub struct ShareInfo {
    /// Id of the offer; not on shares.
    pub sharerequestid: Option<u64>,
    /// Id of the share; not on offers.
    pub shareid: Option<u64>,
    /// The folder.
    pub folderid: u64,
    /// Name that it was offered under. The sync client relies on it.
    pub sharename: Option<String>,
    /// Whose folder it is; on what comes in.
    pub fromuserid: Option<u64>,
    /// Mail address of that account; on what comes in.
    pub frommail: Option<String>,
    /// Who it is shared with; on shares that go out.
    pub touserid: Option<u64>,
    /// Mail address of the recipient; on what goes out.
    pub tomail: Option<String>,
    /// Whose folder it is; on what goes out. The sync client relies on it.
    pub folderowneruserid: Option<u64>,
    /// When it was offered, or accepted.
    pub created: Option<UnixTime>,
    /// When the offer ends by itself.
    pub expires: Option<UnixTime>,
    /// Always, where rights are told.
    pub canread: Option<bool>,
    /// Whether the recipient may make entries.
    pub cancreate: Option<bool>,
    /// Whether the recipient may change entries.
    pub canmodify: Option<bool>,
    /// Whether the recipient may delete entries.
    pub candelete: Option<bool>,
    /// What the owner said about the offer.
    pub message: Option<String>,
}

/// Tells about the offer that a mail was about.
#[derive(Method, Params)]
#[method(name = "sharerequestinfo", caller = Anyone, access = Public, reply = RequestReply,
         fails = [REQUEST_MISSING])]
pub struct ShareRequestInfo {
    /// The code of the mail.
    #[param(missing = NO_CODE)]
    pub code: String,
}

/// Takes an offer back.
#[derive(Method, Params)]
#[method(name = "cancelsharerequest", caller = User, access = Write, fails = [DENIED, REQUEST_MISSING])]
pub struct CancelShareRequest {
    /// The offer.
    #[param(missing = NO_REQUESTID)]
    pub sharerequestid: u64,
}

/// Which offer is meant.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum RequestArg {
    /// By id.
    Id(u64),
    /// By the code of the mail.
    Code(String),
}

impl Field for RequestArg {
    fn take(_name: &'static str, missing: Option<Code>, params: &Given) -> Result<Self, Code> {
        if let Some(id) = params.uint("sharerequestid") {
            return Ok(Self::Id(id));
        }
        text(params, "code")
            .filter(|code| !code.is_empty())
            .map(Self::Code)
            .ok_or(missing.unwrap_or(Code::NO_REQUEST))
    }
    fn put(&self, _name: &'static str, params: &mut Given) {
        match self {
            Self::Id(id) => put(params, "sharerequestid", Value::Num(*id)),
            Self::Code(code) => put(params, "code", text_value(code)),
        }
    }
    fn describe(
        _name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        let missing = missing.unwrap_or(Code::NO_REQUEST);
        out.push(spec("sharerequestid", "int", doc, Some(missing)));
        out.push(spec(
            "code",
            "string",
            "The code of the mail, instead of `sharerequestid`.",
            Some(missing),
        ));
    }
}

/// The folder that a shared folder is to appear in: `folderid` or `path`, if any is given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct MountArg(pub Option<FolderRef>);

impl Field for MountArg {
    fn take(_name: &'static str, _missing: Option<Code>, params: &Given) -> Result<Self, Code> {
        FolderRef::read(params, "folderid", "path").map(Self)
    }
    fn put(&self, _name: &'static str, params: &mut Given) {
        if let Some(folder) = &self.0 {
            folder.write(params, "folderid", "path");
        }
    }
    fn describe(
        _name: &'static str,
        doc: &'static str,
        _missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        FolderRef::describe(doc, "Full path, instead of `folderid`.", None, out);
    }
}

/// Accepts an offer: the folder appears in the caller's tree, with everything in it.
#[derive(Method, Params)]
#[method(name = "acceptshare", caller = User, access = Write, reply = AcceptedReply,
         fails = [DENIED, BAD_NAME, FOLDER_MISSING, OWN_ADDRESS, REQUEST_MISSING, NOT_FOR_CALLER, SHARE_IN_SHARE,
                  ALREADY_SHARED])]
pub struct AcceptShare {
    /// The offer.
    pub request: RequestArg,
    /// Name that the folder gets; the offered one, if not given. If it is taken, a number is added.
    pub name: Option<String>,
    /// The folder that it appears in; if not given, one that is kept for this.
    pub into: MountArg,
    /// Accept all offers of this owner from now on.
    pub always: bool,
}

/// An accepted share.
#[derive(Reply)]
pub struct AcceptedReply {
    /// The shared folder in the caller's tree.
    pub metadata: Metadata,
    /// The share.
    pub share: ShareInfo,
}

/// Declines an offer.
#[derive(Method, Params)]
#[method(name = "declineshare", caller = User, access = Write, fails = [DENIED, REQUEST_MISSING, NOT_FOR_CALLER])]
pub struct DeclineShare {
    /// The offer.
    pub request: RequestArg,
    /// Refuse all offers of this owner from now on.
    pub block: bool,
}

/// Ends a share; either side may.
#[derive(Method, Params)]
#[method(name = "removeshare", caller = User, access = Write, fails = [DENIED, SHARE_MISSING])]
pub struct RemoveShare {
    /// The share.
    #[param(missing = NO_SHAREID)]
    pub shareid: u64,
}

/// Changes what a recipient may do, from the next call on.
#[derive(Method, Params)]
#[method(name = "changeshare", caller = User, access = Write, fails = [DENIED, SHARE_MISSING])]
pub struct ChangeShare {
    /// The share.
    #[param(missing = NO_SHAREID)]
    pub shareid: u64,
    /// What the recipient may do, as with `sharefolder`.
    #[param(missing = NO_PERMISSIONS)]
    pub permissions: u64,
}
