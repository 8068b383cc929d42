//! The beginning of a message, up to where some budget may cut.

use super::mix;

/// What the outline takes at most of the smallest budget that messages are recorded by, which is 64
/// terms, 512 bytes, 12 deep and 256 bytes of each binary: the rest is for ends of containers.
const BYTES: u32 = 384;
const TERMS: u32 = 48;
const DEPTH: usize = 10;
pub(super) const BINARY: u64 = 256;

/// The beginning of a message. What it costs is counted the same on every node: by the most that
/// anyone writes it in.
#[derive(Default)]
pub(super) struct Outline {
    pub(super) hash: u64,
    bytes: u32,
    terms: u32,
    /// How many maps are open: what is in one has no order, and counts when all of it was seen.
    pub(super) maps: u32,
    /// Nothing more counts.
    pub(super) over: bool,
}

impl Outline {
    pub(super) fn pay(&mut self, bytes: u32, depth: usize) {
        self.bytes = self.bytes.saturating_add(bytes);
        self.terms += 1;
        self.over |= self.bytes > BYTES || self.terms > TERMS || depth > DEPTH;
    }

    pub(super) fn add(&mut self, word: u64) {
        if !self.over && self.maps == 0 {
            self.hash = mix(self.hash, word);
        }
    }
}
