//! What a digest announced, run by run, so that asking for just that costs one bit an origin.
//!
//! Both ends work out the same runs from the same digest: what is held now and was not told before.
//! A pull names the last digest that was applied and marks the origins whose runs it wants exactly.
//! The one who told remembers the last two: the one that is acknowledged and the one on its way. If
//! it has forgotten all the same, it does not answer, and the next pull names every run.

use std::collections::BTreeMap;

use crate::intervals::Intervals;
use crate::knowledge::Knowledge;
use crate::wire::Want;

/// The runs that digest `no` announced, by the index of the one who told.
#[derive(Clone, Debug)]
pub(super) struct Offer {
    pub(super) no: u32,
    /// Invariant: ascending by index, then by number; the runs of one index are one group, and
    /// groups are counted by the bits of a pull.
    runs: Vec<Want>,
}

impl Offer {
    pub(super) const fn new(no: u32) -> Self {
        Self {
            no,
            runs: Vec::new(),
        }
    }

    /// Adds what `now` holds and `told` did not.
    pub(super) fn push(&mut self, index: u32, told: &Knowledge, now: &Knowledge) {
        let news = told.lacks(now);
        let runs = news
            .runs()
            .iter()
            .map(|&(from, to)| Want { index, from, to });
        self.runs.extend(runs);
    }

    fn groups(&self) -> impl Iterator<Item = &[Want]> {
        self.runs.chunk_by(|a, b| a.index == b.index)
    }

    /// Takes out of `asked` all that is exactly what was announced, and returns it as bits.
    pub(super) fn take(&self, asked: &mut BTreeMap<u32, Intervals>) -> Vec<u8> {
        let mut bits = Vec::new();
        for (bit, group) in self.groups().enumerate() {
            let runs = group.iter().map(|want| (want.from, want.to));
            let index = group[0].index;
            if asked
                .get(&index)
                .is_some_and(|all| all.runs().iter().copied().eq(runs))
            {
                asked.remove(&index);
                bits.resize(bits.len().max(bit / 8 + 1), 0);
                bits[bit / 8] |= 1 << (bit % 8);
            }
        }
        bits
    }

    /// The runs that `bits` stand for.
    pub(super) fn picked<'a>(&'a self, bits: &'a [u8]) -> impl Iterator<Item = Want> + 'a {
        let is_set = |bit: usize| {
            bits.get(bit / 8)
                .is_some_and(|byte| byte >> (bit % 8) & 1 == 1)
        };
        let picked = self
            .groups()
            .enumerate()
            .filter(move |(bit, _)| is_set(*bit));
        picked.flat_map(|(_, group)| group.iter().copied())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn offer() -> Offer {
        let mut offer = Offer::new(1);
        for index in 0..20 {
            let now = Knowledge {
                prefix: 10 + u64::from(index),
                ..Knowledge::default()
            };
            offer.push(
                index,
                &Knowledge {
                    prefix: 5,
                    ..Knowledge::default()
                },
                &now,
            );
        }
        offer
    }

    #[test]
    fn what_is_taken_is_what_is_picked() {
        let exact = |i: u32| (i, Intervals::of(6, 10 + u64::from(i)));
        let mut asked: BTreeMap<u32, Intervals> = [2, 3, 17].map(exact).into();
        asked.insert(5, Intervals::of(7, 15));
        let bits = offer().take(&mut asked);
        assert_eq!(
            asked.into_keys().collect::<Vec<_>>(),
            [5],
            "what is not exact is asked for"
        );
        let picked: Vec<u32> = offer().picked(&bits).map(|want| want.index).collect();
        assert_eq!((picked, bits.len()), (vec![2, 3, 17], 3));
    }
}
