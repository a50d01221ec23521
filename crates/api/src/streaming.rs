//! Links to content.

use crate::args::VersionArg;
use pileus_api_derive::{Method, Params, Reply};
use pileus_wire::UnixTime;

/// Gives a temporary link to a file's content. It stays bound to the content of this moment.
#[derive(Method, Params)]
#[method(name = "getfilelink", caller = User, access = Read, reply = LinkReply,
         fails = [BAD_CONTENT_TYPE, BAD_NAME, NO_PARENT, FILE_MISSING, BAD_PATH, SPEED_TOO_LOW, REVISION_MISSING])]
pub struct GetFileLink {
    /// The file.
    pub file: VersionArg,
    /// Link the version with this content hash, current or earlier.
    pub hash: Option<u64>,
    /// Have browsers save the content instead of showing it.
    pub forcedownload: bool,
    /// Content type to serve it with.
    pub contenttype: Option<String>,
    /// Bytes per second at most; 0 is no limit.
    pub maxspeed: Option<u64>,
    /// Leave the file name out of the link.
    pub skipfilename: bool,
    /// The same, as the Rust client spells it.
    pub skip_filename: bool,
}

/// A link: `https://`, one of the hosts, and the path.
#[derive(Reply)]
pub struct LinkReply {
    /// Path, percent-encoded; it holds the secret.
    pub path: String,
    /// Hosts, best first.
    pub hosts: Vec<String>,
    /// When the link stops working.
    pub expires: UnixTime,
    /// Value of the cookie that the sync client sends with its requests for content.
    pub dwltag: String,
    /// Hash of the linked content.
    pub hash: u64,
    /// Bytes.
    pub size: u64,
}
