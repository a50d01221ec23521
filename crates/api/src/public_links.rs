//! Public links: addresses that let anybody read a file, a folder, or what has been put together of them.

use crate::archiving::TreeArg;
use crate::args::{FileArg, FolderArg, TargetArg};
use crate::codes::Code;
use crate::field::{Datetime, Field};
use crate::listing::Listing;
use crate::metadata::Metadata;
use crate::method::{Decode, ParamSpec, Params};
use crate::reply::{FieldSpec, Reply, Sink, Tree, Written, read_field, write_field};
use pileus_api_derive::{Method, Params, Reply};
use pileus_wire::UnixTime;

/// What the maker of a link may ask for.
#[derive(Clone, Debug, Default, PartialEq, Eq, Params)]
pub struct LinkOptions {
    /// When the link is to stop working. The sync client sends 0 for never.
    pub expire: Option<Datetime>,
    /// Downloads the link allows, for folders all together; 0 is no limit.
    pub maxdownloads: Option<u64>,
    /// Bytes of downloads the link allows; 0 is no limit.
    pub maxtraffic: Option<u64>,
    /// Make a short link too.
    pub shortlink: bool,
    /// Password that visitors have to give.
    pub linkpassword: Option<String>,
}

/// The options are a group of parameters that keep their names.
impl Field for LinkOptions {
    fn take(_name: &'static str, _missing: Option<Code>, params: &Params) -> Result<Self, Code> {
        Self::decode(params)
    }
    fn put(&self, _name: &'static str, params: &mut Params) {
        self.encode(params);
    }
    fn describe(
        _name: &'static str,
        _doc: &'static str,
        _missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        <Self as Decode>::describe(out);
    }
}

/// Makes a public link to a file, which follows new revisions. Without any option, a link that has none is given again.
#[derive(Method, Params)]
#[method(name = "getfilepublink", caller = User, access = Public, reply = NewLinkReply,
         fails = [BAD_NAME, NO_PARENT, FILE_MISSING, BAD_PATH, BAD_DATETIME, EMAIL_UNVERIFIED, NOT_OWNED])]
pub struct GetFilePublink {
    /// The file.
    pub file: FileArg,
    /// What the link is to be like.
    pub options: LinkOptions,
}

/// Makes a public link to a folder with everything in it, now and later. Without any option, a link that has none is
/// given again.
#[derive(Method, Params)]
#[method(name = "getfolderpublink", caller = User, access = Public, reply = NewLinkReply,
         fails = [BAD_NAME, FOLDER_MISSING, BAD_DATETIME, EMAIL_UNVERIFIED, ROOT_UNSHAREABLE, NOT_OWNED])]
pub struct GetFolderPublink {
    /// The folder; not the root.
    pub folder: FolderArg,
    /// What the link is to be like.
    pub options: LinkOptions,
}

/// Makes a public link to a virtual folder of files and folders as they are now.
///
/// Files keep the content that they have when the link is made, whatever becomes of them later; what their owner removes
/// from the trash goes from the link too.
#[derive(Method, Params)]
#[method(name = "gettreepublink", caller = Account, access = Public, reply = NewLinkReply,
         fails = [BAD_FOLDERID, BAD_FILEID, FILE_MISSING, BAD_DATETIME, EMAIL_UNVERIFIED, NOT_OWNED])]
pub struct GetTreePublink {
    /// Name of the virtual folder.
    #[param(missing = NO_NAME)]
    pub name: String,
    /// What is to be in it. Without any of these parameters the answer is 1017.
    pub tree: TreeArg,
    /// What the link is to be like.
    pub options: LinkOptions,
}

/// Makes a public link to a collection, which shows what of the caller's files is in it at the time. Without any option, a
/// link that has none is given again.
#[derive(Method, Params)]
#[method(name = "getcollectionpublink", caller = Account, access = Public, reply = NewLinkReply,
         fails = [BAD_DATETIME, EMAIL_UNVERIFIED, COLLECTION_MISSING])]
pub struct GetCollectionPublink {
    /// The collection.
    #[param(missing = NO_COLLECTIONID)]
    pub collectionid: u64,
    /// What the link is to be like.
    pub options: LinkOptions,
}

/// A link for its owner.
#[derive(Reply)]
pub struct NewLinkReply {
    /// Id, for changing and deleting it.
    pub linkid: u64,
    /// The secret that gives access.
    pub code: String,
    /// Full address.
    pub link: String,
    /// A shorter secret, if there is a short link.
    pub shortcode: Option<String>,
    /// Full address of the short link.
    pub shortlink: Option<String>,
    /// When the link was made.
    pub created: UnixTime,
    /// When its settings were last changed.
    pub modified: UnixTime,
    /// Downloads so far.
    pub downloads: u64,
    /// Always true.
    pub downloadenabled: bool,
    /// What it leads to.
    pub metadata: Metadata,
}

/// Shows what a public link leads to; a folder with everything below it.
#[derive(Method, Params)]
#[method(name = "showpublink", caller = Anyone, access = Public, reply = ShownLinkReply,
         fails = [LINK_PASSWORD_NEEDED, LINK_UNKNOWN, LINK_DELETED, LINK_CLOSED, LINK_EXPIRED, LINK_TRAFFIC_USED,
                  LINK_DOWNLOADS_USED])]
pub struct ShowPublink {
    /// Code or short code of the link.
    #[param(missing = NO_LINK_CODE)]
    pub code: String,
    /// Its password, if it has one.
    pub linkpassword: Option<String>,
    /// What an earlier call has answered to the password, in place of it.
    pub linktoken: Option<String>,
}

/// A link for its visitors.
pub struct ShownLinkReply {
    /// Downloads so far.
    pub downloads: u64,
    /// When the link stops working.
    pub expires: Option<UnixTime>,
    /// Always true.
    pub downloadenabled: bool,
    /// Whether the caller made the link.
    pub ownerisme: bool,
    /// Stands for the password for a day, if one was given.
    pub linktoken: Option<String>,
    /// What it leads to.
    pub listing: Listing,
    /// Whether the fields before the listing have been written.
    is_begun: bool,
}

impl ShownLinkReply {
    /// A reply of which nothing has been written.
    pub fn new(
        downloads: u64,
        expires: Option<UnixTime>,
        ownerisme: bool,
        linktoken: Option<String>,
        listing: Listing,
    ) -> Self {
        Self {
            downloads,
            expires,
            downloadenabled: true,
            ownerisme,
            linktoken,
            listing,
            is_begun: false,
        }
    }
}

impl Reply for ShownLinkReply {
    fn write(&mut self, out: &mut dyn Sink) -> Written {
        if !self.is_begun {
            write_field(out, "downloads", &self.downloads);
            write_field(out, "expires", &self.expires);
            write_field(out, "downloadenabled", &self.downloadenabled);
            write_field(out, "ownerisme", &self.ownerisme);
            write_field(out, "linktoken", &self.linktoken);
            self.is_begun = true;
        }
        self.listing.write(out)
    }

    fn read(answer: &Tree) -> Option<Self> {
        Some(Self {
            downloads: read_field(answer, "downloads")?,
            expires: read_field(answer, "expires")?,
            downloadenabled: read_field(answer, "downloadenabled")?,
            ownerisme: read_field(answer, "ownerisme")?,
            linktoken: read_field(answer, "linktoken")?,
            listing: Listing::read(answer)?,
            is_begun: false,
        })
    }

    fn describe(out: &mut Vec<FieldSpec>) {
        for (name, kind, doc, optional) in [
            ("downloads", "int", "Downloads so far.", false),
            ("expires", "datetime", "When the link stops working.", true),
            ("downloadenabled", "bool", "Always true.", false),
            (
                "ownerisme",
                "bool",
                "Whether the caller made the link.",
                false,
            ),
            (
                "linktoken",
                "string",
                "Stands for the password for a day, if one was given.",
                true,
            ),
        ] {
            out.push(FieldSpec {
                name,
                kind: kind.into(),
                doc,
                optional,
            });
        }
        Listing::describe(out);
    }
}

/// Gives a temporary link to the content of a file that a public link leads to. The download is counted when the content
/// is first asked for.
#[derive(Method, Params)]
#[method(name = "getpublinkdownload", caller = Anyone, access = Public, reply = crate::streaming::LinkReply,
         fails = [BAD_CONTENT_TYPE, NO_FILEID, NO_PARENT, FILE_MISSING, BAD_PATH, SPEED_TOO_LOW, LINK_PASSWORD_NEEDED,
                  LINK_UNKNOWN, LINK_DELETED, LINK_CLOSED, LINK_EXPIRED, LINK_TRAFFIC_USED, LINK_DOWNLOADS_USED])]
pub struct GetPublinkDownload {
    /// Code or short code of the link.
    #[param(missing = NO_LINK_CODE)]
    pub code: String,
    /// Its password, if it has one.
    pub linkpassword: Option<String>,
    /// What `showpublink` has answered to the password, in place of it.
    pub linktoken: Option<String>,
    /// The file, if the link leads to a folder.
    pub fileid: Option<u64>,
    /// The file's path below the linked folder, instead of `fileid`.
    pub path: Option<String>,
    /// Have browsers save the content instead of showing it.
    pub forcedownload: bool,
    /// Content type to serve it with.
    #[param(missing = BAD_CONTENT_TYPE)]
    pub contenttype: Option<String>,
    /// Bytes per second at most; 0 is no limit.
    pub maxspeed: Option<u64>,
    /// Leave the file name out of the link.
    pub skipfilename: bool,
}

/// Copies a file that a public link leads to into the caller's account. That is no download, and the limits of the link do
/// not count.
#[derive(Method, Params)]
#[method(name = "copypubfile", caller = User, access = Public, reply = crate::file::FileReply,
         fails = [BAD_FOLDERID, NO_FILEID, BAD_NAME, NO_PARENT, DENIED, NAME_TAKEN, FOLDER_MISSING, OVER_QUOTA, FILE_MISSING,
                  BAD_PATH, LINK_PASSWORD_NEEDED, LINK_UNKNOWN, LINK_DELETED, LINK_CLOSED, LINK_EXPIRED])]
pub struct CopyPubFile {
    /// Code or short code of the link.
    #[param(missing = NO_LINK_CODE)]
    pub code: String,
    /// Its password, if it has one.
    pub linkpassword: Option<String>,
    /// What `showpublink` has answered to the password, in place of it.
    pub linktoken: Option<String>,
    /// The file, if the link leads to a folder.
    pub fileid: Option<u64>,
    /// The file's path below the linked folder, instead of `fileid`.
    pub path: Option<String>,
    /// Full path of the copy, or with a final slash the folder that takes it.
    #[param(missing = NO_TARGET)]
    pub to: TargetArg,
    /// Refuse if the target exists.
    pub noover: bool,
}

/// Lists the caller's public links, but for those to something in the trash.
#[derive(Method, Params)]
#[method(name = "listpublinks", caller = User, access = Public, reply = LinksReply)]
pub struct ListPublinks {}

/// Lists the caller's public links like `listpublinks`, with ids in place of metadata.
#[derive(Method, Params)]
#[method(name = "listplshort", caller = User, access = Public, reply = LinksReply)]
pub struct ListPlShort {}

/// Links.
#[derive(Reply)]
pub struct LinksReply {
    /// The links, oldest first.
    pub publinks: Vec<PublicLinkInfo>,
}

/// One link of the caller.
#[derive(Reply)]
pub struct PublicLinkInfo {
    /// Id, for changing and deleting it.
    pub linkid: u64,
    /// The secret that gives access.
    pub code: String,
    /// Full address.
    pub link: String,
    /// A shorter secret, if there is a short link.
    pub shortcode: Option<String>,
    /// Full address of the short link.
    pub shortlink: Option<String>,
    /// When the link was made.
    pub created: UnixTime,
    /// When its settings were last changed.
    pub modified: UnixTime,
    /// When it stops working.
    pub expires: Option<UnixTime>,
    /// Downloads it allows, if there is a limit.
    pub maxdownloads: Option<u64>,
    /// Bytes of downloads it allows, if there is a limit.
    pub maxtraffic: Option<u64>,
    /// Downloads so far.
    pub downloads: u64,
    /// Bytes of downloads so far.
    pub traffic: u64,
    /// How often it was looked at.
    pub views: u64,
    /// Whether it has a password.
    pub haspassword: bool,
    /// 1 for a file, 2 for a folder, 3 for a virtual folder, 4 for a collection.
    pub r#type: u64,
    /// Whether every visitor may upload: never. Only on links to folders.
    pub enableduploadforeveryone: Option<bool>,
    /// Whether some visitors may upload: never. Only on links to folders.
    pub enableduploadforchosenusers: Option<bool>,
    /// What it leads to; `listpublinks` only.
    pub metadata: Option<Metadata>,
    /// Whether it leads to a folder; `listplshort` only.
    pub isfolder: Option<bool>,
    /// `f` or `d` with the number of the file or folder; `listplshort` only.
    pub id: Option<String>,
    /// The file; `listplshort` only.
    pub fileid: Option<u64>,
    /// The folder; `listplshort` only.
    pub folderid: Option<u64>,
}

/// Changes a public link of the caller. What is not named stays; the counters stay in any case.
#[derive(Method, Params)]
#[method(name = "changepublink", caller = User, access = Public, reply = ChangedLinkReply,
         fails = [BAD_DATETIME, DENIED, LINK_MISSING])]
pub struct ChangePublink {
    /// The link.
    #[param(missing = NO_LINKID)]
    pub linkid: u64,
    /// When it is to stop working. The sync client sends 0 for no change.
    pub expire: Option<Datetime>,
    /// Have it work for ever.
    pub deleteexpire: bool,
    /// Downloads it allows; 0 is no limit.
    pub maxdownloads: Option<u64>,
    /// Bytes of downloads it allows; 0 is no limit.
    pub maxtraffic: Option<u64>,
    /// Make a short link too.
    pub shortlink: bool,
    /// Drop the short link.
    pub deleteshortlink: bool,
    /// New password.
    pub linkpassword: Option<String>,
    /// Drop the password.
    pub deletepassword: bool,
    /// Let every visitor upload; not offered.
    pub enableuploadforeveryone: bool,
    /// Let some visitors upload; not offered.
    pub enableuploadforchosenusers: bool,
    /// Let nobody upload, as it is anyway.
    pub disableupload: bool,
}

/// The short link, if one was asked for.
#[derive(Reply)]
pub struct ChangedLinkReply {
    /// The shorter secret.
    pub shortcode: Option<String>,
    /// Full address of the short link.
    pub shortlink: Option<String>,
}

/// Mails a public link of the caller. Addresses that have got many mails lately are left out.
#[derive(Method, Params)]
#[method(name = "sendpublink", caller = User, access = Write,
         fails = [EMAIL_UNVERIFIED, EMAIL_INVALID, LINK_UNKNOWN, LINK_DELETED, LINK_CLOSED, LINK_EXPIRED])]
pub struct SendPublink {
    /// Code or short code of the link.
    #[param(missing = NO_LINK_CODE)]
    pub code: String,
    /// The addresses, with commas between them; at most 20.
    #[param(missing = NO_MAIL)]
    pub mails: String,
    /// What the sender has to say, at most 2,000 characters.
    pub message: Option<String>,
    /// Where in the client the mail was sent from; not used.
    pub source: Option<u64>,
}

/// Deletes a public link of the caller. Its code answers 7002 from then on.
#[derive(Method, Params)]
#[method(name = "deletepublink", caller = User, access = Write, fails = [LINK_MISSING])]
pub struct DeletePublink {
    /// The link.
    #[param(missing = NO_LINKID)]
    pub linkid: u64,
}
