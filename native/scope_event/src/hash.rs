//! The one hash of the format, and the hashes of names that the digest is made of.

use crate::pid::Pid;
use std::hash::{BuildHasherDefault, Hasher};
use xxhash_rust::xxh3::xxh3_64;

/// Hash of bytes. Part of the format: xxh3, 64 bits, no seed.
pub(crate) fn bytes(bytes: &[u8]) -> u64 {
    xxh3_64(bytes)
}

/// Hash of a pid: its three numbers, little-endian, then the node's name.
pub(crate) fn pid(pid: &Pid) -> u64 {
    let mut form = Vec::with_capacity(12 + pid.node.len());
    for part in [pid.id, pid.serial, pid.creation] {
        form.extend_from_slice(&part.to_le_bytes());
    }
    form.extend_from_slice(pid.node.as_bytes());
    bytes(&form)
}

/// Hasher for machine words in maps that never leave the process. Words come from the machine's own
/// tables, not from a peer, so nothing is gained by a keyed hash.
#[derive(Clone, Copy, Default)]
pub(crate) struct WordHasher(u64);

/// State of maps keyed by words.
pub(crate) type Words = BuildHasherDefault<WordHasher>;

/// Spreads a word over all bits; the multiplier is 2^64 over the golden ratio.
pub(crate) fn spread(word: u64) -> u64 {
    let wide = u128::from(word) * 0x9e37_79b9_7f4a_7c15_u128;
    (wide as u64) ^ ((wide >> 64) as u64)
}

impl Hasher for WordHasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.write_u64(xxh3_64(bytes));
    }

    fn write_u8(&mut self, word: u8) {
        self.write_u64(u64::from(word));
    }

    fn write_u32(&mut self, word: u32) {
        self.write_u64(u64::from(word));
    }

    fn write_u64(&mut self, word: u64) {
        self.0 = spread(self.0.rotate_left(23) ^ word);
    }
}
