//! How the protocol sees a store: headers and raw bytes, never events.

use std::sync::Arc;

use thiserror::Error;

use crate::knowledge::Knowledge;
use crate::origin::{Origin, Seq};

/// The largest block that fits in a frame of 256 KiB. A larger one cannot be shipped.
pub const MAX_BLOCK: usize = 252 * 1024;

/// What the protocol needs to know of one closed block.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct BlockInfo {
    /// Whose events.
    pub origin: Origin,
    /// The first sequence number in it.
    pub from: Seq,
    /// The last sequence number in it.
    pub to: Seq,
    /// The oldest stamp in it, as NTP64 bits.
    pub oldest: u64,
    /// The newest stamp in it, as NTP64 bits.
    pub newest: u64,
    /// The digest of its content: the same under any codec, and it adds up over blocks.
    pub digest: u64,
    /// Its length in bytes as stored.
    pub len: usize,
}

impl BlockInfo {
    /// How many events are in it.
    pub fn events(&self) -> u64 {
        (self.to - self.from).saturating_add(1)
    }
}

/// Why a block was not taken.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The bytes are no block: length, version or header is wrong.
    #[error("not a block")]
    Malformed,
    /// The checksum does not match the bytes.
    #[error("the block's checksum does not match")]
    Checksum,
    /// All of it is at or below the floor.
    #[error("the block expired here")]
    Expired,
    /// The store cannot take anything now.
    #[error("the store is full")]
    Full,
}

/// What became of a block that was offered to a store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It is new.
    Stored,
    /// All of it was here already; dropped.
    Covered,
    /// It took the place of smaller blocks that it covers.
    Replaced {
        /// How many events of it were here already.
        already: u64,
    },
    /// Other content under the same numbers: kept aside, never merged.
    Conflict {
        /// The digest of what is held, when it is known for the same range.
        held: Option<u64>,
    },
    /// It was not taken.
    Refused(Refusal),
}

/// A store of closed blocks, as the protocol sees it.
///
/// Implemented by the block store, and by [`MemoryHoldings`](crate::model::MemoryHoldings) for
/// tests and examples. Two blocks of one origin are nested or disjoint unless they conflict.
pub trait Holdings {
    /// A number that changes whenever anything below changes, so that a quiet store costs nothing.
    fn generation(&self) -> u64;

    /// Every origin that it has or remembers.
    fn origins(&self) -> Vec<Origin>;

    /// What it has of `origin`; the default when it knows nothing of it.
    fn knowledge(&self, origin: &Origin) -> Knowledge;

    /// Up to `limit` closed blocks that touch `from..=to`, ascending.
    fn blocks(&self, origin: &Origin, from: Seq, to: Seq, limit: usize) -> Vec<BlockInfo>;

    /// The bytes of a block as stored; `None` when it is gone by now.
    fn read(&self, block: &BlockInfo) -> Option<Arc<[u8]>>;

    /// Reads the header of a block and checks its length, version and checksum.
    ///
    /// # Errors
    ///
    /// [`Refusal::Malformed`] or [`Refusal::Checksum`].
    fn inspect(&self, bytes: &[u8]) -> Result<BlockInfo, Refusal>;

    /// Takes a block as it is: stores it, drops it, lets it replace what it covers, or keeps it
    /// aside. A block whose content does not decode is stored like any other.
    fn insert(&mut self, bytes: &[u8]) -> Outcome;

    /// The newest stamp of what expired of an origin of which nothing is held; `None` when it is
    /// not known. To be kept with the floor over restarts: it says when the origin may be forgotten.
    fn newest_expired(&self, origin: &Origin) -> Option<u64>;

    /// The incarnation is over; `last` is the highest number that somebody saw of it.
    fn note_last(&mut self, origin: &Origin, last: Seq);

    /// Drops all memory of an origin of which nothing is held.
    fn forget(&mut self, origin: &Origin);
}
