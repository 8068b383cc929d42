//! What caused what, besides the order within a process.

use super::At;
use crate::Confidence;

/// How one event led to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum EdgeKind {
    /// A send, and the receive of the same message.
    Message,
    /// A spawn, and what the child did first.
    Spawn,
    /// A link, and the end of the process at its other side, which it let know of.
    Link,
    /// The end of a process, and what another one saw of it.
    Exit,
}

/// One event led to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Edge {
    /// What followed.
    pub effect: At,
    /// What came first.
    pub cause: At,
    /// How it did.
    pub kind: EdgeKind,
    /// How sure that is.
    pub sure: Confidence,
}

/// Edges, found from either end.
#[derive(Debug, Default)]
pub(super) struct Edges {
    /// In order, each pair of ends once for each kind.
    all: Vec<Edge>,
    /// Indexes into `all`, by cause.
    by_cause: Vec<u32>,
}

impl Edges {
    pub(super) fn new(mut all: Vec<Edge>) -> Self {
        // Of one pair that is told twice, the surer word comes last.
        all.sort_unstable();
        all.dedup_by(|later, kept| {
            let same =
                (later.effect, later.cause, later.kind) == (kept.effect, kept.cause, kept.kind);
            if same {
                kept.sure = kept.sure.max(later.sure);
            }
            same
        });
        all.shrink_to_fit();
        let mut by_cause: Vec<u32> = (0..).take(all.len()).collect();
        by_cause.sort_unstable_by_key(|&at| (all[at as usize].cause, at));
        Self { all, by_cause }
    }

    pub(super) fn all(&self) -> &[Edge] {
        &self.all
    }

    pub(super) fn into_all(self) -> Vec<Edge> {
        self.all
    }

    pub(super) fn of_effect(&self, effect: At) -> &[Edge] {
        let begin = self.all.partition_point(|edge| edge.effect < effect);
        let of = &self.all[begin..];
        &of[..of.iter().take_while(|edge| edge.effect == effect).count()]
    }

    pub(super) fn of_cause(&self, cause: At) -> impl Iterator<Item = &Edge> + '_ {
        let edge = |at: &u32| &self.all[*at as usize];
        let begin = self.by_cause.partition_point(|at| edge(at).cause < cause);
        let of = self.by_cause[begin..].iter().map(edge);
        of.take_while(move |edge| edge.cause == cause)
    }

    pub(super) fn nth_of_cause(&self, cause: At, number: usize) -> Option<&Edge> {
        let edge = |at: &u32| &self.all[*at as usize];
        let begin = self.by_cause.partition_point(|at| edge(at).cause < cause);
        let found = edge(self.by_cause.get(begin + number)?);
        (found.cause == cause).then_some(found)
    }
}
