//! One end of an edge, seen from the other end.

use smallvec::SmallVec;

use crate::{Kinds, ModuleId};

/// A neighbour and the kinds of the edge to it, in one word.
///
/// Invariant: the id is in the upper 28 bits, so that links sort by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Link(u32);

/// The neighbours of a module on one side, the usual number of them without an allocation.
/// Invariant: ascending, each id once.
pub(crate) type Links = SmallVec<[Link; 10]>;

impl Link {
    pub(crate) const fn new(id: u32, kinds: Kinds) -> Self {
        Self(id << 4 | kinds.bits() as u32)
    }

    pub(crate) const fn id(self) -> u32 {
        self.0 >> 4
    }

    pub(crate) const fn index(self) -> usize {
        self.id() as usize
    }

    pub(crate) const fn kinds(self) -> Kinds {
        Kinds::from_low_bits(self.0)
    }

    pub(crate) const fn is_of(self, kinds: Kinds) -> bool {
        self.0 & kinds.bits() as u32 != 0
    }

    /// The same edge with one kind more.
    pub(crate) const fn and(self, kinds: Kinds) -> Self {
        Self(self.0 | kinds.bits() as u32)
    }

    pub(crate) const fn module(self) -> ModuleId {
        ModuleId(self.id())
    }
}

/// Where `id` is among the links, or would be.
pub(crate) fn find(links: &[Link], id: u32) -> Result<usize, usize> {
    links.binary_search_by_key(&id, |link| link.id())
}

/// Sets the kinds of the edge to `id`; without kinds there is no edge.
pub(crate) fn set(links: &mut Links, id: u32, kinds: Kinds) {
    match find(links, id) {
        Ok(at) if kinds.is_empty() => drop(links.remove(at)),
        Ok(at) => links[at] = Link::new(id, kinds),
        Err(_) if kinds.is_empty() => {}
        Err(at) => links.insert(at, Link::new(id, kinds)),
    }
}
