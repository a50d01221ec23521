//! Cheap pseudo-random bytes, so that no two uploads have the same content.

/// A xorshift64* generator. Its bytes do not compress and do not repeat, which is all that file
/// contents of a benchmark need; making 4 KiB costs about half a microsecond.
pub struct Noise {
    state: u64,
}

impl Noise {
    /// A generator whose sequence depends on `seed` alone.
    pub fn new(seed: u64) -> Self {
        // Neighbouring seeds are spread over all 64 bits, and the state must never be 0.
        Self {
            state: seed.wrapping_add(1).wrapping_mul(0x9e37_79b9_7f4a_7c15) | 1,
        }
    }

    /// The next 64 bits.
    pub fn next(&mut self) -> u64 {
        self.state ^= self.state >> 12;
        self.state ^= self.state << 25;
        self.state ^= self.state >> 27;
        self.state.wrapping_mul(0x2545_f491_4f6c_dd1d)
    }

    /// Overwrites `bytes` with new random content.
    pub fn fill(&mut self, bytes: &mut [u8]) {
        for chunk in bytes.chunks_mut(8) {
            let word = self.next().to_le_bytes();
            chunk.copy_from_slice(&word[..chunk.len()]);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::Noise;

    #[test]
    fn contents_differ_between_calls_and_seeds() {
        let mut first = Noise::new(0);
        let mut second = Noise::new(1);
        let mut contents = [[0_u8; 13]; 3];
        first.fill(&mut contents[0]);
        first.fill(&mut contents[1]);
        second.fill(&mut contents[2]);
        assert_ne!(contents[0], contents[1]);
        assert_ne!(contents[0], contents[2]);
        assert_ne!(contents[0], [0; 13]);
    }
}
