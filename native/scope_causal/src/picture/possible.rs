//! What could order events, if more were known.
//!
//! Besides the known edges there are *possible* ones: the candidates of an ambiguous message, and pairs
//! that were left out as they closed a cycle. And there is what was lost. Of a node that lost events it
//! is not known what its processes did up to the last gap that says so: any event of it up to there may
//! have led to a lost one, and a lost one to any event of it. A message without another half went into
//! what was lost, or came from there, if the other side is that node, or not known.

use super::edge::Edges;
use super::reach::Bits;
use super::{At, NONE, Picture};
use scope_clock::Stamp;
use scope_event::Kind;

#[derive(Debug, Default)]
pub(super) struct Possible {
    /// Candidates and pairs that were left out.
    pub(super) edges: Edges,
    /// By node: until when events may be lost; `None` where none are.
    pub(super) lost: Vec<Option<Stamp>>,
    /// Messages whose other half is not known: in order.
    pub(super) open: Vec<At>,
}

impl Possible {
    fn is_empty(&self) -> bool {
        self.edges.all().is_empty() && self.lost.iter().all(Option::is_none)
    }

    fn is_open(&self, at: At) -> bool {
        self.open.binary_search(&at).is_ok()
    }
}

impl Picture {
    /// Whether one event may have led to another, for all that is known and all that is not.
    pub(super) fn may_lead(&self, from: At, to: At) -> bool {
        if self.possible.is_empty() {
            return false;
        }
        let mut seen = Bits::new(self.len());
        let mut entered = Bits::new(self.nodes.len());
        let mut left = vec![from];
        seen.add(from as usize);
        while let Some(at) = left.pop() {
            if at == to {
                return true;
            }
            let candidates = self.possible.edges.of_cause(at).map(|edge| edge.effect);
            let effects = self.effects(at).chain(candidates);
            left.extend(effects.filter(|effect| seen.add(*effect as usize)));
            for node in self.loses(at).filter(|node| entered.add(*node as usize)) {
                let come = (0..)
                    .take(self.len())
                    .filter(|at| self.comes_from(*at, node));
                left.extend(come.filter(|at| seen.add(*at as usize)));
            }
        }
        false
    }

    /// The nodes of which a lost event may follow from this one.
    fn loses(&self, at: At) -> impl Iterator<Item = u32> + '_ {
        let lost = (0..).zip(&self.possible.lost);
        let lost = lost.filter_map(|(node, until)| Some((node, (*until)?)));
        lost.filter(move |(node, until)| {
            let here = self.node(at) == Some(*node) && self.stamp(at) <= *until;
            here || self.is_open_to(at, Kind::Send, *node)
        })
        .map(|(node, _)| node)
    }

    /// Whether it may follow from a lost event of a node.
    fn comes_from(&self, at: At, node: u32) -> bool {
        self.node(at) == Some(node) || self.is_open_to(at, Kind::Receive, node)
    }

    /// Whether it is a message without another half, which may be of that node.
    fn is_open_to(&self, at: At, kind: Kind, node: u32) -> bool {
        let other = self.other_node(at);
        self.kind(at) == kind
            && self.possible.is_open(at)
            && other.is_none_or(|other| other == node)
    }

    /// The node at the other side of a message, where that is known.
    fn other_node(&self, at: At) -> Option<u32> {
        let about = self.columns.abouts.get(at as usize)?;
        let process = about.process().map(|process| self.node_of(process));
        process
            .or_else(|| about.node())
            .filter(|node| *node != NONE)
    }
}
