//! From the graph to Erlang's lists.

use super::input::KindName;
use crate::symbols;
use rustler::{Atom, Env, NifMap, Term};
use scope_graph::{Graph, Kinds, ModuleId, Place, Reference};

/// A neighbour and the kinds of the edge.
pub(super) type Linked<'a> = (Term<'a>, Vec<KindName>);

/// A module, whether its own list is known, and the list.
pub(super) type Listed<'a> = (Term<'a>, bool, Vec<Entry<'a>>);

/// A module that is needed, why, and where that is written.
type Entry<'a> = (Term<'a>, KindName, Vec<(String, u32)>);

#[derive(NifMap)]
pub(super) struct Info {
    modules: usize,
    edges: usize,
    content: u64,
    structure: u64,
}

impl Info {
    pub(super) fn of(graph: &Graph) -> Self {
        let version = graph.version();
        Self {
            modules: graph.len(),
            edges: graph.edges(),
            content: version.content,
            structure: version.structure,
        }
    }
}

/// A module's name is an atom again. Plain text is looked up as it is; the rest, and what is no atom
/// here yet, takes the longer way of all text from elsewhere.
fn atom<'a>(env: Env<'a>, name: &str) -> Term<'a> {
    let existing = || Atom::existing_from_bytes(env, name.as_bytes()).ok();
    let plain = name.is_ascii().then(existing).flatten();
    plain.map_or_else(|| symbols::atom(env, name), |atom| atom.to_term(env))
}

pub(super) fn names<'a>(env: Env<'a>, graph: &Graph, ids: &[ModuleId]) -> Vec<Term<'a>> {
    let names = ids.iter().filter_map(|id| graph.name(*id));
    names.map(|name| atom(env, name)).collect()
}

pub(super) fn groups<'a, 'g>(
    env: Env<'a>,
    graph: &Graph,
    groups: impl Iterator<Item = &'g [ModuleId]>,
) -> Vec<Vec<Term<'a>>> {
    groups.map(|ids| names(env, graph, ids)).collect()
}

pub(super) fn kinds(kinds: Kinds) -> Vec<KindName> {
    kinds.iter().map(KindName::from).collect()
}

pub(super) fn linked<'a>(
    env: Env<'a>,
    graph: &Graph,
    links: impl Iterator<Item = (ModuleId, Kinds)>,
) -> Vec<Linked<'a>> {
    let named = links.filter_map(|(id, of)| Some((graph.name(id)?, kinds(of))));
    named.map(|(name, of)| (atom(env, name), of)).collect()
}

pub(super) fn listed<'a>(env: Env<'a>, graph: &Graph) -> Vec<Listed<'a>> {
    let modules = graph.modules().filter_map(|id| {
        let name = atom(env, graph.name(id)?);
        Some((name, graph.is_defined(id), entries(env, graph, id)))
    });
    modules.collect()
}

/// References of one module by the same kind stand beside each other.
fn entries<'a>(env: Env<'a>, graph: &Graph, id: ModuleId) -> Vec<Entry<'a>> {
    let references: Vec<_> = graph.references(id).collect();
    let same = |a: &Reference<'_>, b: &Reference<'_>| a.to == b.to && a.kind == b.kind;
    let entry = |all: &[Reference<'_>]| -> Option<Entry<'a>> {
        let first = all.first()?;
        Some((atom(env, first.to), first.kind.into(), places(all)))
    };
    references.chunk_by(same).filter_map(entry).collect()
}

fn places(references: &[Reference<'_>]) -> Vec<(String, u32)> {
    let places = references.iter().filter_map(|reference| reference.place);
    places
        .map(|Place { file, line }| (file.to_string(), line))
        .collect()
}
