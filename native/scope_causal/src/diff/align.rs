//! Which of the items below two places belong together.
//!
//! What is equal at both ends is taken off. Of what is left between, the best alignment is found by the
//! table of Needleman and Wunsch (*A general method applicable to the search for similarities …*, J. Mol.
//! Biol. 48(3), 1970), with nothing for a gap; where that table would be too large, equal items that are there
//! once on both sides cut it into smaller ones (after Cohen's patience diff).

use super::tree::{NONE, Tree};
use std::collections::HashMap;

/// Cells of the largest table.
const CELLS: usize = 1 << 20;

/// One of the two may be [`NONE`].
pub(super) type Pair = (u32, u32);

/// Pairs of what follows in order, then of what does not and differs.
pub(super) fn align(one: &Tree<'_>, other: &Tree<'_>, left: &[u32], right: &[u32]) -> Vec<Pair> {
    let split = |tree: &Tree<'_>, items: &[u32]| -> (Vec<u32>, Vec<u32>) {
        items
            .iter()
            .partition(|&&item| tree.items[item as usize].loose)
    };
    let (loose_left, left) = split(one, left);
    let (loose_right, right) = split(other, right);
    let trees = Trees { one, other };
    let mut pairs = Vec::new();
    trees.row(&left, &right, &mut pairs);
    trees.loose(loose_left, loose_right, &mut pairs);
    pairs
}

struct Trees<'a, 'b> {
    one: &'a Tree<'b>,
    other: &'a Tree<'b>,
}

impl Trees<'_, '_> {
    fn whole(&self, left: u32, right: u32) -> bool {
        self.one.items[left as usize].whole == self.other.items[right as usize].whole
    }

    /// How well two items fit.
    fn likeness(&self, left: u32, right: u32) -> u32 {
        let (one, other) = (
            &self.one.items[left as usize],
            &self.other.items[right as usize],
        );
        match (one.key == other.key, one.content == other.content) {
            _ if one.whole == other.whole => 4,
            (true, true) => 3,
            (true, false) => 2,
            (false, _) => 0,
        }
    }

    fn row(&self, left: &[u32], right: &[u32], pairs: &mut Vec<Pair>) {
        let both = |left: &[u32], right: &[u32]| -> Vec<Pair> {
            left.iter().copied().zip(right.iter().copied()).collect()
        };
        let same = |(one, other): &(&u32, &u32)| self.whole(**one, **other);
        let front = left.iter().zip(right).take_while(same).count();
        pairs.extend(both(&left[..front], &right[..front]));
        let (left, right) = (&left[front..], &right[front..]);
        let back = left
            .iter()
            .rev()
            .zip(right.iter().rev())
            .take_while(same)
            .count();
        let (left, last_left) = left.split_at(left.len() - back);
        let (right, last_right) = right.split_at(right.len() - back);
        self.between(left, right, pairs);
        pairs.extend(both(last_left, last_right));
    }

    fn between(&self, left: &[u32], right: &[u32], pairs: &mut Vec<Pair>) {
        if left.len().saturating_mul(right.len()) <= CELLS {
            return self.table(left, right, pairs);
        }
        let anchors = self.anchors(left, right);
        if anchors.is_empty() {
            return self.walk(left, right, pairs);
        }
        let (mut from, mut to) = (0, 0);
        for (one, other) in anchors.into_iter().chain([(left.len(), right.len())]) {
            self.row(&left[from..one], &right[to..other], pairs);
            pairs.extend(left.get(one).copied().zip(right.get(other).copied()));
            (from, to) = ((one + 1).min(left.len()), (other + 1).min(right.len()));
        }
    }

    fn table(&self, left: &[u32], right: &[u32], pairs: &mut Vec<Pair>) {
        let width = right.len() + 1;
        let mut best = vec![0u32; (left.len() + 1) * width];
        for one in (0..left.len()).rev() {
            for other in (0..right.len()).rev() {
                let likeness = self.likeness(left[one], right[other]);
                let both = best[(one + 1) * width + other + 1] + likeness;
                let either = best[(one + 1) * width + other].max(best[one * width + other + 1]);
                best[one * width + other] = either.max(if likeness > 0 { both } else { 0 });
            }
        }
        let (mut one, mut other) = (0, 0);
        while one < left.len() && other < right.len() {
            let here = best[one * width + other];
            let likeness = self.likeness(left[one], right[other]);
            if likeness > 0 && here == best[(one + 1) * width + other + 1] + likeness {
                pairs.push((left[one], right[other]));
                (one, other) = (one + 1, other + 1);
            } else if here == best[(one + 1) * width + other] {
                pairs.push((left[one], NONE));
                one += 1;
            } else {
                pairs.push((NONE, right[other]));
                other += 1;
            }
        }
        pairs.extend(left[one..].iter().map(|&item| (item, NONE)));
        pairs.extend(right[other..].iter().map(|&item| (NONE, item)));
    }

    /// Places of what is there once on both sides, in the longest order that both have.
    fn anchors(&self, left: &[u32], right: &[u32]) -> Vec<(usize, usize)> {
        let once = |tree: &Tree<'_>, items: &[u32]| {
            let mut places: HashMap<u64, Option<usize>> = HashMap::new();
            for (at, &item) in items.iter().enumerate() {
                let place = places.entry(tree.items[item as usize].whole);
                place.and_modify(|place| *place = None).or_insert(Some(at));
            }
            places
        };
        let (one, other) = (once(self.one, left), once(self.other, right));
        let both = one
            .iter()
            .filter_map(|(whole, at)| Some(((*at)?, (*other.get(whole)?)?)));
        let mut both: Vec<_> = both.collect();
        both.sort_unstable();
        longest_rising(&both)
    }

    /// Where nothing anchors them: each with the next one of the same sort.
    fn walk(&self, left: &[u32], right: &[u32], pairs: &mut Vec<Pair>) {
        let mut waiting: HashMap<u64, std::collections::VecDeque<u32>> = HashMap::new();
        for &item in right {
            waiting
                .entry(self.other.items[item as usize].key)
                .or_default()
                .push_back(item);
        }
        for &item in left {
            let found = waiting.get_mut(&self.one.items[item as usize].key);
            let found = found.and_then(std::collections::VecDeque::pop_front);
            pairs.push((item, found.unwrap_or(NONE)));
        }
        let mut rest: Vec<u32> = waiting.into_values().flatten().collect();
        rest.sort_unstable();
        pairs.extend(rest.into_iter().map(|item| (NONE, item)));
    }

    /// Equal ones first, whatever their order; then those of one sort; then the others.
    fn loose(&self, left: Vec<u32>, right: Vec<u32>, pairs: &mut Vec<Pair>) {
        let (left, right) = self.without(
            left,
            right,
            |tree, item| tree.items[item as usize].whole,
            &mut Vec::new(),
        );
        let said = |tree: &Tree<'_>, item: u32| {
            let item = &tree.items[item as usize];
            crate::likeness::mix(item.key, u64::from(item.content))
        };
        let (left, right) = self.without(left, right, said, pairs);
        let (left, right) = self.without(
            left,
            right,
            |tree, item| tree.items[item as usize].key,
            pairs,
        );
        pairs.extend(left.into_iter().map(|item| (item, NONE)));
        pairs.extend(right.into_iter().map(|item| (NONE, item)));
    }

    /// Pairs what has the same name, and leaves the rest.
    fn without(
        &self,
        left: Vec<u32>,
        right: Vec<u32>,
        name: impl Fn(&Tree<'_>, u32) -> u64,
        pairs: &mut Vec<Pair>,
    ) -> (Vec<u32>, Vec<u32>) {
        let mut waiting: HashMap<u64, std::collections::VecDeque<u32>> = HashMap::new();
        for item in right {
            waiting
                .entry(name(self.other, item))
                .or_default()
                .push_back(item);
        }
        let mut alone = Vec::new();
        for item in left {
            let found = waiting.get_mut(&name(self.one, item));
            match found.and_then(std::collections::VecDeque::pop_front) {
                Some(found) => pairs.push((item, found)),
                None => alone.push(item),
            }
        }
        let mut rest: Vec<u32> = waiting.into_values().flatten().collect();
        rest.sort_unstable();
        (alone, rest)
    }
}

/// The longest run of pairs that rises on both sides, of pairs that rise on the left (Fredman, *On computing
/// the length of longest increasing subsequences*, Discrete Mathematics 11(1), 1975).
fn longest_rising(pairs: &[(usize, usize)]) -> Vec<(usize, usize)> {
    // By length: the last of the run that ends lowest.
    let mut ends: Vec<usize> = Vec::new();
    let mut before: Vec<Option<usize>> = Vec::with_capacity(pairs.len());
    for (at, &(_, right)) in pairs.iter().enumerate() {
        let length = ends.partition_point(|&end| pairs[end].1 < right);
        before.push(length.checked_sub(1).map(|length| ends[length]));
        if length == ends.len() {
            ends.push(at);
        } else {
            ends[length] = at;
        }
    }
    let mut run = Vec::new();
    let mut next = ends.last().copied();
    while let Some(at) = next {
        run.push(pairs[at]);
        next = before[at];
    }
    run.reverse();
    run
}
