//! What can be refused, and why.

use thiserror::Error;

/// Why a table of lanes did not start.
#[derive(Debug, Error)]
pub enum StartError {
    /// The table runs already; its size is fixed for the life of the VM.
    #[error("the lanes are started already")]
    AlreadyStarted,
    /// No lane at all was asked for, or more than can be numbered.
    #[error("{0} lanes: at least 1 and at most 4,096")]
    Lanes(usize),
    /// A payload longer than a slot's length field can say.
    #[error("max_payload of {0} bytes: at least 1 and at most 1 MiB")]
    MaxPayload(usize),
    /// `ring_bytes` is too small to give each lane a ring and one payload of slack.
    #[error("ring_bytes of {given} bytes: this many lanes need at least {needed}")]
    TooSmall {
        /// What was configured.
        given: usize,
        /// The least that works.
        needed: usize,
    },
    /// The system did not give the address space.
    #[error("the system refused {bytes} bytes of address space: {source}")]
    Memory {
        /// How much was asked for.
        bytes: usize,
        /// What the system said.
        source: std::io::Error,
    },
}

/// Why an event was not taken. Nothing here ever blocks: the event is counted and gone.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum Refusal {
    /// The lane is full: the newest event is dropped and counted as lost.
    #[error("the lane is full")]
    Full,
    /// The payload would be longer than `max_payload`: counted as lost.
    #[error("the payload is longer than a lane takes")]
    TooLong,
    /// The thread has an entry open already: counted as lost.
    #[error("the thread is writing an event already")]
    Nested,
    /// The thread came after the last lane was given away, or before `start`: counted as lost.
    #[error("the thread has no lane")]
    NoLane,
    /// The session has spent its budget: counted in its account, not as a loss of the ring.
    #[error("the session's budget is spent")]
    OverBudget,
    /// The session is closed, or never was: not counted, nobody waits for the event.
    #[error("the session is over")]
    SessionOver,
}

/// Why a session could not be opened or refilled.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Error)]
pub enum SessionError {
    /// Every seat is taken; the number of sessions at one time is bounded.
    #[error("{} sessions are open already", crate::SESSIONS)]
    TooMany,
    /// The id names no open session.
    #[error("no such session is open")]
    NotOpen,
    /// The lanes are not started yet.
    #[error("the lanes are not started")]
    NotStarted,
}
