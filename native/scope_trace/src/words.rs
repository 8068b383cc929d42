//! A hash of machine words, for maps that never leave the process.

use std::hash::{BuildHasherDefault, Hasher};

/// Words come from the machine's own tables, not from a peer: a keyed hash would guard nothing.
pub(crate) type Words = BuildHasherDefault<WordHasher>;

/// Spreads a word over all bits; the multiplier is 2^64 over the golden ratio (Knuth, volume 3, 6.4).
#[derive(Clone, Copy, Default)]
pub(crate) struct WordHasher(u64);

impl Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write_u64(&mut self, word: u64) {
        let wide = u128::from(self.0 ^ word) * 0x9e37_79b9_7f4a_7c15_u128;
        self.0 = (wide as u64) ^ ((wide >> 64) as u64);
    }

    fn write(&mut self, bytes: &[u8]) {
        for byte in bytes {
            self.write_u64(u64::from(*byte));
        }
    }
}
