//! A term as a tree, for tests and tools.

use super::reader::{Close, Names, Shape, TermSink, read_term};
use super::{Foreign, Opaque, TermError};
use crate::pid::Pid;
use std::sync::Arc;

/// A decoded term.
///
/// Floats compare by value; `cut` says that a budget removed what came after the items.
#[derive(Clone, Debug, PartialEq)]
pub enum Value {
    /// An atom.
    Atom(Arc<str>),
    /// An integer.
    Int(i64),
    /// A float.
    Float(f64),
    /// The kept start of a binary of `full` bytes.
    Binary {
        /// What was kept.
        kept: Vec<u8>,
        /// Length of the original.
        full: u64,
    },
    /// A local process of the recording node.
    Pid(Pid),
    /// A tuple of `arity` elements; fewer items when it was cut.
    Tuple {
        /// The elements that were kept.
        items: Vec<Value>,
        /// Arity of the original.
        arity: u32,
    },
    /// A map of `size` pairs; fewer when it was cut.
    Map {
        /// The pairs that were kept.
        pairs: Vec<(Value, Value)>,
        /// Number of pairs of the original.
        size: u32,
    },
    /// A list.
    List {
        /// The elements that were kept.
        items: Vec<Value>,
        /// The tail of an improper list.
        tail: Option<Box<Value>>,
        /// Whether there was more.
        cut: bool,
    },
    /// A term in Erlang's external format.
    Foreign(Foreign, Vec<u8>),
    /// A stand-in for what was not kept.
    Opaque(Opaque, Option<u64>),
    /// Hidden by a redactor.
    Redacted,
}

impl Value {
    /// A whole binary.
    pub fn binary(bytes: impl Into<Vec<u8>>) -> Self {
        let kept = bytes.into();
        Self::Binary {
            full: kept.len() as u64,
            kept,
        }
    }

    /// A whole tuple.
    pub fn tuple(items: impl Into<Vec<Value>>) -> Self {
        let items = items.into();
        Self::Tuple {
            arity: items.len() as u32,
            items,
        }
    }

    /// A whole proper list.
    pub fn list(items: impl Into<Vec<Value>>) -> Self {
        Self::List {
            items: items.into(),
            tail: None,
            cut: false,
        }
    }

    /// A whole map.
    pub fn map(pairs: impl Into<Vec<(Value, Value)>>) -> Self {
        let pairs = pairs.into();
        Self::Map {
            size: pairs.len() as u32,
            pairs,
        }
    }

    /// Reads one term in block form.
    ///
    /// # Errors
    ///
    /// As [`read_term`].
    pub fn read(bytes: &[u8], names: &impl Names) -> Result<Self, TermError> {
        let mut tree = Tree::default();
        read_term(bytes, names, &mut tree)?;
        tree.root.ok_or(TermError::Short)
    }
}

/// Builds the tree: the open containers with the items seen so far.
#[derive(Default)]
struct Tree {
    open: Vec<(Shape, Vec<Value>)>,
    root: Option<Value>,
}

impl Tree {
    fn put(&mut self, value: Value) {
        match self.open.last_mut() {
            Some((_, items)) => items.push(value),
            None => self.root = Some(value),
        }
    }
}

impl TermSink for Tree {
    fn atom(&mut self, _index: u32, text: &Arc<str>) {
        self.put(Value::Atom(text.clone()));
    }

    fn int(&mut self, value: i64) {
        self.put(Value::Int(value));
    }

    fn float(&mut self, value: f64) {
        self.put(Value::Float(value));
    }

    fn binary(&mut self, kept: &[u8], full: u64) {
        self.put(Value::Binary {
            kept: kept.to_vec(),
            full,
        });
    }

    fn pid(&mut self, _index: u32, pid: &Pid) {
        self.put(Value::Pid(pid.clone()));
    }

    fn foreign(&mut self, of: Foreign, bytes: &[u8]) {
        self.put(Value::Foreign(of, bytes.to_vec()));
    }

    fn opaque(&mut self, of: Opaque, size: Option<u64>) {
        self.put(Value::Opaque(of, size));
    }

    fn redacted(&mut self) {
        self.put(Value::Redacted);
    }

    fn open(&mut self, shape: Shape) {
        self.open.push((shape, Vec::new()));
    }

    fn close(&mut self, how: Close) {
        if let Some((shape, items)) = self.open.pop() {
            self.put(container(shape, items, how));
        }
    }
}

fn container(shape: Shape, mut items: Vec<Value>, how: Close) -> Value {
    match shape {
        Shape::Tuple(arity) => Value::Tuple { items, arity },
        Shape::Map(size) => Value::Map {
            pairs: pairs(items),
            size,
        },
        Shape::List => {
            let tail = if how == Close::Tail {
                items.pop().map(Box::new)
            } else {
                None
            };
            Value::List {
                items,
                tail,
                cut: how == Close::Cut,
            }
        }
    }
}

fn pairs(items: Vec<Value>) -> Vec<(Value, Value)> {
    let mut items = items.into_iter();
    let mut pairs = Vec::new();
    while let (Some(key), Some(value)) = (items.next(), items.next()) {
        pairs.push((key, value));
    }
    pairs
}
