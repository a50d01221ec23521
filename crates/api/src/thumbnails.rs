//! Thumbnails. There are none yet, which metadata says too (`thumb` is false).
//!
//! What asks for one picture answers 1014, the code for files that have none. Where several are asked for, each file
//! answers it for itself.

use crate::codes::Code;
use crate::collections::NumberList;
use crate::field::{Field, Optional};
use crate::method::{ParamSpec, Params as Given};
use crate::stubs::refused;
use pileus_api_derive::{Method, Params, Reply};

/// Files that one call may ask thumbnails of.
const FILES_MAX: usize = 1000;

/// Ids of files that thumbnails are wanted of: at least one, and not more than one call may name.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ThumbFiles(pub Vec<u64>);

impl Field for ThumbFiles {
    fn take(name: &'static str, missing: Option<Code>, params: &Given) -> Result<Self, Code> {
        NumberList::take_optional(name, params)?
            .filter(|files| files.0.len() <= FILES_MAX)
            .map(|files| Self(files.0))
            .ok_or(missing.unwrap_or(Code::NO_FILEIDS))
    }
    fn put(&self, name: &'static str, params: &mut Given) {
        NumberList(self.0.clone()).put(name, params);
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        NumberList::describe(name, doc, missing.or(Some(Code::NO_FILEIDS)), out);
    }
}

/// Links to thumbnails of several files; not offered yet.
#[derive(Method, Params)]
#[method(name = "getthumbslinks", caller = User, access = Read, reply = ThumbsReply)]
pub struct GetThumbsLinks {
    /// The files, at most 1,000.
    pub fileids: ThumbFiles,
}

/// Links to thumbnails of several files of a public link; not offered yet.
#[derive(Method, Params)]
#[method(name = "getpubthumbslinks", caller = Anyone, access = Public, reply = ThumbsReply)]
pub struct GetPubThumbsLinks {
    /// The files, at most 1,000.
    pub fileids: ThumbFiles,
}

/// What became of each file.
#[derive(Reply)]
pub struct ThumbsReply {
    /// One for each file, in the order asked for.
    pub thumbs: Vec<NoThumb>,
}

/// A file that there is no thumbnail of.
#[derive(Clone, Debug, PartialEq, Eq, Reply)]
pub struct NoThumb {
    /// 1014.
    pub result: u64,
    /// The file.
    pub fileid: u64,
    /// Why, in words.
    pub error: String,
}

/// Gives thumbnails of several files at once; not offered yet.
///
/// The answer is text, a line for each file: its id, a code, and why there is no thumbnail, with `|` between them.
#[derive(Method, Params)]
#[method(name = "getthumbs", caller = User, access = Streams)]
pub struct GetThumbs {
    /// The files, at most 1,000.
    pub fileids: ThumbFiles,
}

refused! { User:
    GetThumb "getthumb" NO_THUMB "Gives a thumbnail; not offered yet.";
    GetThumbLink "getthumblink" NO_THUMB "Links to a thumbnail; not offered yet.";
    SaveThumb "savethumb" NO_THUMB "Saves a thumbnail as a file; not offered yet.";
    SavePubThumb "savepubthumb" NO_THUMB "Saves a thumbnail of a public link as a file; not offered yet.";
}

refused! { Anyone:
    GetPubThumb "getpubthumb" NO_THUMB "Gives a thumbnail of a public link; not offered yet.";
    GetPubThumbLink "getpubthumblink" NO_THUMB "Links to a thumbnail of a public link; not offered yet.";
}
