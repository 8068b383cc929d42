//! What the order is made from, and what had to be corrected.

use scope_clock::Stamp;

/// As much of an event as order depends on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Event {
    /// Who did it: equal for the events of one process, different for any others. An event that no
    /// process did has a key of its own.
    pub process: u64,
    /// When, by the clock of the node that recorded it.
    pub stamp: Stamp,
}

/// One event caused another; both are indexes into the events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub struct Edge {
    /// What came first, such as a send.
    pub cause: usize,
    /// What followed from it, such as the receive of the same message.
    pub effect: usize,
}

/// An event that had to be moved behind its causes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Correction {
    /// Index of the event.
    pub event: usize,
    /// By how many nanoseconds its clock was behind, at least; never 0.
    pub by_ns: u64,
}
