//! Bytes that were hashed before.

use crate::Hasher;

/// Takes the place of hashing bytes that are copied from a content, behind bytes that are the same as there.
///
/// Then the hashes come to the state that they came to when the content was stored. That it is these bytes that are
/// copied is the caller's word. A disk may break it: so their CRC-32 is computed, which costs a twentieth of the other
/// hashes, and has to be the one of then. It is no guard against bytes that somebody chose.
#[derive(Clone, Debug)]
pub struct KnownBytes {
    /// Bytes that have to come yet.
    left: u64,
    crc32: crc32fast::Hasher,
    after: Hasher,
}

impl KnownBytes {
    /// The bytes between two states of the hashes of a content. `None` if there are none.
    pub fn between(before: &Hasher, after: Hasher) -> Option<Self> {
        let left = after.size().checked_sub(before.size())?;
        (left > 0).then(|| Self {
            left,
            crc32: before.sha.crc32.clone(),
            after,
        })
    }

    /// How many bytes have to come yet.
    pub fn left(&self) -> u64 {
        self.left
    }

    /// Takes the next bytes, of which there must not be more than are [`left`](Self::left).
    pub fn update(&mut self, bytes: &[u8]) {
        self.left = self.left.saturating_sub(bytes.len() as u64);
        self.crc32.update(bytes);
    }

    /// The state of the hashes after all bytes. `None` if they are not those that were hashed before.
    pub fn finish(self) -> Option<Hasher> {
        let expected = self.after.sha.crc32.clone().finalize();
        (self.left == 0 && self.crc32.finalize() == expected).then_some(self.after)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn after(bytes: &[u8]) -> Hasher {
        let mut hasher = Hasher::new();
        hasher.update(bytes);
        hasher
    }

    fn copied(before: &[u8], content: &[u8], bytes: &[u8]) -> Option<Hasher> {
        let mut known = KnownBytes::between(&after(before), after(content)).unwrap();
        for piece in bytes.chunks(7) {
            known.update(piece);
        }
        known.finish()
    }

    #[test]
    fn only_the_bytes_of_then_lead_to_the_state_of_then() {
        let content: Vec<u8> = (0..200).collect();
        let (before, bytes) = content.split_at(64);
        assert_eq!(copied(before, &content, bytes), Some(after(&content)));
        for place in 0..bytes.len() {
            let mut damaged = bytes.to_vec();
            damaged[place] ^= 1;
            assert_eq!(copied(before, &content, &damaged), None, "{place}");
        }
        assert_eq!(copied(before, &content, &bytes[1..]), None, "too few");
        // The state of another content.
        assert_eq!(copied(before, &[before, &[0; 136]].concat(), bytes), None);
        assert_eq!(copied(&[0; 64], &content, bytes), None);
    }

    #[test]
    fn there_is_nothing_between_a_state_and_an_earlier_one() {
        assert!(KnownBytes::between(&after(b"ab"), after(b"ab")).is_none());
        assert!(KnownBytes::between(&after(b"abc"), after(b"ab")).is_none());
    }
}
