//! Blocks: one contiguous range of one origin's events, closed, checked and self-contained.

mod builder;
mod closed;
mod codec;
mod columns;
mod consolidate;
mod dictionary;
mod digest;
mod event;
mod events;
mod gather;
pub(crate) mod header;
pub(crate) mod intake;
mod numbered;
pub(crate) mod payloads;
pub(crate) mod rows;
mod wire;

pub use builder::{BlockBuilder, Full};
pub use closed::Block;
pub use codec::Codec;
pub use columns::{Columns, Part, Wanted};
pub use consolidate::{consolidate, fits_together};
pub use dictionary::{Dictionary, Key, KeySubject};
pub use event::{EventView, SubjectView};
pub use events::Events;
pub use gather::{GatherBuilder, Gathered, NotGathered};
pub use header::{Anchor, Counts, Header};
pub use numbered::Numbered;

use crate::bytes::Short;
use crate::term::TermError;

/// Events that a block holds at most.
pub const MAX_EVENTS: usize = 16 * 1024;

/// Raw size at which an open block is full.
pub const FULL_BYTES: usize = 192 * 1024;

/// Bytes that the columns of a block have at most before compression. No builder comes near: it is
/// what a reader will spend on a hostile block.
pub const MAX_RAW_BYTES: u64 = 1024 * 1024;

/// The version of the format that this crate writes. It reads all versions up to it.
pub const VERSION: u8 = 1;

/// Why bytes are not a block, or not a readable one.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum BlockError {
    /// The bytes end within the block, or a number in it is impossible.
    #[error("a block ends too early")]
    Short,
    /// The first bytes are not those of a block.
    #[error("not a block")]
    Magic,
    /// A later version of the format.
    #[error("block version {0} is newer than this reader")]
    Version(u8),
    /// The bytes were changed: the checksum differs.
    #[error("a block's checksum is {found:#010x}, not {stated:#010x}")]
    Checksum {
        /// What the block says.
        stated: u32,
        /// What its bytes give.
        found: u32,
    },
    /// A codec that this build cannot read.
    #[error("block codec {0} cannot be read here")]
    Codec(u8),
    /// A column does not decompress to the size it states.
    #[error("a column does not decompress")]
    Compressed,
    /// Columns contradict each other, the dictionary or the header.
    #[error("a block contradicts itself: {0}")]
    Content(&'static str),
    /// A term in the block is damaged.
    #[error(transparent)]
    Term(#[from] TermError),
    /// The events are not those that the digest was taken of.
    #[error("a block's digest does not match its events")]
    Digest,
    /// Blocks to be consolidated are not neighbours of one origin, or too many.
    #[error("blocks cannot be consolidated: {0}")]
    Apart(&'static str),
}

impl From<Short> for BlockError {
    fn from(_: Short) -> Self {
        Self::Short
    }
}
