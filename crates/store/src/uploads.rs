//! Upload sessions: contents that arrive over many calls. Their bytes are working files under the id of the session.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

record! {
    /// An upload session.
    pub struct Upload {
        /// Id, also that of its working file.
        pub id: i64,
        /// The account it belongs to.
        pub account: i64,
        /// The only folder that the app which began it sees, if it was such an app.
        pub app_folder: Option<i64>,
        /// When it was begun or last written to.
        pub modified: i64,
        /// The directory of working files that its bytes are in.
        pub node: String,
        /// Bytes that have arrived and are on stable storage.
        pub size: i64,
        /// Saved state of the hashes of the first of these bytes, or of all; `None` if they have to be read again.
        pub hasher: Option<Vec<u8>>,
    }
}

sql! {
    BY_ID = "SELECT u.id, u.account, u.app_folder, u.modified, w.node, w.size, w.hasher FROM upload AS u JOIN working_copy AS w ON w.upload = u.id \
             WHERE u.id = $1";
    COUNT = "SELECT COUNT(*) FROM upload WHERE account = $1";
    INSERT = "INSERT INTO upload (id, account, declared_size, app_folder, created, modified) VALUES ($1, $2, $3, $4, $5, $5)";
    INSERT_COPY = "INSERT INTO working_copy (id, account, upload, node, lease_until, size, changed) \
                   VALUES ($1, $2, $1, $3, 0, 0, $4)";
    GROWN = "UPDATE working_copy SET size = $1, hasher = $2, changed = $3 WHERE upload = $4";
    TOUCH = "UPDATE upload SET modified = $1 WHERE id = $2";
    REMOVE = "DELETE FROM upload WHERE id = $1";
    REMOVE_COPY = "DELETE FROM working_copy WHERE upload = $1";
    OLD = "SELECT id FROM upload WHERE modified < $1 ORDER BY modified, id LIMIT 500";
}

impl Tx<'_> {
    /// The upload session with this id, whoever owns it.
    pub fn upload(&mut self, id: i64) -> Stored<Option<Upload>> {
        self.opt(BY_ID, args![id])
    }

    /// How many upload sessions an account has. That is bounded by whoever begins them.
    pub fn count_uploads(&mut self, account: i64) -> Stored<i64> {
        Ok(self.one::<(i64,)>(COUNT, args![account])?.0)
    }

    /// Begins an upload session. `node` is where its working file lies.
    pub fn insert_upload(
        &mut self,
        id: i64,
        account: i64,
        app_folder: Option<i64>,
        declared_size: Option<i64>,
        node: &str,
        now: i64,
    ) -> Stored<()> {
        self.exec(INSERT, args![id, account, declared_size, app_folder, now])?;
        self.exec(INSERT_COPY, args![id, account, node, now])
            .map(drop)
    }

    /// Notes what has arrived; false if the session is gone.
    pub fn grow_upload(
        &mut self,
        id: i64,
        size: i64,
        hasher: Option<&[u8]>,
        now: i64,
    ) -> Stored<bool> {
        self.exec(TOUCH, args![now, id])?;
        Ok(self.exec(GROWN, args![size, hasher, now, id])? == 1)
    }

    /// Ends an upload session; false if it had ended before. Its working file is the caller's business.
    pub fn remove_upload(&mut self, id: i64) -> Stored<bool> {
        self.exec(REMOVE_COPY, args![id])?;
        self.remove_hash_states(id)?;
        Ok(self.exec(REMOVE, args![id])? == 1)
    }

    /// Upload sessions into which nothing was written since a time, at most 500.
    pub fn old_uploads(&mut self, before: i64) -> Stored<Vec<i64>> {
        Ok(self
            .all::<(i64,)>(OLD, args![before])?
            .into_iter()
            .map(|(id,)| id)
            .collect())
    }
}
