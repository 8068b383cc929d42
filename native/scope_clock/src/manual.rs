//! A time source that is moved by hand: for tests and simulations.

use std::sync::atomic::{AtomicI64, AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use crate::mode::Counter;
use crate::source::{CounterInfo, Source};

/// True time, and a counter, a monotonic clock and a wall clock derived from it.
///
/// ```
/// use scope_clock::{Clock, Manual, NodeId, Settings};
///
/// let time = Manual::new(1_700_000_000_000_000_000);
/// let clock = Clock::with_source(&time);
/// clock.start(Settings::new(NodeId::new("a@host", 1)))?;
/// let before = clock.now();
/// time.advance(1_000);
/// assert_eq!(clock.now().ns_since(before), 1_000);
/// # Ok::<(), scope_clock::ClockError>(())
/// ```
#[derive(Debug)]
pub struct Manual {
    true_ns: AtomicU64,
    wall_offset: AtomicI64,
    /// True ticks per second.
    hertz: AtomicU64,
    /// The error of what the counter says of itself, in parts per million.
    error_ppm: i64,
    tick_ns: f64,
    tsc: bool,
    boot: u128,
    trusted: AtomicU64,
}

/// Where the monotonic clock stands when the source is made.
const MONO_START: u64 = 5_000_000_000;

impl Manual {
    /// A source with a counter of 2 GHz, whose wall clock shows this many nanoseconds.
    #[must_use]
    pub fn new(wall_ns: u64) -> Self {
        Self {
            true_ns: AtomicU64::new(MONO_START),
            wall_offset: AtomicI64::new(wall_ns.cast_signed() - MONO_START.cast_signed()),
            hertz: AtomicU64::new(2_000_000_000),
            error_ppm: 0,
            tick_ns: 0.5,
            tsc: true,
            boot: 1,
            trusted: AtomicU64::new(1),
        }
    }

    /// A counter of another speed.
    #[must_use]
    #[allow(clippy::cast_precision_loss, reason = "a speed needs no 64 bits")]
    pub fn hertz(mut self, hertz: u64) -> Self {
        self.hertz = AtomicU64::new(hertz);
        self.tick_ns = 1e9 / hertz as f64;
        self
    }

    /// A counter that is faster than it says, in parts per million.
    #[must_use]
    pub fn error_ppm(mut self, ppm: i64) -> Self {
        self.error_ppm = ppm;
        self
    }

    /// A machine without a time stamp counter.
    #[must_use]
    pub fn without_tsc(mut self) -> Self {
        self.tsc = false;
        self
    }

    /// A machine started another time.
    #[must_use]
    pub fn boot(mut self, boot: u128) -> Self {
        self.boot = boot;
        self
    }

    /// Lets time go by.
    pub fn advance(&self, ns: u64) {
        self.true_ns.fetch_add(ns, Relaxed);
    }

    /// Sets the wall clock forward or back.
    pub fn step_wall(&self, ns: i64) {
        self.wall_offset.fetch_add(ns, Relaxed);
    }

    /// The kernel gives up the time stamp counter.
    pub fn distrust(&self) {
        self.trusted.store(0, Relaxed);
    }

    fn ticks_now(&self) -> u64 {
        let ns = u128::from(self.true_ns.load(Relaxed));
        let ticks = ns * u128::from(self.hertz.load(Relaxed)) / 1_000_000_000;
        u64::try_from(ticks).unwrap_or(u64::MAX)
    }
}

impl Source for Manual {
    fn ticks(&self, counter: Counter) -> u64 {
        match counter {
            Counter::Tsc => self.ticks_now(),
            Counter::Monotonic => self.mono_ns(),
        }
    }

    fn ticks_ordered(&self, counter: Counter) -> u64 {
        self.ticks(counter)
    }

    fn mono_ns(&self) -> u64 {
        self.true_ns.load(Relaxed)
    }

    fn wall_ns(&self) -> u64 {
        self.mono_ns()
            .saturating_add_signed(self.wall_offset.load(Relaxed))
    }

    #[allow(clippy::cast_precision_loss, reason = "a speed needs no 64 bits")]
    fn counter(&self) -> CounterInfo {
        if !self.tsc || self.trusted.load(Relaxed) == 0 {
            return CounterInfo {
                counter: Counter::Monotonic,
                hertz: 1e9,
                tick_ns: 1.0,
            };
        }
        let hertz = self.hertz.load(Relaxed) as f64 * (1.0 - self.error_ppm as f64 / 1e6);
        CounterInfo {
            counter: Counter::Tsc,
            hertz,
            tick_ns: self.tick_ns,
        }
    }

    fn trusts(&self, counter: Counter) -> bool {
        counter == Counter::Monotonic || self.trusted.load(Relaxed) == 1
    }

    fn boot(&self) -> Option<u128> {
        Some(self.boot)
    }

    fn sleep(&self, duration: Duration) {
        self.advance(u64::try_from(duration.as_nanos()).unwrap_or(u64::MAX));
    }
}

impl<S: Source> Source for &S {
    #[inline]
    fn ticks(&self, counter: Counter) -> u64 {
        (**self).ticks(counter)
    }

    #[inline]
    fn ticks_ordered(&self, counter: Counter) -> u64 {
        (**self).ticks_ordered(counter)
    }

    fn mono_ns(&self) -> u64 {
        (**self).mono_ns()
    }

    fn wall_ns(&self) -> u64 {
        (**self).wall_ns()
    }

    fn counter(&self) -> CounterInfo {
        (**self).counter()
    }

    fn trusts(&self, counter: Counter) -> bool {
        (**self).trusts(counter)
    }

    fn boot(&self) -> Option<u128> {
        (**self).boot()
    }

    fn sleep(&self, duration: Duration) {
        (**self).sleep(duration);
    }
}
