//! What did not fit, by kind.

use crate::primitive::AtomicU64;
use std::sync::atomic::Ordering::Relaxed;

/// Kinds that are told apart: all that a `u8` can name; a handful in the model, which counts every
/// atomic.
const KINDS: usize = if cfg!(loom) { 4 } else { 256 };

/// One counter for each kind. A lane's counters have one writer, its thread, so that a plain store
/// is enough; those of the threads without a lane are shared.
///
/// Ordering: relaxed. A loss that came before a published event is seen by whoever saw the event,
/// because the publication of the event releases it.
pub(crate) struct Losses([AtomicU64; KINDS]);

impl Losses {
    #[cfg(not(loom))]
    pub(crate) const fn new() -> Self {
        Self([const { AtomicU64::new(0) }; KINDS])
    }

    #[cfg(loom)]
    pub(crate) fn new() -> Self {
        Self(std::array::from_fn(|_| AtomicU64::new(0)))
    }

    /// For the one writer.
    pub(crate) fn count(&self, kind: u8) {
        let counter = self.of(kind);
        counter.store(counter.load(Relaxed) + 1, Relaxed);
    }

    /// For many writers.
    pub(crate) fn count_shared(&self, kind: u8) {
        self.of(kind).fetch_add(1, Relaxed);
    }

    pub(crate) fn add_to(&self, sum: &mut Lost) {
        self.0
            .iter()
            .zip(&mut sum.0)
            .for_each(|(counter, sum)| *sum += counter.load(Relaxed));
    }

    fn of(&self, kind: u8) -> &AtomicU64 {
        &self.0[usize::from(kind) % KINDS]
    }
}

/// Losses by kind, as they stood when they were read.
///
/// # Examples
///
/// ```
/// let lost = scope_ring::Lost::default();
/// assert_eq!((lost.total(), lost.of(3), lost.kinds().count()), (0, 0, 0));
/// ```
#[derive(Clone, PartialEq, Eq)]
pub struct Lost([u64; 256]);

impl Lost {
    /// Losses of one kind.
    pub const fn of(&self, kind: u8) -> u64 {
        self.0[kind as usize]
    }

    /// Losses of all kinds.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }

    /// The kinds that lost something, and how much.
    pub fn kinds(&self) -> impl Iterator<Item = (u8, u64)> + '_ {
        (0..=u8::MAX).zip(self.0).filter(|&(_, lost)| lost > 0)
    }

    /// What was lost since an earlier reading of the same counters.
    #[must_use]
    pub fn since(&self, earlier: &Self) -> Self {
        Self(std::array::from_fn(|kind| self.0[kind] - earlier.0[kind]))
    }
}

impl Default for Lost {
    fn default() -> Self {
        Self([0; 256])
    }
}

impl std::fmt::Debug for Lost {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_map().entries(self.kinds()).finish()
    }
}
