//! Topological layers: who can be looked at, compiled or stopped after whom.
//!
//! Longest-path layering of the condensation: its components come dependencies first, so one pass
//! over them is enough.

use crate::groups::Groups;
use crate::{Components, Graph, Kinds, ModuleId};

/// The modules by how many steps of dependencies are below them. Modules of one cycle share a
/// layer; every other edge leads from a layer to a lower one.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Layers(Groups);

impl Layers {
    /// How many layers there are.
    pub fn len(&self) -> usize {
        self.0.len()
    }

    /// True when the graph has no module.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The layers; the first holds the modules that depend on nothing outside their cycle.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[ModuleId]> + ExactSizeIterator {
        self.0.iter()
    }

    /// One layer.
    pub fn get(&self, layer: usize) -> Option<&[ModuleId]> {
        self.0.get(layer)
    }
}

impl Graph {
    /// The layers by edges of these kinds.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_graph::{Graph, Kind, Kinds, Reference};
    ///
    /// let mut graph = Graph::new();
    /// graph.replace("A", ["B", "C"].map(|to| Reference::new(to, Kind::Runtime)))?;
    /// graph.replace("B", [Reference::new("C", Kind::Runtime)])?;
    ///
    /// let layers = graph.layers(Kinds::ALL);
    /// assert_eq!(layers.len(), 3);
    /// assert_eq!(layers.get(0), Some(&[graph.id("C").unwrap()][..]));
    /// # Ok::<(), scope_graph::GraphError>(())
    /// ```
    pub fn layers(&self, kinds: Kinds) -> Layers {
        let components = self.components(kinds);
        let heights = self.heights(&components, kinds);
        Layers(grouped(&components, &heights))
    }

    /// The layer of each component.
    fn heights(&self, components: &Components, kinds: Kinds) -> Vec<usize> {
        let mut heights = Vec::with_capacity(components.len());
        for members in components.iter() {
            let below = members.iter().filter_map(|id| {
                let links = self.out[id.index()].iter().filter(|link| link.is_of(kinds));
                let below = links.filter_map(|link| components.of(link.module()));
                below.filter_map(|component| heights.get(component)).max()
            });
            let height = below.max().map_or(0, |highest: &usize| highest + 1);
            heights.push(height);
        }
        heights
    }
}

/// A counting sort of the components by height.
fn grouped(components: &Components, heights: &[usize]) -> Groups {
    let mut layers = vec![Vec::new(); heights.iter().max().map_or(0, |highest| highest + 1)];
    for (members, height) in components.iter().zip(heights) {
        layers[*height].extend_from_slice(members);
    }
    let mut groups = Groups::default();
    for mut layer in layers {
        groups.members.append(&mut layer);
        groups.close();
    }
    groups
}
