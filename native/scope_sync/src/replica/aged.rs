//! What peers hold but is too old to be asked for.
//!
//! It is remembered with its newest stamp, not as a floor: when this node's clock was wrong and is
//! put right, what is young enough again is asked for.

use std::collections::BTreeMap;

use crate::intervals::Intervals;
use crate::origin::Seq;

/// So many ranges are remembered per origin; the first is dropped for another, and asked for once more.
const MAX_RANGES: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Aged(BTreeMap<u32, Vec<(Seq, Seq, u64)>>);

impl Aged {
    pub(super) fn note(&mut self, index: u32, from: Seq, to: Seq, newest: u64) {
        let ranges = self.0.entry(index).or_default();
        match ranges
            .iter_mut()
            .find(|r| r.0 <= to.saturating_add(1) && from <= r.1.saturating_add(1))
        {
            Some(near) => *near = (near.0.min(from), near.1.max(to), near.2.max(newest)),
            None => ranges.push((from, to, newest)),
        }
        if ranges.len() > MAX_RANGES {
            ranges.remove(0);
        }
    }

    /// Takes what is too old for `not_before` out of `wants`.
    pub(super) fn subtract_from(&self, wants: &mut Intervals, index: u32, not_before: u64) {
        let Some(ranges) = self.0.get(&index) else {
            return;
        };
        let old = ranges.iter().filter(|range| range.2 < not_before);
        old.for_each(|&(from, to, _)| wants.remove(from, to));
    }

    pub(super) fn forget(&mut self, index: u32) {
        self.0.remove(&index);
    }
}
