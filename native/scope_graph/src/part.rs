//! Some modules of a graph as a graph of their own.

use crate::builder::Builder;
use crate::fact::{Fact, NO_FILE};
use crate::{Graph, ModuleId};

impl Graph {
    /// What the graph says of these modules alone, at the same version. It is small, so that the
    /// difference that one change makes is had without looking at the whole graph.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_graph::{Diff, Graph, Kind, Reference};
    ///
    /// let mut here = Graph::load([("A", vec![]), ("B", vec![])])?;
    /// let mut there = here.clone();
    ///
    /// let before = here.part(["A"]);
    /// here.replace("A", [Reference::new("B", Kind::Runtime)])?;
    /// let diff = Diff::between(&before, &here.part(["A"]));
    ///
    /// there.apply(&diff)?;
    /// assert_eq!(there, here);
    /// # Ok::<(), scope_graph::GraphError>(())
    /// ```
    #[must_use]
    pub fn part<'a>(&self, modules: impl IntoIterator<Item = &'a str>) -> Self {
        let mut part = Part::default();
        for id in modules.into_iter().filter_map(|name| self.id(name)) {
            if self.is_defined(id) {
                part.define(self, id);
            }
            part.add(self, id, self.facts_of(id).iter());
        }
        let version = self.version;
        Self {
            version,
            ..part.build()
        }
    }
}

/// A graph of parts of another one; it cannot need more numbers than that one did.
#[derive(Default)]
pub(crate) struct Part(Builder);

impl Part {
    pub(crate) fn define(&mut self, of: &Graph, id: ModuleId) {
        if let Some(name) = of.name(id) {
            self.0.define_bare(name);
        }
    }

    pub(crate) fn add<'a>(
        &mut self,
        of: &Graph,
        from: ModuleId,
        facts: impl Iterator<Item = &'a Fact>,
    ) {
        let facts: Vec<Fact> = facts.map(|fact| self.fact(of, fact)).collect();
        if let (Some(name), false) = (of.name(from), facts.is_empty()) {
            let from = self.0.modules.intern(name);
            self.0.add(from, facts);
        }
    }

    fn fact(&mut self, of: &Graph, fact: &Fact) -> Fact {
        let file = fact.file().and_then(|file| of.files.text(file));
        Fact {
            to: self
                .0
                .modules
                .intern(of.modules.text(fact.to).unwrap_or_default()),
            file: file.map_or(NO_FILE, |file| self.0.files.intern(file)),
            ..*fact
        }
    }

    pub(crate) fn build(self) -> Graph {
        self.0.build()
    }
}
