//! What goes on hold, and what comes out.

use crate::{Function, Traces};

/// Which end of a call an event is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Side {
    /// Its beginning.
    Call,
    /// A return or an exception.
    End,
}

/// An event that some trace wants to see only if its call was slow.
#[derive(Clone, Debug)]
pub struct Seen<E> {
    /// By the clock of the scope.
    pub stamp: u64,
    /// The process.
    pub pid: u64,
    /// Of which function.
    pub function: Function,
    /// Its beginning or its end.
    pub side: Side,
    /// Whose event it is.
    pub traces: Traces,
    /// Traces that do not want this call, and will be told its end all the same.
    pub besides: Traces,
    /// What it takes while it is held.
    pub bytes: usize,
    /// The event; `None` for a call that nobody has to wait for.
    pub event: Option<E>,
}

/// In which order events come out: within each of these, in that of their stamps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub enum Order {
    /// Ends, and what there was nothing to wait for.
    Settled,
    /// Calls that were judged by this threshold, in milliseconds.
    Calls(u16),
}

/// An event that is kept, and by whom.
#[derive(Clone, Debug, PartialEq)]
pub struct Released<E> {
    /// Where it stands.
    pub order: Order,
    /// By its own stamp, as it was recorded.
    pub stamp: u64,
    /// Never empty.
    pub traces: Traces,
    /// What was held.
    pub event: E,
}
