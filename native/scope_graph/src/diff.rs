//! The difference between two versions, as a value that leads from the one to the other.

use crate::change::Loose;
use crate::fact::{Fact, NO_FILE};
use crate::{Graph, GraphError, ModuleId, Version};

/// What to take from a graph and what to add to it to come to another version of it.
///
/// Both halves are graphs: a definition or a reference is in the half that it changes by. A
/// reference that moved to another line is in both.
///
/// # Examples
///
/// ```
/// use scope_graph::{Diff, Graph, Kind, Reference};
///
/// let mut here = Graph::new();
/// let mut there = here.clone();
/// here.replace("A", [Reference::new("B", Kind::Runtime)])?;
///
/// let diff = Diff::between(&there, &here);
/// assert_eq!(diff.added.edges(), 1);
/// there.apply(&diff)?;
/// assert_eq!(there, here);
/// # Ok::<(), scope_graph::GraphError>(())
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Diff {
    /// The version that it starts from.
    pub from: Version,
    /// The version that it leads to.
    pub to: Version,
    /// What the older version says and the newer does not.
    pub removed: Graph,
    /// What the newer version says and the older does not.
    pub added: Graph,
}

impl Diff {
    /// The difference that leads from `old` to `new`.
    pub fn between(old: &Graph, new: &Graph) -> Self {
        Self {
            from: old.version,
            to: new.version,
            removed: old.minus(new),
            added: new.minus(old),
        }
    }

    /// True when both say the same.
    pub fn is_empty(&self) -> bool {
        self.removed.is_empty() && self.added.is_empty()
    }

    /// The difference that leads back.
    #[must_use]
    pub fn inverse(self) -> Self {
        Self {
            from: self.to,
            to: self.from,
            removed: self.added,
            added: self.removed,
        }
    }
}

impl Graph {
    /// Leads this graph to the version that `diff` was taken at.
    ///
    /// # Errors
    ///
    /// [`GraphError::OtherVersion`] when this graph is not at the version that the difference
    /// starts from, [`GraphError::OtherGraph`] when it does not fit in spite of that, and
    /// [`GraphError::Full`]; the graph is as it was then.
    pub fn apply(&mut self, diff: &Diff) -> Result<(), GraphError> {
        self.check(diff)?;
        let mut loose = Loose::default();
        for from in diff.removed.modules() {
            self.subtract(&diff.removed, from, &mut loose);
        }
        for from in diff.added.modules() {
            self.include(&diff.added, from, &mut loose);
        }
        self.sweep(loose);
        self.version = diff.to;
        Ok(())
    }

    fn check(&self, diff: &Diff) -> Result<(), GraphError> {
        let (expected, found) = (diff.from.content, self.version.content);
        if expected != found {
            return Err(GraphError::OtherVersion { expected, found });
        }
        self.modules.room_for(diff.added.modules.len())?;
        self.files.room_for(diff.added.files.len())?;
        let fits = diff.removed.is_within(self) && diff.added.is_apart_from(self);
        fits.then_some(()).ok_or(GraphError::OtherGraph)
    }

    /// True when `other` says nothing of what this graph says.
    fn is_apart_from(&self, other: &Self) -> bool {
        self.minus(other).weight() == self.weight()
    }

    /// Takes what `part` says of one of its modules from this graph, which says it too.
    fn subtract(&mut self, part: &Self, from: ModuleId, loose: &mut Loose) {
        let Some(id) = part.name(from).and_then(|name| self.modules.get(name)) else {
            return;
        };
        let mut gone: Vec<_> = part
            .facts_of(from)
            .iter()
            .map(|fact| self.adopt(part, fact))
            .collect();
        gone.sort_unstable();
        let kept = self.facts[id as usize]
            .iter()
            .filter(|fact| gone.binary_search(fact).is_err());
        let kept = kept.copied().collect();
        if part.is_defined(from) {
            self.define(id, false);
        }
        self.install(id, kept, loose);
        loose.modules.push(id);
    }

    /// Adds what `part` says of one of its modules.
    fn include(&mut self, part: &Self, from: ModuleId, loose: &mut Loose) {
        let Some(id) = part.name(from).map(|name| self.intern_module(name)) else {
            return;
        };
        let mut facts = self.facts[id as usize].to_vec();
        facts.extend(
            part.facts_of(from)
                .iter()
                .map(|fact| self.adopt(part, fact)),
        );
        if part.is_defined(from) {
            self.define(id, true);
        }
        self.install(id, facts, loose);
        loose.modules.push(id);
    }

    /// A fact of `part` in numbers of this graph.
    fn adopt(&mut self, part: &Self, fact: &Fact) -> Fact {
        let file = fact.file().and_then(|file| part.files.text(file));
        Fact {
            to: self.intern_module(part.modules.text(fact.to).unwrap_or_default()),
            file: file.map_or(NO_FILE, |file| self.intern_file(file)),
            ..*fact
        }
    }
}
