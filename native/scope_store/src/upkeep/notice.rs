//! What there is to tell.

use crate::disk::Cut;
use std::fmt;

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

impl fmt::Display for Notice {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Degraded { reason } => write!(
                f,
                "the data folder cannot be written ({reason}); blocks stay in memory until it can"
            ),
            Self::Recovered { lost: 0 } => f.write_str("the data folder can be written again"),
            Self::Recovered { lost } => write!(
                f,
                "the data folder can be written again; there was no room for {lost} events"
            ),
            Self::NotSealed { reason } => {
                write!(
                    f,
                    "a segment could not be sealed ({reason}); it is tried again"
                )
            }
            Self::Cut(cut) => write!(
                f,
                "segment {} was whole up to byte {} only; {} bytes are left out",
                cut.segment, cut.at, cut.bytes
            ),
        }
    }
}
