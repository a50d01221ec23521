//! Public links.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

/// `public_link.kind` of a link to one file.
pub const FILE: i64 = 1;
/// `public_link.kind` of a link to a folder.
pub const FOLDER: i64 = 2;
/// `public_link.kind` of a link to a virtual folder, whose entries are in `public_link_item`.
pub const TREE: i64 = 3;
/// `public_link.kind` of a link to a collection.
pub const COLLECTION: i64 = 4;

/// `public_link.state` of a link that works.
pub const LIVE: i64 = 0;
/// `public_link.state` of a link that its owner has deleted. The row stays, since its code must never lead anywhere
/// again.
pub const DELETED: i64 = 1;
/// `public_link.state` of a link that the administrator has closed after a complaint. Its owner still has it.
pub const CLOSED: i64 = 2;

record! {
    /// A public link.
    pub struct PublicLink {
        /// Id; `linkid` on the wire.
        pub id: i64,
        /// The account that made it and owns what it leads to.
        pub owner: i64,
        /// [`FILE`], [`FOLDER`], [`TREE`] or [`COLLECTION`]; `type` on the wire.
        pub kind: i64,
        /// The folder it leads to.
        pub folder: Option<i64>,
        /// The file it leads to.
        pub file: Option<i64>,
        /// The collection it leads to.
        pub collection: Option<i64>,
        /// Name of the virtual folder it leads to; empty for other kinds.
        pub name: String,
        /// The secret of its address.
        pub code: String,
        /// A shorter secret that works as well.
        pub shortcode: Option<String>,
        /// Argon2id hash of its password.
        pub password_hash: Option<String>,
        /// [`LIVE`], [`DELETED`] or [`CLOSED`].
        pub state: i64,
        /// When it was made.
        pub created: i64,
        /// When its settings were last changed.
        pub modified: i64,
        /// When it stops working.
        pub expires: Option<i64>,
        /// Downloads it allows; 0 for any number.
        pub maxdownloads: i64,
        /// Bytes of downloads it allows; 0 for any number.
        pub maxtraffic: i64,
        /// Downloads so far.
        pub downloads: i64,
        /// Bytes of downloads so far.
        pub traffic: i64,
        /// How often it was looked at.
        pub views: i64,
    }
}

macro_rules! columns {
    () => {
        "id, owner, kind, folder, file, collection, name, code, shortcode, password_hash, state, created, modified, expires, \
         maxdownloads, maxtraffic, downloads, traffic, views"
    };
}

macro_rules! unlimited {
    () => {
        " AND owner = $2 AND state <> 1 AND password_hash IS NULL AND expires IS NULL AND maxdownloads = 0 \
         AND maxtraffic = 0 ORDER BY id LIMIT 1"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM public_link WHERE id = $1");
    BY_CODE = concat!("SELECT ", columns!(), " FROM public_link WHERE code = $1");
    BY_SHORTCODE = concat!("SELECT ", columns!(), " FROM public_link WHERE shortcode = $1");
    OF_OWNER = concat!("SELECT ", columns!(), " FROM public_link WHERE owner = $1 AND state <> 1 ORDER BY id LIMIT $2");
    UNLIMITED_TO_FILE = concat!("SELECT ", columns!(), " FROM public_link WHERE file = $1", unlimited!());
    UNLIMITED_TO_FOLDER = concat!("SELECT ", columns!(), " FROM public_link WHERE folder = $1", unlimited!());
    UNLIMITED_TO_COLLECTION = concat!("SELECT ", columns!(), " FROM public_link WHERE collection = $1", unlimited!());
    INSERT = "INSERT INTO public_link (id, owner, kind, folder, file, collection, name, code, shortcode, password_hash, \
              state, created, modified, expires, maxdownloads, maxtraffic, downloads, traffic, views) \
              VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17, $18, $19)";
    SET = "UPDATE public_link SET shortcode = $1, password_hash = $2, state = $3, modified = $4, expires = $5, \
           maxdownloads = $6, maxtraffic = $7 WHERE id = $8";
    RETIRE = "INSERT INTO retired_shortcode (shortcode) VALUES ($1) ON CONFLICT DO NOTHING";
    RETIRED = "SELECT shortcode FROM retired_shortcode WHERE shortcode = $1";
    RETIRE_OF_OWNER = "INSERT INTO retired_shortcode (shortcode) SELECT shortcode FROM public_link WHERE owner = $1 \
                       AND shortcode IS NOT NULL ON CONFLICT DO NOTHING";
    COUNT_CHANGE = "UPDATE account SET publinkid = publinkid + 1, publinks = publinks + $1 WHERE id = $2 RETURNING publinks";
}

impl Tx<'_> {
    /// The public link with this id, deleted or not, whoever owns it.
    pub fn public_link(&mut self, id: i64) -> Stored<Option<PublicLink>> {
        self.opt(BY_ID, args![id])
    }

    /// The public link with this code or short code, deleted or not.
    pub fn public_link_by_code(&mut self, code: &str) -> Stored<Option<PublicLink>> {
        match self.opt(BY_CODE, args![code])? {
            Some(link) => Ok(Some(link)),
            None => self.opt(BY_SHORTCODE, args![code]),
        }
    }

    /// The public links of an account that it has not deleted, oldest first, at most `limit`.
    pub fn public_links(&mut self, owner: i64, limit: i64) -> Stored<Vec<PublicLink>> {
        self.all(OF_OWNER, args![owner, limit])
    }

    /// The oldest link of an account to a file that has neither limits nor a password.
    pub fn unlimited_link_to_file(&mut self, file: i64, owner: i64) -> Stored<Option<PublicLink>> {
        self.opt(UNLIMITED_TO_FILE, args![file, owner])
    }

    /// The oldest link of an account to a folder that has neither limits nor a password.
    pub fn unlimited_link_to_folder(
        &mut self,
        folder: i64,
        owner: i64,
    ) -> Stored<Option<PublicLink>> {
        self.opt(UNLIMITED_TO_FOLDER, args![folder, owner])
    }

    /// The oldest link of an account to a collection that has neither limits nor a password.
    pub fn unlimited_link_to_collection(
        &mut self,
        collection: i64,
        owner: i64,
    ) -> Stored<Option<PublicLink>> {
        self.opt(UNLIMITED_TO_COLLECTION, args![collection, owner])
    }

    /// Adds a public link. The caller has made sure that its codes are free.
    pub fn insert_public_link(&mut self, link: &PublicLink) -> Stored<()> {
        self.exec(
            INSERT,
            args![
                link.id,
                link.owner,
                link.kind,
                link.folder,
                link.file,
                link.collection,
                &link.name,
                &link.code,
                link.shortcode.as_deref(),
                link.password_hash.as_deref(),
                link.state,
                link.created,
                link.modified,
                link.expires,
                link.maxdownloads,
                link.maxtraffic,
                link.downloads,
                link.traffic,
                link.views
            ],
        )
        .map(drop)
    }

    /// Writes what may change of a public link, but for its counters.
    pub fn set_public_link(&mut self, link: &PublicLink) -> Stored<()> {
        self.exec(
            SET,
            args![
                link.shortcode.as_deref(),
                link.password_hash.as_deref(),
                link.state,
                link.modified,
                link.expires,
                link.maxdownloads,
                link.maxtraffic,
                link.id
            ],
        )
        .map(drop)
    }

    /// Keeps a short code from being given out ever again.
    pub fn retire_shortcode(&mut self, shortcode: &str) -> Stored<()> {
        self.exec(RETIRE, args![shortcode]).map(drop)
    }

    /// Keeps the short codes of an account whose links are going to be removed from being given out again.
    pub(crate) fn retire_shortcodes_of(&mut self, owner: i64) -> Stored<()> {
        self.exec(RETIRE_OF_OWNER, args![owner]).map(drop)
    }

    /// Whether a short code has ever been given out.
    pub fn is_shortcode_used(&mut self, shortcode: &str) -> Stored<bool> {
        Ok(self.public_link_by_code(shortcode)?.is_some()
            || self.opt::<(String,)>(RETIRED, args![shortcode])?.is_some())
    }

    /// Moves an account's counter of public link changes, and its number of links up or down; answers that number.
    pub fn count_public_links(&mut self, account: i64, more: i64) -> Stored<i64> {
        self.one::<(i64,)>(COUNT_CHANGE, args![more, account])
            .map(|(links,)| links)
    }
}
