//! References as they are kept: numbers instead of names.

use crate::link::{Link, Links};
use crate::{Kind, Kinds};

/// The file of a reference without a place.
pub(crate) const NO_FILE: u32 = u32::MAX;

/// One reference of some module. The order of the fields is the order of a module's list.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Fact {
    pub(crate) to: u32,
    pub(crate) kind: Kind,
    /// Invariant: with `NO_FILE` the line is zero, so that equal references are equal facts.
    pub(crate) file: u32,
    pub(crate) line: u32,
}

impl Fact {
    pub(crate) fn file(self) -> Option<u32> {
        (self.file != NO_FILE).then_some(self.file)
    }
}

/// Brings a list into the order that a graph keeps it in, each fact once.
pub(crate) fn normalise(facts: &mut Vec<Fact>) {
    if !facts.is_sorted() {
        facts.sort_unstable();
    }
    facts.dedup();
}

/// The edges that a normalised list makes.
pub(crate) fn links(facts: &[Fact]) -> Links {
    facts.chunk_by(|a, b| a.to == b.to).map(link).collect()
}

fn link(facts: &[Fact]) -> Link {
    let kinds: Kinds = facts.iter().map(|fact| fact.kind).collect();
    Link::new(facts[0].to, kinds)
}
