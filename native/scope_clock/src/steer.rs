//! How a clock is moved: by the stamps of others, and towards the wall clock.
//!
//! Every move draws a new line through the present. A move up (a remote stamp, a wall clock that
//! was set forward) keeps the rate, so the new line is above the old one everywhere, and it does
//! not matter which of the two a reader still holds. A new rate that is slower crosses the old
//! line; the new line is therefore lifted by what a reader can gain on it in [`LAG_NS`], and if it
//! became visible later than that, lifted again.

use crate::anchor::Anchor;
use crate::clock::Clock;
use crate::control::{Control, Run, Sample};
use crate::discipline::{Discipline, slew_ppb};
use crate::error::ClockError;
use crate::line::Line;
use crate::mode::Counter;
use crate::source::Source;
use crate::stamp::Stamp;
use crate::start::{LAG_NS, mode_of};
use crate::status::{Calibration, Phase};
use crate::wall::{STEP_NS, Seen};

/// The derived monotonic time is led back to the real one over this time…
const ANCHOR_HORIZON_NS: i64 = 1_000_000_000;
/// …at this speed at the most…
const ANCHOR_MAX_PPB: i64 = 200_000;
/// …unless it is this far off: the machine was suspended.
const ANCHOR_JUMP_NS: i64 = 10_000_000;

impl<S: Source> Clock<S> {
    /// Takes note of a stamp from another node. Every later stamp of this clock is greater, and
    /// so is the one returned. The clock is moved up if it has to be, never down.
    ///
    /// It may write to disk (when the clock is moved, and has a data folder).
    ///
    /// # Errors
    ///
    /// [`ClockError::TooFarAhead`] if the stamp is further ahead of the *physical* clock than the
    /// limit: the clock is not moved, and what came with the stamp keeps it. Measured against
    /// the raised clock, two nodes could walk each other away from real time.
    ///
    /// [`ClockError::NotStarted`] before [`Clock::start`].
    pub fn observe(&self, remote: Stamp) -> Result<Stamp, ClockError> {
        let physical = self.physical();
        let mut control = self.control();
        let limit_ns = control
            .run
            .as_ref()
            .ok_or(ClockError::NotStarted)?
            .limit_ns();
        control.counts.observed += 1;
        if remote > physical.plus_ns(limit_ns) {
            control.counts.refused += 1;
            control.last_refused = Some((remote, physical));
            return Err(ClockError::TooFarAhead {
                remote,
                physical,
                limit_ns,
            });
        }
        let now = self.now_ordered();
        if remote < now {
            return Ok(now);
        }
        self.raise(&mut control, remote.next());
        Ok(self.now_ordered())
    }

    /// Holds the clock against the others: measures the counter, steers towards the wall clock,
    /// notices its steps, and keeps the bound on disk ahead. To be called about once a second, or
    /// at least twice in [`Settings::lead`](crate::Settings::lead), by one thread that may wait
    /// for the disk.
    ///
    /// # Errors
    ///
    /// [`ClockError::IncarnationEnded`] when the wall clock has stepped back further than the
    /// limit, until [`Clock::renew`] or [`Clock::start`]. The clock goes on all the same.
    ///
    /// [`ClockError::NotStarted`] before [`Clock::start`].
    pub fn calibrate(&self) -> Result<Calibration, ClockError> {
        self.calibrate_as(false)
    }

    /// [`Clock::calibrate`] for a node that has given out no stamp that lasts since the last
    /// time: it writes no bound, so that a quiet node does not touch its disk. (It still writes
    /// when the clock itself has moved against the monotonic one.)
    ///
    /// # Errors
    ///
    /// As [`Clock::calibrate`].
    pub fn calibrate_idle(&self) -> Result<Calibration, ClockError> {
        self.calibrate_as(true)
    }

    fn calibrate_as(&self, idle: bool) -> Result<Calibration, ClockError> {
        let mut control = self.control();
        self.replace_counter(&mut control)?;
        let run = control.run.as_mut().ok_or(ClockError::NotStarted)?;
        let sample = self.sample(run.info.counter);
        let shown = Stamp::from_bits(run.line.at(sample.ticks));
        let ahead_ns = shown.ns_since(sample.wall());
        let seen = run.wall.see(sample.mono_ns, sample.wall_ns);
        let changed = run.discipline.feed(sample.point());
        run.steer(ahead_ns, sample.mono_ns);
        let least = if ahead_ns < -STEP_NS {
            sample.wall()
        } else {
            Stamp::ZERO
        };
        let fallen = seen.fallen_ns > run.limit_ns();
        let slew_ppb = run.slew_ppb;
        control.note(seen, changed);
        control.note_passed(shown, idle);
        control.reserve(shown.max(least), sample.mono_ns, idle);
        self.redraw(&mut control, least, Some(sample));
        control.end_if(fallen, sample.wall(), shown)?;
        Ok(Calibration {
            ahead_ns,
            slew_ppb,
            wall_step_ns: seen.step_ns,
        })
    }

    /// The kernel may give its counter up, and then so do we.
    fn replace_counter(&self, control: &mut Control) -> Result<(), ClockError> {
        let run = control.run.as_mut().ok_or(ClockError::NotStarted)?;
        if self.source.trusts(run.info.counter) {
            return Ok(());
        }
        let info = self.counter();
        let base = run.line.at(self.source.ticks_ordered(run.info.counter));
        let sample = self.sample(info.counter);
        run.info = info;
        run.mode = mode_of(info);
        run.discipline = Discipline::new(info.hertz, sample.point());
        let (origin, rate) = (sample.ticks, run.discipline.slewed(run.slew_ppb));
        run.line = Line {
            base: Stamp::from_bits(base).plus_ns(LAG_NS).bits(),
            origin,
            rate,
        };
        self.lock.publish(run.mode, run.line);
        self.anchor(control, base, None);
        Ok(())
    }

    /// Moves the clock up to `least`, at its present rate.
    fn raise(&self, control: &mut Control, least: Stamp) {
        control.counts.raised += 1;
        control.reserve(least, self.source.mono_ns(), false);
        self.redraw(control, least, None);
    }

    /// Draws a new line through the present or through `least`, whichever is higher. The rate is
    /// the steered one where a sample was taken, else the present one.
    fn redraw(&self, control: &mut Control, least: Stamp, sample: Option<Sample>) {
        let Some(run) = control.run.as_mut() else {
            return;
        };
        let old = run.line;
        let drift = sample.zip(control.anchors.last()).map(|(sample, last)| {
            drift(
                last.mono_ns_at(Stamp::from_bits(old.at(sample.ticks))),
                sample.mono_ns,
            )
        });
        let rate = if sample.is_some() {
            run.discipline.slewed(run.slew_ppb)
        } else {
            old.rate
        };
        let loss = Line {
            rate: old.rate.saturating_sub(rate),
            ..Line::default()
        };
        let lag = loss.units(run.lag_ticks()) + u64::from(loss.rate > 0);
        let origin = self.source.ticks_ordered(run.info.counter);
        let before = old.at(origin);
        let base = before.saturating_add(lag).max(least.bits());
        run.line = Line { base, origin, rate };
        self.lock.publish(run.mode, run.line);
        let late = self
            .source
            .ticks_ordered(run.info.counter)
            .saturating_sub(origin);
        if loss.units(late) > lag {
            run.line.base = base.saturating_add(loss.units(late) + 1);
            self.lock.publish(run.mode, run.line);
            control.counts.late_lines += 1;
        }
        self.anchor(control, before, drift);
    }

    /// Leaves an anchor for the line just drawn: monotonic time goes on from where the last
    /// anchor puts the stamp `before`, which the old line showed at the same tick.
    fn anchor(&self, control: &mut Control, before: u64, drift: Option<i64>) {
        let (Some(run), Some(last)) = (control.run.as_ref(), control.anchors.last()) else {
            return;
        };
        let (shift, ppb) = match drift {
            None => (0, last.ppb),
            Some(drift) if drift.abs() > ANCHOR_JUMP_NS => (drift, run.slew_ppb),
            Some(drift) => (0, run.slew_ppb - run.anchor_ppb(drift)),
        };
        let mono_ns = last
            .mono_ns_at(Stamp::from_bits(before))
            .saturating_add_signed(shift);
        let (generation, stamp) = (self.generation(), Stamp::from_bits(run.line.base));
        control.anchors.push(Anchor {
            generation,
            stamp,
            mono_ns,
            ppb,
        });
    }

    /// All clocks at once: the tightest of a few readings.
    pub(crate) fn sample(&self, counter: Counter) -> Sample {
        let reading = |_| {
            let before = self.source.ticks_ordered(counter);
            let (mono_ns, wall_ns) = (self.source.mono_ns(), self.source.wall_ns());
            let width = self.source.ticks_ordered(counter).saturating_sub(before);
            (
                width,
                Sample {
                    ticks: before + width / 2,
                    mono_ns,
                    wall_ns,
                },
            )
        };
        (0..4).map(reading).min_by_key(|(width, _)| *width).map_or(
            Sample {
                ticks: 0,
                mono_ns: 0,
                wall_ns: 0,
            },
            |(_, sample)| sample,
        )
    }
}

impl Control {
    fn note(&mut self, seen: Seen, speed_changed: bool) {
        self.counts.calibrations += 1;
        self.counts.wall_forward += u64::from(seen.step_ns > 0);
        self.counts.wall_back += u64::from(seen.step_ns < 0);
        self.counts.speed_changes += u64::from(speed_changed);
    }

    /// A clock above its bound had a calibration that came too late, or an idle spell.
    fn note_passed(&mut self, shown: Stamp, idle: bool) {
        let Some(run) = self.run.as_mut() else { return };
        let passed = run
            .keeper
            .as_ref()
            .is_some_and(|keeper| shown > keeper.bound());
        self.counts.bounds_passed += u64::from(passed && !idle && !run.idle);
        run.idle = idle;
    }

    fn end_if(&mut self, fallen: bool, wall: Stamp, stamp: Stamp) -> Result<(), ClockError> {
        if fallen {
            self.phase = Phase::Ended;
        }
        match self.phase {
            Phase::Ended => Err(ClockError::IncarnationEnded { wall, stamp }),
            _ => Ok(()),
        }
    }
}

impl Run {
    /// Chooses the slew that takes the clock to the wall.
    fn steer(&mut self, ahead_ns: i64, mono_ns: u64) {
        self.interval_ns = mono_ns.saturating_sub(self.calibrated_ns);
        self.calibrated_ns = mono_ns;
        let jumps = ahead_ns < -STEP_NS;
        self.slew_ppb = if jumps {
            0
        } else {
            slew_ppb(ahead_ns, self.interval_ns)
        };
    }

    #[allow(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        clippy::cast_precision_loss,
        reason = "some ten thousand ticks"
    )]
    fn lag_ticks(&self) -> u64 {
        (self.discipline.hertz() * LAG_NS as f64 / 1e9) as u64
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

/// How far real monotonic time is ahead of the derived one.
const fn drift(derived_ns: u64, real_ns: u64) -> i64 {
    real_ns.cast_signed().wrapping_sub(derived_ns.cast_signed())
}
