//! What there is to tell.

use crate::disk::Cut;

/// What came of a call of [`Store::tend`](crate::Store::tend).
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Tended {
    /// When to call again, in milliseconds since 1970; `None`: after the next block is closed.
    pub next_ms: Option<u64>,
    /// What should be told, one line each.
    pub notices: Vec<Notice>,
}

/// Something that an operator wants to know once.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// The folder cannot be written. Blocks stay in memory until it can.
    Degraded {
        /// What the file system says.
        reason: String,
    },
    /// The folder can be written again.
    Recovered {
        /// Events that there was no room for meanwhile; they are recorded as one gap.
        lost: u64,
    },
    /// A segment could not be sealed; it stays as it is and is tried again.
    NotSealed {
        /// What the file system says.
        reason: String,
    },
    /// A file was whole only up to some point when it was opened.
    Cut(Cut),
}
