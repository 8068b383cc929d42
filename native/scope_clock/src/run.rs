//! One incarnation of a clock, and how it is steered.

use crate::anchor::Anchor;
use crate::bound::Keeper;
use crate::discipline::{Discipline, Point, slew_ppb};
use crate::line::Line;
use crate::mode::Mode;
use crate::settings::{Settings, nanos};
use crate::source::CounterInfo;
use crate::stamp::Stamp;
use crate::start::{LAG_NS, mode_of};
use crate::wall::{STEP_NS, WallWatch};

/// By how much a clock gets slower at one calibration: it keeps the lift of the line small.
const SLOWER_PPB: i32 = 5_000;

/// The derived monotonic time is led back to the real one over this time…
const ANCHOR_HORIZON_NS: i64 = 1_000_000_000;
/// …at this speed at the most…
const ANCHOR_MAX_PPB: i64 = 200_000;
/// …unless it is this far off: the machine was suspended.
const ANCHOR_JUMP_NS: i64 = 10_000_000;

/// One incarnation.
///
/// Invariant: `mode` and `line` are what the sequence lock holds.
#[derive(Debug)]
pub(crate) struct Run {
    pub(crate) settings: Settings,
    pub(crate) info: CounterInfo,
    pub(crate) mode: Mode,
    pub(crate) line: Line,
    pub(crate) slew_ppb: i32,
    pub(crate) discipline: Discipline,
    pub(crate) wall: WallWatch,
    pub(crate) keeper: Option<Keeper>,
    pub(crate) calibrated_ns: u64,
    /// The time between the last two calibrations.
    pub(crate) interval_ns: u64,
    /// Whether the last calibration was one of an idle node.
    pub(crate) idle: bool,
}

/// A reading of all clocks at once.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Sample {
    pub(crate) ticks: u64,
    pub(crate) mono_ns: u64,
    pub(crate) wall_ns: u64,
}

impl Run {
    pub(crate) fn new(
        settings: Settings,
        info: CounterInfo,
        keeper: Option<Keeper>,
        sample: Sample,
        stamp: Stamp,
    ) -> Self {
        let discipline = Discipline::new(info.hertz, sample.point());
        let line = Line {
            base: stamp.bits(),
            origin: sample.ticks,
            rate: discipline.slewed(0),
        };
        Self {
            settings,
            info,
            mode: mode_of(info),
            line,
            slew_ppb: 0,
            discipline,
            wall: WallWatch::new(sample.mono_ns, sample.wall_ns),
            keeper,
            calibrated_ns: sample.mono_ns,
            interval_ns: 0,
            idle: false,
        }
    }

    pub(crate) fn limit_ns(&self) -> u64 {
        nanos(self.settings.limit)
    }
}

impl Run {
    /// Chooses the slew that takes the clock to the wall.
    pub(crate) fn steer(&mut self, ahead_ns: i64, mono_ns: u64) {
        self.interval_ns = mono_ns.saturating_sub(self.calibrated_ns);
        self.calibrated_ns = mono_ns;
        let jumps = ahead_ns < -STEP_NS;
        let wanted = if jumps {
            0
        } else {
            slew_ppb(ahead_ns, self.interval_ns)
        };
        self.slew_ppb = wanted.max(self.slew_ppb - SLOWER_PPB);
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "some ten million ticks"
    )]
    pub(crate) fn lag_ticks(&self) -> u64 {
        (self.discipline.hertz() * LAG_NS as f64 / 1e9) as u64
    }

    /// Goes on with another counter from a stamp.
    pub(crate) fn replace_counter(
        &mut self,
        info: CounterInfo,
        sample: Sample,
        stamp: Stamp,
    ) -> Line {
        self.info = info;
        self.mode = mode_of(info);
        self.discipline = Discipline::new(info.hertz, sample.point());
        let rate = self.discipline.slewed(self.slew_ppb);
        Line {
            base: stamp.bits(),
            origin: sample.ticks,
            rate,
        }
    }

    /// How the derived monotonic time, which the last anchor leads on, gets back to the real one:
    /// by a shift now, and by how many parts in 10⁹ stamps are to run faster than it.
    pub(crate) fn anchoring(&self, last: &Anchor, sample: Sample) -> (i64, i32) {
        let shown = Stamp::from_bits(self.line.at(sample.ticks));
        let behind = distance(last.mono_ns_at(shown), sample.mono_ns);
        if behind.abs() > ANCHOR_JUMP_NS {
            return (behind, self.slew_ppb);
        }
        (0, self.slew_ppb - self.anchor_ppb(behind))
    }

    /// The correction, in parts in 10⁹, that leads the derived monotonic time back.
    fn anchor_ppb(&self, drift_ns: i64) -> i32 {
        let interval = i64::try_from(self.interval_ns).unwrap_or(i64::MAX);
        let horizon = ANCHOR_HORIZON_NS.max(interval.saturating_mul(2));
        let wanted = i128::from(drift_ns) * 1_000_000_000 / i128::from(horizon);
        let limit = i128::from(ANCHOR_MAX_PPB);
        i32::try_from(wanted.clamp(-limit, limit)).unwrap_or(0)
    }
}

/// How far the real time is ahead of the derived one.
const fn distance(derived_ns: u64, real_ns: u64) -> i64 {
    real_ns.cast_signed().wrapping_sub(derived_ns.cast_signed())
}

impl Sample {
    pub(crate) const fn point(&self) -> Point {
        Point {
            ticks: self.ticks,
            mono_ns: self.mono_ns,
        }
    }

    pub(crate) const fn wall(&self) -> Stamp {
        Stamp::from_ns(self.wall_ns)
    }
}
