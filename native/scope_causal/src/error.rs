//! Why there is no causal order.

/// Why events and edges have no causal order.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum CausalError {
    /// An event's stamp is before that of the event in front of it.
    #[error("event {event} is not in stamp order")]
    Unsorted {
        /// Index of the event.
        event: usize,
    },
    /// An edge names an event that is not there.
    #[error("an edge names event {event}, which does not exist")]
    NoEvent {
        /// The index that was named.
        event: usize,
    },
    /// An edge points from an event to itself.
    #[error("event {event} is named as its own cause")]
    Itself {
        /// Index of the event.
        event: usize,
    },
    /// Edges and the order within processes lead from an event back to it.
    #[error("event {event} is among the causes of its own causes")]
    Cycle {
        /// Index of an event on the cycle.
        event: usize,
    },
}
