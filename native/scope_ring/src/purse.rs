//! The credits that one lane holds of one session.

use crate::primitive::{AtomicU32, AtomicU64};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Written by the lane's thread alone, read by whoever asks for an account.
///
/// Invariants: `used <= taken`, and readers see it so because `used` is read first; a purse whose
/// `id` is another session's counts for nothing.
pub(crate) struct Purse {
    id: AtomicU32,
    taken: AtomicU64,
    used: AtomicU64,
    refused: AtomicU64,
    thinned: AtomicU64,
}

/// A reading of a purse, or the sum of several.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Spending {
    pub(crate) taken: u64,
    pub(crate) used: u64,
    pub(crate) refused: u64,
    pub(crate) thinned: u64,
}

impl Purse {
    pub(crate) fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            id: AtomicU32::new(0),
            taken: zero(),
            used: zero(),
            refused: zero(),
            thinned: zero(),
        }
    }

    /// Whether an event can be paid for without asking the pool.
    #[inline(always)]
    pub(crate) fn has_credit(&self, id: u16) -> bool {
        self.id.load(Relaxed) == u32::from(id) && self.used.load(Relaxed) < self.taken.load(Relaxed)
    }

    /// Pays for one event.
    ///
    /// Ordering: release, so that a reader who sees it used also sees it taken.
    #[inline(always)]
    pub(crate) fn spend(&self) {
        self.used.store(self.used.load(Relaxed) + 1, Release);
    }

    pub(crate) fn refuse(&self, id: u16) {
        self.turn_to(id);
        self.refused.store(self.refused.load(Relaxed) + 1, Relaxed);
    }

    /// An event was left out on purpose.
    pub(crate) fn thin(&self, id: u16) {
        self.turn_to(id);
        self.thinned.store(self.thinned.load(Relaxed) + 1, Relaxed);
    }

    pub(crate) fn put(&self, id: u16, credits: u64) {
        self.turn_to(id);
        self.taken
            .store(self.taken.load(Relaxed) + credits, Relaxed);
    }

    /// Empties the purse for a later session in the same seat.
    ///
    /// Ordering: release, so that whoever sees the new id sees the purse emptied before it. Who
    /// still asks for the old one may read a mixture, and is told by `Sessions::account` that the
    /// seat is taken: the credits that brought us here came after it was.
    fn turn_to(&self, id: u16) {
        if self.id.load(Relaxed) == u32::from(id) {
            return;
        }
        self.used.store(0, Relaxed);
        self.taken.store(0, Relaxed);
        self.refused.store(0, Relaxed);
        self.thinned.store(0, Relaxed);
        self.id.store(u32::from(id), Release);
    }

    pub(crate) fn add_to(&self, id: u16, sum: &mut Spending) {
        if self.id.load(Acquire) == u32::from(id) {
            sum.used += self.used.load(Acquire);
            sum.taken += self.taken.load(Relaxed);
            sum.refused += self.refused.load(Relaxed);
            sum.thinned += self.thinned.load(Relaxed);
        }
    }
}
