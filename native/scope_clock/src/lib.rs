//! The hybrid logical clock of a scope.
//!
//! A [`Clock`] is one affine function from a hardware counter to a 64-bit NTP [`Stamp`]. It
//! follows the wall clock, is raised by the stamps of other nodes, and never stops or steps back:
//! what it runs ahead it gives back by running at most 50 ppm slow. Reading it takes no lock and
//! writes nothing, so it costs the same on one thread as on sixty.
//!
//! What it is not: it does not make stamps unique (two threads may read the same one; identity
//! is the business of the event's origin and sequence), it does not order messages that carry no
//! stamp, and it starts no thread: somebody calls [`Clock::calibrate`] about once a second.
//!
//! ```
//! use scope_clock::{Clock, NodeId, Settings};
//!
//! static CLOCK: Clock = Clock::new();
//!
//! CLOCK.start(Settings::new(NodeId::new("shop@host", 1)))?;
//! let sent = CLOCK.now();
//! let received = CLOCK.observe(sent)?;
//! assert!(sent < received);
//! # Ok::<(), scope_clock::ClockError>(())
//! ```

mod line;
mod mode;
mod primitive;
mod seqlock;

#[cfg(not(loom))]
mod anchor;
#[cfg(not(loom))]
mod bound;
#[cfg(not(loom))]
mod clock;
#[cfg(not(loom))]
mod control;
#[cfg(not(loom))]
mod discipline;
#[cfg(not(loom))]
mod error;
#[cfg(not(loom))]
mod manual;
#[cfg(not(loom))]
mod node;
#[cfg(not(loom))]
mod run;
#[cfg(not(loom))]
mod settings;
#[cfg(not(loom))]
mod source;
#[cfg(not(loom))]
mod stamp;
#[cfg(not(loom))]
mod start;
#[cfg(not(loom))]
mod status;
#[cfg(not(loom))]
mod steer;
#[cfg(not(loom))]
mod system;
#[cfg(not(loom))]
mod wall;

pub use mode::{Counter, Mode};

#[cfg(not(loom))]
pub use {
    anchor::Anchor,
    clock::Clock,
    error::ClockError,
    manual::Manual,
    node::{NodeId, Timestamp},
    settings::Settings,
    source::{CounterInfo, Source},
    stamp::Stamp,
    status::{Calibration, Counts, Floor, Phase, Started, Status},
    system::System,
};

/// The parts that the model checker drives.
#[doc(hidden)]
pub mod model {
    pub use crate::line::Line;
    pub use crate::seqlock::{SeqLock, View};
}
