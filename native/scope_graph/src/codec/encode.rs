//! From a value to bytes.

use super::names;
use super::number::{put, put_step};
use super::seal::{DIFF, GRAPH, seal};
use crate::fact::{Fact, NO_FILE};
use crate::names::Names;
use crate::{Diff, Graph, ModuleId, Version};

impl Graph {
    /// The graph as bytes; equal graphs at equal versions give equal bytes.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_graph::{Graph, Kind, Reference};
    ///
    /// let mut graph = Graph::new();
    /// graph.replace("A", [Reference::new("B", Kind::Runtime)])?;
    /// assert_eq!(Graph::from_bytes(&graph.to_bytes()), Ok(graph));
    /// # Ok::<(), scope_graph::GraphError>(())
    /// ```
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        write_version(&mut body, self.version);
        write_content(&mut body, self);
        seal(GRAPH, &body)
    }
}

impl Diff {
    /// The difference as bytes.
    pub fn to_bytes(&self) -> Vec<u8> {
        let mut body = Vec::new();
        write_version(&mut body, self.from);
        write_version(&mut body, self.to);
        write_content(&mut body, &self.removed);
        write_content(&mut body, &self.added);
        seal(DIFF, &body)
    }
}

fn write_version(bytes: &mut Vec<u8>, version: Version) {
    put(bytes, version.content);
    put(bytes, version.structure);
}

fn write_content(bytes: &mut Vec<u8>, graph: &Graph) {
    let modules = graph.modules.sorted();
    let files = graph.files.sorted();
    names::write(bytes, &graph.modules, &modules);
    names::write(bytes, &graph.files, &files);
    let ranks = Ranks {
        modules: ranks(&graph.modules, &modules),
        files: ranks(&graph.files, &files),
    };
    for id in modules.into_iter().map(ModuleId) {
        let facts = ranks.list(graph.facts_of(id));
        put(
            bytes,
            (facts.len() as u64) << 1 | u64::from(graph.is_defined(id)),
        );
        write_facts(bytes, &facts);
    }
}

/// The position of each id among the sorted names.
struct Ranks {
    modules: Vec<u32>,
    files: Vec<u32>,
}

fn ranks(names: &Names, sorted: &[u32]) -> Vec<u32> {
    let mut ranks = vec![0; names.slots()];
    for (rank, id) in (0..).zip(sorted) {
        ranks[*id as usize] = rank;
    }
    ranks
}

impl Ranks {
    fn list(&self, facts: &[Fact]) -> Vec<Fact> {
        let mut facts: Vec<_> = facts.iter().map(|fact| self.fact(*fact)).collect();
        facts.sort_unstable();
        facts
    }

    fn fact(&self, fact: Fact) -> Fact {
        Fact {
            to: self.modules[fact.to as usize],
            file: fact
                .file()
                .map_or(NO_FILE, |file| self.files[file as usize]),
            ..fact
        }
    }
}

fn write_facts(bytes: &mut Vec<u8>, facts: &[Fact]) {
    let (mut to, mut file, mut line) = (0, 0, 0);
    for fact in facts {
        let placed = u64::from(fact.file().is_some()) << 2;
        put(
            bytes,
            u64::from(fact.to - to) << 3 | placed | u64::from(fact.kind.code()),
        );
        to = fact.to;
        if let Some(at) = fact.file() {
            put_step(bytes, file, at);
            put_step(bytes, line, fact.line);
            (file, line) = (at, fact.line);
        }
    }
}
