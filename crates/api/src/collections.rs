//! Collections: named lists of files, such as playlists.

use crate::codes::Code;
use crate::field::{Field, Optional, is_left_out, put, spec, text_value};
use crate::metadata::Metadata;
use crate::method::ParamSpec;
use crate::reply::{Sink, Tree, Value, read_field, write_field};
use pileus_api_derive::{Method, Params, Reply};
use pileus_wire::{Params as Given, UnixTime};

/// A comma list of numbers. One in which something is no number counts as not given.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct NumberList(pub Vec<u64>);

impl Field for NumberList {
    fn take(name: &'static str, missing: Option<Code>, params: &Given) -> Result<Self, Code> {
        Self::take_optional(name, params)?.ok_or(missing.unwrap_or(Code::INTERNAL))
    }
    fn put(&self, name: &'static str, params: &mut Given) {
        let texts: Vec<String> = self.0.iter().map(u64::to_string).collect();
        put(params, name, text_value(&texts.join(",")));
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        out.push(spec(name, "int list", doc, missing));
    }
}

impl Optional for NumberList {
    fn take_optional(name: &'static str, params: &Given) -> Result<Option<Self>, Code> {
        Ok(params
            .uint_list(name)
            .filter(|list| !list.is_empty())
            .map(Self))
    }
}

/// Files that a new collection is to hold; none if the list cannot be read, which does not keep the collection from being
/// made.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FilesToLink(pub Option<NumberList>);

impl Field for FilesToLink {
    fn take(name: &'static str, missing: Option<Code>, params: &Given) -> Result<Self, Code> {
        Self::take_optional(name, params)?.ok_or(missing.unwrap_or(Code::INTERNAL))
    }
    fn put(&self, name: &'static str, params: &mut Given) {
        if let Some(files) = &self.0 {
            files.put(name, params);
        }
    }
    fn describe(
        name: &'static str,
        doc: &'static str,
        missing: Option<Code>,
        out: &mut Vec<ParamSpec>,
    ) {
        NumberList::describe(name, doc, missing, out);
    }
}

impl Optional for FilesToLink {
    fn take_optional(name: &'static str, params: &Given) -> Result<Option<Self>, Code> {
        if is_left_out(name, params) {
            return Ok(None);
        }
        NumberList::take_optional(name, params).map(|files| Some(Self(files)))
    }
}

/// Lists the collections of the account. The first call makes those that the server keeps.
#[derive(Method, Params)]
#[method(name = "collection_list", caller = Account, access = Write, reply = CollectionsReply)]
pub struct CollectionList {
    /// Only those of this type; 1 for playlists.
    pub r#type: Option<u64>,
    /// Show what is in them.
    pub showfiles: bool,
    /// Show at most this many files of each.
    pub pagesize: Option<u64>,
}

/// Shows one collection with what is in it.
///
/// Files that are gone are taken out first, and the others close up.
#[derive(Method, Params)]
#[method(name = "collection_details", caller = Account, access = Write, reply = CollectionReply,
         fails = [COLLECTION_MISSING])]
pub struct CollectionDetails {
    /// The collection.
    #[param(missing = NO_COLLECTIONID)]
    pub collectionid: u64,
    /// Which page to show, from 1; 0 shows everything.
    pub page: Option<u64>,
    /// Files of a page; 50, if not given.
    pub pagesize: Option<u64>,
}

/// Makes a collection, perhaps with files in it.
#[derive(Method, Params)]
#[method(name = "collection_create", caller = Account, access = Write, reply = CollectionReply,
         fails = [BAD_COLLECTION_TYPE, COLLECTION_NAME_TAKEN])]
pub struct CollectionCreate {
    /// Name, which no other collection of the account has.
    #[param(missing = NO_NAME)]
    pub name: String,
    /// Type; 1 for a playlist, which is the only one.
    pub r#type: Option<u64>,
    /// Files to put into it.
    pub fileids: Option<FilesToLink>,
}

/// Gives a collection another name.
#[derive(Method, Params)]
#[method(name = "collection_rename", caller = Account, access = Write, reply = CollectionReply,
         fails = [COLLECTION_MISSING, COLLECTION_NAME_TAKEN])]
pub struct CollectionRename {
    /// The collection; not one that the server keeps.
    #[param(missing = NO_COLLECTIONID)]
    pub collectionid: u64,
    /// The new name.
    #[param(missing = NO_NAME)]
    pub name: String,
}

/// Deletes a collection. The files stay.
#[derive(Method, Params)]
#[method(name = "collection_delete", caller = Account, access = Write, fails = [COLLECTION_MISSING])]
pub struct CollectionDelete {
    /// The collection; not one that the server keeps.
    #[param(missing = NO_COLLECTIONID)]
    pub collectionid: u64,
}

/// Appends files to a collection, in the order given.
#[derive(Method, Params)]
#[method(name = "collection_linkfiles", caller = Account, access = Write, reply = CollectionReply,
         fails = [COLLECTION_MISSING])]
pub struct CollectionLinkFiles {
    /// The collection.
    #[param(missing = NO_COLLECTIONID)]
    pub collectionid: u64,
    /// The files.
    #[param(missing = NO_FILEIDS)]
    pub fileids: NumberList,
    /// Leave `linkresult` empty.
    pub noitems: bool,
}

/// Takes files out of a collection. `positions` beats `all`, which beats `fileids`.
#[derive(Method, Params)]
#[method(name = "collection_unlinkfiles", caller = Account, access = Write, reply = CollectionReply,
         fails = [NO_FILEIDS, COLLECTION_MISSING])]
pub struct CollectionUnlinkFiles {
    /// The collection.
    #[param(missing = NO_COLLECTIONID)]
    pub collectionid: u64,
    /// Take out what is at these positions, from 1.
    pub positions: Option<NumberList>,
    /// Take out everything.
    pub all: bool,
    /// Take out these files.
    pub fileids: Option<NumberList>,
}

/// Moves a file within a collection to another position.
#[derive(Method, Params)]
#[method(name = "collection_move", caller = Account, access = Write, fails = [COLLECTION_MISSING, ITEM_UNMOVABLE])]
pub struct CollectionMove {
    /// The collection.
    #[param(missing = NO_COLLECTIONID)]
    pub collectionid: u64,
    /// Where the file is now, from 1.
    #[param(missing = NO_ITEM)]
    pub item: u64,
    /// Where it is to be, from 1.
    #[param(missing = NO_POSITION)]
    pub position: u64,
    /// The file that has to be there now.
    pub fileid: Option<u64>,
}

/// A collection.
#[derive(Clone, Debug, PartialEq, Eq, Reply)]
pub struct Collection {
    /// Id.
    pub id: u64,
    /// Name.
    pub name: String,
    /// `audio` for playlists.
    pub r#type: String,
    /// Whether the server keeps it; such a one can neither be renamed nor deleted.
    pub system: bool,
    /// Always true.
    pub ismine: bool,
    /// Number of files in it.
    pub items: u64,
    /// When it was made.
    pub created: UnixTime,
    /// When it was last changed.
    pub modified: UnixTime,
    /// Files in it, where the method shows them; otherwise empty.
    pub contents: Vec<CollectionItem>,
}

/// A file in a collection: its metadata, with `position` and `added`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct CollectionItem {
    /// The file.
    pub metadata: Metadata,
    /// Its place, from 1.
    pub position: u64,
    /// When it was put there.
    pub added: UnixTime,
}

impl Value for CollectionItem {
    fn write(&self, out: &mut dyn Sink) {
        out.begin_hash();
        self.metadata.write_pairs(out);
        write_field(out, "position", &self.position);
        write_field(out, "added", &self.added);
        out.end_hash();
    }

    fn read(tree: &Tree) -> Option<Self> {
        Some(Self {
            metadata: <Metadata as Value>::read(tree)?,
            position: read_field(tree, "position")?,
            added: read_field(tree, "added")?,
        })
    }

    fn kind() -> String {
        "CollectionItem".into()
    }
}

/// What became of one file that was to be put into a collection.
#[derive(Clone, Debug, PartialEq, Eq, Reply)]
pub struct LinkResult {
    /// 0, or the code why not.
    pub result: u64,
    /// The file, as text.
    pub fileid: String,
    /// The file, if it is in the collection now.
    pub metadata: Option<CollectionItem>,
    /// Why not, in words.
    pub message: Option<String>,
}

/// What became of all of them.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LinkResults {
    /// Nothing, since the list could not be read.
    Failed,
    /// One result for each file.
    Each(Vec<LinkResult>),
}

impl Value for LinkResults {
    fn write(&self, out: &mut dyn Sink) {
        match self {
            Self::Failed => false.write(out),
            Self::Each(results) => results.write(out),
        }
    }

    fn read(tree: &Tree) -> Option<Self> {
        match bool::read(tree) {
            Some(_) => Some(Self::Failed),
            None => Vec::read(tree).map(Self::Each),
        }
    }

    fn kind() -> String {
        format!("bool or {}", <Vec<LinkResult> as Value>::kind())
    }
}

/// All collections.
#[derive(Reply)]
pub struct CollectionsReply {
    /// The collections, by name.
    pub collections: Vec<Collection>,
}

/// One collection.
#[derive(Reply)]
pub struct CollectionReply {
    /// The collection.
    pub collection: Collection,
    /// What became of each file, where files were to be put into it.
    pub linkresult: Option<LinkResults>,
}
