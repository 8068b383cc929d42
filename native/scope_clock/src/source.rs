//! Where a clock gets its time from.

use std::time::Duration;

use crate::mode::Counter;

/// A counter, a monotonic clock and a wall clock.
///
/// [`System`](crate::System) is the machine's; [`Manual`](crate::Manual) is driven by hand.
pub trait Source: Send + Sync {
    /// Reads the counter. The processor may do so a little early or late.
    fn ticks(&self, counter: Counter) -> u64;

    /// Reads the counter after everything before it in program order has happened.
    fn ticks_ordered(&self, counter: Counter) -> u64;

    /// Nanoseconds of a clock that no one sets.
    fn mono_ns(&self) -> u64;

    /// Nanoseconds since 1970 by the clock on the wall.
    fn wall_ns(&self) -> u64;

    /// The counter to use. Called when a clock starts; it may take some milliseconds.
    fn counter(&self) -> CounterInfo;

    /// Whether the counter may still be used. Called on calibration.
    fn trusts(&self, counter: Counter) -> bool;

    /// A number that lasts as long as the monotonic clock does, where the system has one.
    fn boot(&self) -> Option<u128>;

    /// Waits.
    fn sleep(&self, duration: Duration);
}

/// What a source says about its counter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct CounterInfo {
    /// Which one.
    pub counter: Counter,
    /// Ticks per second, as well as it is known at first.
    pub hertz: f64,
    /// The smallest step seen, in nanoseconds.
    pub tick_ns: f64,
}
