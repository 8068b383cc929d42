//! What the writer of a clock knows, under its mutex. Readers never come here.

use std::io;

use crate::anchor::{Anchor, Anchors};
use crate::error::ClockError;
use crate::run::Run;
use crate::stamp::Stamp;
use crate::status::{Counts, Phase};
use crate::wall::Seen;

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

impl Control {
    pub(crate) fn note(&mut self, seen: Seen, speed_changed: bool) {
        self.counts.calibrations += 1;
        self.counts.wall_forward += u64::from(seen.step_ns > 0);
        self.counts.wall_back += u64::from(seen.step_ns < 0);
        self.counts.speed_changes += u64::from(speed_changed);
    }

    /// A clock above its bound had a calibration that came too late, or an idle spell.
    pub(crate) fn note_passed(&mut self, shown: Stamp, idle: bool) {
        let Some(run) = self.run.as_mut() else { return };
        let passed = run
            .keeper
            .as_ref()
            .is_some_and(|keeper| shown > keeper.bound());
        self.counts.bounds_passed += u64::from(passed && !idle && !run.idle);
        run.idle = idle;
    }

    pub(crate) fn end_if(
        &mut self,
        fallen: bool,
        wall: Stamp,
        stamp: Stamp,
    ) -> Result<(), ClockError> {
        if fallen {
            self.phase = Phase::Ended;
        }
        match self.phase {
            Phase::Ended => Err(ClockError::IncarnationEnded { wall, stamp }),
            _ => Ok(()),
        }
    }
}
