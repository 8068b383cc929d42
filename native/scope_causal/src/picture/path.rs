//! What took the time between two events.

use super::{At, EdgeKind, Picture};
use crate::Confidence;
use scope_event::Kind;

/// What went on between two events of which one came of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Way {
    /// The process went on.
    Process,
    /// The process waited: what it received then came of nothing later that is known.
    Waiting,
    /// An edge between processes, and how sure it is.
    Edge(EdgeKind, Confidence),
}

/// One step of the way from one event to another.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Step {
    /// Where it begins.
    pub from: At,
    /// Where it ends.
    pub to: At,
    /// What it was.
    pub way: Way,
    /// How long it took, in nanoseconds: by the clock of the node, or between nodes by the corrected
    /// stamps.
    pub ns: u64,
    /// By how much that may be wrong: what the clocks of two nodes may differ, 0 within one.
    pub uncertain_ns: u64,
}

impl Picture {
    /// The way that took longest from one event to another: back from the last one, at each step to the
    /// cause that came latest of those that come from the first. Empty where none leads from one to
    /// the other.
    #[must_use]
    pub fn critical_path(&self, from: At, to: At) -> Vec<Step> {
        let mut steps = Vec::new();
        if self.known(from) && self.known(to) {
            let on_way = self.between(from, to);
            let mut at = to;
            while let Some(step) = self.latest(at, &on_way).filter(|_| at != from) {
                at = step.from;
                steps.push(step);
            }
        }
        steps.reverse();
        steps
    }

    /// By place: what comes of the first event up to the last one.
    fn between(&self, from: At, to: At) -> Vec<bool> {
        let (first, last) = (self.place(from) as usize, self.place(to) as usize);
        let mut on_way = vec![false; (last + 1).max(first + 1)];
        on_way[first] = true;
        for place in first..last {
            if on_way[place] {
                for effect in self.effects(self.order()[place]) {
                    if let Some(reached) = on_way.get_mut(self.place(effect) as usize) {
                        *reached = true;
                    }
                }
            }
        }
        on_way
    }

    fn latest(&self, to: At, on_way: &[bool]) -> Option<Step> {
        let before = self.chains.before(to).map(|from| (from, self.within(to)));
        let edges = self.edges_into(to).iter();
        let edges = edges.map(|edge| (edge.cause, Way::Edge(edge.kind, edge.sure)));
        let causes = edges.chain(before);
        let causes =
            causes.filter(|(from, _)| on_way.get(self.place(*from) as usize) == Some(&true));
        let (from, way) = causes.max_by_key(|(from, _)| self.place(*from))?;
        let (ns, uncertain_ns) = self.took(from, to);
        Some(Step {
            from,
            to,
            way,
            ns,
            uncertain_ns,
        })
    }

    fn within(&self, to: At) -> Way {
        match self.kind(to) {
            Kind::Receive => Way::Waiting,
            _ => Way::Process,
        }
    }

    /// How long it is from one event to another, and by how much that may be wrong.
    #[must_use]
    pub fn took(&self, from: At, to: At) -> (u64, u64) {
        let same = self.columns.origins[from as usize] == self.columns.origins[to as usize];
        let by_clock = self.mono_ns(from).zip(self.mono_ns(to)).filter(|_| same);
        if let Some((from, to)) = by_clock {
            return (u64::try_from(to.saturating_sub(from)).unwrap_or(0), 0);
        }
        let ns = self.corrected(to).ns_since(self.corrected(from));
        let uncertain = if same { 0 } else { self.clocks_ns };
        (u64::try_from(ns).unwrap_or(0), uncertain)
    }
}
