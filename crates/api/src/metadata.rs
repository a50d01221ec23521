//! Metadata: what the API says about one file or folder.

use crate::filetype::{self, FOLDER_ICON};
use crate::reply::{Value, read_field};
use pileus_wire::{Sink, Tree, UnixTime};

/// What a caller who is not the owner may do with an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Rights {
    /// The owner.
    pub userid: u64,
    /// May create entries; folders only.
    pub cancreate: bool,
    /// May change entries.
    pub canmodify: bool,
    /// May delete entries.
    pub candelete: bool,
}

/// Facts found in pictures, sound and videos. All are left out while unknown.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Media {
    /// Pixels.
    pub width: Option<u64>,
    /// Pixels.
    pub height: Option<u64>,
    /// Seconds, as decimal text.
    pub duration: Option<String>,
    /// Frames per second, as decimal text.
    pub fps: Option<String>,
    /// Name of the codec.
    pub videocodec: Option<String>,
    /// Name of the codec.
    pub audiocodec: Option<String>,
    /// Kilobits per second.
    pub videobitrate: Option<u64>,
    /// Kilobits per second.
    pub audiobitrate: Option<u64>,
    /// Hertz.
    pub audiosamplerate: Option<u64>,
    /// Degrees to turn for display: 0, 90, 180 or 270.
    pub rotate: Option<u64>,
    /// Tag.
    pub artist: Option<String>,
    /// Tag.
    pub album: Option<String>,
    /// Tag.
    pub title: Option<String>,
    /// Tag.
    pub genre: Option<String>,
    /// Tag.
    pub trackno: Option<u64>,
}

/// What files have and folders lack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct FileFacts {
    /// Id among files.
    pub fileid: u64,
    /// Bytes.
    pub size: u64,
    /// Hash of the content; the full 64 bits are used.
    pub hash: u64,
    /// The file that this operation replaced.
    pub deletedfileid: Option<u64>,
    /// The revision concerned, in answers that concern one.
    pub revisionid: Option<u64>,
    /// Whether an upload had to be saved under another name; the mark is the key's presence.
    pub conflicted: bool,
    /// What is known about pictures, sound and videos.
    pub media: Option<Box<Media>>,
}

/// File or folder.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Kind {
    /// A folder.
    Folder {
        /// Id among folders; 0 is the caller's root.
        folderid: u64,
    },
    /// A folder that exists only as the top of a public link.
    Virtual,
    /// A file.
    File(FileFacts),
}

/// Metadata of one entry as one caller sees it.
///
/// What a name alone decides (`contenttype`, `category`, `icon`, `thumb`) is not stored here but written from
/// [`filetype`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Metadata {
    /// File or folder, with what only that kind has.
    pub kind: Kind,
    /// Name; the root's is `/`.
    pub name: String,
    /// Folder the entry is in; `None` on the root.
    pub parentfolderid: Option<u64>,
    /// Whether the caller's rights are those of a share; `None` on own entries.
    pub rights: Option<Rights>,
    /// Whether the entry lies in a share of the caller.
    pub isshared: bool,
    /// Whether it lies in the trash.
    pub isdeleted: bool,
    /// Where a deleted entry was; only in trash listings.
    pub origparentfolderid: Option<u64>,
    /// Creation time.
    pub created: UnixTime,
    /// Time of the last change.
    pub modified: UnixTime,
    /// Full path, where it is known cheaply.
    pub path: Option<String>,
}

impl Metadata {
    /// Whether it is a folder.
    pub fn is_folder(&self) -> bool {
        !matches!(self.kind, Kind::File(_))
    }

    /// The file's facts; `None` on folders.
    pub fn file(&self) -> Option<&FileFacts> {
        match &self.kind {
            Kind::File(facts) => Some(facts),
            Kind::Folder { .. } | Kind::Virtual => None,
        }
    }

    /// The file's facts; `None` on folders.
    pub fn file_mut(&mut self) -> Option<&mut FileFacts> {
        match &mut self.kind {
            Kind::File(facts) => Some(facts),
            Kind::Folder { .. } | Kind::Virtual => None,
        }
    }

    /// The folder's id; `None` on files and virtual folders.
    pub fn folderid(&self) -> Option<u64> {
        match self.kind {
            Kind::Folder { folderid } => Some(folderid),
            Kind::Virtual | Kind::File(_) => None,
        }
    }

    /// Writes the pairs into a hash that is open already and stays open, for `contents` or other additions.
    pub fn write_pairs(&self, out: &mut dyn Sink) {
        let is_folder = self.is_folder();
        let kind = match &self.kind {
            Kind::Folder { .. } | Kind::Virtual => None,
            Kind::File(_) => Some(filetype::of(&self.name)),
        };
        let filter = if is_folder {
            out.options().folder_filter.clone()
        } else {
            out.options().file_filter.clone()
        };
        let mut pairs = Pairs { out, filter };
        pairs.text("name", &self.name);
        pairs.time("created", self.created);
        pairs.time("modified", self.modified);
        pairs.bool("thumb", false);
        pairs.bool("isfolder", is_folder);
        pairs.bool("isshared", self.isshared);
        pairs.bool("ismine", self.rights.is_none());
        pairs.num("comments", 0);
        self.id(&mut pairs);
        pairs.icon(kind.map_or(&FOLDER_ICON, |kind| &kind.icon));
        pairs.optional_num("parentfolderid", self.parentfolderid);
        if let Some(rights) = &self.rights {
            pairs.num("userid", rights.userid);
            pairs.bool("canread", true);
            pairs.bool("canmodify", rights.canmodify);
            pairs.bool("candelete", rights.candelete);
            if is_folder {
                pairs.bool("cancreate", rights.cancreate);
            }
        }
        if let Some(kind) = kind {
            pairs.text("contenttype", kind.content_type);
            pairs.num("category", kind.category as u64);
        }
        if self.isdeleted {
            pairs.bool("isdeleted", true);
        }
        pairs.optional_num("origparentfolderid", self.origparentfolderid);
        pairs.optional_text("path", self.path.as_deref());
    }

    fn id(&self, pairs: &mut Pairs<'_>) {
        let mut id = [0u8; 21];
        match &self.kind {
            Kind::Virtual => {}
            Kind::Folder { folderid } => {
                pairs.text("id", prefixed(b'd', *folderid, &mut id));
                pairs.num("folderid", *folderid);
            }
            Kind::File(facts) => {
                pairs.text("id", prefixed(b'f', facts.fileid, &mut id));
                pairs.num("fileid", facts.fileid);
                pairs.num("size", facts.size);
                pairs.num("hash", facts.hash);
                pairs.optional_num("deletedfileid", facts.deletedfileid);
                pairs.optional_num("revisionid", facts.revisionid);
                if facts.conflicted {
                    pairs.bool("conflicted", true);
                }
                if let Some(media) = &facts.media {
                    media.write(pairs);
                }
            }
        }
    }
}

/// `d123` or `f123` without an allocation: listings write millions of them.
fn prefixed(letter: u8, number: u64, buffer: &mut [u8; 21]) -> &str {
    let mut at = buffer.len();
    let mut rest = number;
    loop {
        at -= 1;
        buffer[at] = b'0' + u8::try_from(rest % 10).unwrap_or(0);
        rest /= 10;
        if rest == 0 {
            break;
        }
    }
    at -= 1;
    buffer[at] = letter;
    std::str::from_utf8(&buffer[at..]).unwrap_or_default()
}

/// A hash being written, with the caller's field filter applied.
struct Pairs<'a> {
    out: &'a mut dyn Sink,
    filter: Option<std::sync::Arc<pileus_wire::Filter>>,
}

impl Pairs<'_> {
    fn key(&mut self, key: &str) -> bool {
        let wanted = self.filter.as_ref().is_none_or(|filter| filter.keeps(key));
        if wanted {
            self.out.key(key);
        }
        wanted
    }
    fn num(&mut self, key: &str, value: u64) {
        if self.key(key) {
            self.out.num(value);
        }
    }
    fn optional_num(&mut self, key: &str, value: Option<u64>) {
        if let Some(value) = value {
            self.num(key, value);
        }
    }
    fn text(&mut self, key: &str, value: &str) {
        if self.key(key) {
            self.out.text(value);
        }
    }
    fn optional_text(&mut self, key: &str, value: Option<&str>) {
        if let Some(value) = value {
            self.text(key, value);
        }
    }
    fn bool(&mut self, key: &str, value: bool) {
        if self.key(key) {
            self.out.bool(value);
        }
    }
    fn time(&mut self, key: &str, value: UnixTime) {
        if self.key(key) {
            self.out.time(value);
        }
    }
    fn icon(&mut self, value: &pileus_wire::Icon) {
        if self.key("icon") {
            self.out.icon(value);
        }
    }
}

/// Lists the fields once for writing and reading.
macro_rules! media_fields {
    (numbers: $($number:ident)*; texts: $($text:ident)*) => {
        impl Media {
            fn write(&self, pairs: &mut Pairs<'_>) {
                $(pairs.optional_num(stringify!($number), self.$number);)*
                $(pairs.optional_text(stringify!($text), self.$text.as_deref());)*
            }

            fn read(tree: &Tree) -> Option<Self> {
                Some(Self {
                    $($number: read_field(tree, stringify!($number))?,)*
                    $($text: read_field(tree, stringify!($text))?,)*
                })
            }
        }
    };
}

media_fields! {
    numbers: width height videobitrate audiobitrate audiosamplerate rotate trackno;
    texts: duration fps videocodec audiocodec artist album title genre
}

impl Value for Metadata {
    fn write(&self, out: &mut dyn Sink) {
        out.begin_hash();
        self.write_pairs(out);
        out.end_hash();
    }

    fn read(tree: &Tree) -> Option<Self> {
        let flag = |key: &str| read_field::<Option<bool>>(tree, key).map(|flag| flag == Some(true));
        let kind = if read_field(tree, "isfolder")? {
            match read_field(tree, "folderid")? {
                Some(folderid) => Kind::Folder { folderid },
                None => Kind::Virtual,
            }
        } else {
            let media = Media::read(tree)?;
            Kind::File(FileFacts {
                fileid: read_field(tree, "fileid")?,
                size: read_field(tree, "size")?,
                hash: read_field(tree, "hash")?,
                deletedfileid: read_field(tree, "deletedfileid")?,
                revisionid: read_field(tree, "revisionid")?,
                conflicted: tree.get("conflicted").is_some(),
                media: (media != Media::default()).then(|| Box::new(media)),
            })
        };
        let rights = if read_field(tree, "ismine")? {
            None
        } else {
            Some(Rights {
                userid: read_field(tree, "userid")?,
                cancreate: flag("cancreate")?,
                canmodify: flag("canmodify")?,
                candelete: flag("candelete")?,
            })
        };
        Some(Self {
            kind,
            name: read_field(tree, "name")?,
            parentfolderid: read_field(tree, "parentfolderid")?,
            rights,
            isshared: flag("isshared")?,
            isdeleted: flag("isdeleted")?,
            origparentfolderid: read_field(tree, "origparentfolderid")?,
            created: read_field(tree, "created")?,
            modified: read_field(tree, "modified")?,
            path: read_field(tree, "path")?,
        })
    }

    fn kind() -> String {
        "metadata".into()
    }
}
