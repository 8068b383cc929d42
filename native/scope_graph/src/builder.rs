//! Building a whole graph at once.

use fixedbitset::FixedBitSet;

use crate::fact::{self, Fact, NO_FILE};
use crate::link::{Link, Links};
use crate::names::Names;
use crate::{Graph, GraphError, Kind, Kinds, ModuleId, Reference};

/// A file of one builder.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct FileId(pub(crate) u32);

/// A graph in the making: names first, then lists of numbers. Much faster than one module after
/// the other, because no list has to be found twice or opened again.
///
/// # Examples
///
/// ```
/// use scope_graph::{Builder, Kind};
///
/// let mut builder = Builder::new();
/// let (a, b) = (builder.module("A")?, builder.module("B")?);
/// let file = builder.file("lib/a.ex")?;
/// builder.define(a, [(b, Kind::Runtime, Some((file, 3)))])?;
/// let graph = builder.build();
/// assert_eq!(graph.dependents(graph.id("B").unwrap()).count(), 1);
/// # Ok::<(), scope_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, Default)]
pub struct Builder {
    pub(crate) modules: Names,
    pub(crate) files: Names,
    pub(crate) defined: FixedBitSet,
    /// Invariant: one list per module that was given one, normalised.
    pub(crate) facts: Vec<Box<[Fact]>>,
}

impl Builder {
    /// A builder of an empty graph.
    pub fn new() -> Self {
        Self::default()
    }

    /// One with room for this many modules.
    pub fn with_capacity(modules: usize) -> Self {
        Self {
            modules: Names::with_capacity(modules),
            facts: Vec::with_capacity(modules),
            ..Self::default()
        }
    }

    /// The number of a module in the graph to come.
    ///
    /// # Errors
    ///
    /// [`GraphError::Full`] when there are too many.
    pub fn module(&mut self, name: &str) -> Result<ModuleId, GraphError> {
        self.modules.room_for(1)?;
        Ok(ModuleId(self.modules.intern(name)))
    }

    /// The number of a file.
    ///
    /// # Errors
    ///
    /// [`GraphError::Full`] when there are too many.
    pub fn file(&mut self, name: &str) -> Result<FileId, GraphError> {
        self.files.room_for(1)?;
        Ok(FileId(self.files.intern(name)))
    }

    /// Says what a module depends on; said twice, both hold.
    ///
    /// # Errors
    ///
    /// [`GraphError::UnknownId`] for a number that this builder did not give out.
    pub fn define(
        &mut self,
        module: ModuleId,
        references: impl IntoIterator<Item = (ModuleId, Kind, Option<(FileId, u32)>)>,
    ) -> Result<(), GraphError> {
        let facts: Vec<_> = references.into_iter().map(fact).collect();
        self.check(module, &facts)?;
        self.defined.grow_and_insert(module.index());
        self.add(module.0, facts);
        Ok(())
    }

    /// Says the same by names.
    ///
    /// # Errors
    ///
    /// [`GraphError::Full`] when there are too many modules or files.
    pub fn define_named<'a>(
        &mut self,
        module: &str,
        references: impl IntoIterator<Item = Reference<'a>>,
    ) -> Result<(), GraphError> {
        let from = self.module(module)?;
        let facts = references
            .into_iter()
            .map(|reference| self.named(&reference));
        let facts = facts.collect::<Result<_, _>>()?;
        self.defined.grow_and_insert(from.index());
        self.add(from.0, facts);
        Ok(())
    }

    fn named(&mut self, reference: &Reference<'_>) -> Result<Fact, GraphError> {
        let to = self.module(reference.to)?;
        let place = reference.place.map(|at| Ok((self.file(at.file)?, at.line)));
        Ok(fact((to, reference.kind, place.transpose()?)))
    }

    /// Numbers of another builder would make edges to nowhere.
    fn check(&self, module: ModuleId, facts: &[Fact]) -> Result<(), GraphError> {
        let (modules, files) = (self.modules.slots() as u32, self.files.slots() as u32);
        let ours = |fact: &Fact| fact.to < modules && fact.file().is_none_or(|file| file < files);
        let known = module.0 < modules && facts.iter().all(ours);
        known.then_some(()).ok_or(GraphError::UnknownId)
    }

    /// Defines a module without saying what it depends on. The caller made sure of the room.
    pub(crate) fn define_bare(&mut self, name: &str) {
        let id = self.modules.intern(name);
        self.defined.grow_and_insert(id as usize);
    }

    /// Adds to the list of a module, which need not be defined.
    pub(crate) fn add(&mut self, from: u32, mut facts: Vec<Fact>) {
        if self.facts.len() <= from as usize {
            self.facts.resize_with(from as usize + 1, Box::default);
        }
        let list = &mut self.facts[from as usize];
        facts.extend_from_slice(list);
        fact::normalise(&mut facts);
        *list = facts.into();
    }

    /// The graph. Names that nothing mentions are not in it.
    pub fn build(mut self) -> Graph {
        self.facts.resize_with(self.modules.slots(), Box::default);
        self.defined.grow(self.modules.slots());
        let out: Vec<Links> = self.facts.iter().map(|facts| fact::links(facts)).collect();
        let mut graph = Graph {
            into: reversed(&out),
            out,
            uses: uses(&self.facts, self.files.slots()),
            modules: self.modules,
            files: self.files,
            defined: self.defined,
            facts: self.facts,
            version: Default::default(),
        };
        graph.drop_unused();
        graph
    }
}

impl Graph {
    /// A graph of these modules; one that is given twice has both lists.
    ///
    /// # Errors
    ///
    /// [`GraphError::Full`] when there are too many modules or files to number.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_graph::{Graph, Kind, Reference};
    ///
    /// let graph = Graph::load([("A", vec![Reference::new("B", Kind::Runtime)]), ("B", vec![])])?;
    /// assert_eq!((graph.len(), graph.edges()), (2, 1));
    /// # Ok::<(), scope_graph::GraphError>(())
    /// ```
    pub fn load<'a, R>(modules: impl IntoIterator<Item = (&'a str, R)>) -> Result<Self, GraphError>
    where
        R: IntoIterator<Item = Reference<'a>>,
    {
        let mut builder = Builder::new();
        for (module, references) in modules {
            builder.define_named(module, references)?;
        }
        Ok(builder.build())
    }

    /// Names that were interned and then not used.
    fn drop_unused(&mut self) {
        self.sweep(crate::change::Loose {
            modules: (0..self.modules.slots() as u32).collect(),
            files: (0..self.files.slots() as u32).collect(),
        });
    }
}

fn fact((to, kind, place): (ModuleId, Kind, Option<(FileId, u32)>)) -> Fact {
    let (file, line) = place.map_or((NO_FILE, 0), |(file, line)| (file.0, line));
    Fact {
        to: to.0,
        kind,
        file,
        line,
    }
}

/// The same edges from the other end, by a counting sort. Sources come in ascending order, so each
/// list is sorted.
fn reversed(out: &[Links]) -> Vec<Links> {
    let mut ends = starts(out);
    let mut flat = vec![Link::new(0, Kinds::NONE); out.iter().map(|links| links.len()).sum()];
    for (from, links) in (0..).zip(out) {
        for link in links {
            let end = &mut ends[link.index()];
            flat[*end as usize] = Link::new(from, link.kinds());
            *end += 1;
        }
    }
    let starts = std::iter::once(&0).chain(&ends);
    let lists = starts
        .zip(&ends)
        .map(|(start, end)| &flat[*start as usize..*end as usize]);
    lists.map(Links::from_slice).collect()
}

/// Where the list of each module starts when all lists of dependents stand in one row.
fn starts(out: &[Links]) -> Vec<u32> {
    let mut starts = vec![0; out.len()];
    out.iter()
        .flatten()
        .for_each(|link| starts[link.index()] += 1);
    let mut end = 0;
    for size in &mut starts {
        end += std::mem::replace(size, end);
    }
    starts
}

fn uses(facts: &[Box<[Fact]>], files: usize) -> Vec<u32> {
    let mut uses = vec![0; files];
    let named = facts.iter().flatten().filter_map(|fact| fact.file());
    named.for_each(|file| uses[file as usize] += 1);
    uses
}
