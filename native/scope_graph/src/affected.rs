//! What a change of some modules comes to.
//!
//! The rule is that of the Elixir compiler: a module is compiled again when something that it needs
//! *to be compiled* changed, and that is so when any module which that one can reach changed; or
//! when it looks at the exports of a module whose exports changed.

use fixedbitset::FixedBitSet;

use crate::{Graph, Kinds, ModuleId, Walk};

/// How much of the changed modules changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Extent {
    /// Function bodies alone.
    Bodies,
    /// Also what they export: structs, functions, macros.
    Exports,
}

/// The modules that a change matters to, without the changed ones themselves.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Affected {
    /// Compiled again because of it; ascending by id.
    pub recompiled: Vec<ModuleId>,
    /// Their own code stays the same, but what they call, however far away, may not behave as it
    /// did; ascending by id.
    pub reached: Vec<ModuleId>,
}

impl Graph {
    /// What a change of `changed` matters to.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_graph::{Extent, Graph, Kind, Reference};
    ///
    /// let mut graph = Graph::new();
    /// graph.replace("Web", [Reference::new("Router", Kind::Compile)])?;
    /// graph.replace("Router", [Reference::new("Repo", Kind::Runtime)])?;
    ///
    /// let repo = graph.id("Repo").unwrap();
    /// let affected = graph.affected(&[repo], Extent::Bodies);
    /// assert_eq!(affected.recompiled, [graph.id("Web").unwrap()]);
    /// assert_eq!(affected.reached, [graph.id("Router").unwrap()]);
    /// # Ok::<(), scope_graph::GraphError>(())
    /// ```
    pub fn affected(&self, changed: &[ModuleId], extent: Extent) -> Affected {
        let changed: Vec<_> = changed
            .iter()
            .copied()
            .filter(|id| self.name(*id).is_some())
            .collect();
        let mut recompiled = self.recompiled(&changed, extent);
        let mut reached = self.marked(self.walk(&changed, Walk::dependents()).modules());
        recompiled.difference_with(&self.marked(&changed));
        reached.difference_with(&recompiled);
        Affected {
            recompiled: ids(&recompiled),
            reached: ids(&reached),
        }
    }

    fn recompiled(&self, changed: &[ModuleId], extent: Extent) -> FixedBitSet {
        let stale = self.walk(changed, Walk::dependents().by(Kinds::DECLARED));
        let stale = changed.iter().chain(stale.modules());
        let mut recompiled = self.users(stale, Kinds::COMPILE);
        if extent == Extent::Exports {
            recompiled.union_with(&self.users(changed.iter(), Kinds::EXPORTS));
        }
        recompiled
    }

    /// Who depends on any of these directly, by these kinds.
    fn users<'a>(&self, of: impl Iterator<Item = &'a ModuleId>, kinds: Kinds) -> FixedBitSet {
        let links = of.flat_map(|id| &self.into[id.index()]);
        let links = links.filter(|link| link.is_of(kinds));
        let mut users = FixedBitSet::with_capacity(self.modules.slots());
        links.for_each(|link| users.insert(link.index()));
        users
    }

    fn marked(&self, modules: &[ModuleId]) -> FixedBitSet {
        let mut marked = FixedBitSet::with_capacity(self.modules.slots());
        modules.iter().for_each(|id| marked.insert(id.index()));
        marked
    }
}

fn ids(marked: &FixedBitSet) -> Vec<ModuleId> {
    marked.ones().map(|at| ModuleId(at as u32)).collect()
}
