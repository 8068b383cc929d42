//! What one graph says and another does not.

use crate::fact::{Fact, NO_FILE};
use crate::part::Part;
use crate::{Graph, ModuleId};

/// The other graph's number of each module and file of ours.
struct Translation {
    modules: Vec<Option<u32>>,
    files: Vec<Option<u32>>,
}

impl Translation {
    fn between(ours: &Graph, other: &Graph) -> Self {
        let module = |id| other.modules.get(ours.modules.text(id)?);
        let file = |id| other.files.get(ours.files.text(id)?);
        Self {
            modules: (0..ours.modules.slots() as u32).map(module).collect(),
            files: (0..ours.files.slots() as u32).map(file).collect(),
        }
    }

    fn module(&self, id: u32) -> Option<u32> {
        *self.modules.get(id as usize)?
    }

    fn fact(&self, fact: &Fact) -> Option<Fact> {
        let file = match fact.file() {
            None => NO_FILE,
            Some(file) => (*self.files.get(file as usize)?)?,
        };
        let to = self.module(fact.to)?;
        Some(Fact { to, file, ..*fact })
    }
}

impl Graph {
    /// The definitions and references of this graph that `other` does not have. What is left of a
    /// module that both define is not defined in the result.
    #[must_use]
    pub fn minus(&self, other: &Self) -> Self {
        let translation = Translation::between(self, other);
        let mut rest = Part::default();
        for from in self.modules() {
            let theirs = translation.module(from.0).map(ModuleId);
            if self.is_defined(from) && !theirs.is_some_and(|id| other.is_defined(id)) {
                rest.define(self, from);
            }
            let theirs = theirs.map_or(&[][..], |id| other.facts_of(id));
            let has = |fact| translation.fact(fact).is_some_and(|fact| has(theirs, fact));
            let facts = self.facts_of(from).iter().filter(|fact| !has(fact));
            rest.add(self, from, facts);
        }
        rest.build()
    }

    /// True when `other` says all that this graph says.
    pub fn is_within(&self, other: &Self) -> bool {
        self.minus(other).is_empty()
    }

    /// How many definitions and references there are.
    pub(crate) fn weight(&self) -> (usize, usize) {
        let facts = self.facts.iter().map(|facts| facts.len()).sum();
        (self.defined.count_ones(..), facts)
    }
}

impl PartialEq for Graph {
    fn eq(&self, other: &Self) -> bool {
        self.weight() == other.weight() && self.is_within(other)
    }
}

impl Eq for Graph {}

fn has(facts: &[Fact], fact: Fact) -> bool {
    facts.binary_search(&fact).is_ok()
}
