//! How a clock begins an incarnation.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::anchor::Anchor;
use crate::bound::Keeper;
use crate::clock::Clock;
use crate::control::Control;
use crate::error::ClockError;
use crate::mode::{Counter, Mode};
use crate::node::NodeId;
use crate::run::Run;
use crate::settings::{Settings, nanos};
use crate::source::{CounterInfo, Source};
use crate::stamp::Stamp;
use crate::status::{Floor, Phase, Started};

/// With a coarser tick two events a message apart could read the same stamp.
const COARSE_TICK_NS: f64 = 20.0;

/// What a reader may be behind the writer: longer than the writer usually loses its processor
/// for, should it do so between drawing a line and publishing it.
pub(crate) const LAG_NS: u64 = 10_000_000;

/// What a clock that changes its counter, or starts, lies above its last stamps: a reader may
/// still be about to give out some by the old rule.
pub(crate) const SWITCH_NS: u64 = 20_000;

impl<S: Source> Clock<S> {
    /// Starts the clock, above every stamp that the data folder or this clock knows of.
    ///
    /// It may take milliseconds, and up to [`Settings::patience`] where the wall clock is behind:
    /// not for a thread that others wait for. Starting a running clock begins a new incarnation
    /// that goes on from where the clock is.
    ///
    /// A data folder that cannot be read or written stops nothing: [`Started::floor`] and
    /// [`Status::bound_error`](crate::Status::bound_error) tell.
    ///
    /// # Errors
    ///
    /// None today; the signature leaves room for a source that cannot be used.
    pub fn start(&self, settings: Settings) -> Result<Started, ClockError> {
        let info = self.counter();
        let mut control = self.control();
        // An older incarnation's file is closed before the same file is opened again.
        let carried = self.carried(&mut control);
        let (keeper, floor) = self.open(&mut control, &settings);
        let kept = if let Floor::Kept(stamp) = floor {
            stamp
        } else {
            Stamp::ZERO
        };
        let least = carried.max(kept);
        let waited_ns = self.wait_for(least, &settings);
        Ok(self.begin(
            &mut control,
            settings,
            info,
            keeper,
            (least, floor, waited_ns),
        ))
    }

    /// Begins a new incarnation at the wall clock, also where that is behind the last stamp: the
    /// way out after [`ClockError::IncarnationEnded`] and [`Started::wall_behind`]. The stamps of
    /// the new incarnation may lie below those of the old one.
    ///
    /// # Errors
    ///
    /// [`ClockError::NotStarted`] if the clock has never been started.
    pub fn renew(&self, node: NodeId) -> Result<Started, ClockError> {
        let info = self.counter();
        let mut control = self.control();
        let run = control.run.take().ok_or(ClockError::NotStarted)?;
        let settings = Settings {
            node,
            ..run.settings
        };
        // Ordering: Relaxed; readers of the old incarnation may still raise it by a few.
        self.word.0.store(0, Ordering::Relaxed);
        let begin = (Stamp::ZERO, Floor::Unkept, 0);
        Ok(self.begin(&mut control, settings, info, run.keeper, begin))
    }

    /// The counter, or the monotonic clock under a shared word where its tick is too coarse.
    pub(crate) fn counter(&self) -> CounterInfo {
        let info = self.source.counter();
        if info.counter == Counter::Tsc && info.tick_ns > COARSE_TICK_NS {
            return CounterInfo {
                counter: Counter::Monotonic,
                hertz: 1e9,
                ..info
            };
        }
        info
    }

    /// A stamp above all that this clock has given out.
    fn carried(&self, control: &mut Control) -> Stamp {
        let run = control.run.take();
        let given = self.word.0.load(Ordering::Relaxed);
        match run {
            Some(_) => self.now_ordered().plus_ns(SWITCH_NS),
            None if given > 0 => Stamp::from_bits(given).plus_ns(SWITCH_NS),
            None => Stamp::ZERO,
        }
    }

    fn open(&self, control: &mut Control, settings: &Settings) -> (Option<Keeper>, Floor) {
        match Keeper::open(settings, self.source.boot()) {
            Ok(None) => (None, Floor::Unkept),
            Ok(Some(mut keeper)) => {
                let floor = keeper.floor(self.source.mono_ns());
                (Some(keeper), floor)
            }
            Err(error) => {
                control.note_bound(Err(error));
                (None, Floor::Unreadable)
            }
        }
    }

    /// Waits for the wall clock where peers would refuse the first stamps, but not for long.
    fn wait_for(&self, least: Stamp, settings: &Settings) -> u64 {
        let ahead = u64::try_from(least.ns_since(self.physical())).unwrap_or(0);
        if ahead <= nanos(settings.limit) || ahead > nanos(settings.patience) {
            return 0;
        }
        self.source.sleep(Duration::from_nanos(ahead));
        ahead
    }

    fn begin(
        &self,
        control: &mut Control,
        settings: Settings,
        info: CounterInfo,
        keeper: Option<Keeper>,
        (least, floor, waited_ns): (Stamp, Floor, u64),
    ) -> Started {
        let sample = self.sample(info.counter);
        let stamp = least.max(sample.wall());
        let run = Run::new(settings, info, keeper, sample, stamp);
        let wall_behind = stamp > sample.wall().plus_ns(run.limit_ns());
        let (mode, line) = (run.mode, run.line);
        control.run = Some(run);
        control.phase = Phase::Running;
        control.reserve_first(stamp, sample.mono_ns);
        self.lock.publish(mode, line);
        control.anchors.clear();
        control.anchors.push(Anchor {
            generation: self.generation(),
            stamp,
            mono_ns: sample.mono_ns,
            ppb: 0,
        });
        Started {
            stamp,
            wall: sample.wall(),
            floor,
            waited_ns,
            wall_behind,
        }
    }
}

impl Control {
    /// The first record is written in any case: it carries this boot's line.
    fn reserve_first(&mut self, stamp: Stamp, mono_ns: u64) {
        let Some(keeper) = self.run.as_mut().and_then(|run| run.keeper.as_mut()) else {
            return;
        };
        let outcome = keeper.keep(stamp, mono_ns);
        self.note_bound(outcome);
    }
}

pub(crate) fn mode_of(info: CounterInfo) -> Mode {
    match info.counter {
        _ if info.tick_ns > COARSE_TICK_NS => Mode::Shared,
        Counter::Tsc => Mode::Tsc,
        Counter::Monotonic => Mode::Monotonic,
    }
}
