//! The name of a blob.

use std::fmt;
use std::str::FromStr;

use crate::{Error, Result};

/// The random name of a blob: 128 bits, written as 32 lower-case hexadecimal digits.
///
/// Keys are random and not derived from the content, so that writing never has to look
/// whether a key exists, and so that knowing a content does not reveal whether it is stored.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct BlobKey([u8; 16]);

impl BlobKey {
    /// Draws a new key from the random source of the operating system.
    ///
    /// # Errors
    ///
    /// When the operating system gives no random bytes.
    pub(crate) fn random() -> Result<Self> {
        let mut bytes = [0; 16];
        getrandom::fill(&mut bytes)
            .map_err(|e| Error::io("drawing a blob key", std::io::Error::other(e)))?;
        Ok(Self(bytes))
    }

    /// The key with these bytes, as kept by the metadata.
    pub const fn from_bytes(bytes: [u8; 16]) -> Self {
        Self(bytes)
    }

    /// The bytes of the key, as kept by the metadata.
    pub const fn as_bytes(&self) -> &[u8; 16] {
        &self.0
    }

    /// The first of the two directories a blob lies in. 256 times 256 directories keep each
    /// of them small up to hundreds of millions of blobs.
    pub(crate) fn branch(&self) -> String {
        format!("{:02x}", self.0[0])
    }

    /// The second of the two directories a blob lies in.
    pub(crate) fn leaf(&self) -> String {
        format!("{:02x}", self.0[1])
    }

    /// The directory a blob lies in, as one number.
    pub(crate) fn leaf_number(&self) -> u16 {
        u16::from_be_bytes([self.0[0], self.0[1]])
    }
}

impl fmt::Display for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for byte in self.0 {
            write!(f, "{byte:02x}")?;
        }
        Ok(())
    }
}

impl fmt::Debug for BlobKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "BlobKey({self})")
    }
}

impl FromStr for BlobKey {
    type Err = InvalidKey;

    fn from_str(text: &str) -> Result<Self, InvalidKey> {
        // One spelling per key: a listing must not report one blob under two names.
        if text.bytes().any(|c| c.is_ascii_uppercase()) {
            return Err(InvalidKey);
        }
        let mut bytes = [0; 16];
        hex::decode_to_slice(text, &mut bytes).map_err(|_| InvalidKey)?;
        Ok(Self(bytes))
    }
}

/// A text that is not 32 lower-case hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub struct InvalidKey;

impl fmt::Display for InvalidKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a blob key is 32 lower-case hexadecimal digits")
    }
}

impl std::error::Error for InvalidKey {}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_round_trip() {
        let key = BlobKey::random().unwrap();
        assert_eq!(key.to_string().parse(), Ok(key));
        assert_eq!(BlobKey::from_bytes(*key.as_bytes()), key);
    }

    #[test]
    fn two_keys_differ() {
        assert_ne!(BlobKey::random().unwrap(), BlobKey::random().unwrap());
    }

    #[test]
    fn two_levels_of_directories() {
        let key: BlobKey = "abcd0000000000000000000000000001".parse().unwrap();
        assert_eq!(
            (key.branch(), key.leaf()),
            ("ab".to_owned(), "cd".to_owned())
        );
        assert_eq!(key.leaf_number(), 0xabcd);
    }

    #[test]
    fn other_spellings_are_refused() {
        for text in [
            "",
            "abcd",
            "ABCD0000000000000000000000000001",
            "abcd000000000000000000000000000g",
            "abcd00000000000000000000000000011",
            " bcd0000000000000000000000000001",
        ] {
            assert_eq!(text.parse::<BlobKey>(), Err(InvalidKey), "{text:?}");
        }
    }
}
