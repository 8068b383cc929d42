//! How fast the counter runs, and how fast the clock should.
//!
//! Source: the two loops of NTP (Mills, RFC 5905 §11) taken apart. The *speed* of the counter is
//! measured against the monotonic clock, which nobody sets; the *position* of the clock is steered
//! to the wall clock by running slightly faster or slower (Lamport 1978: a physical clock is
//! corrected without ever being set back).

/// Fixed-point one: rates have 32 fractional bits, and a second has 2³² units.
const UNITS_PER_SECOND_32: f64 = 18_446_744_073_709_551_616.0;

/// The clock never runs faster or slower than this to correct itself.
pub(crate) const MAX_SLEW_PPB: i64 = 50_000;

/// A position is corrected over this time at the least, so that noise is not followed.
const HORIZON_NS: i64 = 4_000_000_000;

/// A speed is not measured over less: 30 ns of reading error would be 0.6 ppm.
const MIN_BASELINE_NS: u64 = 50_000_000;

/// A speed is measured over one to two of these: long enough for 3 ppb, short enough to follow
/// the temperature and the kernel's own slewing.
const BASELINE_NS: u64 = 8_000_000_000;

/// The kernel slews by at most 500 ppm. A counter further off than that has changed: it stood
/// still, or the virtual machine has moved.
const CREDIBLE_PPM: u64 = 600;

/// The counter's speed.
///
/// Invariant: `older` is not later than `newer`, and `rate` was measured from a point like
/// `older`, or is what the source said at first.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Discipline {
    rate: u64,
    older: Point,
    newer: Point,
    /// A speed that was not believed at once.
    suspect: Option<u64>,
}

/// A reading of both clocks.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Point {
    pub(crate) ticks: u64,
    pub(crate) mono_ns: u64,
}

impl Discipline {
    /// A counter of which only its own word is known.
    pub(crate) fn new(hertz: f64, start: Point) -> Self {
        Self {
            rate: rate_of(hertz),
            older: start,
            newer: start,
            suspect: None,
        }
    }

    /// Stamp units per tick at which stamps run as fast as the monotonic clock.
    #[cfg(test)]
    pub(crate) const fn rate(&self) -> u64 {
        self.rate
    }

    /// Ticks per second.
    #[allow(clippy::cast_precision_loss, reason = "52 bits of a rate are plenty")]
    pub(crate) fn hertz(&self) -> f64 {
        UNITS_PER_SECOND_32 / self.rate.max(1) as f64
    }

    /// The rate for a clock that is to run `slew` parts in 10⁹ fast.
    #[allow(clippy::cast_possible_truncation, reason = "a slew is far below one")]
    pub(crate) const fn slewed(&self, slew_ppb: i32) -> u64 {
        (self.rate as u128 * (1_000_000_000 + slew_ppb as i64).unsigned_abs() as u128
            / 1_000_000_000) as u64
    }

    /// Takes a new reading. Answers whether the counter was found to have changed its speed.
    pub(crate) fn feed(&mut self, point: Point) -> bool {
        let Some(rate) = self.older.rate_to(point) else {
            return false;
        };
        if close(rate, self.rate) {
            self.accept(rate, point);
            return false;
        }
        self.doubt(rate, point)
    }

    fn accept(&mut self, rate: u64, point: Point) {
        (self.rate, self.suspect) = (rate, None);
        if point.mono_ns.saturating_sub(self.newer.mono_ns) >= BASELINE_NS {
            (self.older, self.newer) = (self.newer, point);
        }
    }

    /// One reading that does not fit is a disturbance; two that agree are a new speed.
    fn doubt(&mut self, rate: u64, point: Point) -> bool {
        (self.older, self.newer) = (point, point);
        let sure = self.suspect.is_some_and(|suspect| close(rate, suspect));
        if sure {
            (self.rate, self.suspect) = (rate, None);
        } else {
            self.suspect = Some(rate);
        }
        sure
    }
}

impl Point {
    fn rate_to(self, later: Self) -> Option<u64> {
        let ns = later
            .mono_ns
            .checked_sub(self.mono_ns)
            .filter(|ns| *ns >= MIN_BASELINE_NS)?;
        let ticks = later
            .ticks
            .checked_sub(self.ticks)
            .filter(|ticks| *ticks > 0)?;
        u64::try_from((u128::from(ns) << 64) / 1_000_000_000 / u128::from(ticks)).ok()
    }
}

/// The slew that takes a clock back to the wall, given how far ahead it is and how long it is
/// until the next correction.
pub(crate) fn slew_ppb(ahead_ns: i64, interval_ns: u64) -> i32 {
    let interval = i64::try_from(interval_ns).unwrap_or(i64::MAX);
    let horizon = HORIZON_NS.max(interval.saturating_mul(2));
    let wanted = i128::from(-ahead_ns) * 1_000_000_000 / i128::from(horizon);
    let limit = i128::from(MAX_SLEW_PPB);
    i32::try_from(wanted.clamp(-limit, limit)).unwrap_or(0)
}

#[allow(
    clippy::cast_possible_truncation,
    clippy::cast_sign_loss,
    reason = "a positive float, and the cast saturates"
)]
fn rate_of(hertz: f64) -> u64 {
    (UNITS_PER_SECOND_32 / hertz) as u64
}

fn close(a: u64, b: u64) -> bool {
    u128::from(a.abs_diff(b)) * 1_000_000 <= u128::from(b) * u128::from(CREDIBLE_PPM)
}

#[cfg(test)]
mod tests {
    use super::{Discipline, Point, slew_ppb};

    const GHZ2: u64 = 2_000_000_000;

    fn at(seconds: f64, hertz: f64) -> Point {
        Point {
            ticks: (seconds * hertz) as u64,
            mono_ns: (seconds * 1e9) as u64,
        }
    }

    #[test]
    fn a_speed_that_was_a_little_off_is_found() {
        let mut discipline = Discipline::new(GHZ2 as f64, at(0.0, 2e9));
        assert!(!discipline.feed(at(1.0, 2.0002e9)));
        assert!((discipline.hertz() - 2.0002e9).abs() < 10.0);
    }

    #[test]
    fn one_disturbance_is_forgotten_and_a_new_speed_is_learnt() {
        let mut discipline = Discipline::new(GHZ2 as f64, at(0.0, 2e9));
        let before = discipline.rate();
        // The monotonic clock stood still for an hour while the counter went on.
        let jump = |seconds: f64, hertz: f64| {
            let point = at(seconds, hertz);
            Point {
                ticks: point.ticks + 3_600 * GHZ2,
                ..point
            }
        };
        assert!(!discipline.feed(jump(1.0, 2e9)));
        assert_eq!(discipline.rate(), before);
        assert!(!discipline.feed(jump(2.0, 2e9)));
        assert!(discipline.rate().abs_diff(before) < 10);
        // Another machine: 2.5 GHz from now on.
        let moved = |seconds: f64| {
            Point {
                ticks: 1 << 50,
                ..at(0.0, 0.0)
            }
            .plus(seconds, 2.5e9)
        };
        assert!(!discipline.feed(moved(3.0)));
        assert!(!discipline.feed(moved(4.0)));
        assert!(discipline.feed(moved(5.0)));
        assert!((discipline.hertz() - 2.5e9).abs() < 10.0);
    }

    impl Point {
        fn plus(self, seconds: f64, hertz: f64) -> Self {
            let by = at(seconds, hertz);
            Self {
                ticks: self.ticks + by.ticks,
                mono_ns: self.mono_ns + by.mono_ns,
            }
        }
    }

    #[test]
    fn a_slew_is_proportional_up_to_its_limit() {
        assert_eq!(slew_ppb(0, 1_000_000_000), 0);
        assert_eq!(slew_ppb(4_000, 1_000_000_000), -1_000);
        assert_eq!(slew_ppb(-4_000, 1_000_000_000), 1_000);
        assert_eq!(slew_ppb(400_000_000, 1_000_000_000), -50_000);
        // Not corrected in a minute by what would take it past the wall in that minute.
        assert_eq!(slew_ppb(60_000, 60_000_000_000), -500);
    }
}
