//! Which way an edge is followed.

/// One of the two sides of a module.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Direction {
    /// Toward what it depends on.
    Dependencies,
    /// Toward what depends on it.
    Dependents,
}
