//! Public links.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

/// `public_link.kind` of a link to one file.
pub const FILE: i64 = 1;
/// `public_link.kind` of a link to a folder.
pub const FOLDER: i64 = 2;

/// `public_link.state` of a link that works.
pub const LIVE: i64 = 0;
/// `public_link.state` of a link that its owner has deleted. The row stays, since its code must never lead anywhere
/// again.
pub const DELETED: i64 = 1;

record! {
    /// A public link.
    pub struct PublicLink {
        /// Id; `linkid` on the wire.
        pub id: i64,
        /// The account that made it and owns what it leads to.
        pub owner: i64,
        /// [`FILE`] or [`FOLDER`]; `type` on the wire.
        pub kind: i64,
        /// The folder it leads to.
        pub folder: Option<i64>,
        /// The file it leads to.
        pub file: Option<i64>,
        /// The secret of its address.
        pub code: String,
        /// A shorter secret that works as well.
        pub shortcode: Option<String>,
        /// Argon2id hash of its password.
        pub password_hash: Option<String>,
        /// [`LIVE`] or [`DELETED`].
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
        "id, owner, kind, folder, file, code, shortcode, password_hash, state, created, modified, expires, \
         maxdownloads, maxtraffic, downloads, traffic, views"
    };
}

macro_rules! unlimited {
    () => {
        " AND owner = $2 AND state = 0 AND password_hash IS NULL AND expires IS NULL AND maxdownloads = 0 \
         AND maxtraffic = 0 ORDER BY id LIMIT 1"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM public_link WHERE id = $1");
    BY_CODE = concat!("SELECT ", columns!(), " FROM public_link WHERE code = $1");
    BY_SHORTCODE = concat!("SELECT ", columns!(), " FROM public_link WHERE shortcode = $1");
    OF_OWNER = concat!("SELECT ", columns!(), " FROM public_link WHERE owner = $1 AND state = 0 ORDER BY id LIMIT $2");
    UNLIMITED_TO_FILE = concat!("SELECT ", columns!(), " FROM public_link WHERE file = $1", unlimited!());
    UNLIMITED_TO_FOLDER = concat!("SELECT ", columns!(), " FROM public_link WHERE folder = $1", unlimited!());
    INSERT = "INSERT INTO public_link (id, owner, kind, folder, file, name, code, shortcode, password_hash, state, \
              created, modified, expires, maxdownloads, maxtraffic, downloads, traffic, views) \
              VALUES ($1, $2, $3, $4, $5, '', $6, $7, $8, $9, $10, $11, $12, $13, $14, $15, $16, $17)";
    SET = "UPDATE public_link SET shortcode = $1, password_hash = $2, state = $3, modified = $4, expires = $5, \
           maxdownloads = $6, maxtraffic = $7 WHERE id = $8";
    COUNT_VIEW = "UPDATE public_link SET views = views + 1 WHERE id = $1";
    COUNT_DOWNLOAD = "UPDATE public_link SET downloads = downloads + 1, traffic = traffic + $1 WHERE id = $2 \
                      AND (maxdownloads = 0 OR downloads < maxdownloads) AND (maxtraffic = 0 OR traffic < maxtraffic)";
    COUNT_CHANGE = "UPDATE account SET publinkid = publinkid + 1 WHERE id = $1";
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

    /// The live public links of an account, oldest first, at most `limit`.
    pub fn public_links(&mut self, owner: i64, limit: i64) -> Stored<Vec<PublicLink>> {
        self.all(OF_OWNER, args![owner, limit])
    }

    /// The oldest live link of an account to a file that has neither limits nor a password.
    pub fn unlimited_link_to_file(&mut self, file: i64, owner: i64) -> Stored<Option<PublicLink>> {
        self.opt(UNLIMITED_TO_FILE, args![file, owner])
    }

    /// The oldest live link of an account to a folder that has neither limits nor a password.
    pub fn unlimited_link_to_folder(
        &mut self,
        folder: i64,
        owner: i64,
    ) -> Stored<Option<PublicLink>> {
        self.opt(UNLIMITED_TO_FOLDER, args![folder, owner])
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

    /// Counts a look at a public link.
    pub fn count_public_link_view(&mut self, id: i64) -> Stored<()> {
        self.exec(COUNT_VIEW, args![id]).map(drop)
    }

    /// Counts a download of `bytes` through a public link; false, and nothing is counted, if its limits allow no more.
    pub fn count_public_link_download(&mut self, id: i64, bytes: i64) -> Stored<bool> {
        Ok(self.exec(COUNT_DOWNLOAD, args![bytes, id])? == 1)
    }

    /// Moves an account's counter of public link changes.
    pub fn count_public_link_change(&mut self, account: i64) -> Stored<()> {
        self.exec(COUNT_CHANGE, args![account]).map(drop)
    }
}
