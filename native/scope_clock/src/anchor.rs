//! From stamps back to the monotonic clock.
//!
//! A clock is piecewise affine, and so is the way back. Every published line leaves an anchor;
//! with the anchors of a stretch of stamps, the monotonic time of each of them follows.

use std::collections::VecDeque;

use crate::stamp::Stamp;

/// How many anchors a clock remembers: at one calibration a second and one move by a peer a
/// second, more than four minutes.
const KEPT: usize = 512;

/// From this stamp on, the monotonic clock follows from the stamp by this rule.
///
/// ```
/// use scope_clock::{Anchor, Stamp};
///
/// let anchor = Anchor { generation: 1, stamp: Stamp::from_ns(5_000_000), mono_ns: 100, ppb: 0 };
/// assert_eq!(anchor.mono_ns_at(Stamp::from_ns(5_000_250)), 350);
/// ```
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Anchor {
    /// The clock's generation that begins here.
    pub generation: u64,
    /// The first stamp of that generation.
    pub stamp: Stamp,
    /// The monotonic clock at that stamp.
    pub mono_ns: u64,
    /// By how many parts in 10⁹ stamps run faster than the monotonic clock.
    pub ppb: i32,
}

impl Anchor {
    /// The monotonic time of a stamp. A stamp before the anchor is taken to be of its rate too.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "clamped to the range of u64"
    )]
    pub const fn mono_ns_at(&self, stamp: Stamp) -> u64 {
        let ns = stamp.ns_since(self.stamp) as i128 * 1_000_000_000;
        let moved = ns / (1_000_000_000 + self.ppb as i128);
        (self.mono_ns as i64)
            .saturating_add(moved as i64)
            .cast_unsigned()
    }
}

/// The newest anchors of a clock, oldest first.
///
/// Invariant: generations and stamps ascend (stamps may be equal), and there are at most [`KEPT`].
#[derive(Debug)]
pub(crate) struct Anchors(VecDeque<Anchor>);

impl Anchors {
    pub(crate) const fn new() -> Self {
        Self(VecDeque::new())
    }

    /// A new incarnation: what was before is no one's business.
    pub(crate) fn clear(&mut self) {
        self.0.clear();
    }

    pub(crate) fn push(&mut self, anchor: Anchor) {
        if self.0.len() == KEPT {
            self.0.pop_front();
        }
        self.0.push_back(anchor);
    }

    pub(crate) fn last(&self) -> Option<Anchor> {
        self.0.back().copied()
    }

    /// The anchor in force at `generation` and all later ones.
    pub(crate) fn since(&self, generation: u64) -> impl Iterator<Item = Anchor> + '_ {
        let first = self
            .0
            .partition_point(|anchor| anchor.generation <= generation);
        self.0.range(first.saturating_sub(1)..).copied()
    }
}
