//! How a clock is moved: by the stamps of others, and towards the wall clock.
//!
//! Every move draws a new line through the present. A move up (a remote stamp, a wall clock that
//! was set forward) keeps the rate, so the new line is above the old one everywhere, and it does
//! not matter which of the two a reader still holds. A new rate that is slower crosses the old
//! line; the new line is therefore lifted by what a reader can gain on it in [`LAG_NS`] (50 ns at
//! the usual step of 5 ppm), and if it became visible later than that, lifted again and counted.
//! A lock that made readers wait for the writer instead would let one that has lost its processor
//! stop every process that records an event.

use crate::anchor::Anchor;
use crate::clock::Clock;
use crate::control::Control;
use crate::error::ClockError;
use crate::line::Line;
use crate::mode::Counter;
use crate::run::{Run, Sample};
use crate::source::Source;
use crate::stamp::Stamp;
use crate::start::SWITCH_NS;
use crate::status::Calibration;
use crate::wall::STEP_NS;

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
    ///
    /// # Examples
    ///
    /// ```
    /// # use scope_clock::{Clock, ClockError, NodeId, Settings};
    /// let clock = Clock::new();
    /// clock.start(Settings::new(NodeId::new("shop@host", 1)))?;
    ///
    /// let remote = clock.now().plus_ns(100_000_000);
    /// assert!(clock.observe(remote)? > remote);
    /// let absurd = clock.physical().plus_ns(3_600_000_000_000);
    /// assert!(matches!(clock.observe(absurd), Err(ClockError::TooFarAhead { .. })));
    /// # Ok::<(), ClockError>(())
    /// ```
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
    /// [`ClockError::NotStarted`] before [`Clock::start`], and [`ClockError::NoCounter`] if the
    /// kernel has given up its counter and there is no other.
    ///
    /// # Examples
    ///
    /// ```
    /// # use scope_clock::{Clock, Manual, NodeId, Settings};
    /// let time = Manual::new(1_700_000_000_000_000_000);
    /// let clock = Clock::with_source(&time);
    /// clock.start(Settings::new(NodeId::new("shop@host", 1)))?;
    /// time.advance(1_000_000_000);
    /// time.step_wall(30_000_000);
    /// assert_eq!(clock.calibrate()?.wall_step_ns, 30_000_000);
    /// # Ok::<(), scope_clock::ClockError>(())
    /// ```
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
        let before = Stamp::from_bits(run.line.at(self.source.ticks_ordered(run.info.counter)));
        let info = self.counter()?;
        let sample = self.sample(info.counter);
        let line = run.replace_counter(info, sample, before.plus_ns(SWITCH_NS));
        self.publish(run, line);
        let slew_ppb = run.slew_ppb;
        self.anchor(control, sample.mono_ns, slew_ppb);
        Ok(())
    }

    /// Moves the clock up to `least`, at its present rate.
    fn raise(&self, control: &mut Control, least: Stamp) {
        control.counts.raised += 1;
        control.reserve(least, self.source.mono_ns(), false);
        self.redraw(control, least, None);
    }

    /// Draws a new line, at the steered rate where a sample was taken, and leaves an anchor.
    fn redraw(&self, control: &mut Control, least: Stamp, sample: Option<Sample>) {
        let last = control.anchors.last().unwrap_or_default();
        let Some(run) = control.run.as_mut() else {
            return;
        };
        let (shift, ppb) = sample.map_or((0, last.ppb), |sample| run.anchoring(&last, sample));
        let rate = sample.map_or(run.line.rate, |_| run.discipline.slewed(run.slew_ppb));
        let (before, late) = self.draw(run, rate, least);
        control.counts.late_lines += u64::from(late);
        let mono_ns = last.mono_ns_at(before).saturating_add_signed(shift);
        self.anchor(control, mono_ns, ppb);
    }

    /// Draws a new line through the present or through `least`, whichever is higher. Answers what
    /// the old line showed there, and whether the new one was late.
    fn draw(&self, run: &mut Run, rate: u64, least: Stamp) -> (Stamp, bool) {
        let (old, counter) = (run.line, run.info.counter);
        let loss = Line {
            rate: old.rate.saturating_sub(rate),
            ..Line::default()
        };
        let lag = loss.units(run.lag_ticks()) + u64::from(loss.rate > 0);
        let origin = self.source.ticks_ordered(counter);
        let before = old.at(origin);
        let base = before.saturating_add(lag).max(least.bits());
        self.publish(run, Line { base, origin, rate });
        let lost = loss.units(self.source.ticks_ordered(counter).saturating_sub(origin));
        let late = lost > lag;
        if late {
            self.publish(
                run,
                Line {
                    base: base.saturating_add(lost + 1),
                    origin,
                    rate,
                },
            );
        }
        (Stamp::from_bits(before), late)
    }

    fn publish(&self, run: &mut Run, line: Line) {
        run.line = line;
        self.lock.publish(run.mode, line);
    }

    /// Leaves an anchor for the line just drawn.
    pub(crate) fn anchor(&self, control: &mut Control, mono_ns: u64, ppb: i32) {
        let Some(run) = control.run.as_ref() else {
            return;
        };
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
