//! The hashes of a content, and computing them bit by bit.

use std::fmt;

use sha1::Digest as _;
use sha1::digest::common::hazmat::{SerializableState, SerializedState};

use crate::md5::Md5;

/// Size and hashes of a content.
#[derive(Clone, PartialEq, Eq, Hash, Debug)]
pub struct Digests {
    /// Length in bytes.
    pub size: u64,
    /// SHA-1, the checksum of the API in every region.
    pub sha1: [u8; 20],
    /// SHA-256, the checksum of the API's European region and the identity of a content.
    pub sha256: [u8; 32],
    /// MD5, the checksum of the API's American region.
    pub md5: [u8; 16],
    /// CRC-32 as in zip archives: lets an archive be streamed with its length known.
    pub crc32: u32,
}

impl Digests {
    /// The digests of `bytes`, computed here and now: about 4 µs per KiB.
    pub fn of(bytes: &[u8]) -> Self {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        hasher.finish()
    }

    /// The 64-bit `hash` that the API shows for a file version.
    ///
    /// It is the first eight bytes of the SHA-256, read as a little-endian number, and 1 in
    /// place of 0, because clients take 0 for "unknown".
    pub fn hash(&self) -> u64 {
        let [a, b, c, d, e, f, g, h, ..] = self.sha256;
        u64::from_le_bytes([a, b, c, d, e, f, g, h]).max(1)
    }
}

/// Computes [`Digests`] of a content that arrives in pieces.
///
/// The state can be saved and restored, so that a resumable upload survives a restart of the
/// server without reading again what has arrived.
#[derive(Clone, Default)]
pub struct Hasher {
    pub(crate) sha: ShaHasher,
    pub(crate) md5: Md5,
}

/// First byte of a saved state; changes when the layout does.
const SAVED_VERSION: u8 = 1;

impl Hasher {
    /// A hasher that has seen no bytes.
    pub fn new() -> Self {
        Self::default()
    }

    /// Takes the next bytes of the content.
    pub fn update(&mut self, bytes: &[u8]) {
        self.sha.update(bytes);
        self.md5.update(bytes);
    }

    /// How many bytes were taken so far.
    pub fn size(&self) -> u64 {
        self.sha.size
    }

    /// The digests of everything that was taken.
    pub fn finish(self) -> Digests {
        self.sha.finish(self.md5.finish())
    }

    /// The state as bytes, about 300 of them, for [`Hasher::restore`].
    ///
    /// They contain up to 63 bytes of the content: what does not fill a block of the hash
    /// functions yet.
    pub fn save(&self) -> Vec<u8> {
        let mut saved = vec![SAVED_VERSION];
        saved.extend_from_slice(&self.sha.size.to_le_bytes());
        saved.extend_from_slice(&self.sha.crc32.clone().finalize().to_le_bytes());
        saved.extend_from_slice(&self.sha.sha1.serialize());
        saved.extend_from_slice(&self.sha.sha256.serialize());
        saved.extend_from_slice(&self.md5.save());
        saved.extend_from_slice(&crc32fast::hash(&saved).to_le_bytes());
        saved
    }

    /// The hasher that [`Hasher::save`] was called on.
    ///
    /// Answers `None` when `saved` is damaged or was written by another version of this crate.
    /// The caller then has to read the content again.
    pub fn restore(saved: &[u8]) -> Option<Self> {
        let (saved, crc) = saved.split_last_chunk::<4>()?;
        if crc32fast::hash(saved) != u32::from_le_bytes(*crc) {
            return None;
        }
        let (&[SAVED_VERSION], mut rest) = saved.split_first_chunk::<1>()? else {
            return None;
        };
        let size = u64::from_le_bytes(*take::<8>(&mut rest)?);
        let crc32 = u32::from_le_bytes(*take::<4>(&mut rest)?);
        let sha1 = restore_state(&mut rest)?;
        let sha256 = restore_state(&mut rest)?;
        let md5 = Md5::restore(take(&mut rest)?, size);
        let crc32 = crc32fast::Hasher::new_with_initial_len(crc32, size);
        rest.is_empty().then_some(Self {
            sha: ShaHasher {
                size,
                sha1,
                sha256,
                crc32,
            },
            md5,
        })
    }
}

/// Equal hashers have taken equal bytes.
impl PartialEq for Hasher {
    fn eq(&self, other: &Self) -> bool {
        self.save() == other.save()
    }
}

impl Eq for Hasher {}

impl fmt::Debug for Hasher {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Hasher")
            .field("size", &self.size())
            .finish_non_exhaustive()
    }
}

/// Splits `N` bytes off the front.
fn take<'a, const N: usize>(rest: &mut &'a [u8]) -> Option<&'a [u8; N]> {
    let (head, tail) = rest.split_first_chunk()?;
    *rest = tail;
    Some(head)
}

/// Splits the serialized state of one hash function off the front.
fn restore_state<H: SerializableState>(rest: &mut &[u8]) -> Option<H> {
    let mut state = SerializedState::<H>::default();
    let (head, tail) = rest.split_at_checked(state.len())?;
    state.copy_from_slice(head);
    *rest = tail;
    H::deserialize(&state).ok()
}

/// How much the hash functions of [`ShaHasher`] take in turn, so that the second and third
/// find the bytes in the first-level cache.
const PIECE_BYTES: usize = 16 * 1024;

/// Everything but MD5: about the work of MD5, so that two processor cores share a content
/// evenly.
#[derive(Clone, Default)]
pub(crate) struct ShaHasher {
    pub(crate) size: u64,
    sha1: sha1::Sha1,
    sha256: sha2::Sha256,
    pub(crate) crc32: crc32fast::Hasher,
}

impl ShaHasher {
    pub(crate) fn update(&mut self, bytes: &[u8]) {
        for piece in bytes.chunks(PIECE_BYTES) {
            self.sha256.update(piece);
            self.sha1.update(piece);
            self.crc32.update(piece);
        }
        self.size += bytes.len() as u64;
    }

    /// The digests, together with the MD5 that was computed elsewhere.
    pub(crate) fn finish(self, md5: [u8; 16]) -> Digests {
        Digests {
            size: self.size,
            sha1: self.sha1.finalize().into(),
            sha256: self.sha256.finalize().into(),
            md5,
            crc32: self.crc32.finalize(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    #[test]
    fn known_vectors() {
        let empty = Digests::of(b"");
        assert_eq!(empty.size, 0);
        assert_eq!(
            hex::encode(empty.sha1),
            "da39a3ee5e6b4b0d3255bfef95601890afd80709"
        );
        assert_eq!(
            hex::encode(empty.sha256),
            "e3b0c44298fc1c149afbf4c8996fb92427ae41e4649b934ca495991b7852b855"
        );
        assert_eq!(hex::encode(empty.md5), "d41d8cd98f00b204e9800998ecf8427e");
        assert_eq!(empty.crc32, 0);

        let check = Digests::of(b"123456789");
        assert_eq!(check.size, 9);
        assert_eq!(
            hex::encode(check.sha1),
            "f7c3bc1d808e04732adf679965ccc34ca7ae3441"
        );
        assert_eq!(
            hex::encode(check.sha256),
            "15e2b0d3c33891ebb0f1ef609ec419420c20e320ce94c65fbc8c3312448eb225"
        );
        assert_eq!(hex::encode(check.md5), "25f9e794323b453885f5181f1b624d0b");
        assert_eq!(check.crc32, 0xcbf4_3926);
    }

    #[test]
    fn hash_is_little_endian_and_never_zero() {
        let mut digests = Digests::of(b"");
        assert_eq!(digests.hash(), 0x141c_fc98_42c4_b0e3);
        digests.sha256[..8].fill(0);
        assert_eq!(digests.hash(), 1);
    }

    #[test]
    fn every_flipped_bit_of_a_saved_state_is_noticed() {
        let mut hasher = Hasher::new();
        hasher.update(&[7; 1000]);
        let saved = hasher.save();
        assert_eq!(
            Hasher::restore(&saved).unwrap().finish(),
            Digests::of(&[7; 1000])
        );
        for bit in 0..saved.len() * 8 {
            let mut damaged = saved.clone();
            damaged[bit / 8] ^= 1 << (bit % 8);
            assert!(Hasher::restore(&damaged).is_none(), "bit {bit}");
        }
        for length in 0..saved.len() {
            assert!(
                Hasher::restore(&saved[..length]).is_none(),
                "length {length}"
            );
        }
    }

    proptest! {
        #[test]
        fn pieces_and_saved_states_change_nothing(
            content in proptest::collection::vec(any::<u8>(), 0..3000),
            cuts in proptest::collection::vec((0usize..400, any::<bool>()), 0..12),
        ) {
            let mut hasher = Hasher::new();
            let mut rest = &content[..];
            for (length, save) in cuts {
                let (piece, tail) = rest.split_at(length.min(rest.len()));
                hasher.update(piece);
                rest = tail;
                if save {
                    hasher = Hasher::restore(&hasher.save()).unwrap();
                }
            }
            hasher.update(rest);
            prop_assert_eq!(hasher.size(), content.len() as u64);
            prop_assert_eq!(hasher.finish(), Digests::of(&content));
        }

        #[test]
        fn any_bytes_may_be_given_to_restore(bytes in proptest::collection::vec(any::<u8>(), 0..600)) {
            // Accepting random bytes would need a CRC-32 that fits by chance.
            prop_assert!(Hasher::restore(&bytes).is_none());
        }
    }
}
