//! Everything that can be reached from some modules, by distance.
//!
//! Breadth-first search over the adjacency with a bitset of what was seen; the result is the queue.

use fixedbitset::FixedBitSet;

use crate::groups::Groups;
use crate::link::Links;
use crate::{Direction, Graph, Kinds, ModuleId};

/// How to walk: which way, by which kinds of edges, how far.
///
/// # Examples
///
/// ```
/// use scope_graph::{Graph, Kind, Kinds, Reference, Walk};
///
/// let mut graph = Graph::new();
/// graph.replace("A", [Reference::new("B", Kind::Runtime)])?;
/// graph.replace("B", [Reference::new("C", Kind::Compile)])?;
///
/// let c = graph.id("C").unwrap();
/// let who = graph.walk(&[c], Walk::dependents());
/// assert_eq!(who.modules().len(), 2);
/// assert_eq!(who.at(2), &[graph.id("A").unwrap()]);
///
/// let compiled_with_it = graph.walk(&[c], Walk::dependents().by(Kinds::COMPILE));
/// assert_eq!(compiled_with_it.modules(), &[graph.id("B").unwrap()]);
/// # Ok::<(), scope_graph::GraphError>(())
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Walk {
    direction: Direction,
    kinds: Kinds,
    depth: usize,
}

impl Walk {
    /// One way, by every kind of edge, as far as it goes.
    pub const fn new(direction: Direction) -> Self {
        Self {
            direction,
            kinds: Kinds::ALL,
            depth: usize::MAX,
        }
    }

    /// Toward what is depended on.
    pub const fn dependencies() -> Self {
        Self::new(Direction::Dependencies)
    }

    /// Toward what depends.
    pub const fn dependents() -> Self {
        Self::new(Direction::Dependents)
    }

    /// Only by edges that have one of these kinds.
    #[must_use]
    pub const fn by(self, kinds: Kinds) -> Self {
        Self { kinds, ..self }
    }

    /// At most this many edges far.
    #[must_use]
    pub const fn depth(self, depth: usize) -> Self {
        Self { depth, ..self }
    }
}

/// What a walk came to, nearest first. The modules it started from are not in it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Reach(Groups);

impl Reach {
    /// All modules, nearest first.
    pub fn modules(&self) -> &[ModuleId] {
        &self.0.members
    }

    /// Those exactly `distance` edges away; the first distance is one.
    pub fn at(&self, distance: usize) -> &[ModuleId] {
        let group = distance.checked_sub(1).and_then(|group| self.0.get(group));
        group.unwrap_or_default()
    }

    /// The largest distance at which there is a module.
    pub fn depth(&self) -> usize {
        self.0.len()
    }
}

impl Graph {
    /// What can be reached from `starts`; ids that are not in use are ignored.
    pub fn walk(&self, starts: &[ModuleId], walk: Walk) -> Reach {
        let mut search = Search::new(self, walk);
        let starts: Vec<_> = starts
            .iter()
            .copied()
            .filter(|id| search.enter(*id))
            .collect();
        search.run(&starts, walk.depth);
        Reach(search.found)
    }
}

struct Search<'a> {
    graph: &'a Graph,
    lists: &'a [Links],
    kinds: Kinds,
    /// Invariant: the starts and the members of `found`.
    seen: FixedBitSet,
    found: Groups,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph, walk: Walk) -> Self {
        Self {
            graph,
            lists: graph.links(walk.direction),
            kinds: walk.kinds,
            seen: FixedBitSet::with_capacity(graph.modules.slots()),
            found: Groups::default(),
        }
    }

    fn enter(&mut self, id: ModuleId) -> bool {
        self.graph.modules.is_live(id.0) && !self.seen.put(id.index())
    }

    fn run(&mut self, starts: &[ModuleId], depth: usize) {
        if depth > 0 {
            starts.iter().for_each(|start| self.expand(*start));
            self.levels(depth);
        }
    }

    /// Expands one distance after the other while the last one found something.
    fn levels(&mut self, depth: usize) {
        let mut from = 0;
        while from < self.found.members.len() {
            let to = self.found.members.len();
            self.found.close();
            if self.found.len() == depth {
                break;
            }
            (from..to).for_each(|at| self.expand(self.found.members[at]));
            from = to;
        }
    }

    /// Whether a neighbour is new cannot be predicted, so nothing here branches on it: each is
    /// written behind the last one, and the end moves only past new ones.
    fn expand(&mut self, id: ModuleId) {
        let links = &self.lists[id.index()];
        let mut end = self.found.members.len();
        self.found.members.resize(end + links.len(), id);
        let seen = self.seen.as_mut_slice();
        for link in links {
            self.found.members[end] = link.module();
            end += usize::from(mark(seen, link.index(), link.is_of(self.kinds)));
        }
        self.found.members.truncate(end);
    }
}

/// Sets a bit if asked to; true when that changed it.
fn mark(blocks: &mut [usize], at: usize, set: bool) -> bool {
    let block = &mut blocks[at / usize::BITS as usize];
    let bit = usize::from(set) << (at % usize::BITS as usize);
    let new = *block & bit != bit;
    *block |= bit;
    new
}
