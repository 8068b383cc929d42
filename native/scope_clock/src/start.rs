//! How a clock begins an incarnation.

use std::sync::atomic::Ordering;
use std::time::Duration;

use crate::bound::Keeper;
use crate::clock::Clock;
use crate::control::Control;
use crate::error::ClockError;
use crate::mode::{Counter, Mode};
use crate::node::NodeId;
use crate::run::{Run, Sample};
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

/// Slower or faster than this no counter is, so it was not measured.
const CREDIBLE_HERTZ: std::ops::Range<f64> = 1e3..1e12;

/// What was found in the data folder.
struct Opened {
    keeper: Option<Keeper>,
    floor: Floor,
    waited_ns: u64,
}

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
    /// [`ClockError::NoCounter`] if the source's counter does not move as a counter does.
    ///
    /// # Examples
    ///
    /// ```
    /// use scope_clock::{Clock, Floor, NodeId, Settings};
    ///
    /// let clock = Clock::new();
    /// let started = clock.start(Settings::new(NodeId::new("shop@host", 1)))?;
    /// assert_eq!(started.floor, Floor::Unkept);
    /// assert!(clock.now() >= started.stamp);
    /// # Ok::<(), scope_clock::ClockError>(())
    /// ```
    pub fn start(&self, settings: Settings) -> Result<Started, ClockError> {
        let info = self.counter()?;
        let mut control = self.control();
        // An older incarnation's file is closed before the same file is opened again.
        control.run = None;
        let opened = self.open(&mut control, &settings);
        Ok(self.begin(&mut control, settings, info, opened, true))
    }

    /// Begins a new incarnation at the wall clock, also where that is behind the last stamp: the
    /// way out after [`ClockError::IncarnationEnded`] and [`Started::wall_behind`]. The stamps of
    /// the new incarnation may lie below those of the old one.
    ///
    /// # Errors
    ///
    /// [`ClockError::NotStarted`] if the clock has never been started, and
    /// [`ClockError::NoCounter`] as for [`Clock::start`].
    ///
    /// # Examples
    ///
    /// ```
    /// # use scope_clock::{Clock, ClockError, Manual, NodeId, Settings};
    /// let time = Manual::new(1_700_000_000_000_000_000);
    /// let clock = Clock::with_source(&time);
    /// clock.start(Settings::new(NodeId::new("shop@host", 1)))?;
    ///
    /// time.step_wall(-3_600_000_000_000);
    /// assert!(matches!(clock.calibrate(), Err(ClockError::IncarnationEnded { .. })));
    /// clock.renew(NodeId::new("shop@host", 2))?;
    /// assert_eq!(clock.now(), clock.physical());
    /// # Ok::<(), ClockError>(())
    /// ```
    pub fn renew(&self, node: NodeId) -> Result<Started, ClockError> {
        let info = self.counter()?;
        let mut control = self.control();
        let run = control.run.take().ok_or(ClockError::NotStarted)?;
        let settings = Settings {
            node,
            ..run.settings
        };
        let opened = Opened {
            keeper: run.keeper,
            floor: Floor::Unkept,
            waited_ns: 0,
        };
        let started = self.begin(&mut control, settings, info, opened, false);
        // Ordering: Relaxed; a reader of the old line finds that it does not hold, and reads on.
        self.word.0.store(0, Ordering::Relaxed);
        Ok(started)
    }

    /// Goes on as another incarnation, none of whose stamps is below those before; the first of them is
    /// returned.
    ///
    /// # Errors
    ///
    /// [`ClockError::NotStarted`] if the clock has never been started.
    ///
    /// # Examples
    ///
    /// ```
    /// # use scope_clock::{Clock, ClockError, Manual, NodeId, Settings};
    /// let time = Manual::new(1_700_000_000_000_000_000);
    /// let clock = Clock::with_source(&time);
    /// clock.start(Settings::new(NodeId::new("shop@host", 1)))?;
    /// let before = clock.now_ordered();
    /// time.step_wall(-1_000_000);
    /// assert!(clock.rename(NodeId::new("shop@host", 2))? >= before);
    /// # Ok::<(), ClockError>(())
    /// ```
    pub fn rename(&self, node: NodeId) -> Result<Stamp, ClockError> {
        let mut control = self.control();
        let run = control.run.as_mut().ok_or(ClockError::NotStarted)?;
        run.settings.node = node;
        drop(control);
        Ok(self.now_ordered())
    }

    /// The counter, or the monotonic clock under a shared word where its tick is too coarse.
    pub(crate) fn counter(&self) -> Result<CounterInfo, ClockError> {
        let info = self.source.counter();
        if !CREDIBLE_HERTZ.contains(&info.hertz) {
            return Err(ClockError::NoCounter);
        }
        if info.counter == Counter::Tsc && info.tick_ns > COARSE_TICK_NS {
            return Ok(CounterInfo {
                counter: Counter::Monotonic,
                hertz: 1e9,
                ..info
            });
        }
        Ok(info)
    }

    fn open(&self, control: &mut Control, settings: &Settings) -> Opened {
        let opened = match Keeper::open(settings, self.source.boot()) {
            Ok(None) => (None, Floor::Unkept),
            Ok(Some(mut keeper)) => {
                let floor = keeper.floor(self.source.mono_ns());
                (Some(keeper), floor)
            }
            Err(error) => {
                control.note_bound(Err(error));
                (None, Floor::Unreadable)
            }
        };
        let (keeper, floor) = opened;
        Opened {
            keeper,
            floor,
            waited_ns: self.wait_for(floor.stamp(), settings),
        }
    }

    /// Waits for the wall clock where peers would refuse the first stamps, but not for long.
    fn wait_for(&self, floor: Stamp, settings: &Settings) -> u64 {
        let ahead = u64::try_from(floor.ns_since(self.physical())).unwrap_or(0);
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
        mut opened: Opened,
        in_order: bool,
    ) -> Started {
        self.keep_first(control, info, &mut opened, in_order);
        // Read again: the disk may have taken its time, and the readers went on.
        let (sample, stamp) = self.first(info, opened.floor, in_order);
        let (wall, mono_ns) = (sample.wall(), sample.mono_ns);
        let wall_behind = stamp > wall.plus_ns(nanos(settings.limit));
        let run = Run::new(settings, info, opened.keeper, sample, stamp);
        self.lock.publish(run.mode, run.line);
        control.run = Some(run);
        control.phase = Phase::Running;
        control.anchors.clear();
        self.anchor(control, mono_ns, 0);
        let Opened {
            floor, waited_ns, ..
        } = opened;
        Started {
            stamp,
            wall,
            floor,
            waited_ns,
            wall_behind,
        }
    }

    /// The first stamp of an incarnation: the wall clock, or above what was given out before.
    fn first(&self, info: CounterInfo, floor: Floor, in_order: bool) -> (Sample, Stamp) {
        let sample = self.sample(info.counter);
        let given = if in_order {
            self.given_out()
        } else {
            Stamp::ZERO
        };
        (sample, sample.wall().max(floor.stamp()).max(given))
    }

    /// The first record is written in any case: it carries this boot's line.
    fn keep_first(
        &self,
        control: &mut Control,
        info: CounterInfo,
        opened: &mut Opened,
        in_order: bool,
    ) {
        let (sample, stamp) = self.first(info, opened.floor, in_order);
        if let Some(keeper) = &mut opened.keeper {
            control.note_bound(keeper.keep(stamp, sample.mono_ns));
        }
    }

    /// A stamp above all that this clock has given out, and is about to.
    fn given_out(&self) -> Stamp {
        let idle = self.lock.view().mode() == Mode::Idle;
        if idle && self.word.0.load(Ordering::Relaxed) == 0 {
            return Stamp::ZERO;
        }
        self.now_ordered().plus_ns(SWITCH_NS)
    }
}

impl Floor {
    fn stamp(self) -> Stamp {
        match self {
            Self::Kept(stamp) => stamp,
            _ => Stamp::ZERO,
        }
    }
}

pub(crate) fn mode_of(info: CounterInfo) -> Mode {
    match info.counter {
        _ if info.tick_ns > COARSE_TICK_NS => Mode::Shared,
        Counter::Tsc => Mode::Tsc,
        Counter::Monotonic => Mode::Monotonic,
    }
}
