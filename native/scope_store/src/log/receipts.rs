//! When events came whose own stamps cannot be believed, by the receiver's clock.
//!
//! It is a remark on numbers, not on blocks: a block that is replaced by a larger one keeps it. It is
//! never shipped.

use scope_event::Seq;

/// So many ranges are told apart per origin; beyond that neighbours melt, and the later time counts.
pub(crate) const MAX_RECEIPTS: usize = 1024;

/// First and last number, and the stamp at which the last of them came.
pub(crate) type Receipt = (Seq, Seq, u64);

/// Ranges of numbers, each with the stamp at which the last of it came.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Receipts {
    /// Invariant: ascending, disjoint.
    ranges: Vec<Receipt>,
}

impl Receipts {
    /// `from..=to` came at `stamp`; what of it had come before keeps its time.
    pub(crate) fn note(&mut self, from: Seq, to: Seq, stamp: u64) {
        let mut next = from;
        let mut fresh = Vec::new();
        for &(known_from, known_to, _) in &self.ranges[self.touching(from, to)] {
            if next < known_from {
                fresh.push((next, known_from - 1, stamp));
            }
            next = known_to.saturating_add(1);
        }
        if next <= to {
            fresh.push((next, to, stamp));
        }
        self.ranges.extend(fresh);
        self.ranges.sort_unstable();
        self.shorten();
    }

    /// All of them.
    pub(crate) fn ranges(&self) -> &[Receipt] {
        &self.ranges
    }

    /// When the latest of `from..=to` came, if that was remarked.
    pub(crate) fn latest(&self, from: Seq, to: Seq) -> Option<u64> {
        let touching = &self.ranges[self.touching(from, to)];
        touching.iter().map(|range| range.2).max()
    }

    /// What is at or below `floor` is gone.
    pub(crate) fn expire(&mut self, floor: Seq) {
        let gone = self.ranges.partition_point(|range| range.1 <= floor);
        self.ranges.drain(..gone);
    }

    fn touching(&self, from: Seq, to: Seq) -> std::ops::Range<usize> {
        let lo = self.ranges.partition_point(|range| range.1 < from);
        let hi = self.ranges.partition_point(|range| range.0 <= to);
        lo..hi.max(lo)
    }

    fn shorten(&mut self) {
        if self.ranges.len() > MAX_RECEIPTS {
            let second = self.ranges.remove(1);
            let first = &mut self.ranges[0];
            (first.1, first.2) = (second.1, first.2.max(second.2));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_first_time_counts_and_gaps_are_filled() {
        let mut receipts = Receipts::default();
        receipts.note(5, 8, 100);
        receipts.note(1, 10, 200);
        let at = |seq| receipts.latest(seq, seq);
        assert_eq!(
            [at(1), at(5), at(8), at(9)].map(Option::unwrap),
            [200, 100, 100, 200]
        );
        assert_eq!((at(11), receipts.latest(1, 6)), (None, Some(200)));
    }

    #[test]
    fn it_is_bounded_and_goes_with_what_expires() {
        let mut receipts = Receipts::default();
        for n in 1..=5_000 {
            receipts.note(2 * n, 2 * n, n);
        }
        assert_eq!(receipts.ranges.len(), MAX_RECEIPTS);
        assert_eq!(receipts.latest(10_000, 10_000), Some(5_000));
        receipts.expire(9_998);
        assert_eq!(receipts.ranges, [(10_000, 10_000, 5_000)]);
    }
}
