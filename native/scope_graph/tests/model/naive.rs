//! Definitions and references as two sets; every question is answered by looking at all of them.

use std::collections::{BTreeMap, BTreeSet};

use scope_graph::{Graph, Kind, Kinds, ModuleId, Reference};

use crate::Operation;

pub(crate) type Name = &'static str;

#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Naive {
    pub(crate) defined: BTreeSet<Name>,
    pub(crate) references: BTreeSet<(Name, Reference<'static>)>,
}

impl Naive {
    pub(crate) fn after(mut self, operation: &Operation) -> Self {
        match operation {
            Operation::Replace(module, list) => {
                self.retain(|from, kind| from != *module || kind == Kind::Observed);
                self.defined.insert(module);
                self.add(module, list);
            }
            Operation::Observe(module, list) => self.add(module, list),
            Operation::Forget(module) => {
                self.retain(|from, kind| from != *module || kind != Kind::Observed);
            }
            Operation::Remove(module) => {
                self.defined.remove(module);
                self.retain(|from, _| from != *module);
            }
        }
        self
    }

    fn retain(&mut self, keep: impl Fn(Name, Kind) -> bool) {
        self.references
            .retain(|(from, reference)| keep(from, reference.kind));
    }

    fn add(&mut self, module: Name, list: &[Reference<'static>]) {
        self.references
            .extend(list.iter().map(|reference| (module, *reference)));
    }

    /// What a graph says, in the same form.
    pub(crate) fn of(graph: &Graph) -> Self {
        let modules = || graph.modules().map(|id| (id, name(graph, id)));
        let defined = modules().filter(|(id, _)| graph.is_defined(*id));
        let references = modules().flat_map(|(id, from)| {
            graph
                .references(id)
                .map(move |reference| (from, fixed(reference)))
        });
        Self {
            defined: defined.map(|(_, name)| name).collect(),
            references: references.collect(),
        }
    }

    pub(crate) fn modules(&self) -> BTreeSet<Name> {
        let ends = self.references.iter().flat_map(|(from, to)| [*from, to.to]);
        self.defined.iter().copied().chain(ends).collect()
    }

    pub(crate) fn edges(&self) -> BTreeMap<(Name, Name), Kinds> {
        let mut edges = BTreeMap::new();
        for (from, reference) in &self.references {
            let kinds = edges.entry((*from, reference.to)).or_insert(Kinds::NONE);
            *kinds = *kinds | reference.kind.into();
        }
        edges
    }

    /// The edges of some kinds, without them.
    pub(crate) fn pairs(&self, kinds: Kinds) -> BTreeSet<(Name, Name)> {
        let edges = self.edges().into_iter().filter(|(_, of)| of.meets(kinds));
        edges.map(|(pair, _)| pair).collect()
    }
}

/// The distance of everything that can be reached from `starts`, without these unless an edge
/// leads back to them.
pub(crate) fn distances(
    pairs: &BTreeSet<(Name, Name)>,
    starts: &BTreeSet<Name>,
) -> BTreeMap<Name, usize> {
    let mut found = BTreeMap::new();
    let mut last = starts.clone();
    for distance in 1..=pairs.len() {
        let next = pairs
            .iter()
            .filter(|(from, _)| last.contains(from))
            .map(|(_, to)| *to);
        last = next.filter(|to| !found.contains_key(to)).collect();
        found.extend(last.iter().map(|to| (*to, distance)));
    }
    found
}

pub(crate) fn flipped(pairs: &BTreeSet<(Name, Name)>) -> BTreeSet<(Name, Name)> {
    pairs.iter().map(|(from, to)| (*to, *from)).collect()
}

/// The name of a module as one of the fixed names of the tests.
pub(crate) fn name(graph: &Graph, id: ModuleId) -> Name {
    let name = graph.name(id).unwrap();
    crate::MODULES
        .into_iter()
        .find(|known| *known == name)
        .unwrap()
}

pub(crate) fn names(graph: &Graph, ids: &[ModuleId]) -> BTreeSet<Name> {
    ids.iter().map(|id| name(graph, *id)).collect()
}

fn fixed(reference: Reference<'_>) -> Reference<'static> {
    let to = crate::MODULES
        .into_iter()
        .find(|known| *known == reference.to)
        .unwrap();
    let place = reference.place.map(|place| {
        let file = crate::FILES.into_iter().find(|known| *known == place.file);
        (file.unwrap(), place.line)
    });
    let bare = Reference::new(to, reference.kind);
    place.map_or(bare, |(file, line)| bare.at(file, line))
}
