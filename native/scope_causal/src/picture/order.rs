//! The one pass that corrects stamps and orders events.
//!
//! It is Kahn's topological sort (*Topological sorting of large networks*, CACM 5(11), 1962) with a
//! priority queue, so that of all events whose causes are done the earliest comes next. The
//! correction is the receive rule of Lamport's clocks (*Time, clocks, and the ordering of events in
//! a distributed system*, CACM 21(7), 1978) over stamps that exist already:
//! `t'(e) = max(t(e), t'(c) + 1)` for every cause `c` that does not stand before `e` anyway. Equal
//! stamps that the given order already tells apart need no correction.

use super::At;
use super::chains::Chains;
use super::edge::Edges;
use scope_clock::Stamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Events in causal order.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// In order of the corrected stamps; every cause stands before its effects.
    pub(super) order: Vec<At>,
    /// By event: where it stands in `order`.
    pub(super) places: Vec<u32>,
    /// The events that were moved with their new stamps, in order of events.
    pub(super) moved: Vec<(At, Stamp)>,
}

impl Order {
    /// Where no cause is stamped behind its effect.
    pub(super) fn given(events: usize) -> Self {
        let order: Vec<At> = (0..).take(events).collect();
        Self {
            places: order.clone(),
            order,
            moved: Vec::new(),
        }
    }
}

/// The pass while it goes on.
#[derive(Debug)]
pub(super) struct Pass {
    order: Vec<At>,
    /// By event: the stamp, or the earliest that lies behind all causes so far.
    stamps: Vec<Stamp>,
    /// By event: how many direct causes are not in order yet.
    waiting: Vec<u32>,
    /// Events without any, and not in order themselves.
    ready: BinaryHeap<Reverse<(Stamp, At)>>,
}

impl Pass {
    pub(super) fn new(recorded: &[Stamp], chains: &Chains, edges: &Edges) -> Self {
        let mut pass = Self {
            order: Vec::with_capacity(recorded.len()),
            stamps: recorded.to_vec(),
            waiting: waiting(recorded.len(), chains, edges),
            ready: BinaryHeap::new(),
        };
        let free = (0..).zip(&pass.waiting).filter(|(_, causes)| **causes == 0);
        pass.ready = free.map(|(at, _)| Reverse(pass.key(at))).collect();
        pass
    }

    /// Orders so many events; answers whether there are more that can be.
    pub(super) fn advance(
        &mut self,
        most: usize,
        recorded: &[Stamp],
        chains: &Chains,
        edges: &Edges,
    ) -> bool {
        for _ in 0..most {
            let Some(Reverse((_, cause))) = self.ready.pop() else {
                return false;
            };
            self.order.push(cause);
            let edges = edges.of_cause(cause).map(|edge| edge.effect);
            for effect in chains.behind(cause).into_iter().chain(edges) {
                self.follow(cause, effect, recorded[effect as usize]);
                self.waiting[effect as usize] -= 1;
                if self.waiting[effect as usize] == 0 {
                    self.ready.push(Reverse(self.key(effect)));
                }
            }
        }
        true
    }

    fn key(&self, at: At) -> (Stamp, At) {
        (self.stamps[at as usize], at)
    }

    /// Compares with the stamp as it was recorded: what other causes did to it must not decide
    /// whether this one counts, or the result would depend on the order of the edges.
    fn follow(&mut self, cause: At, effect: At, recorded: Stamp) {
        if self.key(cause) > (recorded, effect) {
            let behind = self.stamps[cause as usize].next();
            let stamp = &mut self.stamps[effect as usize];
            *stamp = (*stamp).max(behind);
        }
    }

    pub(super) fn is_whole(&self) -> bool {
        self.order.len() == self.stamps.len()
    }

    pub(super) fn finish(self, recorded: &[Stamp]) -> Order {
        let mut places = vec![0; recorded.len()];
        for (place, &at) in (0..).zip(&self.order) {
            places[at as usize] = place;
        }
        let both = (0..).zip(self.stamps.iter().zip(recorded));
        let moved = both.filter(|(_, (now, recorded))| now > recorded);
        Order {
            moved: moved.map(|(at, (now, _))| (at, *now)).collect(),
            order: self.order,
            places,
        }
    }
}

/// How many direct causes each event has.
fn waiting(events: usize, chains: &Chains, edges: &Edges) -> Vec<u32> {
    let has_before = |at| u32::from(chains.before(at).is_some());
    let mut waiting: Vec<u32> = (0..).take(events).map(has_before).collect();
    for edge in edges.all() {
        waiting[edge.effect as usize] += 1;
    }
    waiting
}
