//! What can go wrong with a clock.

use crate::stamp::Stamp;

/// Why a clock did not do what it was asked to.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
pub enum ClockError {
    /// The clock has not been started.
    #[error("the clock has not been started")]
    NotStarted,

    /// The counter of the source of time does not move as a counter does.
    #[error("the counter does not move as a counter does")]
    NoCounter,

    /// A remote stamp is too far ahead of this node's physical clock. The clock did not move.
    #[error(
        "remote stamp {remote} is more than {limit_ns} ns ahead of the physical clock {physical}"
    )]
    TooFarAhead {
        /// The stamp that came in.
        remote: Stamp,
        /// The physical clock when it did.
        physical: Stamp,
        /// The limit that was passed.
        limit_ns: u64,
    },

    /// The wall clock went back further than the limit: this incarnation of the node is over.
    /// The clock goes on, ahead of the wall, until [`Clock::renew`](crate::Clock::renew).
    #[error("the wall clock stepped back to {wall}, the clock stands at {stamp}: incarnation over")]
    IncarnationEnded {
        /// Where the wall clock was found.
        wall: Stamp,
        /// Where this clock stood then.
        stamp: Stamp,
    },
}
