//! Numbers of origins.

use scope_event::{Origin, Seq};
use std::collections::BTreeMap;
use std::ops::Range;

/// First and last number.
pub type Span = (Seq, Seq);

/// Which numbers of which origins; of origins that are not named, none.
///
/// # Examples
///
/// ```
/// use scope_event::Origin;
/// use scope_store::Ranges;
///
/// let shop = Origin::new("shop@host", 1);
/// let ranges: Ranges = [(shop.clone(), 1, 9), (shop.clone(), 5, 20)].into_iter().collect();
/// assert_eq!(ranges.of(&shop), [(1, 20)]);
/// assert!(ranges.contains(&shop, 20) && !ranges.contains(&shop, 21));
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Ranges {
    /// Invariant: each list is ascending, disjoint and not empty.
    origins: BTreeMap<Origin, Vec<Span>>,
}

impl Ranges {
    /// Adds `first..=last` of `origin`; nothing if that is nothing.
    pub fn insert(&mut self, origin: Origin, first: Seq, last: Seq) {
        if first > last {
            return;
        }
        let spans = self.origins.entry(origin).or_default();
        let touching = touching(spans, first.saturating_sub(1), last.saturating_add(1));
        let melted = spans[touching.clone()]
            .iter()
            .fold((first, last), |all, span| {
                (all.0.min(span.0), all.1.max(span.1))
            });
        spans.splice(touching, [melted]);
    }

    /// The numbers of an origin, ascending.
    pub fn of(&self, origin: &Origin) -> &[Span] {
        self.origins.get(origin).map_or(&[], Vec::as_slice)
    }

    /// All origins with their numbers.
    pub fn iter(&self) -> impl Iterator<Item = (&Origin, &[Span])> {
        self.origins
            .iter()
            .map(|(origin, spans)| (origin, spans.as_slice()))
    }

    /// Whether the number is among them.
    pub fn contains(&self, origin: &Origin, seq: Seq) -> bool {
        self.counts(origin, seq, seq) > 0
    }

    /// How many of `first..=last` are among them.
    pub fn counts(&self, origin: &Origin, first: Seq, last: Seq) -> u64 {
        let spans = self.of(origin);
        spans[touching(spans, first, last)]
            .iter()
            .map(|span| span.1.min(last) - span.0.max(first) + 1)
            .sum()
    }
}

/// The spans that touch `first..=last`.
pub(crate) fn touching(spans: &[Span], first: Seq, last: Seq) -> Range<usize> {
    let lo = spans.partition_point(|span| span.1 < first);
    let hi = spans.partition_point(|span| span.0 <= last);
    lo..hi.max(lo)
}

impl FromIterator<(Origin, Seq, Seq)> for Ranges {
    fn from_iter<I: IntoIterator<Item = (Origin, Seq, Seq)>>(ranges: I) -> Self {
        let mut all = Self::default();
        for (origin, first, last) in ranges {
            all.insert(origin, first, last);
        }
        all
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn ranges_hold_what_was_put(spans in prop::collection::vec((1u64..60, 0u64..9), 0..12)) {
            let origin = Origin::new("a@h", 1);
            let spans: Vec<Span> = spans.into_iter().map(|(first, more)| (first, first + more)).collect();
            let ranges: Ranges =
                spans.iter().map(|(first, last)| (origin.clone(), *first, *last)).collect();
            for seq in 0..80 {
                let held = spans.iter().any(|(first, last)| (first..=last).contains(&&seq));
                prop_assert_eq!(ranges.contains(&origin, seq), held);
            }
            let mut runs = ranges.of(&origin).windows(2);
            prop_assert!(runs.all(|pair| pair[0].1 + 1 < pair[1].0));
            let all: u64 = (0..80).filter(|seq| ranges.contains(&origin, *seq)).count() as u64;
            prop_assert_eq!(ranges.counts(&origin, 0, u64::MAX), all);
        }
    }
}
