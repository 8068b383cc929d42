//! How far every lane had got at one moment.

use crate::table::Table;

/// A snapshot of all lanes' heads. What a thread published before it sent a message lies below the
/// heads that the message's receiver takes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Heads(Vec<u64>);

impl Heads {
    pub(crate) fn of(table: &Table) -> Self {
        Self(
            table
                .claimed()
                .iter()
                .map(crate::lane::Lane::head)
                .collect(),
        )
    }

    /// Each lane and how many events it had published.
    pub fn iter(&self) -> impl Iterator<Item = (usize, u64)> + '_ {
        self.0.iter().copied().enumerate()
    }

    /// Events published by all lanes together.
    pub fn total(&self) -> u64 {
        self.0.iter().sum()
    }
}
