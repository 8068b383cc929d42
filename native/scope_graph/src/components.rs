//! Strongly connected components: the modules that depend on each other.
//!
//! Source: D. J. Pearce, "A space-efficient algorithm for finding strongly connected components",
//! Information Processing Letters 116 (2016), with the recursion on a stack of our own: a chain of
//! a hundred thousand modules would overflow that of a thread, and petgraph's `tarjan_scc` recurses.

use crate::groups::Groups;
use crate::{Graph, Kinds, ModuleId};

/// Where the search has not been.
const UNSEEN: u32 = 0;

/// The components of a graph, those that are depended on before those that depend.
///
/// # Examples
///
/// ```
/// use scope_graph::{Graph, Kind, Kinds, Reference};
///
/// let mut graph = Graph::new();
/// graph.replace("A", [Reference::new("B", Kind::Runtime)])?;
/// graph.replace("B", [Reference::new("A", Kind::Runtime), Reference::new("C", Kind::Runtime)])?;
///
/// let components = graph.components(Kinds::ALL);
/// let sizes: Vec<_> = components.iter().map(<[_]>::len).collect();
/// assert_eq!(sizes, [1, 2]);
/// # Ok::<(), scope_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Components {
    groups: Groups,
    /// The component of each module. Invariant: inverse to `groups`; unused ids have none.
    of: Vec<u32>,
}

impl Components {
    /// How many there are.
    pub fn len(&self) -> usize {
        self.groups.len()
    }

    /// True when the graph has no module.
    pub fn is_empty(&self) -> bool {
        self.len() == 0
    }

    /// The modules of each component, dependencies first.
    pub fn iter(&self) -> impl DoubleEndedIterator<Item = &[ModuleId]> + ExactSizeIterator {
        self.groups.iter()
    }

    /// The number of the component that a module is in.
    pub fn of(&self, id: ModuleId) -> Option<usize> {
        let number = *self.of.get(id.index())?;
        (number != NO_COMPONENT).then_some(number as usize)
    }

    /// The modules of one component.
    pub fn get(&self, component: usize) -> Option<&[ModuleId]> {
        self.groups.get(component)
    }
}

const NO_COMPONENT: u32 = u32::MAX;

impl Graph {
    /// The strongly connected components by edges of these kinds.
    pub fn components(&self, kinds: Kinds) -> Components {
        let mut search = Search::new(self, kinds);
        for root in self.modules.live() {
            if search.rank[root as usize] == UNSEEN {
                search.run(root);
            }
        }
        search.done
    }
}

/// A module whose dependencies are being looked at.
struct Frame {
    module: u32,
    /// The rank that it got when it was entered.
    entered: u32,
    /// The next of its dependencies.
    next: u32,
}

struct Search<'a> {
    graph: &'a Graph,
    kinds: Kinds,
    /// `UNSEEN`; or, of a module without a component, the least rank it is known to lead back to.
    /// Invariant: a module with a component has `u32::MAX`, above all other ranks.
    rank: Vec<u32>,
    entered: u32,
    path: Vec<Frame>,
    /// Modules that were left and have no component yet. Invariant: ranks rise toward the top
    /// between any two components that are still open.
    open: Vec<u32>,
    done: Components,
}

impl<'a> Search<'a> {
    fn new(graph: &'a Graph, kinds: Kinds) -> Self {
        let slots = graph.modules.slots();
        let mut done = Components::default();
        done.of.resize(slots, NO_COMPONENT);
        done.groups.members.reserve(graph.len());
        done.groups.ends.reserve(graph.len());
        Self {
            graph,
            kinds,
            rank: vec![UNSEEN; slots],
            entered: 0,
            path: Vec::new(),
            open: Vec::new(),
            done,
        }
    }

    fn run(&mut self, root: u32) {
        self.enter(root);
        while let Some(mut frame) = self.path.pop() {
            match self.unseen_dependency(&mut frame) {
                Some(next) => {
                    self.path.push(frame);
                    self.enter(next);
                }
                None => self.leave(&frame),
            }
        }
    }

    fn enter(&mut self, module: u32) {
        self.entered += 1;
        self.rank[module as usize] = self.entered;
        self.path.push(Frame {
            module,
            entered: self.entered,
            next: 0,
        });
    }

    /// Takes the ranks of dependencies over until one comes that was not seen yet.
    fn unseen_dependency(&mut self, frame: &mut Frame) -> Option<u32> {
        let links = &self.graph.out[frame.module as usize][frame.next as usize..];
        let mut least = self.rank[frame.module as usize];
        for link in links {
            frame.next += 1;
            if !link.is_of(self.kinds) {
                continue;
            }
            let rank = self.rank[link.index()];
            if rank == UNSEEN {
                self.rank[frame.module as usize] = least;
                return Some(link.id());
            }
            least = least.min(rank);
        }
        self.rank[frame.module as usize] = least;
        None
    }

    fn leave(&mut self, frame: &Frame) {
        let rank = self.rank[frame.module as usize];
        if rank == frame.entered {
            self.complete(frame);
        } else {
            self.open.push(frame.module);
        }
        if let Some(below) = self.path.last() {
            let here = self.rank[frame.module as usize];
            let of_below = &mut self.rank[below.module as usize];
            *of_below = (*of_below).min(here);
        }
    }

    /// The module leads back to nothing before it: it and what was left open since are one.
    fn complete(&mut self, root: &Frame) {
        let since = |module: &u32| self.rank[*module as usize] >= root.entered;
        let size = self
            .open
            .iter()
            .rev()
            .take_while(|module| since(module))
            .count();
        self.open.push(root.module);
        let number = self.done.len() as u32;
        for module in self.open.drain(self.open.len() - size - 1..) {
            self.rank[module as usize] = u32::MAX;
            self.done.of[module as usize] = number;
            self.done.groups.members.push(ModuleId(module));
        }
        self.done.groups.close();
    }
}
