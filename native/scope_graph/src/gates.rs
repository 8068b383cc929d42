//! The modules that no way leads around: where a dependency can be cut.
//!
//! Source: dominators, by Cooper, Harvey and Kennedy, "A simple, fast dominance algorithm" (2001),
//! as petgraph has it.

use petgraph::algo::dominators::simple_fast;

use crate::{Graph, Kinds, ModuleId};

impl Graph {
    /// The modules between `from` and `to` that are on *every* way from the one to the other, in
    /// the order of the way; none where `from` does not depend on `to`. When it is empty there
    /// are at least two ways that share no module (or one direct edge).
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_graph::{Graph, Kind, Kinds, Reference};
    ///
    /// let mut graph = Graph::new();
    /// graph.replace("Web", ["Cart", "Order"].map(|to| Reference::new(to, Kind::Runtime)))?;
    /// graph.replace("Cart", [Reference::new("Repo", Kind::Runtime)])?;
    /// graph.replace("Order", [Reference::new("Repo", Kind::Runtime)])?;
    /// graph.replace("Repo", [Reference::new("Driver", Kind::Runtime)])?;
    ///
    /// let id = |name| graph.id(name).unwrap();
    /// let gates = graph.gates(id("Web"), id("Driver"), Kinds::ALL);
    /// assert_eq!(gates, Some(vec![id("Repo")]));
    /// # Ok::<(), scope_graph::GraphError>(())
    /// ```
    pub fn gates(&self, from: ModuleId, to: ModuleId, kinds: Kinds) -> Option<Vec<ModuleId>> {
        self.name(from).and(self.name(to))?;
        let dominators = simple_fast(self.view(kinds), from);
        let gates = dominators.strict_dominators(to)?.filter(|id| *id != from);
        let mut gates: Vec<_> = gates.collect();
        gates.reverse();
        Some(gates)
    }
}
