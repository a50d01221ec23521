//! Passwords: the rules for new ones, slow hashes, and logins by digest.

use crate::call::{Answer, Fail};
use argon2::password_hash::{PasswordHasher, PasswordVerifier};
use argon2::{Argon2, PasswordHash};
use pileus_api::Code;
use sha1::{Digest, Sha1};
use std::sync::Arc;
use tokio::sync::Semaphore;

/// Hashes that are computed at once. Each takes 19 MiB and a core, so more would only be a way to exhaust both.
const PARALLEL_HASHES: usize = 2;

/// Hashes that are computed or wait for their turn. The last one waits for less than a second.
const HASHES_MAX: usize = 64;

/// Passwords longer than this are refused before any work is spent on them.
const PASSWORD_MAX_BYTES: usize = 1024;

/// Computes and checks Argon2id hashes, a bounded number at a time and never on a network thread. Where too many wait for
/// that already, the answer is 4010.
#[derive(Clone, Debug)]
pub struct Hashing {
    queue: Arc<Semaphore>,
    places: Arc<Semaphore>,
}

impl Default for Hashing {
    fn default() -> Self {
        Self {
            queue: Arc::new(Semaphore::new(HASHES_MAX)),
            places: Arc::new(Semaphore::new(PARALLEL_HASHES)),
        }
    }
}

impl Hashing {
    /// The hash of a new password.
    pub async fn hash(&self, password: String) -> Answer<String> {
        let hash = self.run(move || hash(&password)).await?;
        hash.map_err(Fail::internal)
    }

    /// Whether a password fits a hash. Without a hash, for an account that does not exist, the same work is done, so
    /// that the time tells nothing.
    pub async fn verify(&self, password: String, hash: Option<String>) -> Answer<bool> {
        self.run(move || {
            let known = hash.is_some();
            let stand_in = || {
                "$argon2id$v=19$m=19456,t=2,p=1$cGlsZXVzLXBpbGV1cw$6yFVE0eJxC5N4E4mAPKZtd6N3YPBYUZ0M4dGJp6mT1E".to_owned()
            };
            let hash = hash.unwrap_or_else(stand_in);
            let fits = PasswordHash::new(&hash)
                .is_ok_and(|hash| Argon2::default().verify_password(password.as_bytes(), &hash).is_ok());
            fits && known
        })
        .await
    }

    async fn run<T: Send + 'static>(&self, work: impl FnOnce() -> T + Send + 'static) -> Answer<T> {
        let queued = self
            .queue
            .clone()
            .try_acquire_owned()
            .map_err(|_| Code::REQUESTS_LIMITED)?;
        let place = self
            .places
            .clone()
            .acquire_owned()
            .await
            .map_err(Fail::internal)?;
        // Both are held until the work is done, which goes on when the client is gone.
        let work = move || {
            let _places = (queued, place);
            work()
        };
        tokio::task::spawn_blocking(work)
            .await
            .map_err(Fail::internal)
    }
}

/// The Argon2id hash of a password in its usual text form. Takes about 25 ms.
pub fn hash(password: &str) -> Result<String, String> {
    let hash = Argon2::default()
        .hash_password(password.as_bytes())
        .map_err(|error| error.to_string())?;
    Ok(hash.to_string())
}

/// What a client answers to a digest: SHA-1 of password, SHA-1 of the lower-case user name, and digest.
pub fn digest_answer(username: &str, password: &[u8], digest: &str) -> String {
    let user_hash = hex::encode(Sha1::digest(username.to_ascii_lowercase().as_bytes()));
    let mut sha1 = Sha1::new();
    sha1.update(password);
    sha1.update(user_hash.as_bytes());
    sha1.update(digest.as_bytes());
    hex::encode(sha1.finalize())
}

/// Checks the rules for a new password; the first one that is broken decides the code.
pub fn check_rules(password: &str) -> Result<(), Code> {
    // No code of pCloud says that a password is too long; its own limit is not known.
    if password.len() > PASSWORD_MAX_BYTES {
        return Err(Code::WRONG_FORM);
    }
    if password.starts_with(char::is_whitespace) || password.ends_with(char::is_whitespace) {
        return Err(Code::PASSWORD_BLANK);
    }
    if password.chars().count() < 6 {
        return Err(Code::PASSWORD_SHORT);
    }
    let mut different: Vec<char> = password.chars().collect();
    different.sort_unstable();
    different.dedup();
    if different.len() < 4 {
        return Err(Code::PASSWORD_REPEATS);
    }
    if is_sequence(password) {
        return Err(Code::PASSWORD_SEQUENCE);
    }
    Ok(())
}

/// Rows of neighbours: the alphabet, the digits, and the rows of a keyboard.
const ROWS: [&str; 6] = [
    "abcdefghijklmnopqrstuvwxyz",
    "0123456789",
    "1234567890",
    "qwertyuiop",
    "asdfghjkl",
    "zxcvbnm",
];

/// Whether the whole password is one run along such a row, up or down, in any letter case.
fn is_sequence(password: &str) -> bool {
    let password = password.to_lowercase();
    let backwards: String = password.chars().rev().collect();
    ROWS.iter()
        .any(|row| row.contains(&password) || row.contains(&backwards))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rules() {
        for (password, expected) in [
            (" abcdefg1", Err(Code::PASSWORD_BLANK)),
            ("ab1$", Err(Code::PASSWORD_SHORT)),
            ("aaabbbccc", Err(Code::PASSWORD_REPEATS)),
            ("abcdef", Err(Code::PASSWORD_SEQUENCE)),
            ("987654", Err(Code::PASSWORD_SEQUENCE)),
            ("QwErTy", Err(Code::PASSWORD_SEQUENCE)),
            ("poiuyt", Err(Code::PASSWORD_SEQUENCE)),
            ("correct horse", Ok(())),
            ("abcdefx", Ok(())),
        ] {
            assert_eq!(check_rules(password), expected, "{password}");
        }
    }

    #[test]
    fn the_published_digest_vector() {
        assert_eq!(
            digest_answer(
                "User@Example.com",
                b"Secret1",
                "YGtAxbUpI85Zvs7lC7Z62rBwv907TBXhV2L867Hkh"
            ),
            "eeba5a43d8d3212f05e42cfa938200c8fdab6156"
        );
    }

    #[test]
    fn a_password_that_is_too_long_is_not_called_blank() {
        let long = |bytes: usize| "abcd1".chars().cycle().take(bytes).collect::<String>();
        assert_eq!(check_rules(&long(1024)), Ok(()));
        assert_eq!(check_rules(&long(1025)), Err(Code::WRONG_FORM));
    }

    #[tokio::test]
    async fn the_queue_has_an_end() {
        let hashing = Hashing::default();
        let hold = hashing.places.clone().acquire_many_owned(2).await.unwrap();
        let verify = || {
            let hashing = hashing.clone();
            tokio::spawn(async move { hashing.verify("Secret1".into(), None).await })
        };
        let waiting: Vec<_> = (0..HASHES_MAX).map(|_| verify()).collect();
        while hashing.queue.available_permits() > 0 {
            tokio::task::yield_now().await;
        }
        let refused = verify().await.unwrap();
        assert_eq!(refused.unwrap_err().code, Code::REQUESTS_LIMITED);
        drop(hold);
        // Those who give up make room.
        for task in waiting {
            task.abort();
            let _ = task.await;
        }
        assert!(!verify().await.unwrap().unwrap());
    }

    #[tokio::test]
    async fn hashes_verify() {
        let hashing = Hashing::default();
        let hash = hashing.hash("Secret1".into()).await.unwrap();
        assert!(
            hashing
                .verify("Secret1".into(), Some(hash.clone()))
                .await
                .unwrap()
        );
        assert!(!hashing.verify("Secret2".into(), Some(hash)).await.unwrap());
        assert!(!hashing.verify("Secret1".into(), None).await.unwrap());
    }
}
