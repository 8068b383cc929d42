//! Changing one module at a time, and noticing when nothing changed.
//!
//! Early cutoff as in Salsa, and in build systems (Mokhov, Mitchell and Peyton Jones, "Build systems à la
//! carte", 2018): a module is often compiled
//! again without depending on anything else than before, and then whatever was computed from the
//! graph still holds.

use crate::fact::{self, Fact, NO_FILE};
use crate::link;
use crate::{Graph, GraphError, Kind, Kinds, Reference, Version};

/// What a change came to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Change {
    /// Everything is as it was; no version moved.
    None,
    /// References stand at other places, the edges are the same.
    Places,
    /// A module, an edge or its kinds changed.
    Structure,
}

/// What lost a use during a change, and goes at the end of it unless it found another one.
#[derive(Default)]
pub(crate) struct Loose {
    pub(crate) modules: Vec<u32>,
    pub(crate) files: Vec<u32>,
}

impl Graph {
    /// Sets what a module's source says it depends on: it was compiled. What was observed of it
    /// stays, until [`Graph::forget_observed`].
    ///
    /// # Errors
    ///
    /// [`GraphError::Full`] when there are too many modules or files to number.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_graph::{Change, Graph, Kind, Reference};
    ///
    /// let mut graph = Graph::new();
    /// let list = [Reference::new("B", Kind::Runtime).at("a.ex", 3)];
    /// assert_eq!(graph.replace("A", list)?, Change::Structure);
    /// assert_eq!(graph.replace("A", list)?, Change::None);
    /// assert_eq!(graph.replace("A", [list[0].at("a.ex", 4)])?, Change::Places);
    /// # Ok::<(), scope_graph::GraphError>(())
    /// ```
    pub fn replace<'a>(
        &mut self,
        module: &str,
        references: impl IntoIterator<Item = Reference<'a>>,
    ) -> Result<Change, GraphError> {
        let (from, mut facts) = self.admit(module, references)?;
        let observed = |fact: &&Fact| fact.kind == Kind::Observed;
        facts.extend(self.facts[from as usize].iter().filter(observed));
        let defined = self.define(from, true);
        Ok(self.settle(from, facts, defined))
    }

    /// Adds references to those of a module, as they are seen. It need not be defined.
    ///
    /// # Errors
    ///
    /// [`GraphError::Full`] when there are too many modules or files to number.
    pub fn observe<'a>(
        &mut self,
        module: &str,
        references: impl IntoIterator<Item = Reference<'a>>,
    ) -> Result<Change, GraphError> {
        let (from, mut facts) = self.admit(module, references)?;
        facts.extend(&self.facts[from as usize]);
        Ok(self.settle(from, facts, Change::None))
    }

    /// Drops what was observed of a module and keeps what its source says.
    pub fn forget_observed(&mut self, module: &str) -> Change {
        let Some(from) = self.modules.get(module) else {
            return Change::None;
        };
        let facts = self.facts[from as usize].iter();
        let declared = facts.filter(|fact| fact.kind != Kind::Observed).copied();
        let declared = declared.collect();
        self.settle(from, declared, Change::None)
    }

    /// Takes a module away with everything that it depends on. Where others depend on it, its
    /// name stays, undefined.
    pub fn remove(&mut self, module: &str) -> Change {
        let Some(from) = self.modules.get(module) else {
            return Change::None;
        };
        let defined = self.define(from, false);
        self.settle(from, Vec::new(), defined)
    }

    /// Numbers for a module and for a list of references.
    fn admit<'a>(
        &mut self,
        module: &str,
        references: impl IntoIterator<Item = Reference<'a>>,
    ) -> Result<(u32, Vec<Fact>), GraphError> {
        let references: Vec<_> = references.into_iter().collect();
        self.modules.room_for(references.len() + 1)?;
        self.files.room_for(references.len())?;
        let from = self.intern_module(module);
        let facts = references.iter().map(|reference| self.fact(reference));
        Ok((from, facts.collect()))
    }

    fn fact(&mut self, reference: &Reference<'_>) -> Fact {
        let place = reference
            .place
            .map(|at| (self.intern_file(at.file), at.line));
        let (file, line) = place.unwrap_or((NO_FILE, 0));
        Fact {
            to: self.intern_module(reference.to),
            kind: reference.kind,
            file,
            line,
        }
    }

    pub(crate) fn intern_module(&mut self, name: &str) -> u32 {
        let id = self.modules.intern(name);
        self.grow_to(self.modules.slots());
        id
    }

    pub(crate) fn intern_file(&mut self, name: &str) -> u32 {
        let id = self.files.intern(name);
        self.uses.resize(self.files.slots(), 0);
        id
    }

    pub(crate) fn grow_to(&mut self, slots: usize) {
        if slots > self.facts.len() {
            self.facts.resize_with(slots, Box::default);
            self.out.resize_with(slots, Default::default);
            self.into.resize_with(slots, Default::default);
            self.defined.grow(slots);
        }
    }

    /// Says whether a module is defined.
    pub(crate) fn define(&mut self, id: u32, defined: bool) -> Change {
        let was = self.defined.contains(id as usize);
        self.defined.set(id as usize, defined);
        if was == defined {
            Change::None
        } else {
            Change::Structure
        }
    }

    /// Gives one module a list, drops what nothing names any more, and counts the change.
    fn settle(&mut self, from: u32, facts: Vec<Fact>, so_far: Change) -> Change {
        let mut loose = Loose::default();
        let change = so_far.max(self.install(from, facts, &mut loose));
        loose.modules.push(from);
        self.sweep(loose);
        self.count(change);
        change
    }

    fn count(&mut self, change: Change) {
        let Version { content, structure } = self.version;
        // Wrapping: the number may have come from a peer.
        self.version = Version {
            content: content.wrapping_add(u64::from(change != Change::None)),
            structure: structure.wrapping_add(u64::from(change == Change::Structure)),
        };
    }

    /// Gives one module a list. Names that lose a use are noted, not dropped: other lists that
    /// are about to be installed may hold their numbers.
    pub(crate) fn install(&mut self, from: u32, mut facts: Vec<Fact>, loose: &mut Loose) -> Change {
        fact::normalise(&mut facts);
        if *self.facts[from as usize] == *facts {
            return Change::None;
        }
        self.count_files(&facts);
        let change = self.relink(from, &facts, loose);
        let old = std::mem::replace(&mut self.facts[from as usize], facts.into());
        self.discount_files(&old, loose);
        loose.modules.push(from);
        change
    }

    fn count_files(&mut self, facts: &[Fact]) {
        for file in facts.iter().filter_map(|fact| fact.file()) {
            self.uses[file as usize] += 1;
        }
    }

    fn discount_files(&mut self, facts: &[Fact], loose: &mut Loose) {
        for file in facts.iter().filter_map(|fact| fact.file()) {
            self.uses[file as usize] -= 1;
            loose.files.push(file);
        }
    }

    /// Brings both ends of a module's edges into line with its new list.
    fn relink(&mut self, from: u32, facts: &[Fact], loose: &mut Loose) -> Change {
        let new = fact::links(facts);
        if new == self.out[from as usize] {
            return Change::Places;
        }
        let old = std::mem::replace(&mut self.out[from as usize], new.clone());
        for gone in old.iter().filter(|was| link::find(&new, was.id()).is_err()) {
            link::set(&mut self.into[gone.index()], from, Kinds::NONE);
            loose.modules.push(gone.id());
        }
        for link in new.iter().filter(|link| old.binary_search(link).is_err()) {
            link::set(&mut self.into[link.index()], from, link.kinds());
        }
        Change::Structure
    }

    /// Drops the loose names that nothing uses.
    pub(crate) fn sweep(&mut self, loose: Loose) {
        for id in loose.modules {
            if self.is_unused(id as usize) {
                self.modules.release(id);
            }
        }
        for file in loose.files {
            if self.uses[file as usize] == 0 {
                self.files.release(file);
            }
        }
    }

    fn is_unused(&self, at: usize) -> bool {
        !self.defined.contains(at) && self.out[at].is_empty() && self.into[at].is_empty()
    }
}
