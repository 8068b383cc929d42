//! Which edges are left out where causes lead back to where they come from.
//!
//! Nothing happens before itself, so on a cycle something is wrong: a pair that was only likely, or
//! what a node said. Cycles are found as strongly connected components (Tarjan, *Depth-first search and
//! linear graph algorithms*, SIAM J. Comput. 1(2), 1972). In each of them the edge that is least sure,
//! and of those the one that goes back furthest in time, is left out, until there is none; the least
//! number of edges is not looked for. The order within a process always stays.

use super::At;
use super::chains::Chains;
use super::edge::{Edge, Edges};
use crate::Confidence;
use scope_clock::Stamp;

/// After so many rounds with one edge of each cycle all unsure ones go, then all that go back in
/// time: what is left goes forward and has no cycle.
const ROUNDS: usize = 16;

/// Edges of which some are left out, round by round.
#[derive(Debug)]
pub(super) struct Breaking {
    edges: Edges,
    out: Vec<Edge>,
    rounds: usize,
}

impl Breaking {
    pub(super) fn new(edges: Edges) -> Self {
        Self {
            edges,
            out: Vec::new(),
            rounds: 0,
        }
    }

    /// Leaves out one edge of each cycle, or more of them where there were too many rounds; answers
    /// whether there may be cycles left.
    pub(super) fn round(&mut self, stamps: &[Stamp], chains: &Chains) -> bool {
        let components = Components::of(stamps.len(), chains, &self.edges);
        let inside = |edge: &Edge| components.joins(edge);
        let gone = match self.rounds.checked_sub(ROUNDS) {
            None => worst(stamps, &components, self.edges.all()),
            Some(0) => of(&self.edges, |edge| {
                inside(edge) && edge.sure < Confidence::Exact
            }),
            Some(_) => of(&self.edges, |edge| {
                inside(edge) && edge.cause >= edge.effect
            }),
        };
        self.edges = without(std::mem::take(&mut self.edges), &gone);
        self.rounds += 1;
        let is_over = self.rounds > ROUNDS + 1 || (self.rounds <= ROUNDS && gone.is_empty());
        self.out.extend(gone);
        !is_over
    }

    /// The edges without those that close cycles, and these in order.
    pub(super) fn finish(mut self) -> (Edges, Vec<Edge>) {
        self.out.sort_unstable();
        (self.edges, self.out)
    }
}

fn of(edges: &Edges, wanted: impl Fn(&Edge) -> bool) -> Vec<Edge> {
    edges.all().iter().copied().filter(wanted).collect()
}

/// Of each cycle the edge that is least sure and goes back furthest.
fn worst(stamps: &[Stamp], components: &Components, edges: &[Edge]) -> Vec<Edge> {
    let mut inside: Vec<_> = edges.iter().filter(|edge| components.joins(edge)).collect();
    let back = |edge: &Edge| {
        let (cause, effect) = (stamps[edge.cause as usize], stamps[edge.effect as usize]);
        std::cmp::Reverse(i128::from(cause.bits()) - i128::from(effect.bits()))
    };
    let component = |edge: &Edge| components.of[edge.effect as usize];
    inside.sort_unstable_by_key(|edge| (component(edge), edge.sure, back(edge), **edge));
    inside.dedup_by_key(|edge| component(edge));
    inside.into_iter().copied().collect()
}

fn without(edges: Edges, gone: &[Edge]) -> Edges {
    if gone.is_empty() {
        return edges;
    }
    let mut sorted = gone.to_vec();
    sorted.sort_unstable();
    let mut all = edges.into_all();
    all.retain(|edge| sorted.binary_search(edge).is_err());
    Edges::new(all)
}

/// Which events lie on a cycle together.
struct Components {
    /// By event: equal for two of one cycle.
    of: Vec<u32>,
}

/// A visit that is not over: the event, and how many of its effects were looked at.
type Open = (At, u32);

#[derive(Default)]
struct Search {
    /// By event: one more than the number of its visit; 0 before.
    visits: Vec<u32>,
    /// By event: the earliest visit that can be reached from it.
    lows: Vec<u32>,
    of: Vec<u32>,
    /// Visited, and not yet known to which component they belong.
    held: Vec<At>,
    is_held: Vec<bool>,
    visited: u32,
    components: u32,
}

impl Components {
    fn of(events: usize, chains: &Chains, edges: &Edges) -> Self {
        let mut search = Search {
            visits: vec![0; events],
            lows: vec![0; events],
            of: vec![0; events],
            is_held: vec![false; events],
            ..Search::default()
        };
        for at in (0..).take(events) {
            if search.visits[at as usize] == 0 {
                search.from(at, chains, edges);
            }
        }
        Self { of: search.of }
    }

    fn joins(&self, edge: &Edge) -> bool {
        self.of[edge.cause as usize] == self.of[edge.effect as usize]
    }
}

impl Search {
    /// Without recursion: a cycle may be as long as there are events.
    fn from(&mut self, root: At, chains: &Chains, edges: &Edges) {
        let mut open: Vec<Open> = vec![self.visit(root)];
        while let Some(&(at, seen)) = open.last() {
            let Some(effect) = effect(at, seen, chains, edges) else {
                open.pop();
                self.leave(at, open.last().map(|(above, _)| *above));
                continue;
            };
            if let Some(last) = open.last_mut() {
                last.1 += 1;
            }
            if self.visits[effect as usize] == 0 {
                open.push(self.visit(effect));
            } else if self.is_held[effect as usize] {
                self.lower(at, self.visits[effect as usize]);
            }
        }
    }

    fn visit(&mut self, at: At) -> Open {
        self.visited += 1;
        self.visits[at as usize] = self.visited;
        self.lows[at as usize] = self.visited;
        self.is_held[at as usize] = true;
        self.held.push(at);
        (at, 0)
    }

    fn lower(&mut self, at: At, visit: u32) {
        let low = &mut self.lows[at as usize];
        *low = (*low).min(visit);
    }

    fn leave(&mut self, at: At, above: Option<At>) {
        let low = self.lows[at as usize];
        if let Some(above) = above {
            self.lower(above, low);
        }
        if low == self.visits[at as usize] {
            self.close(at);
        }
    }

    /// All that are held since are of one component.
    fn close(&mut self, root: At) {
        self.components += 1;
        while let Some(at) = self.held.pop() {
            self.is_held[at as usize] = false;
            self.of[at as usize] = self.components;
            if at == root {
                return;
            }
        }
    }
}

/// An effect of an event by its number: the next of the process comes first.
fn effect(at: At, number: u32, chains: &Chains, edges: &Edges) -> Option<At> {
    let behind = chains.behind(at);
    let before = u32::from(behind.is_some());
    match number.checked_sub(before) {
        None => behind,
        Some(number) => edges
            .nth_of_cause(at, number as usize)
            .map(|edge| edge.effect),
    }
}
