//! Names that events share, each once.

use super::Function;
use super::input::Subject;
use scope_event::{Origin, Pid};
use std::collections::HashMap;
use std::hash::Hash;
use std::sync::Arc;

/// A table of what is told apart, by the order in which it was first seen.
///
/// Invariant: `known` says of each in `all` where it is.
#[derive(Debug)]
pub(super) struct Table<T> {
    known: HashMap<T, u32>,
    all: Vec<T>,
}

impl<T> Default for Table<T> {
    fn default() -> Self {
        Self {
            known: HashMap::new(),
            all: Vec::new(),
        }
    }
}

impl<T: Hash + Eq + Clone> Table<T> {
    pub(super) fn index(&mut self, of: &T) -> u32 {
        if let Some(&known) = self.known.get(of) {
            return known;
        }
        // Never more than two for each event, of which a picture has fewer than 2^30.
        let next = self.all.len() as u32;
        self.known.insert(of.clone(), next);
        self.all.push(of.clone());
        next
    }

    pub(super) fn len(&self) -> usize {
        self.all.len()
    }

    pub(super) fn get(&self, of: &T) -> Option<u32> {
        self.known.get(of).copied()
    }

    pub(super) fn at(&self, index: u32) -> Option<&T> {
        self.all.get(index as usize)
    }

    /// What is in it, in order.
    pub(super) fn list(self) -> Vec<T> {
        self.all
    }
}

#[derive(Debug, Default)]
pub(super) struct Names {
    pub(super) origins: Table<Origin>,
    pub(super) nodes: Table<Arc<str>>,
    pub(super) processes: Table<Pid>,
    pub(super) functions: Table<Function>,
    pub(super) correlations: Table<u64>,
}

/// What an event is about, in 32 bits: two of them say what the others count.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct About(u32);

const PROCESS: u32 = 0;
const FUNCTION: u32 = 1;
const NODE: u32 = 2;
const NOTHING: u32 = 3;
const BITS: u32 = 30;

impl About {
    fn new(sort: u32, index: u32) -> Self {
        Self(sort << BITS | index & ((1 << BITS) - 1))
    }

    fn index(self, sort: u32) -> Option<u32> {
        (self.0 >> BITS == sort).then_some(self.0 & ((1 << BITS) - 1))
    }

    /// The same of a process with another number.
    pub(super) fn renumbered(self, numbers: &[u32]) -> Self {
        match self.process() {
            Some(process) => Self::new(PROCESS, numbers[process as usize]),
            None => self,
        }
    }

    pub(super) fn process(self) -> Option<u32> {
        self.index(PROCESS)
    }

    pub(super) fn function(self) -> Option<u32> {
        self.index(FUNCTION)
    }

    pub(super) fn node(self) -> Option<u32> {
        self.index(NODE)
    }
}

impl Names {
    pub(super) fn process(&mut self, pid: &Pid) -> u32 {
        self.processes.index(pid)
    }

    pub(super) fn about(&mut self, subject: Subject<'_>) -> About {
        match subject {
            Subject::None => About::new(NOTHING, 0),
            Subject::Pid(pid) => About::new(PROCESS, self.processes.index(pid)),
            Subject::Node(node) => About::new(NODE, self.nodes.index(node)),
            Subject::Mfa {
                module,
                function,
                arity,
            } => {
                let function = Function {
                    module: Arc::clone(module),
                    function: Arc::clone(function),
                    arity,
                };
                About::new(FUNCTION, self.functions.index(&function))
            }
        }
    }
}
