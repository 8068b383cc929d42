//! How much of a term is kept.

use super::MAX_DEPTH;

/// Limits of one term. The first that is reached cuts, and the cut is marked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Budget {
    /// Terms, counting containers and what is in them.
    pub nodes: u32,
    /// Bytes of the encoding.
    pub bytes: u32,
    /// Containers within containers; a container below that is replaced by its type and size.
    pub depth: u8,
    /// Bytes kept of any one binary, so that a long first argument leaves room for the second.
    pub binary: u32,
}

impl Budget {
    /// Arguments and returns.
    pub const ARGUMENTS: Self = Self::new(32, 256, 8);
    /// Messages.
    pub const MESSAGES: Self = Self::new(64, 512, 12);
    /// States of servers.
    pub const STATES: Self = Self::new(512, 8 * 1024, 16);
    /// All there is, for recordings that are replayed.
    pub const FULL: Self = Self {
        binary: 64 * 1024,
        ..Self::new(u32::MAX, 64 * 1024, MAX_DEPTH as u8)
    };

    /// A budget that lets a single binary have half of its bytes.
    pub const fn new(nodes: u32, bytes: u32, depth: u8) -> Self {
        Self {
            nodes,
            bytes,
            depth,
            binary: bytes / 2,
        }
    }
}
