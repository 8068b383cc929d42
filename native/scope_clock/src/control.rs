//! What the writer of a clock knows, under its mutex. Readers never come here.

use std::io;

use crate::anchor::{Anchor, Anchors};
use crate::bound::Keeper;
use crate::discipline::{Discipline, Point};
use crate::line::Line;
use crate::mode::Mode;
use crate::settings::Settings;
use crate::source::CounterInfo;
use crate::stamp::Stamp;
use crate::status::{Counts, Phase};
use crate::wall::WallWatch;

/// The writer's side of a clock.
#[derive(Debug)]
pub(crate) struct Control {
    pub(crate) phase: Phase,
    pub(crate) run: Option<Run>,
    pub(crate) anchors: Anchors,
    pub(crate) counts: Counts,
    pub(crate) last_refused: Option<(Stamp, Stamp)>,
    pub(crate) bound_error: Option<io::ErrorKind>,
}

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

impl Control {
    pub(crate) const fn new() -> Self {
        Self {
            phase: Phase::Idle,
            run: None,
            anchors: Anchors::new(),
            counts: Counts {
                calibrations: 0,
                observed: 0,
                raised: 0,
                refused: 0,
                wall_forward: 0,
                wall_back: 0,
                late_lines: 0,
                speed_changes: 0,
                bounds_written: 0,
                bounds_failed: 0,
                bounds_passed: 0,
            },
            last_refused: None,
            bound_error: None,
        }
    }

    /// The monotonic time of a stamp of the current generation.
    pub(crate) fn mono_ns_at(&self, stamp: Stamp) -> u64 {
        self.anchors
            .last()
            .map_or(0, |anchor: Anchor| anchor.mono_ns_at(stamp))
    }

    /// Writes the bound if `stamp` needs it. A disk that does not take it stops nobody.
    pub(crate) fn reserve(&mut self, stamp: Stamp, mono_ns: u64, idle: bool) {
        let Some(keeper) = self.run.as_mut().and_then(|run| run.keeper.as_mut()) else {
            return;
        };
        if !keeper.is_due(stamp, mono_ns, idle) {
            return;
        }
        let outcome = keeper.keep(stamp, mono_ns);
        self.note_bound(outcome);
    }

    pub(crate) fn note_bound(&mut self, outcome: io::Result<()>) {
        match outcome {
            Ok(()) => self.counts.bounds_written += 1,
            Err(_) => self.counts.bounds_failed += 1,
        }
        self.bound_error = outcome.err().map(|error| error.kind());
    }
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
