//! Links to content.

use crate::args::VersionArg;
use crate::stubs::refused;
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
    #[param(missing = BAD_CONTENT_TYPE)]
    pub contenttype: Option<String>,
    /// Bytes per second at most; 0 is no limit.
    pub maxspeed: Option<u64>,
    /// Leave the file name out of the link.
    pub skipfilename: bool,
    /// The same, as the Rust client spells it.
    pub skip_filename: bool,
}

/// Gives a temporary link to the block checksums of a content, by which the sync client transfers only what differs
/// between two versions of a file.
///
/// The link leads to the size of the content (8 bytes), the size of a block (4 bytes, a power of two), 12 bytes of
/// zeroes, and then for each block its SHA-1 (20 bytes) and its Adler-32 (4 bytes). Numbers are little endian; the last
/// block is filled up with zeroes. An empty file has no blocks and answers 2009.
#[derive(Method, Params)]
#[method(name = "getchecksumlink", caller = User, access = Read, reply = LinkReply, fails = [FILE_MISSING])]
pub struct GetChecksumLink {
    /// The file.
    #[param(missing = NO_FILEID)]
    pub fileid: u64,
    /// Hash of the content version, current or earlier; the current one, if not given.
    pub hash: Option<u64>,
}

/// Turns the connection into one for small downloads, which the official sync client fetches by hundreds. It has no other
/// way for files up to 256 KiB. Only connections of the binary protocol can be turned; others answer 1101.
///
/// After the answer each direction is one endless zlib stream. The client sends lines, `act=dwl,strm=1,fileid=7` for a
/// file or `act=dwlnm,strm=2,fileid=7,sha1=…` for a file unless its content has this SHA-1. The server sends packets:
/// number of the stream (4 bytes, little endian as all numbers), length of the payload minus one (2 bytes), payload. The
/// payloads of a stream are a head of 88 bytes and the content. The head holds error (4 bytes: 1 no such file, 2 larger
/// than 256 KiB, 3 trouble, 4 not modified), flags (4 bytes: 1 final, 2 try again, 4 nothing to do), size, hash,
/// modification time, hash and modification time of the version that the client has or 0 (8 bytes each), and the SHA-1
/// in lower-case hex (40 bytes).
#[derive(Method, Params)]
#[method(name = "asynctransfer", caller = User, access = Streams, fails = [WRONG_FORM])]
pub struct AsyncTransfer {
    /// How contents are checked: `sha1`.
    #[param(missing = NO_CHECKSUM)]
    pub checksum: String,
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

// There is no transcoding and no conversion of texts yet. The documents give 5002 to all of these for a server that cannot
// serve them, and the sync client drops what it wanted instead of trying for ever.
refused! { User:
    GetTextFile "gettextfile" NO_CONTENT_SERVER "Gives a text in another character set; not offered yet.";
    GetVideoLink "getvideolink" NO_CONTENT_SERVER "Links to a transcoded video; not offered yet.";
    GetVideoLinks "getvideolinks" NO_CONTENT_SERVER "Links to all forms of a video; not offered yet.";
    GetAudioLink "getaudiolink" NO_CONTENT_SERVER "Links to transcoded audio; not offered yet.";
    GetHlsLink "gethlslink" NO_CONTENT_SERVER "Links to a playlist of a video; not offered yet.";
}

refused! { Anyone:
    GetPubTextFile "getpubtextfile" NO_CONTENT_SERVER "Gives a text of a public link in another character set; not offered yet.";
    GetPubVideoLinks "getpubvideolinks" NO_CONTENT_SERVER "Links to all forms of a video of a public link; not offered yet.";
    GetPubAudioLink "getpubaudiolink" NO_CONTENT_SERVER "Links to transcoded audio of a public link; not offered yet.";
}
