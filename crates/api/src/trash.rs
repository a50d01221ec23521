//! The trash: deleted files and folders that can be restored.

use crate::args::TrashArg;
use crate::listing::Listing;
use crate::metadata::Metadata;
use crate::reply::{FieldSpec, Reply, Sink, Tree, Value, Written};
use pileus_api_derive::{Method, Params, Reply};

/// Lists the trash.
#[derive(Method, Params)]
#[method(name = "trash_list", caller = User, access = Read, reply = Listing, fails = [BAD_FOLDERID, FOLDER_MISSING])]
pub struct TrashList {
    /// A deleted folder; the top of the trash, if not given.
    pub folderid: Option<u64>,
    /// Show folders only.
    pub nofiles: bool,
    /// List everything below it too.
    pub recursive: bool,
}

/// Tells where a restored entry would go, without restoring it.
#[derive(Method, Params)]
#[method(name = "trash_restorepath", caller = User, access = Read, reply = RestorePathReply,
         fails = [BAD_FOLDERID, BAD_FILEID, FOLDER_MISSING, FILE_MISSING])]
pub struct TrashRestorePath {
    /// A deleted file.
    pub entry: TrashArg,
}

/// The same as `trash_restorepath`, under its older name.
#[derive(Method, Params)]
#[method(name = "trash_getrestorepath", caller = User, access = Read, reply = RestorePathReply,
         fails = [BAD_FOLDERID, BAD_FILEID, FOLDER_MISSING, FILE_MISSING])]
pub struct TrashGetRestorePath {
    /// A deleted file.
    pub entry: TrashArg,
}

/// Where an entry would go.
#[derive(Reply)]
pub struct RestorePathReply {
    /// The entry with the name and parent it would have.
    pub metadata: Metadata,
    /// The folder it would go into.
    pub destination: Metadata,
}

/// Restores a deleted entry with everything that was deleted with it.
#[derive(Method, Params)]
#[method(name = "trash_restore", caller = User, access = Write, reply = RestoreReply,
         fails = [BAD_FOLDERID, BAD_FILEID, DENIED, FOLDER_MISSING, OVER_QUOTA, FILE_MISSING])]
pub struct TrashRestore {
    /// A deleted file.
    pub entry: TrashArg,
    /// Folder that takes it; where it was, if not given.
    pub restoreto: Option<u64>,
    /// Show the contents of a restored folder.
    pub metadata: bool,
}

/// What was restored.
pub enum RestoreReply {
    /// One entry, or the folder that took everything.
    One(Listing),
    /// Everything, to where it was.
    Many(Vec<Metadata>),
}

impl Reply for RestoreReply {
    fn write(&mut self, out: &mut dyn Sink) -> Written {
        match self {
            Self::One(listing) => listing.write(out),
            Self::Many(restored) => {
                crate::reply::write_field(out, "restored", restored);
                Written::All
            }
        }
    }

    fn read(answer: &Tree) -> Option<Self> {
        match answer.get("restored") {
            Some(restored) => Vec::read(restored).map(Self::Many),
            None => Listing::read(answer).map(Self::One),
        }
    }

    fn describe(out: &mut Vec<FieldSpec>) {
        let doc = "The restored entry, or the folder that took everything.";
        out.push(FieldSpec {
            name: "metadata",
            kind: "metadata".into(),
            doc,
            optional: true,
        });
        let doc = "Everything that was restored, if everything was asked for.";
        out.push(FieldSpec {
            name: "restored",
            kind: "array of metadata".into(),
            doc,
            optional: true,
        });
    }
}

/// Deletes entries of the trash for ever, with their revisions.
#[derive(Method, Params)]
#[method(name = "trash_clear", caller = User, access = Write,
         fails = [BAD_FOLDERID, BAD_FILEID, FOLDER_MISSING, FILE_MISSING])]
pub struct TrashClear {
    /// A deleted file.
    pub entry: TrashArg,
}
