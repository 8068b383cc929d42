//! Modules that depend on themselves, directly or around.

use crate::{Graph, Kinds, ModuleId};

/// A strongly connected component with at least one edge inside.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cycle {
    /// Its modules, by name.
    pub modules: Vec<ModuleId>,
    /// All kinds of the edges between them: a cycle that holds a compile-time edge is the one that
    /// makes compilation slow.
    pub kinds: Kinds,
}

impl Graph {
    /// The cycles by edges of these kinds, the largest first. [`Graph::why`] from one of its
    /// modules to itself gives a shortest way around.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_graph::{Graph, Kind, Kinds, Reference};
    ///
    /// let mut graph = Graph::new();
    /// graph.replace("A", [Reference::new("B", Kind::Compile)])?;
    /// graph.replace("B", [Reference::new("A", Kind::Runtime)])?;
    ///
    /// let cycles = graph.cycles(Kinds::ALL);
    /// assert_eq!(cycles[0].kinds, Kinds::COMPILE | Kinds::RUNTIME);
    /// assert!(graph.cycles(Kinds::COMPILE).is_empty());
    /// # Ok::<(), scope_graph::GraphError>(())
    /// ```
    pub fn cycles(&self, kinds: Kinds) -> Vec<Cycle> {
        let components = self.components(kinds);
        let inside = |from, to| components.of(from) == components.of(to);
        let cycles = components
            .iter()
            .map(|members| self.cycle(members, kinds, &inside));
        let mut cycles: Vec<Cycle> = cycles.filter(|cycle| !cycle.kinds.is_empty()).collect();
        cycles.sort_by_cached_key(|cycle| self.sort_key(cycle));
        cycles
    }

    fn cycle(
        &self,
        members: &[ModuleId],
        kinds: Kinds,
        inside: &impl Fn(ModuleId, ModuleId) -> bool,
    ) -> Cycle {
        let edges = members.iter().flat_map(|from| {
            let edges = self.out[from.index()]
                .iter()
                .filter(|link| link.is_of(kinds));
            edges.filter(|link| inside(*from, link.module()))
        });
        let kinds = edges.fold(Kinds::NONE, |all, link| all | link.kinds());
        Cycle {
            modules: if kinds.is_empty() {
                Vec::new()
            } else {
                self.by_name(members)
            },
            kinds,
        }
    }

    fn by_name(&self, members: &[ModuleId]) -> Vec<ModuleId> {
        let mut modules = members.to_vec();
        modules.sort_unstable_by_key(|id| self.name(*id));
        modules
    }

    fn sort_key(&self, cycle: &Cycle) -> (std::cmp::Reverse<usize>, Option<String>) {
        let first = cycle.modules.first().and_then(|id| self.name(*id));
        (
            std::cmp::Reverse(cycle.modules.len()),
            first.map(String::from),
        )
    }
}
