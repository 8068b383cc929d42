//! The one pass that corrects stamps and orders events.
//!
//! It is Kahn's topological sort (*Topological sorting of large networks*, CACM 5(11), 1962) with a
//! priority queue, so that of all events whose causes are done the earliest comes next. The
//! correction is the receive rule of Lamport's clocks (*Time, clocks, and the ordering of events in
//! a distributed system*, CACM 21(7), 1978) over stamps that exist already:
//! `t'(e) = max(t(e), t'(c) + 1)` for every cause `c` that does not stand before `e` anyway. Equal
//! stamps that the given order already tells apart need no correction.

use crate::effects::Effects;
use crate::{CausalError, Event};
use scope_clock::Stamp;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Events in causal order.
#[derive(Debug)]
pub(crate) struct Pass {
    /// Indexes, in order of `(stamp, index)` with the stamps below. Every cause stands before its
    /// effects.
    pub(crate) order: Vec<usize>,
    /// By index: the stamp, or the earliest that lies behind all causes.
    pub(crate) stamps: Vec<Stamp>,
}

impl Pass {
    pub(crate) fn over(events: &[Event], effects: &Effects) -> Result<Self, CausalError> {
        let mut waiting = effects.causes();
        let mut pass = Self {
            order: Vec::with_capacity(events.len()),
            stamps: events.iter().map(|event| event.stamp).collect(),
        };
        let free = (0..events.len()).filter(|&event| waiting[event] == 0);
        let mut ready: BinaryHeap<_> = free.map(|event| Reverse(pass.key(event))).collect();
        while let Some(Reverse((_, cause))) = ready.pop() {
            pass.order.push(cause);
            for &effect in effects.of(cause) {
                pass.follow(cause, effect, events[effect].stamp);
                waiting[effect] -= 1;
                if waiting[effect] == 0 {
                    ready.push(Reverse(pass.key(effect)));
                }
            }
        }
        pass.whole(effects, &waiting)
    }

    fn key(&self, event: usize) -> (Stamp, usize) {
        (self.stamps[event], event)
    }

    /// Compares with the stamp as it was recorded: what other causes did to it must not decide
    /// whether this one counts, or the result would depend on the order of the edges.
    fn follow(&mut self, cause: usize, effect: usize, recorded: Stamp) {
        if self.key(cause) > (recorded, effect) {
            let behind = self.stamps[cause].next();
            self.stamps[effect] = self.stamps[effect].max(behind);
        }
    }

    fn whole(self, effects: &Effects, waiting: &[usize]) -> Result<Self, CausalError> {
        if self.order.len() == self.stamps.len() {
            return Ok(self);
        }
        Err(CausalError::Cycle {
            event: on_cycle(effects, waiting),
        })
    }
}

/// Each event that still waits has a cause that does: so many steps back must lead onto a cycle.
fn on_cycle(effects: &Effects, waiting: &[usize]) -> usize {
    let mut event = 0;
    let mut back = vec![0; waiting.len()];
    for cause in (0..waiting.len()).filter(|&cause| waiting[cause] > 0) {
        effects.of(cause).iter().for_each(|&to| back[to] = cause);
        event = cause;
    }
    (0..waiting.len()).fold(event, |event, _| back[event])
}
