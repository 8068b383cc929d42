//! Which events lead to which, along everything that is known.

use super::{At, Picture};

/// A set of numbers below a bound.
pub(super) struct Bits(Vec<u64>);

impl Bits {
    pub(super) fn new(len: usize) -> Self {
        Self(vec![0; len.div_ceil(64)])
    }

    pub(super) fn has(&self, bit: usize) -> bool {
        self.0
            .get(bit / 64)
            .is_some_and(|word| word >> (bit % 64) & 1 == 1)
    }

    /// Whether it was not in it before.
    pub(super) fn add(&mut self, bit: usize) -> bool {
        let Some(word) = self.0.get_mut(bit / 64) else {
            return false;
        };
        let is_new = *word >> (bit % 64) & 1 == 0;
        *word |= 1 << (bit % 64);
        is_new
    }
}

impl Picture {
    /// Whether effects lead from one place to a later one. Every effect stands behind its cause, so
    /// that one look at the places between them, in order, is enough.
    pub(super) fn leads(&self, from: u32, to: u32) -> bool {
        let mut reached = Bits::new((to - from) as usize + 1);
        reached.add(0);
        for place in from..to {
            if !reached.has((place - from) as usize) {
                continue;
            }
            for effect in self.effects(self.order.order[place as usize]) {
                let place = self.place(effect);
                if place <= to {
                    reached.add((place - from) as usize);
                }
            }
        }
        reached.has((to - from) as usize)
    }

    /// Everything that direct steps lead to from an event, without itself, in causal order.
    pub(super) fn all_from<I>(&self, event: At, steps: impl Fn(At) -> I) -> Vec<At>
    where
        I: Iterator<Item = At>,
    {
        let mut seen = Bits::new(self.len());
        let (mut all, mut left) = (Vec::new(), vec![event]);
        seen.add(event as usize);
        while let Some(at) = left.pop() {
            for next in steps(at).filter(|next| seen.add(*next as usize)) {
                all.push(next);
                left.push(next);
            }
        }
        all.sort_unstable_by_key(|at| self.place(*at));
        all
    }

    pub(super) fn effects(&self, cause: At) -> impl Iterator<Item = At> + '_ {
        let edges = self.edges.of_cause(cause).map(|edge| edge.effect);
        self.chains.behind(cause).into_iter().chain(edges)
    }

    pub(super) fn causes(&self, effect: At) -> impl Iterator<Item = At> + '_ {
        let edges = self.edges.of_effect(effect).iter().map(|edge| edge.cause);
        self.chains.before(effect).into_iter().chain(edges)
    }
}
