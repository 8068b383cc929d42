//! From Erlang's lists of modules to the graph's.

use crate::etf;
use rustler::{Atom, Decoder, ListIterator, NifUnitEnum, Term};
use scope_graph::{
    Builder, Direction, Extent, FileId, Graph, Kind, Kinds, ModuleId, Place, Reference,
};
use std::collections::HashMap;
use std::sync::Arc;

/// Why something is not done.
#[derive(Clone, Copy, NifUnitEnum)]
pub(super) enum Refused {
    /// Not a list of `{module, references}`, or a module that is no atom.
    BadModule,
    /// Not a list of `{module, kind, [{file, line}]}`.
    BadReference,
    /// A module that the graph does not hold.
    UnknownModule,
    /// More modules or files than a graph can number.
    TooMany,
}

#[derive(Clone, Copy, NifUnitEnum)]
pub(super) enum KindName {
    Compile,
    Exports,
    Runtime,
    Observed,
}

#[derive(NifUnitEnum)]
pub(super) enum Side {
    Dependencies,
    Dependents,
}

#[derive(NifUnitEnum)]
pub(super) enum ExtentName {
    Bodies,
    Exports,
}

/// One entry of a list: a module, why it is needed, and where that is written.
pub(super) struct Named<'a> {
    to: Arc<str>,
    kind: Kind,
    places: Vec<(&'a str, u32)>,
}

impl Named<'_> {
    /// One reference for each place, one without a place if there is none.
    pub(super) fn references(&self) -> impl Iterator<Item = Reference<'_>> {
        places(&self.places).map(|place| Reference {
            to: &self.to,
            kind: self.kind,
            place: place.map(|&(file, line)| Place { file, line }),
        })
    }
}

fn places<P>(places: &[P]) -> impl Iterator<Item = Option<&P>> {
    let none = places.is_empty().then_some(None);
    places.iter().map(Some).chain(none)
}

/// The text of a module's name.
pub(super) fn name(module: Term<'_>) -> Result<Arc<str>, Refused> {
    let atom = module.is_atom().then(|| module.to_binary());
    let text = atom.and_then(|bytes| etf::atom_text(bytes.as_slice()));
    text.ok_or(Refused::BadModule)
}

pub(super) fn known(graph: &Graph, module: Term<'_>) -> Result<ModuleId, Refused> {
    graph.id(&name(module)?).ok_or(Refused::UnknownModule)
}

pub(super) fn all_known(graph: &Graph, modules: Term<'_>) -> Result<Vec<ModuleId>, Refused> {
    let modules = list(modules).ok_or(Refused::BadModule)?;
    modules.map(|module| known(graph, module)).collect()
}

pub(super) fn kinds(names: &[KindName]) -> Kinds {
    names.iter().map(|name| Kind::from(*name)).collect()
}

type Entry<'a> = (Term<'a>, KindName, Vec<(&'a str, u32)>);

fn entries<'a>(
    references: Term<'a>,
) -> Result<impl Iterator<Item = Result<Entry<'a>, Refused>>, Refused> {
    let references = list(references).ok_or(Refused::BadReference)?;
    Ok(references.map(|entry| Entry::decode(entry).or(Err(Refused::BadReference))))
}

pub(super) fn references<'a>(references: Term<'a>) -> Result<Vec<Named<'a>>, Refused> {
    let named = |(to, kind, places): Entry<'a>| {
        let (to, kind) = (name(to).or(Err(Refused::BadReference))?, kind.into());
        Ok(Named { to, kind, places })
    };
    entries(references)?.map(|entry| named(entry?)).collect()
}

/// A whole graph. The text of an atom is looked at once: most are named again and again.
pub(super) fn graph(modules: Term<'_>) -> Result<Graph, Refused> {
    let mut loading = Loading::default();
    for module in list(modules).ok_or(Refused::BadModule)? {
        let (module, references) = module.decode().or(Err(Refused::BadModule))?;
        loading.define(module, references)?;
    }
    Ok(loading.builder.build())
}

#[derive(Default)]
struct Loading {
    builder: Builder,
    ids: HashMap<Atom, ModuleId>,
}

type Fact = (ModuleId, Kind, Option<(FileId, u32)>);

impl Loading {
    fn define(&mut self, module: Term<'_>, references: Term<'_>) -> Result<(), Refused> {
        let module = self.module(module)?;
        let mut facts = Vec::new();
        for entry in entries(references)? {
            self.facts(entry?, &mut facts)?;
        }
        let defined = self.builder.define(module, facts);
        defined.or(Err(Refused::TooMany))
    }

    fn facts(&mut self, (to, kind, at): Entry<'_>, facts: &mut Vec<Fact>) -> Result<(), Refused> {
        let to = self.module(to).or(Err(Refused::BadReference))?;
        for place in places(&at) {
            let place = place.map(|&(file, line)| Ok((self.file(file)?, line)));
            facts.push((to, kind.into(), place.transpose()?));
        }
        Ok(())
    }

    fn module(&mut self, module: Term<'_>) -> Result<ModuleId, Refused> {
        let atom = Atom::decode(module).or(Err(Refused::BadModule))?;
        if let Some(id) = self.ids.get(&atom) {
            return Ok(*id);
        }
        let id = self.builder.module(&name(module)?);
        let id = id.or(Err(Refused::TooMany))?;
        self.ids.insert(atom, id);
        Ok(id)
    }

    fn file(&mut self, file: &str) -> Result<FileId, Refused> {
        self.builder.file(file).or(Err(Refused::TooMany))
    }
}

/// The elements of a proper list.
fn list(term: Term<'_>) -> Option<ListIterator<'_>> {
    term.list_length().ok()?;
    term.decode().ok()
}

impl From<KindName> for Kind {
    fn from(name: KindName) -> Self {
        match name {
            KindName::Compile => Self::Compile,
            KindName::Exports => Self::Exports,
            KindName::Runtime => Self::Runtime,
            KindName::Observed => Self::Observed,
        }
    }
}

impl From<Kind> for KindName {
    fn from(kind: Kind) -> Self {
        match kind {
            Kind::Compile => Self::Compile,
            Kind::Exports => Self::Exports,
            Kind::Runtime => Self::Runtime,
            Kind::Observed => Self::Observed,
        }
    }
}

impl From<Side> for Direction {
    fn from(side: Side) -> Self {
        match side {
            Side::Dependencies => Self::Dependencies,
            Side::Dependents => Self::Dependents,
        }
    }
}

impl From<ExtentName> for Extent {
    fn from(name: ExtentName) -> Self {
        match name {
            ExtentName::Bodies => Self::Bodies,
            ExtentName::Exports => Self::Exports,
        }
    }
}
