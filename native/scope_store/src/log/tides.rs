//! How far stamps reach before and behind each slot of a shelf.
//!
//! Slots stand by number, and nearly so by stamp. For each of them this keeps the largest stamp up to
//! it and the smallest from it on, which ascend: so where a stretch of time begins and ends among the
//! slots is found without looking at all of them.

use super::Slot;
use crate::query::Order;
use std::ops::Range;

/// Invariant: `reach[i]` is the largest stamp of the slots up to `i`, `since[i]` the smallest from `i`
/// on. Both ascend, and are as long as the slots.
#[derive(Debug, Default)]
pub(crate) struct Tides {
    reach: Vec<u64>,
    since: Vec<u64>,
}

impl Tides {
    /// The slots of `over` were replaced by `count` others, which stand in `slots`.
    pub(super) fn splice(&mut self, slots: &[Slot], over: Range<usize>, count: usize) {
        let changed = over.start..over.start + count;
        self.reach
            .splice(over.clone(), std::iter::repeat_n(0, count));
        self.since.splice(over, std::iter::repeat_n(0, count));
        self.mend_reach(slots, &changed);
        self.mend_since(slots, &changed);
    }

    /// Onwards, until it is as it was.
    fn mend_reach(&mut self, slots: &[Slot], changed: &Range<usize>) {
        let mut before = changed.start.checked_sub(1).map_or(0, |at| self.reach[at]);
        for (at, slot) in slots.iter().enumerate().skip(changed.start) {
            let reach = before.max(slot.newest);
            if at >= changed.end && self.reach[at] == reach {
                return;
            }
            self.reach[at] = reach;
            before = reach;
        }
    }

    /// The same backwards.
    fn mend_since(&mut self, slots: &[Slot], changed: &Range<usize>) {
        for at in (0..changed.end).rev() {
            let behind = self.since.get(at + 1).copied().unwrap_or(u64::MAX);
            let since = behind.min(slots[at].oldest);
            if at < changed.start && self.since[at] == since {
                return;
            }
            self.since[at] = since;
        }
    }

    /// Outside of these slots no stamp is within `oldest..=newest`.
    pub(crate) fn between(&self, oldest: u64, newest: u64) -> Range<usize> {
        let start = self.reach.partition_point(|reach| *reach < oldest);
        let end = self.since.partition_point(|since| *since <= newest);
        start..end.max(start)
    }

    /// The first stamp, in the order, of the slot and all that come behind it.
    pub(crate) fn first(&self, at: usize, order: Order) -> u64 {
        match order {
            Order::Asc => self.since[at],
            Order::Desc => self.reach[at],
        }
    }
}
