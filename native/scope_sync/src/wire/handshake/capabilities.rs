//! What a node grants to its peers.

use std::ops::BitOr;

/// A set of capabilities. Those that this version has no name for are kept, and mean nothing here.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Capabilities(u64);

impl Capabilities {
    /// Its events are recorded and exchanged.
    pub const RECORD: Self = Self(1);
    /// It answers questions.
    pub const QUERY: Self = Self(1 << 1);
    /// Its functions may be traced.
    pub const TRACE: Self = Self(1 << 2);
    /// Its processes may be stopped and looked into, and code evaluated.
    pub const DEBUG: Self = Self(1 << 3);
    /// Recordings may be replayed on it.
    pub const REPLAY: Self = Self(1 << 4);
    /// Messages and failures may be injected.
    pub const INJECT: Self = Self(1 << 5);

    /// The set with these bits.
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// All bits, also those without a name.
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether all of `other` are granted.
    pub const fn contains(self, other: Self) -> bool {
        self.0 & other.0 == other.0
    }
}

impl BitOr for Capabilities {
    type Output = Self;

    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
