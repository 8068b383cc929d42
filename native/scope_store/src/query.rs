//! What can be asked.

mod correlated;
mod cursor;
mod kinds;
mod ranges;

pub use correlated::Correlated;
pub use cursor::Cursor;
pub use kinds::Kinds;
pub(crate) use ranges::touching;
pub use ranges::{Ranges, Span};

use scope_event::Pid;
use std::sync::Arc;

/// Filters, all of which an event must pass. One that is empty or `None` lets everything pass.
///
/// # Examples
///
/// ```
/// use scope_event::Kind;
/// use scope_store::{Kinds, Order, Query};
///
/// let query = Query {
///     kinds: Kinds::from(Kind::Exit),
///     modules: vec!["Elixir.Shop.Orders".into()],
///     order: Order::Desc,
///     ..Query::default()
/// };
/// assert_eq!(query.limit, Query::DEFAULT_LIMIT);
/// ```
#[derive(Clone, Debug, PartialEq)]
pub struct Query {
    /// Recorded on one of these nodes, in whichever incarnation.
    pub nodes: Vec<Arc<str>>,
    /// Of one of these kinds.
    pub kinds: Kinds,
    /// Happened in one of these processes.
    pub pids: Vec<Pid>,
    /// About a function of one of these modules.
    pub modules: Vec<Arc<str>>,
    /// About such a function.
    pub mfa: Option<Function>,
    /// Of one of these correlations.
    pub correlations: Vec<Correlated>,
    /// Not before this stamp (NTP64 bits).
    pub from: Option<u64>,
    /// Not after this stamp (NTP64 bits).
    pub to: Option<u64>,
    /// Subject, correlation or data hold this text: within an atom or a binary, or as the decimal
    /// form of an integer.
    pub contains: Option<Arc<str>>,
    /// At most so many events.
    pub limit: usize,
    /// At most about so many bytes of terms, so that an answer of large states stays small.
    pub max_bytes: usize,
    /// Oldest or newest first.
    pub order: Order,
    /// Only what comes behind this place, in the given order.
    pub after: Option<Cursor>,
    /// Only events with these numbers, if it says so.
    pub ranges: Option<Arc<Ranges>>,
    /// About so many blocks are decoded at most. An answer that was stopped by that has `more`, and a
    /// cursor that is further on, though it may have no event.
    pub max_blocks: usize,
    /// Whether what a recording keeps besides is looked for, too: events that explain those it is of.
    pub beside: bool,
}

impl Query {
    /// Events in an answer unless told otherwise.
    pub const DEFAULT_LIMIT: usize = 10_000;

    /// Bytes of terms in an answer unless told otherwise.
    pub const DEFAULT_BYTES: usize = 32 << 20;
}

impl Default for Query {
    fn default() -> Self {
        Self {
            nodes: Vec::new(),
            kinds: Kinds::NONE,
            pids: Vec::new(),
            modules: Vec::new(),
            mfa: None,
            correlations: Vec::new(),
            from: None,
            to: None,
            contains: None,
            limit: Self::DEFAULT_LIMIT,
            max_bytes: Self::DEFAULT_BYTES,
            order: Order::Asc,
            after: None,
            ranges: None,
            max_blocks: usize::MAX,
            beside: false,
        }
    }
}

/// Which end comes first.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Order {
    /// Oldest first.
    #[default]
    Asc,
    /// Newest first.
    Desc,
}

/// Functions by module, name and number of arguments; `None` stands for any.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub struct Function {
    /// The module.
    pub module: Option<Arc<str>>,
    /// The name.
    pub function: Option<Arc<str>>,
    /// The number of arguments.
    pub arity: Option<u8>,
}
