//! Watching the wall clock for steps.

use crate::discipline::MAX_SLEW_PPB;

/// A smaller change of the wall clock against the monotonic one is taken for reading error.
pub(crate) const STEP_NS: i64 = 1_000_000;

/// The wall clock's distance from the monotonic clock, which only a step changes.
///
/// Invariant: `peak` is the greatest distance of this incarnation, less what the clock had time
/// to give back since. A fall below it further than the limit leaves stamps out of reach.
#[derive(Clone, Copy, Debug)]
pub(crate) struct WallWatch {
    offset: i64,
    peak: i64,
    seen_ns: u64,
}

/// What a look at the wall clock showed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Seen {
    /// The step since the last look, 0 if there was none.
    pub(crate) step_ns: i64,
    /// How far the wall clock is below its peak.
    pub(crate) fallen_ns: u64,
}

impl WallWatch {
    pub(crate) const fn new(mono_ns: u64, wall_ns: u64) -> Self {
        let offset = distance(mono_ns, wall_ns);
        Self {
            offset,
            peak: offset,
            seen_ns: mono_ns,
        }
    }

    pub(crate) fn see(&mut self, mono_ns: u64, wall_ns: u64) -> Seen {
        let offset = distance(mono_ns, wall_ns);
        let step = offset.saturating_sub(self.offset);
        self.peak = self
            .peak
            .saturating_sub(self.given_back(mono_ns))
            .max(offset);
        (self.offset, self.seen_ns) = (offset, mono_ns);
        let step_ns = if step.abs() < STEP_NS { 0 } else { step };
        Seen {
            step_ns,
            fallen_ns: self.peak.abs_diff(offset),
        }
    }

    /// What the clock can have given back since the last look.
    fn given_back(&self, mono_ns: u64) -> i64 {
        let elapsed = i128::from(mono_ns.saturating_sub(self.seen_ns));
        i64::try_from(elapsed * i128::from(MAX_SLEW_PPB) / 1_000_000_000).unwrap_or(i64::MAX)
    }
}

const fn distance(mono_ns: u64, wall_ns: u64) -> i64 {
    wall_ns.cast_signed().saturating_sub(mono_ns.cast_signed())
}

#[cfg(test)]
mod tests {
    use super::WallWatch;

    const SECOND: u64 = 1_000_000_000;

    #[test]
    fn steps_are_seen_once_and_falls_until_they_are_given_back() {
        let mut watch = WallWatch::new(0, 100 * SECOND);
        let seen = watch.see(SECOND, 101 * SECOND);
        assert_eq!((seen.step_ns, seen.fallen_ns), (0, 0));
        let seen = watch.see(2 * SECOND, 102 * SECOND - 300_000_000);
        assert_eq!(seen.step_ns, -300_000_000);
        let seen = watch.see(3 * SECOND, 103 * SECOND - 600_000_000);
        assert_eq!(seen.step_ns, -300_000_000);
        assert_eq!(seen.fallen_ns, 600_000_000 - 100_000);
        let seen = watch.see(3_003 * SECOND, 3_103 * SECOND - 600_000_000);
        assert_eq!(seen.step_ns, 0);
        assert_eq!(seen.fallen_ns, 600_000_000 - 100_000 - 150_000_000);
    }
}
