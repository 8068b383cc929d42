//! The graph itself, and what can be read off it directly.

use std::fmt;

use fixedbitset::FixedBitSet;

use crate::fact::Fact;
use crate::link::{self, Link, Links};
use crate::names::Names;
use crate::{Direction, Kinds, Place, Reference};

/// A module of one graph.
///
/// The number is good for the version of the graph that it was asked of: when a module disappears
/// its number goes to the next new one. Names are what lasts.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct ModuleId(pub(crate) u32);

impl ModuleId {
    pub(crate) const fn index(self) -> usize {
        self.0 as usize
    }
}

/// How often a graph has changed.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Counts every change, also of a line number.
    pub content: u64,
    /// Counts the changes of modules, edges and kinds alone: what was computed from the graph
    /// holds as long as this one stands.
    pub structure: u64,
}

/// Modules and what they depend on.
///
/// A graph is a value: it can be cloned, compared, encoded and taken apart from another one. A
/// module is in it because it is *defined* (its list is known) or because a list names it.
///
/// # Examples
///
/// ```
/// use scope_graph::{Graph, Kind, Kinds, Reference};
///
/// let mut graph = Graph::new();
/// graph.replace("Orders", [Reference::new("Cart", Kind::Runtime).at("lib/orders.ex", 3)])?;
/// graph.replace("Cart", [Reference::new("Money", Kind::Compile)])?;
///
/// let (orders, money) = (graph.id("Orders").unwrap(), graph.id("Money").unwrap());
/// let why = graph.why(orders, money, Kinds::ALL).unwrap();
/// let names: Vec<_> = why.iter().filter_map(|id| graph.name(*id)).collect();
/// assert_eq!(names, ["Orders", "Cart", "Money"]);
/// # Ok::<(), scope_graph::GraphError>(())
/// ```
///
/// Two graphs are equal when they say the same, whatever their versions and ids.
#[derive(Clone, Default)]
pub struct Graph {
    /// Invariant: a module has a number while it is defined or an edge touches it.
    pub(crate) modules: Names,
    /// Invariant: a file has a number while a fact names it; `uses` counts those.
    pub(crate) files: Names,
    pub(crate) uses: Vec<u32>,
    pub(crate) defined: FixedBitSet,
    /// Invariant: normalised. `out` and `into` are the edges that these make, seen from either
    /// end; all four have one entry per slot of `modules`.
    pub(crate) facts: Vec<Box<[Fact]>>,
    pub(crate) out: Vec<Links>,
    pub(crate) into: Vec<Links>,
    pub(crate) version: Version,
}

impl Graph {
    /// A graph without modules.
    pub fn new() -> Self {
        Self::default()
    }

    /// How often it has changed.
    pub const fn version(&self) -> Version {
        self.version
    }

    /// How many modules there are.
    pub fn len(&self) -> usize {
        self.modules.len()
    }

    /// True when there is no module.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// How many edges there are.
    pub fn edges(&self) -> usize {
        self.out.iter().map(|links| links.len()).sum()
    }

    /// The module of this name.
    pub fn id(&self, name: &str) -> Option<ModuleId> {
        self.modules.get(name).map(ModuleId)
    }

    /// The name of a module; none where the id is no longer in use.
    pub fn name(&self, id: ModuleId) -> Option<&str> {
        self.modules.text(id.0)
    }

    /// All modules.
    pub fn modules(&self) -> impl Iterator<Item = ModuleId> {
        self.modules.live().map(ModuleId)
    }

    /// True when the module's own list is known, and not only its name from the lists of others.
    pub fn is_defined(&self, id: ModuleId) -> bool {
        self.defined.contains(id.index())
    }

    /// The direct neighbours on one side by edges of these kinds, with all kinds of the edge.
    pub fn direct(
        &self,
        id: ModuleId,
        direction: Direction,
        kinds: Kinds,
    ) -> impl Iterator<Item = (ModuleId, Kinds)> {
        let links = self.links(direction).get(id.index());
        let links = links.map_or(&[][..], |links| links.as_slice());
        let links = links.iter().filter(move |link| link.is_of(kinds));
        links.map(|link| (link.module(), link.kinds()))
    }

    /// What the module depends on directly.
    pub fn dependencies(&self, id: ModuleId) -> impl Iterator<Item = (ModuleId, Kinds)> {
        self.direct(id, Direction::Dependencies, Kinds::ALL)
    }

    /// Who depends on the module directly.
    pub fn dependents(&self, id: ModuleId) -> impl Iterator<Item = (ModuleId, Kinds)> {
        self.direct(id, Direction::Dependents, Kinds::ALL)
    }

    /// The kinds of the edge between two modules; none of them where there is no edge.
    pub fn edge(&self, from: ModuleId, to: ModuleId) -> Kinds {
        let links = self.out.get(from.index());
        let found = links.and_then(|links| links.get(link::find(links, to.0).ok()?));
        found.map_or(Kinds::NONE, |link: &Link| link.kinds())
    }

    /// Everything that makes this module depend on others.
    pub fn references(&self, from: ModuleId) -> impl Iterator<Item = Reference<'_>> {
        self.facts_of(from)
            .iter()
            .filter_map(|fact| self.reference(*fact))
    }

    /// Everything that makes `from` depend on `to`: the kinds and places of one edge.
    pub fn between(&self, from: ModuleId, to: ModuleId) -> impl Iterator<Item = Reference<'_>> {
        let facts = self.facts_of(from);
        let start = facts.partition_point(|fact| fact.to < to.0);
        let facts = facts[start..]
            .iter()
            .take_while(move |fact| fact.to == to.0);
        facts.filter_map(|fact| self.reference(*fact))
    }

    pub(crate) fn facts_of(&self, from: ModuleId) -> &[Fact] {
        self.facts.get(from.index()).map_or(&[], |facts| facts)
    }

    pub(crate) fn links(&self, direction: Direction) -> &[Links] {
        match direction {
            Direction::Dependencies => &self.out,
            Direction::Dependents => &self.into,
        }
    }

    fn reference(&self, fact: Fact) -> Option<Reference<'_>> {
        let place = fact.file().and_then(|file| self.files.text(file));
        Some(Reference {
            to: self.modules.text(fact.to)?,
            kind: fact.kind,
            place: place.map(|file| Place {
                file,
                line: fact.line,
            }),
        })
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut map = formatter.debug_map();
        for id in self.modules() {
            let list: Vec<_> = self.references(id).collect();
            map.entry(&(self.name(id), self.is_defined(id)), &list);
        }
        map.finish()
    }
}
