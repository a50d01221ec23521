//! Upload links: addresses that let anybody put files into a folder.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

/// `upload_link.state` of a link that works.
pub const LIVE: i64 = 0;
/// `upload_link.state` of a link that its owner has deleted. The row stays, since its code must never lead anywhere
/// again.
pub const DELETED: i64 = 1;

record! {
    /// An upload link.
    pub struct UploadLink {
        /// Id; `uploadlinkid` on the wire.
        pub id: i64,
        /// The account that made it and owns the folder.
        pub owner: i64,
        /// The folder that takes the files.
        pub folder: i64,
        /// The secret of its address.
        pub code: String,
        /// What visitors are told.
        pub comment: String,
        /// [`LIVE`] or [`DELETED`].
        pub state: i64,
        /// When it was made.
        pub created: i64,
        /// When its settings were last changed.
        pub modified: i64,
        /// When it stops working.
        pub expires: Option<i64>,
        /// Bytes it takes; 0 for any number.
        pub maxspace: i64,
        /// Files it takes; 0 for any number.
        pub maxfiles: i64,
        /// Bytes it has taken.
        pub space: i64,
        /// Files it has taken.
        pub files: i64,
        /// How many of the files its owner has had a mail about.
        pub mailed: i64,
    }
}

macro_rules! columns {
    () => {
        "id, owner, folder, code, comment, state, created, modified, expires, maxspace, maxfiles, space, files, mailed"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM upload_link WHERE id = $1");
    BY_CODE = concat!("SELECT ", columns!(), " FROM upload_link WHERE code = $1");
    OF_OWNER = concat!("SELECT ", columns!(), " FROM upload_link WHERE owner = $1 AND state = 0 ORDER BY id LIMIT $2");
    INSERT = "INSERT INTO upload_link (id, owner, folder, code, comment, state, created, modified, expires, maxspace, \
              maxfiles, space, files, mailed) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11, 0, 0, 0)";
    SET = "UPDATE upload_link SET comment = $1, state = $2, modified = $3, expires = $4, maxspace = $5, maxfiles = $6 \
           WHERE id = $7";
    COUNT_FILE = "UPDATE upload_link SET files = files + 1, space = space + $1 WHERE id = $2 \
                  AND (maxfiles = 0 OR files < maxfiles) \
                  AND (maxspace = 0 OR (space < maxspace AND space <= maxspace - $1))";
    SET_MAILED = "UPDATE upload_link SET mailed = $1 WHERE id = $2";
    COUNT_CHANGE = "UPDATE account SET uploadlinkid = uploadlinkid + 1, uploadlinks = uploadlinks + $1 WHERE id = $2 \
                    RETURNING uploadlinks";
}

impl Tx<'_> {
    /// The upload link with this id, deleted or not, whoever owns it.
    pub fn upload_link(&mut self, id: i64) -> Stored<Option<UploadLink>> {
        self.opt(BY_ID, args![id])
    }

    /// The upload link with this code, deleted or not.
    pub fn upload_link_by_code(&mut self, code: &str) -> Stored<Option<UploadLink>> {
        self.opt(BY_CODE, args![code])
    }

    /// The live upload links of an account, oldest first, at most `limit`.
    pub fn upload_links(&mut self, owner: i64, limit: i64) -> Stored<Vec<UploadLink>> {
        self.all(OF_OWNER, args![owner, limit])
    }

    /// Adds an upload link that has taken nothing yet.
    pub fn insert_upload_link(&mut self, link: &UploadLink) -> Stored<()> {
        self.exec(
            INSERT,
            args![
                link.id,
                link.owner,
                link.folder,
                &link.code,
                &link.comment,
                link.state,
                link.created,
                link.modified,
                link.expires,
                link.maxspace,
                link.maxfiles
            ],
        )
        .map(drop)
    }

    /// Writes what may change of an upload link, but for its counters.
    pub fn set_upload_link(&mut self, link: &UploadLink) -> Stored<()> {
        self.exec(
            SET,
            args![
                &link.comment,
                link.state,
                link.modified,
                link.expires,
                link.maxspace,
                link.maxfiles,
                link.id
            ],
        )
        .map(drop)
    }

    /// Counts a file of `bytes` that comes through an upload link; false, and nothing is counted, if its limits do not
    /// allow it.
    pub fn count_upload_link_file(&mut self, id: i64, bytes: i64) -> Stored<bool> {
        Ok(self.exec(COUNT_FILE, args![bytes, id])? == 1)
    }

    /// Notes how many files of an upload link its owner has had a mail about.
    pub fn set_upload_link_mailed(&mut self, id: i64, files: i64) -> Stored<()> {
        self.exec(SET_MAILED, args![files, id]).map(drop)
    }

    /// Moves an account's counter of upload link changes, and its number of live links up or down; answers that number.
    pub fn count_upload_links(&mut self, account: i64, more: i64) -> Stored<i64> {
        self.one::<(i64,)>(COUNT_CHANGE, args![more, account])
            .map(|(links,)| links)
    }
}
