//! Keys that lie outside the database: what is stolen with a copy of the database stays closed without them.

use aes_gcm::aead::{Aead, KeyInit};
use aes_gcm::{Aes256Gcm, Nonce};
use hmac::{Hmac, Mac};
use sha2::{Digest, Sha256};
use std::io::{self, Write};
use std::path::Path;
use zeroize::Zeroizing;

const KEY_BYTES: usize = 32;
const NONCE_BYTES: usize = 12;

/// Length of the signatures of [`Secrets::sign`]. 128 bits cannot be guessed, and links stay short.
pub const SIGNATURE_BYTES: usize = 16;

/// The server's keys, all derived from one file.
pub struct Secrets {
    sealing: Aes256Gcm,
    signing: Zeroizing<[u8; KEY_BYTES]>,
    /// Something sealed that is opened in place of what is not there.
    stand_in: Vec<u8>,
}

impl Secrets {
    /// Reads the key file, or makes one that only its owner can read.
    pub fn load(file: &Path) -> io::Result<Self> {
        match std::fs::read(file) {
            Ok(key) => Self::from_master(&Zeroizing::new(key)),
            Err(error) if error.kind() == io::ErrorKind::NotFound => Self::create(file),
            Err(error) => Err(error),
        }
    }

    fn create(file: &Path) -> io::Result<Self> {
        use std::os::unix::fs::OpenOptionsExt;
        let master = Zeroizing::new(random::<KEY_BYTES>()?);
        let mut out = std::fs::OpenOptions::new()
            .write(true)
            .create_new(true)
            .mode(0o600)
            .open(file)?;
        out.write_all(master.as_slice())?;
        // The database will hold what only this key opens, so it has to survive what the database survives.
        out.sync_all()?;
        if let Some(folder) = file.parent() {
            std::fs::File::open(folder)?.sync_all()?;
        }
        Self::from_master(master.as_slice())
    }

    fn from_master(master: &[u8]) -> io::Result<Self> {
        if master.len() != KEY_BYTES {
            return Err(io::Error::new(
                io::ErrorKind::InvalidData,
                "the key file has the wrong length",
            ));
        }
        let sealing = derive(master, b"pileus sealing 1");
        let sealing = Aes256Gcm::new_from_slice(sealing.as_slice()).map_err(io::Error::other)?;
        let mut secrets = Self {
            sealing,
            signing: derive(master, b"pileus signing 1"),
            stand_in: Vec::new(),
        };
        secrets.stand_in = secrets.seal(b"as long as most")?;
        Ok(secrets)
    }

    /// Encrypts something for the database.
    pub fn seal(&self, clear: &[u8]) -> io::Result<Vec<u8>> {
        let nonce = random::<NONCE_BYTES>()?;
        let sealed = self
            .sealing
            .encrypt(&Nonce::from(nonce), clear)
            .map_err(|_| io::Error::other("sealing failed"))?;
        Ok([nonce.as_slice(), &sealed].concat())
    }

    /// Opens what [`Self::seal`] made; `None` if it is damaged or made with another key.
    pub fn unseal(&self, sealed: &[u8]) -> Option<Zeroizing<Vec<u8>>> {
        let (nonce, sealed) = sealed.split_at_checked(NONCE_BYTES)?;
        let nonce: [u8; NONCE_BYTES] = nonce.try_into().ok()?;
        self.sealing
            .decrypt(&Nonce::from(nonce), sealed)
            .ok()
            .map(Zeroizing::new)
    }

    /// The same for what may not be there, which takes as long then and answers `None`.
    pub fn unseal_any(&self, sealed: Option<&[u8]>) -> Option<Zeroizing<Vec<u8>>> {
        let opened = self.unseal(sealed.unwrap_or(&self.stand_in));
        opened.filter(|_| sealed.is_some())
    }

    /// Signs a message for one purpose.
    pub fn sign(&self, purpose: &str, message: &[u8]) -> [u8; SIGNATURE_BYTES] {
        let mut signature = [0; SIGNATURE_BYTES];
        signature.copy_from_slice(
            &mac(self.signing.as_slice(), purpose.as_bytes(), message)[..SIGNATURE_BYTES],
        );
        signature
    }

    /// Checks a signature in constant time.
    pub fn verify(&self, purpose: &str, message: &[u8], signature: &[u8]) -> bool {
        use subtle::ConstantTimeEq;
        self.sign(purpose, message).ct_eq(signature).into()
    }
}

fn mac(key: &[u8], purpose: &[u8], message: &[u8]) -> [u8; 32] {
    // HMAC takes keys of any length, so this cannot fail; an all-zero answer would merely verify nothing.
    let Ok(mut mac) = <Hmac<Sha256> as KeyInit>::new_from_slice(key) else {
        return [0; 32];
    };
    mac.update(purpose);
    mac.update(&[0]);
    mac.update(message);
    mac.finalize().into_bytes().into()
}

fn derive(master: &[u8], label: &[u8]) -> Zeroizing<[u8; KEY_BYTES]> {
    Zeroizing::new(mac(master, label, b""))
}

/// Random bytes from the operating system.
pub fn random<const N: usize>() -> io::Result<[u8; N]> {
    let mut bytes = [0; N];
    getrandom::fill(&mut bytes).map_err(io::Error::other)?;
    Ok(bytes)
}

/// A fresh secret of letters and digits: 160 bits, which is 27 characters of base 62 and fits the small buffers of old
/// clients.
pub fn random_token() -> io::Result<String> {
    const ALPHABET: &[u8; 64] = b"ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789ab";
    // 36 characters of at least 5.9 bits each. Two letters are twice as likely, which costs less than a bit in all.
    let bytes = random::<36>()?;
    Ok(bytes
        .iter()
        .map(|byte| char::from(ALPHABET[usize::from(byte % 64)]))
        .collect())
}

/// What the database keeps of a random secret. A plain hash does: there are too many secrets to try.
pub fn fingerprint(secret: &str) -> [u8; 32] {
    Sha256::digest(secret.as_bytes()).into()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_sealed_opens_only_with_the_key() {
        let dir = tempfile::tempdir().unwrap();
        let secrets = Secrets::load(&dir.path().join("a.key")).unwrap();
        let again = Secrets::load(&dir.path().join("a.key")).unwrap();
        let other = Secrets::load(&dir.path().join("b.key")).unwrap();
        let sealed = secrets.seal(b"clear").unwrap();
        assert_eq!(again.unseal(&sealed).unwrap().as_slice(), b"clear");
        assert!(other.unseal(&sealed).is_none());
        assert!(secrets.unseal(&sealed[1..]).is_none());
        let opened = secrets.unseal_any(Some(&sealed));
        assert_eq!(opened.unwrap().as_slice(), b"clear");
        assert!(secrets.unseal_any(None).is_none());
        let signature = secrets.sign("links", b"message");
        assert!(again.verify("links", b"message", &signature));
        assert!(!again.verify("digests", b"message", &signature));
        assert!(!other.verify("links", b"message", &signature));
    }

    #[test]
    fn tokens_are_url_safe() {
        let token = random_token().unwrap();
        assert_eq!(token.len(), 36);
        assert!(token.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }
}
