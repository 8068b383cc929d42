//! The graph as petgraph sees it, so that its algorithms run on it without a copy.
//!
//! Beware of some at this size: `is_cyclic_directed` and `tarjan_scc` recurse and overflow the
//! stack on a long chain, `Topo` is quadratic on a wide graph.

use fixedbitset::FixedBitSet;
use petgraph::visit::{
    GraphBase, GraphRef, IntoNeighbors, IntoNeighborsDirected, IntoNodeIdentifiers, NodeCount,
    NodeIndexable, VisitMap, Visitable,
};

use crate::link::Link;
use crate::{Direction, Graph, Kinds, ModuleId};

/// A graph seen through some kinds of edges.
///
/// # Examples
///
/// ```
/// use petgraph::visit::{Bfs, Walker};
/// use scope_graph::{Graph, Kind, Kinds, Reference};
///
/// let mut graph = Graph::new();
/// graph.replace("A", [Reference::new("B", Kind::Runtime)])?;
/// let view = graph.view(Kinds::ALL);
/// assert_eq!(Bfs::new(view, graph.id("A").unwrap()).iter(view).count(), 2);
/// # Ok::<(), scope_graph::GraphError>(())
/// ```
#[derive(Clone, Copy, Debug)]
pub struct View<'a> {
    graph: &'a Graph,
    kinds: Kinds,
}

impl Graph {
    /// This graph for petgraph, with the edges of these kinds.
    pub const fn view(&self, kinds: Kinds) -> View<'_> {
        View { graph: self, kinds }
    }
}

impl GraphBase for View<'_> {
    type NodeId = ModuleId;
    type EdgeId = (ModuleId, ModuleId);
}

impl GraphRef for View<'_> {}

/// The neighbours of a module.
#[derive(Clone, Debug)]
pub struct Neighbours<'a> {
    links: std::slice::Iter<'a, Link>,
    kinds: Kinds,
}

impl Iterator for Neighbours<'_> {
    type Item = ModuleId;

    fn next(&mut self) -> Option<ModuleId> {
        let link = self.links.find(|link| link.is_of(self.kinds))?;
        Some(link.module())
    }
}

impl<'a> IntoNeighbors for View<'a> {
    type Neighbors = Neighbours<'a>;

    fn neighbors(self, id: ModuleId) -> Neighbours<'a> {
        self.neighbors_directed(id, petgraph::Direction::Outgoing)
    }
}

impl<'a> IntoNeighborsDirected for View<'a> {
    type NeighborsDirected = Neighbours<'a>;

    fn neighbors_directed(self, id: ModuleId, toward: petgraph::Direction) -> Neighbours<'a> {
        let direction = match toward {
            petgraph::Direction::Outgoing => Direction::Dependencies,
            petgraph::Direction::Incoming => Direction::Dependents,
        };
        let links = self.graph.links(direction).get(id.index());
        Neighbours {
            links: links.map_or(&[][..], |links| links).iter(),
            kinds: self.kinds,
        }
    }
}

impl NodeCount for View<'_> {
    fn node_count(&self) -> usize {
        self.graph.len()
    }
}

impl NodeIndexable for View<'_> {
    fn node_bound(&self) -> usize {
        self.graph.modules.slots()
    }

    fn to_index(&self, id: ModuleId) -> usize {
        id.index()
    }

    fn from_index(&self, index: usize) -> ModuleId {
        ModuleId(index as u32)
    }
}

impl<'a> IntoNodeIdentifiers for View<'a> {
    type NodeIdentifiers = Box<dyn Iterator<Item = ModuleId> + 'a>;

    fn node_identifiers(self) -> Self::NodeIdentifiers {
        Box::new(self.graph.modules())
    }
}

/// The modules that a traversal has seen.
#[derive(Clone, Debug, Default)]
pub struct Marks(FixedBitSet);

impl VisitMap<ModuleId> for Marks {
    fn visit(&mut self, id: ModuleId) -> bool {
        !self.0.put(id.index())
    }

    fn is_visited(&self, id: &ModuleId) -> bool {
        self.0.contains(id.index())
    }

    fn unvisit(&mut self, id: ModuleId) -> bool {
        let was = self.is_visited(&id);
        self.0.set(id.index(), false);
        was
    }
}

impl Visitable for View<'_> {
    type Map = Marks;

    fn visit_map(&self) -> Marks {
        Marks(FixedBitSet::with_capacity(self.node_bound()))
    }

    fn reset_map(&self, map: &mut Marks) {
        map.0.clear();
        map.0.grow(self.node_bound());
    }
}
