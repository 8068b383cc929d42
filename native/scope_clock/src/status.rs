//! What a clock reports.

use crate::mode::{Counter, Mode};
use crate::node::NodeId;
use crate::stamp::Stamp;

/// Where a clock is in its life.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Phase {
    /// Not started: it reads the wall clock under a shared word.
    #[default]
    Idle,
    /// Started.
    Running,
    /// The wall clock stepped back too far: waiting for a new incarnation.
    Ended,
}

/// What was found in the data folder at the start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Floor {
    /// There is no data folder.
    Unkept,
    /// Nothing was kept there yet.
    Absent,
    /// No stamp of an earlier run lies above this one.
    Kept(Stamp),
    /// Something is there that cannot be read; it was replaced.
    Unreadable,
}

/// The outcome of a start.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Started {
    /// The first stamp.
    pub stamp: Stamp,
    /// The wall clock then.
    pub wall: Stamp,
    /// What the data folder said.
    pub floor: Floor,
    /// How long the start waited for the wall clock.
    pub waited_ns: u64,
    /// Whether the clock starts further ahead of the wall than the limit, so that peers will
    /// refuse its stamps: the wall clock went back between two runs.
    /// [`Clock::renew`](crate::Clock::renew) gives up the order with the earlier run.
    pub wall_behind: bool,
}

/// The outcome of a calibration.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Calibration {
    /// How far the clock was ahead of the wall clock.
    pub ahead_ns: i64,
    /// By how many parts in 10⁹ it now runs faster than the monotonic clock.
    pub slew_ppb: i32,
    /// How far the wall clock was stepped since the last calibration; 0 if it was not.
    pub wall_step_ns: i64,
}

/// All that is to be known about a clock. Counters are since the clock was made.
#[derive(Clone, Debug, PartialEq)]
pub struct Status {
    /// Where it is in its life.
    pub phase: Phase,
    /// How it is read.
    pub mode: Mode,
    /// The counter it reads.
    pub counter: Counter,
    /// The smallest step of the counter, in nanoseconds; 0 if it is finer than a read.
    pub tick_ns: f64,
    /// Ticks per second, as measured.
    pub hertz: f64,
    /// Whose clock it is.
    pub node: Option<NodeId>,
    /// How often its line was drawn anew.
    pub generation: u64,
    /// What it shows.
    pub stamp: Stamp,
    /// What the wall clock shows.
    pub physical: Stamp,
    /// How far it is ahead of the wall clock.
    pub ahead_ns: i64,
    /// By how many parts in 10⁹ it runs faster than the monotonic clock.
    pub slew_ppb: i32,
    /// How far ahead of the wall clock a remote stamp may be.
    pub limit_ns: u64,
    /// The counters.
    pub counts: Counts,
    /// The last remote stamp that was refused, and the physical clock then.
    pub last_refused: Option<(Stamp, Stamp)>,
    /// No stamp above this one is given out before a higher bound is on disk.
    pub bound: Option<Stamp>,
    /// Why the bound could not be written the last time.
    pub bound_error: Option<std::io::ErrorKind>,
}

/// What a clock counts.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Calibrations.
    pub calibrations: u64,
    /// Remote stamps looked at.
    pub observed: u64,
    /// Those that moved the clock.
    pub raised: u64,
    /// Those that were too far ahead.
    pub refused: u64,
    /// Steps of the wall clock forward.
    pub wall_forward: u64,
    /// Steps of the wall clock back.
    pub wall_back: u64,
    /// Lines that became visible so late that they had to be lifted again.
    pub late_lines: u64,
    /// Times the counter was found at another speed.
    pub speed_changes: u64,
    /// Bounds written.
    pub bounds_written: u64,
    /// Bounds that could not be written.
    pub bounds_failed: u64,
    /// Times the clock was found above its bound: nobody calibrated in time.
    pub bounds_passed: u64,
}
