//! Shares: a folder of one account in the tree of another one.

use crate::record::record;
use crate::{Stored, Tx, args, sql};

/// Bit of [`Share::permissions`]: new entries may be made.
pub const CREATE: i64 = 1;
/// Bit of [`Share::permissions`]: entries may be changed.
pub const MODIFY: i64 = 2;
/// Bit of [`Share::permissions`]: entries may be deleted.
pub const DELETE: i64 = 4;

record! {
    /// A share: one folder, one recipient.
    pub struct Share {
        /// Id; `shareid` on the wire.
        pub id: i64,
        /// The folder, with everything below it.
        pub folder: i64,
        /// Whose folder it is.
        pub owner: i64,
        /// Who sees it beside the owner.
        pub recipient: i64,
        /// [`CREATE`], [`MODIFY`] and [`DELETE`]. Reading is always allowed.
        pub permissions: i64,
        /// The name it was offered under.
        pub name: String,
        /// When it was accepted.
        pub created: i64,
        /// The folder row that stands for it in the recipient's tree.
        pub mount: i64,
        /// The offer that it came from.
        pub request: i64,
        /// Newest event of the recipient before he was told of anything in it.
        pub since: i64,
        /// Whether the recipient has been told of everything in it, and follows what happens there.
        pub joined: bool,
    }
}

/// `share_policy.policy` of an owner whose offers are accepted at once.
pub const ALWAYS: i64 = 1;
/// `share_policy.policy` of an owner whose offers are not wanted.
pub const BLOCKED: i64 = 2;

macro_rules! columns {
    () => {
        "id, folder, owner, recipient, permissions, name, created, mount, request, since, joined"
    };
}

/// The share of an account among those of a shared folder, which is selected by `$from`, and of all shared ones above it.
/// Each step upwards is a look-up by id: PostgreSQL keeps its plans, and one that was made for a join while there were few
/// folders would read all of them when there are many.
macro_rules! above {
    ($from:literal) => {
        concat!(
            "WITH RECURSIVE up (folder) AS (",
            $from,
            " UNION ALL SELECT (SELECT p.shared FROM folder t JOIN folder p ON p.id = t.parent WHERE t.id = up.folder) \
             FROM up WHERE up.folder <> 0) SELECT ",
            columns!(),
            " FROM share WHERE folder IN (SELECT folder FROM up) AND recipient = $2 LIMIT 1"
        )
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM share WHERE id = $1");
    OF = concat!("SELECT ", columns!(), " FROM share WHERE folder = $1 AND recipient = $2");
    ABOVE = above!("SELECT CAST($1 AS BIGINT)");
    ABOVE_FOLDER = above!("SELECT shared FROM folder WHERE id = $1 AND deleted = 0 AND shared <> 0");
    ABOVE_FILE = above!("SELECT t.shared FROM file f JOIN folder t ON t.id = f.folder \
                         WHERE f.id = $1 AND f.deleted = 0 AND t.shared <> 0");
    ON_FOLDER = concat!("SELECT ", columns!(), " FROM share WHERE folder = $1 ORDER BY recipient");
    OF_OWNER = concat!("SELECT ", columns!(), " FROM share WHERE owner = $1 ORDER BY id");
    OF_RECIPIENT = concat!("SELECT ", columns!(), " FROM share WHERE recipient = $1 ORDER BY id");
    COUNT_GIVEN = "SELECT CAST((SELECT COUNT(*) FROM share_request WHERE owner = $1) AS BIGINT), \
                   CAST((SELECT COUNT(*) FROM share WHERE owner = $1) AS BIGINT)";
    INSERT = "INSERT INTO share (id, folder, owner, recipient, permissions, name, created, mount, request, \
              since, joined) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    SET_PERMISSIONS = "UPDATE share SET permissions = $1 WHERE id = $2";
    SET_JOINED = "UPDATE share SET joined = 1 WHERE id = $1";
    REMOVE = "DELETE FROM share WHERE id = $1";
    POLICY = "SELECT policy FROM share_policy WHERE account = $1 AND owner = $2";
    SET_POLICY = "INSERT INTO share_policy (account, owner, policy) VALUES ($1, $2, $3) \
                  ON CONFLICT (account, owner) DO UPDATE SET policy = excluded.policy";
    REMOVE_POLICY = "DELETE FROM share_policy WHERE account = $1 AND owner = $2";
    SHARE_ROOT = "SELECT share_root FROM account WHERE id = $1";
    SET_SHARE_ROOT = "UPDATE account SET share_root = $1 WHERE id = $2";
}

impl Tx<'_> {
    /// The share with this id.
    pub fn share(&mut self, id: i64) -> Stored<Option<Share>> {
        self.opt(BY_ID, args![id])
    }

    /// The share of a folder with an account.
    pub fn share_of(&mut self, folder: i64, recipient: i64) -> Stored<Option<Share>> {
        self.opt(OF, args![folder, recipient])
    }

    /// The share by which an account sees a folder whose nearest shared one is `shared`. There is at most one: who sees a
    /// folder is not offered another one above or below it.
    pub fn share_above(&mut self, shared: i64, recipient: i64) -> Stored<Option<Share>> {
        if shared == 0 {
            return Ok(None);
        }
        self.opt(ABOVE, args![shared, recipient])
    }

    /// The share by which an account sees a live folder of another one, by the folder's id. `None` if there is no such folder.
    pub fn share_above_folder(&mut self, folder: i64, recipient: i64) -> Stored<Option<Share>> {
        self.opt(ABOVE_FOLDER, args![folder, recipient])
    }

    /// The share by which an account sees a live file of another one, by the file's id. `None` if there is no such file.
    pub fn share_above_file(&mut self, file: i64, recipient: i64) -> Stored<Option<Share>> {
        self.opt(ABOVE_FILE, args![file, recipient])
    }

    /// The shares of one folder, in the order of their recipients.
    pub fn shares_of_folder(&mut self, folder: i64) -> Stored<Vec<Share>> {
        self.all(ON_FOLDER, args![folder])
    }

    /// What an account shares with others, oldest first.
    pub fn shares_given(&mut self, owner: i64) -> Stored<Vec<Share>> {
        self.all(OF_OWNER, args![owner])
    }

    /// What others share with an account, oldest first.
    pub fn shares_taken(&mut self, recipient: i64) -> Stored<Vec<Share>> {
        self.all(OF_RECIPIENT, args![recipient])
    }

    /// How many offers an account has open, and how many shares it has given.
    pub fn count_given(&mut self, owner: i64) -> Stored<(i64, i64)> {
        self.one(COUNT_GIVEN, args![owner])
    }

    /// Adds a share.
    pub fn insert_share(&mut self, share: &Share) -> Stored<()> {
        self.exec(
            INSERT,
            args![
                share.id,
                share.folder,
                share.owner,
                share.recipient,
                share.permissions,
                &share.name,
                share.created,
                share.mount,
                share.request,
                share.since,
                share.joined
            ],
        )
        .map(drop)
    }

    /// Sets what a recipient may do.
    pub fn set_share_permissions(&mut self, id: i64, permissions: i64) -> Stored<()> {
        self.exec(SET_PERMISSIONS, args![permissions, id]).map(drop)
    }

    /// Notes that a recipient has been told everything.
    pub fn set_share_joined(&mut self, id: i64) -> Stored<()> {
        self.exec(SET_JOINED, args![id]).map(drop)
    }

    /// Removes a share.
    pub fn remove_share(&mut self, id: i64) -> Stored<()> {
        self.exec(REMOVE, args![id]).map(drop)
    }

    /// What an account does with the offers of an owner: [`ALWAYS`], [`BLOCKED`], or 0 for nothing special.
    pub fn share_policy(&mut self, account: i64, owner: i64) -> Stored<i64> {
        let policy = self.opt::<(i64,)>(POLICY, args![account, owner])?;
        Ok(policy.map_or(0, |(policy,)| policy))
    }

    /// Sets what an account does with the offers of an owner; 0 for nothing special.
    pub fn set_share_policy(&mut self, account: i64, owner: i64, policy: i64) -> Stored<()> {
        match policy {
            0 => self.exec(REMOVE_POLICY, args![account, owner]),
            _ => self.exec(SET_POLICY, args![account, owner, policy]),
        }
        .map(drop)
    }

    /// The folder into which an account accepts shares if it does not name another one. It may be gone.
    pub fn share_root(&mut self, account: i64) -> Stored<Option<i64>> {
        let root = self.opt::<(Option<i64>,)>(SHARE_ROOT, args![account])?;
        Ok(root.and_then(|(root,)| root))
    }

    /// Sets the folder into which an account accepts shares.
    pub fn set_share_root(&mut self, account: i64, folder: i64) -> Stored<()> {
        self.exec(SET_SHARE_ROOT, args![folder, account]).map(drop)
    }
}
