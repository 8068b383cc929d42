//! What changed between two encoded terms.
//!
//! Both terms are in the same form over the same dictionary. A delta follows their structure: within
//! a container it copies, skips, inserts and patches *units* (elements of tuples and lists, pairs of
//! maps), in order. Units that stayed are found by a common prefix and suffix, then by key in maps
//! and by content elsewhere: the idea of Myers' and Heckel's line diffs, in one greedy pass over
//! hashes, so that a delta costs time in proportion to the two terms.
//!
//! A delta can only copy each byte of the old term once, so its result is never longer than the old
//! term and the delta together, whatever the bytes say.
//!
//! # Examples
//!
//! ```
//! use scope_event::{apply, delta};
//! let (a, b) = ([0xa2, 0x01, 0x02], [0xa2, 0x01, 0x03]); // {1, 2} and {1, 3}
//! let mut change = Vec::new();
//! delta(&a, &b, &mut change);
//! assert_eq!(apply(&change, &a)?, b);
//! # Ok::<(), scope_event::DeltaError>(())
//! ```

mod apply;
mod diff;
mod ops;
mod units;

pub use apply::apply;
pub use diff::delta;

/// Deltas in a row after which a state is stored whole again.
pub const KEYFRAME_EVERY: u8 = 64;

/// Why a delta does not apply.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeltaError {
    /// The delta ends too early or holds a number that no delta has.
    #[error("a delta ends too early")]
    Short,
    /// The delta has an operation that does not exist.
    #[error("delta operation {0:#04x} is unknown")]
    Operation(u8),
    /// The delta was made for another term.
    #[error("a delta does not fit its base")]
    Base,
    /// Bytes follow the delta.
    #[error("bytes follow a delta")]
    Trailing,
}

impl From<crate::bytes::Short> for DeltaError {
    fn from(_: crate::bytes::Short) -> Self {
        Self::Short
    }
}
