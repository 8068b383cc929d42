//! What one replica has of every origin, as dense columns: comparing two is a walk over numbers.
//!
//! Source: version vectors with exceptions (Malkhi and Terry 2005); an index per origin instead of
//! a name makes the compare a linear scan.

use std::collections::BTreeMap;

use crate::intervals::Intervals;
use crate::knowledge::Knowledge;
use crate::origin::Seq;

/// Knowledge of every origin by index. An index without an entry reads as the default.
#[derive(Clone, Debug, Default)]
pub struct Vector {
    /// Invariant: `floor` and `prefix` have the same length.
    floor: Vec<Seq>,
    prefix: Vec<Seq>,
    /// Invariant: only entries that are not the default.
    extra: BTreeMap<u32, Extra>,
}

/// The parts of an entry that few origins have.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Extra {
    beyond: Intervals,
    last: Option<Seq>,
}

/// How many numbers are compared before anybody looks at one; at most the bits of a mask.
const CHUNK: usize = 32;

impl Vector {
    /// The entry at `index`.
    pub fn get(&self, index: u32) -> Knowledge {
        let at = index as usize;
        let Some(&prefix) = self.prefix.get(at) else {
            return Knowledge::default();
        };
        let extra = self.extra.get(&index).cloned().unwrap_or_default();
        Knowledge {
            floor: self.floor[at],
            prefix,
            beyond: extra.beyond,
            last: extra.last,
        }
    }

    /// Replaces the entry at `index`.
    pub fn set(&mut self, index: u32, known: Knowledge) {
        let at = index as usize;
        if self.prefix.len() <= at {
            self.prefix.resize(at + 1, 0);
            self.floor.resize(at + 1, 0);
        }
        (self.floor[at], self.prefix[at]) = (known.floor, known.prefix);
        let extra = Extra {
            beyond: known.beyond,
            last: known.last,
        };
        if extra == Extra::default() {
            self.extra.remove(&index);
        } else {
            self.extra.insert(index, extra);
        }
    }

    /// How many indexes have ever been set.
    pub fn len(&self) -> usize {
        self.prefix.len()
    }

    /// True when no index was ever set.
    pub fn is_empty(&self) -> bool {
        self.prefix.is_empty()
    }

    /// True when `index` holds no knowledge at all.
    pub fn is_blank(&self, index: u32) -> bool {
        self.prefix
            .get(index as usize)
            .is_none_or(|prefix| *prefix == 0)
            && !self.extra.contains_key(&index)
    }

    /// The indexes at which `self` may hold something that `mine` lacks, ascending: all where the
    /// prefix is ahead, and all with runs beyond it.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_sync::{Knowledge, Vector};
    ///
    /// let (mut mine, mut theirs) = (Vector::default(), Vector::default());
    /// theirs.set(3, Knowledge { prefix: 9, ..Knowledge::default() });
    /// assert_eq!(theirs.ahead_of(&mine), vec![3]);
    /// mine.set(3, theirs.get(3));
    /// assert!(theirs.ahead_of(&mine).is_empty());
    /// ```
    pub fn ahead_of(&self, mine: &Self) -> Vec<u32> {
        let shared = self.prefix.len().min(mine.prefix.len());
        let mut ahead = Vec::new();
        scan(
            &self.prefix[..shared],
            &mine.prefix[..shared],
            |theirs, mine| theirs > mine,
            &mut ahead,
        );
        ahead.extend(
            (shared..self.prefix.len())
                .filter(|&i| self.prefix[i] > 0)
                .map(index),
        );
        self.with_extra(self.extra.keys(), ahead)
    }

    /// The indexes at which the two differ, ascending.
    pub fn differs_from(&self, other: &Self) -> Vec<u32> {
        let shared = self.prefix.len().min(other.prefix.len());
        let mut found = Vec::new();
        scan(
            &self.prefix[..shared],
            &other.prefix[..shared],
            |a, b| a != b,
            &mut found,
        );
        scan(
            &self.floor[..shared],
            &other.floor[..shared],
            |a, b| a != b,
            &mut found,
        );
        found.extend((shared..self.len().max(other.len())).map(index));
        let extras = self.extra.keys().chain(other.extra.keys());
        let mut found = self.with_extra(extras, found);
        found.retain(|&i| self.get(i) != other.get(i));
        found
    }

    fn with_extra<'a>(&self, keys: impl Iterator<Item = &'a u32>, mut found: Vec<u32>) -> Vec<u32> {
        found.extend(keys);
        if !found.is_sorted() {
            found.sort_unstable();
        }
        found.dedup();
        found
    }
}

/// Finds the places where `test` holds, which it never does for equal numbers. Whole chunks are
/// compared first, which needs no branch per number: nearly all of them are equal.
fn scan(a: &[Seq], b: &[Seq], test: impl Fn(Seq, Seq) -> bool, found: &mut Vec<u32>) {
    let ((a, a_rest), (b, b_rest)) = (a.as_chunks::<CHUNK>(), b.as_chunks::<CHUNK>());
    for (n, (a, b)) in a.iter().zip(b).enumerate() {
        let unequal = a.iter().zip(b).fold(0, |any, (a, b)| any | (a ^ b));
        if unequal != 0 {
            collect(mask(a, b, &test), n * CHUNK, found);
        }
    }
    collect(mask(a_rest, b_rest, &test), a.len() * CHUNK, found);
}

/// The places of the bits of a chunk's mask.
fn collect(mut mask: u64, start: usize, found: &mut Vec<u32>) {
    while mask != 0 {
        found.push(index(start + mask.trailing_zeros() as usize));
        mask &= mask - 1;
    }
}

/// One bit per place of a chunk.
fn mask(a: &[Seq], b: &[Seq], test: impl Fn(Seq, Seq) -> bool) -> u64 {
    let bits = a.iter().zip(b).enumerate();
    bits.fold(0, |mask, (i, (a, b))| mask | (u64::from(test(*a, *b)) << i))
}

/// Indexes are handed out as `u32`, so a position always fits.
fn index(at: usize) -> u32 {
    u32::try_from(at).unwrap_or(u32::MAX)
}
