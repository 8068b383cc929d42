//! References as they are kept: numbers instead of names.

use crate::Kind;
use crate::link::{Link, Links};

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
    if !facts.is_sorted_by(|a, b| a < b) {
        facts.sort_unstable();
        facts.dedup();
    }
}

/// The edges that a normalised list makes.
pub(crate) fn links(facts: &[Fact]) -> Links {
    let mut links = Links::new();
    for fact in facts {
        let kind = fact.kind.into();
        match links.last_mut() {
            Some(last) if last.id() == fact.to => *last = last.and(kind),
            _ => links.push(Link::new(fact.to, kind)),
        }
    }
    links
}
