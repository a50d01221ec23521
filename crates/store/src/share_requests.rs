//! Offers to share a folder, until they are answered.

use crate::accounts::email_key;
use crate::record::record;
use crate::{Stored, Tx, args, sql};

record! {
    /// An offer.
    pub struct ShareRequest {
        /// Id; `sharerequestid` on the wire.
        pub id: i64,
        /// The folder.
        pub folder: i64,
        /// Whose folder it is.
        pub owner: i64,
        /// The address it was made to.
        pub email: String,
        /// What the recipient will be allowed to do.
        pub permissions: i64,
        /// The name it is offered under.
        pub name: String,
        /// What the owner wants to say about it.
        pub message: Option<String>,
        /// When it was made.
        pub created: i64,
        /// When it ends by itself.
        pub expires: i64,
    }
}

macro_rules! columns {
    () => {
        "id, folder, owner, email, permissions, name, message, created, expires"
    };
}

sql! {
    BY_ID = concat!("SELECT ", columns!(), " FROM share_request WHERE id = $1");
    BY_CODE = concat!("SELECT ", columns!(), " FROM share_request WHERE code_hash = $1");
    ON_FOLDER = concat!("SELECT ", columns!(), " FROM share_request WHERE folder = $1 ORDER BY email_key");
    OF = concat!("SELECT ", columns!(), " FROM share_request WHERE folder = $1 AND email_key = $2");
    OF_OWNER = concat!("SELECT ", columns!(), " FROM share_request WHERE owner = $1 ORDER BY id");
    TO_ADDRESS = concat!("SELECT ", columns!(), " FROM share_request WHERE email_key = $1 ORDER BY id");
    EXPIRED = concat!("SELECT ", columns!(), " FROM share_request WHERE expires <= $1 ORDER BY expires LIMIT 100");
    INSERT = "INSERT INTO share_request (id, folder, owner, email, email_key, permissions, name, message, code_hash, \
              created, expires) VALUES ($1, $2, $3, $4, $5, $6, $7, $8, $9, $10, $11)";
    REMOVE = "DELETE FROM share_request WHERE id = $1";
}

impl Tx<'_> {
    /// The offer with this id.
    pub fn share_request(&mut self, id: i64) -> Stored<Option<ShareRequest>> {
        self.opt(BY_ID, args![id])
    }

    /// The offer that a code belongs to, by the fingerprint of the code.
    pub fn share_request_by_code(&mut self, code_hash: &[u8]) -> Stored<Option<ShareRequest>> {
        self.opt(BY_CODE, args![code_hash])
    }

    /// The offers of one folder.
    pub fn share_requests_of_folder(&mut self, folder: i64) -> Stored<Vec<ShareRequest>> {
        self.all(ON_FOLDER, args![folder])
    }

    /// The offer of a folder to an address.
    pub fn share_request_of(&mut self, folder: i64, email: &str) -> Stored<Option<ShareRequest>> {
        self.opt(OF, args![folder, &email_key(email)])
    }

    /// The offers an account has made, oldest first.
    pub fn share_requests_made(&mut self, owner: i64) -> Stored<Vec<ShareRequest>> {
        self.all(OF_OWNER, args![owner])
    }

    /// The offers to an address, oldest first.
    pub fn share_requests_to(&mut self, email: &str) -> Stored<Vec<ShareRequest>> {
        self.all(TO_ADDRESS, args![&email_key(email)])
    }

    /// Some offers whose time was over at a time.
    pub fn expired_share_requests(&mut self, now: i64) -> Stored<Vec<ShareRequest>> {
        self.all(EXPIRED, args![now])
    }

    /// Adds an offer, with the fingerprint of its code.
    pub fn insert_share_request(&mut self, request: &ShareRequest, code_hash: &[u8]) -> Stored<()> {
        self.exec(
            INSERT,
            args![
                request.id,
                request.folder,
                request.owner,
                &request.email,
                &email_key(&request.email),
                request.permissions,
                &request.name,
                request.message.as_deref(),
                code_hash,
                request.created,
                request.expires
            ],
        )
        .map(drop)
    }

    /// Removes an offer.
    pub fn remove_share_request(&mut self, id: i64) -> Stored<()> {
        self.exec(REMOVE, args![id]).map(drop)
    }
}
