//! Sets of sequence numbers as runs: the dotted part of a version vector.
//!
//! Source: interval sets as used for version vectors with exceptions (Malkhi and Terry, "Concise
//! version vectors in WinFS", 2005).

use crate::origin::Seq;

/// A set of sequence numbers, kept as inclusive runs.
///
/// # Examples
///
/// ```
/// use scope_sync::Intervals;
///
/// let mut held = Intervals::from_iter([(1, 10), (21, 30)]);
/// held.insert(11, 20);
/// assert_eq!(held.runs(), &[(1, 30)]);
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Intervals {
    /// Invariant: ascending, `from <= to` in each run, and at least one number missing between
    /// two runs, so that equal sets have equal runs.
    runs: Vec<(Seq, Seq)>,
}

impl Intervals {
    /// The empty set.
    pub const fn new() -> Self {
        Self { runs: Vec::new() }
    }

    /// The set of `from..=to`; empty when `from > to`.
    pub fn of(from: Seq, to: Seq) -> Self {
        let mut set = Self::new();
        set.insert(from, to);
        set
    }

    /// The runs, ascending.
    pub fn runs(&self) -> &[(Seq, Seq)] {
        &self.runs
    }

    /// True when nothing is in it.
    pub fn is_empty(&self) -> bool {
        self.runs.is_empty()
    }

    /// How many numbers are in it, saturating.
    pub fn count(&self) -> u64 {
        self.runs.iter().fold(0, |n, (from, to)| {
            n.saturating_add((to - from).saturating_add(1))
        })
    }

    /// The smallest member.
    pub fn first(&self) -> Option<Seq> {
        self.runs.first().map(|run| run.0)
    }

    /// The largest member.
    pub fn last(&self) -> Option<Seq> {
        self.runs.last().map(|run| run.1)
    }

    /// True when `seq` is in it.
    pub fn contains(&self, seq: Seq) -> bool {
        self.covers(seq, seq)
    }

    /// True when all of `from..=to` is in it.
    pub fn covers(&self, from: Seq, to: Seq) -> bool {
        let at = self.runs.partition_point(|run| run.1 < from);
        self.runs
            .get(at)
            .is_some_and(|run| run.0 <= from && to <= run.1)
    }

    /// True when any of `from..=to` is in it.
    pub fn touches(&self, from: Seq, to: Seq) -> bool {
        let at = self.runs.partition_point(|run| run.1 < from);
        from <= to && self.runs.get(at).is_some_and(|run| run.0 <= to)
    }

    /// Adds `from..=to`.
    pub fn insert(&mut self, from: Seq, to: Seq) {
        if from > to {
            return;
        }
        // Adjacent runs melt: `+ 1` finds those that end just before, or start just after.
        let lo = self
            .runs
            .partition_point(|run| run.1.saturating_add(1) < from);
        let hi = self
            .runs
            .partition_point(|run| run.0 <= to.saturating_add(1));
        let melted = self.runs[lo..hi]
            .iter()
            .fold((from, to), |all, run| (all.0.min(run.0), all.1.max(run.1)));
        self.runs.splice(lo..hi, [melted]);
    }

    /// Takes `from..=to` out.
    pub fn remove(&mut self, from: Seq, to: Seq) {
        if from > to {
            return;
        }
        let lo = self.runs.partition_point(|run| run.1 < from);
        let hi = self.runs.partition_point(|run| run.0 <= to);
        if lo >= hi {
            return;
        }
        let (head, tail) = (self.runs[lo].0, self.runs[hi - 1].1);
        let left = (head < from).then(|| (head, from - 1));
        let right = (tail > to).then(|| (to + 1, tail));
        self.runs.splice(lo..hi, left.into_iter().chain(right));
    }

    /// Adds all of `other`.
    pub fn extend(&mut self, other: &Self) {
        other
            .runs
            .iter()
            .for_each(|&(from, to)| self.insert(from, to));
    }

    /// Takes all of `other` out.
    pub fn subtract(&mut self, other: &Self) {
        other
            .runs
            .iter()
            .for_each(|&(from, to)| self.remove(from, to));
    }

    /// What is in both.
    pub fn intersection(&self, other: &Self) -> Self {
        let mut both = self.clone();
        let mut outside = Self::of(0, Seq::MAX);
        outside.subtract(other);
        both.subtract(&outside);
        both
    }

    /// The members within `from..=to`.
    pub fn within(&self, from: Seq, to: Seq) -> Self {
        self.intersection(&Self::of(from, to))
    }

    /// Drops all runs but the first `max`: a smaller claim, never a wrong one.
    pub fn clip(&mut self, max: usize) {
        self.runs.truncate(max);
    }
}

impl FromIterator<(Seq, Seq)> for Intervals {
    fn from_iter<I: IntoIterator<Item = (Seq, Seq)>>(runs: I) -> Self {
        runs.into_iter().fold(Self::new(), |mut set, (from, to)| {
            set.insert(from, to);
            set
        })
    }
}
