//! Working copies: content that still changes, behind descriptors and upload sessions.

use crate::record::record;
use crate::{StoreError, Stored, Tx, args, sql};

record! {
    /// A working copy. Its bytes are a file of the directory of working files that `node` names, under its id.
    pub struct WorkingCopy {
        /// Id; also the name of the working file.
        pub id: i64,
        /// The account it belongs to.
        pub account: i64,
        /// The file whose next content it is.
        pub file: Option<i64>,
        /// The upload session whose bytes it is.
        pub upload: Option<i64>,
        /// Name of the directory of working files.
        pub node: String,
        /// Until when nobody else may take it for given up.
        pub lease_until: i64,
        /// The content it rests on, which it holds.
        pub base_blob: Option<i64>,
        /// Bytes, as of when the row was written.
        pub size: i64,
        /// State of the running checksums, if they are kept.
        pub hasher: Option<Vec<u8>>,
        /// When the row was written.
        pub changed: i64,
    }
}

record! {
    /// A working copy as a check sees it.
    pub struct Checked {
        /// Id; also the name of the working file.
        pub id: i64,
        /// The file whose next content it is.
        pub file: Option<i64>,
        /// The upload session whose bytes it is.
        pub upload: Option<i64>,
        /// Name of the directory of working files.
        pub node: String,
        /// Bytes, as of when the row was written.
        pub size: i64,
        /// When the row was written.
        pub changed: i64,
        /// Whether that file or session exists.
        pub is_owned: bool,
    }
}

macro_rules! columns {
    () => {
        "id, account, file, upload, node, lease_until, base_blob, size, hasher, changed"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM working_copy WHERE id = $1");
    OF_FILE = concat!("SELECT ", columns!(), " FROM working_copy WHERE file = $1");
    OF_NODE = concat!("SELECT ", columns!(), " FROM working_copy WHERE node = $1 AND id > $2 ORDER BY id LIMIT 500");
    PAGE = concat!("SELECT ", columns!(), " FROM working_copy WHERE id > $1 ORDER BY id LIMIT 500");
    OF_ACCOUNT = concat!("SELECT ", columns!(), " FROM working_copy WHERE account = $1 LIMIT 500");
    INSERT = concat!("INSERT INTO working_copy (", columns!(), ") VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10)");
    REST = "UPDATE working_copy SET base_blob = $1 WHERE id = $2";
    REMOVE = "DELETE FROM working_copy WHERE id = $1";
    CHECKED = "SELECT w.id, w.file, w.upload, w.node, w.size, w.changed, \
               CAST(CASE WHEN f.id IS NULL AND u.id IS NULL THEN 0 ELSE 1 END AS BIGINT) FROM working_copy w \
               LEFT JOIN file f ON f.id = w.file LEFT JOIN upload u ON u.id = w.upload \
               WHERE w.id > $1 ORDER BY w.id LIMIT 500";
    WITHOUT_COPY = "SELECT u.id FROM upload u LEFT JOIN working_copy w ON w.upload = u.id WHERE w.id IS NULL",
        scans = "a check looks at everything";
    REMOVE_OF_ACCOUNT = "DELETE FROM working_copy WHERE account = $1";
}

impl Tx<'_> {
    /// The working copy with this id.
    pub fn working_copy(&mut self, id: i64) -> Stored<Option<WorkingCopy>> {
        self.opt(BY_ID, args![id])
    }

    /// The working copy of a file.
    pub fn working_copy_of_file(&mut self, file: i64) -> Stored<Option<WorkingCopy>> {
        self.opt(OF_FILE, args![file])
    }

    /// Working copies in a directory behind an id, at most 500. [`i64::MIN`] begins.
    pub fn working_copies_of_node(&mut self, node: &str, after: i64) -> Stored<Vec<WorkingCopy>> {
        self.all(OF_NODE, args![node, after])
    }

    /// Working copies behind an id with whether anybody wants them, at most 500. [`i64::MIN`] begins.
    pub fn checked_working_copies(&mut self, after: i64) -> Stored<Vec<Checked>> {
        self.all(CHECKED, args![after])
    }

    /// Upload sessions without a working copy, of which there should be none.
    pub fn uploads_without_copy(&mut self) -> Stored<Vec<i64>> {
        let ids = self.all::<(i64,)>(WITHOUT_COPY, args![])?;
        Ok(ids.into_iter().map(|(id,)| id).collect())
    }

    /// Adds a working copy. The caller has made sure that its file has none, and holds its base.
    pub fn insert_working_copy(&mut self, new: &WorkingCopy) -> Stored<()> {
        self.exec(
            INSERT,
            args![
                new.id,
                new.account,
                new.file,
                new.upload,
                new.node.as_str(),
                new.lease_until,
                new.base_blob,
                new.size,
                new.hasher.as_deref(),
                new.changed
            ],
        )
        .map(drop)
    }

    /// Makes a working copy rest on the content with a key of the blob store, and hold that instead of what it held;
    /// answers its id. [`StoreError::Missing`] if there is none.
    pub fn rest_working_copy(&mut self, copy: &WorkingCopy, key: &[u8], now: i64) -> Stored<i64> {
        let base = self.content_with_key(key)?.ok_or(StoreError::Missing)?;
        if copy.base_blob != Some(base) {
            self.hold_content(base)?;
            if let Some(held) = copy.base_blob {
                self.release_content(held, now)?;
            }
            self.exec(REST, args![base, copy.id])?;
        }
        Ok(base)
    }

    /// Removes a working copy, and lets go of its base. Its working file is the caller's business.
    pub fn remove_working_copy(&mut self, copy: &WorkingCopy, now: i64) -> Stored<()> {
        if self.exec(REMOVE, args![copy.id])? == 1
            && let Some(base) = copy.base_blob
        {
            self.release_content(base, now)?;
        }
        Ok(())
    }

    /// Removes up to 500 working copies, whosever they are, and the upload sessions whose bytes they were; answers how
    /// many it were. Only for copies of a database, which have no working files.
    pub fn remove_working_copies_piece(&mut self) -> Stored<usize> {
        let copies: Vec<WorkingCopy> = self.all(PAGE, args![i64::MIN])?;
        for copy in &copies {
            self.remove_working_copy(copy, 0)?;
            if let Some(upload) = copy.upload {
                self.remove_upload(upload)?;
            }
        }
        Ok(copies.len())
    }

    /// Removes all working copies of an account.
    pub(crate) fn remove_working_copies_of_account(
        &mut self,
        account: i64,
        now: i64,
    ) -> Stored<()> {
        loop {
            let copies: Vec<WorkingCopy> = self.all(OF_ACCOUNT, args![account])?;
            if copies.is_empty() {
                return self.exec(REMOVE_OF_ACCOUNT, args![account]).map(drop);
            }
            for copy in copies {
                self.remove_working_copy(&copy, now)?;
                if let Some(upload) = copy.upload {
                    self.remove_hash_states(upload)?;
                }
            }
        }
    }
}
