//! One place in the source (or one observation) that makes a module depend on another.

use crate::Kind;

/// That some module needs `to`, of which kind, and where it says so.
///
/// An edge of the graph is all the references from one module to another.
///
/// # Examples
///
/// ```
/// use scope_graph::{Kind, Reference};
///
/// let reference = Reference::new("Shop.Cart", Kind::Runtime).at("lib/orders.ex", 12);
/// assert_eq!(reference.place.map(|place| place.line), Some(12));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Reference<'a> {
    /// The module that is needed.
    pub to: &'a str,
    /// Why it is needed.
    pub kind: Kind,
    /// Where that is written; an observed call may have no place.
    pub place: Option<Place<'a>>,
}

/// A line of a file.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Place<'a> {
    /// The path as the compiler gave it.
    pub file: &'a str,
    /// The line, counted from one; zero where only the file is known.
    pub line: u32,
}

impl<'a> Reference<'a> {
    /// A reference without a place.
    pub const fn new(to: &'a str, kind: Kind) -> Self {
        Self {
            to,
            kind,
            place: None,
        }
    }

    /// The same at a place.
    #[must_use]
    pub const fn at(self, file: &'a str, line: u32) -> Self {
        Self {
            place: Some(Place { file, line }),
            ..self
        }
    }
}
