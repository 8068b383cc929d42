//! Why one module depends on another: a shortest path.
//!
//! Breadth-first search that remembers where it came from, and stops at the target.

use crate::{Graph, Kinds, ModuleId};

/// Where the search has not been.
const UNSEEN: u32 = u32::MAX;

impl Graph {
    /// A shortest way from `from` to `to` along dependencies of these kinds, both ends included;
    /// none where `from` does not depend on `to`. With both the same it is a shortest cycle.
    ///
    /// [`Graph::between`] says of each step which kinds and which lines make it.
    pub fn why(&self, from: ModuleId, to: ModuleId, kinds: Kinds) -> Option<Vec<ModuleId>> {
        let live = self.modules.is_live(from.0) && self.modules.is_live(to.0);
        live.then(|| self.came_from(from, to, kinds))
            .filter(|before| before[to.index()] != UNSEEN)
            .map(|before| trace_back(&before, from, to))
    }

    /// For each module on the way, the one before it. The start is unseen until an edge leads to
    /// it, so that a path to itself has at least one edge.
    fn came_from(&self, from: ModuleId, to: ModuleId, kinds: Kinds) -> Vec<u32> {
        let mut before = vec![UNSEEN; self.modules.slots()];
        let mut queue = vec![from.0];
        let mut next = 0;
        while before[to.index()] == UNSEEN && next < queue.len() {
            self.step(queue[next], kinds, &mut before, &mut queue);
            next += 1;
        }
        before
    }

    fn step(&self, at: u32, kinds: Kinds, before: &mut [u32], queue: &mut Vec<u32>) {
        for link in self.out[at as usize]
            .iter()
            .filter(|link| link.is_of(kinds))
        {
            if before[link.index()] == UNSEEN {
                before[link.index()] = at;
                queue.push(link.id());
            }
        }
    }
}

fn trace_back(before: &[u32], from: ModuleId, to: ModuleId) -> Vec<ModuleId> {
    let mut path = vec![to];
    let mut at = before[to.index()];
    while at != from.0 {
        path.push(ModuleId(at));
        at = before[at as usize];
    }
    path.push(from);
    path.reverse();
    path
}
