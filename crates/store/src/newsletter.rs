//! The newsletter's list. An address is on it without having an account.

use crate::accounts::email_key;
use crate::record::record;
use crate::{Stored, Tx, args, sql};

record! {
    /// An address on the list.
    pub struct Subscriber {
        /// The address in the form that addresses are compared in.
        pub email_key: String,
        /// The address as it was typed.
        pub email: String,
        /// Whether its owner has agreed.
        pub verified: bool,
        /// When it was put on the list.
        pub created: i64,
    }
}

macro_rules! columns {
    () => {
        "email_key, email, verified, created"
    };
}

sql! {
    BY_EMAIL = concat!("SELECT ", columns!(), " FROM newsletter WHERE email_key = $1");
    BY_VERIFY = concat!("SELECT ", columns!(), " FROM newsletter WHERE verify_hash = $1");
    // An address that is verified stays so.
    PUT = "INSERT INTO newsletter (email_key, email, verified, verify_hash, unsubscribe_hash, created) \
           VALUES ($1, $2, $3, $4, $5, $6) ON CONFLICT (email_key) DO UPDATE SET email = excluded.email, \
           verified = excluded.verified, verify_hash = excluded.verify_hash, created = excluded.created \
           WHERE newsletter.verified = 0";
    VERIFY = "UPDATE newsletter SET verified = 1 WHERE email_key = $1";
    REMOVE = "DELETE FROM newsletter WHERE unsubscribe_hash = $1";
    CLEAR = "DELETE FROM newsletter WHERE verified = 0 AND created < $1";
}

/// An address to be put on the list.
pub struct NewSubscriber<'a> {
    /// The address as it was typed.
    pub email: &'a str,
    /// Whether its owner has agreed already.
    pub verified: bool,
    /// Fingerprint of the code by which its owner agrees.
    pub verify_hash: Option<&'a [u8]>,
    /// Fingerprint of the code that takes it off the list.
    pub unsubscribe_hash: &'a [u8],
    /// Now.
    pub created: i64,
}

impl Tx<'_> {
    /// An address on the list.
    pub fn subscriber(&mut self, email: &str) -> Stored<Option<Subscriber>> {
        self.opt(BY_EMAIL, args![&email_key(email)])
    }

    /// The address whose owner agrees by the code with this fingerprint.
    pub fn subscriber_by_code(&mut self, verify_hash: &[u8]) -> Stored<Option<Subscriber>> {
        self.opt(BY_VERIFY, args![verify_hash])
    }

    /// Puts an address on the list, with a new code if it waits for its owner already. One that is verified stays as
    /// it is.
    pub fn put_subscriber(&mut self, new: &NewSubscriber<'_>) -> Stored<()> {
        self.exec(
            PUT,
            args![
                &email_key(new.email),
                new.email,
                new.verified,
                new.verify_hash,
                new.unsubscribe_hash,
                new.created
            ],
        )
        .map(drop)
    }

    /// Notes that the owner of an address has agreed.
    pub fn verify_subscriber(&mut self, email_key: &str) -> Stored<()> {
        self.exec(VERIFY, args![email_key]).map(drop)
    }

    /// Takes the address off the list whose code has this fingerprint, if it is there.
    pub fn remove_subscriber(&mut self, unsubscribe_hash: &[u8]) -> Stored<()> {
        self.exec(REMOVE, args![unsubscribe_hash]).map(drop)
    }

    /// Forgets addresses whose owners have not agreed since before a time.
    pub fn clear_subscribers(&mut self, before: i64) -> Stored<()> {
        self.exec(CLEAR, args![before]).map(drop)
    }
}
