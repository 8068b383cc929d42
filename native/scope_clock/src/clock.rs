//! The clock as its readers see it.

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use crate::anchor::Anchor;
use crate::control::Control;
use crate::error::ClockError;
use crate::mode::{Counter, Mode};
use crate::node::Timestamp;
use crate::seqlock::SeqLock;
use crate::source::Source;
use crate::stamp::Stamp;
use crate::status::{Phase, Status};
use crate::system::System;

/// A hybrid logical clock.
///
/// Guarantees, from its start to its end: the stamps of one thread never descend; what happened
/// before on this node has the smaller stamp, if 50 ns lie between (every message between
/// processes takes longer; with [`Clock::now_ordered`] nothing need lie between); and what was
/// [observed](Clock::observe) has a smaller stamp than all that follows. Two threads may read the
/// same stamp: then neither happened before the other.
///
/// Invariants:
/// - `lock` holds the line that all readers use; it is written under `control` only.
/// - `word` is the last stamp given out in the modes [`Mode::Idle`] and [`Mode::Shared`].
#[derive(Debug)]
pub struct Clock<S = System> {
    pub(crate) lock: SeqLock,
    pub(crate) word: Word,
    pub(crate) control: Mutex<Control>,
    pub(crate) source: S,
}

/// A word on a cache line of its own.
#[derive(Debug)]
#[repr(align(64))]
pub(crate) struct Word(pub(crate) AtomicU64);

impl Clock<System> {
    /// A clock over the machine's own time that is not started: it can be a `static`. Until it is
    /// started it shows the wall clock, kept from going back.
    #[must_use]
    pub const fn new() -> Self {
        Self::with_source(System)
    }
}

impl Default for Clock<System> {
    fn default() -> Self {
        Self::new()
    }
}

impl<S> Clock<S> {
    /// A clock over another source of time, not started.
    #[must_use]
    pub const fn with_source(source: S) -> Self {
        let (lock, word) = (SeqLock::new(), Word(AtomicU64::new(0)));
        Self {
            lock,
            word,
            control: Mutex::new(Control::new()),
            source,
        }
    }

    /// The source of time.
    pub const fn source(&self) -> &S {
        &self.source
    }

    /// A thread that panicked left numbers, not references: they serve on.
    pub(crate) fn control(&self) -> MutexGuard<'_, Control> {
        self.control.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<S: Source> Clock<S> {
    /// The stamp of this moment, at the price of reading the counter. The processor may read it
    /// some 20 ns early or late, which no message between processes can notice.
    #[inline]
    #[must_use]
    pub fn now(&self) -> Stamp {
        self.read(|counter| self.source.ticks(counter))
    }

    /// The stamp of this moment, after everything before it in the program: for threads that
    /// hand over through bare memory.
    #[inline]
    #[must_use]
    pub fn now_ordered(&self) -> Stamp {
        self.read(|counter| self.source.ticks_ordered(counter))
    }

    /// [`Clock::now_ordered`] with the node's identity.
    ///
    /// # Errors
    ///
    /// [`ClockError::NotStarted`]: a clock has no node before.
    pub fn timestamp(&self) -> Result<Timestamp, ClockError> {
        let node = self.control().run.as_ref().map(|run| run.settings.node);
        let node = node.ok_or(ClockError::NotStarted)?;
        Ok(Timestamp {
            stamp: self.now_ordered(),
            node,
        })
    }

    /// The wall clock, as it is.
    #[must_use]
    pub fn physical(&self) -> Stamp {
        Stamp::from_ns(self.source.wall_ns())
    }

    /// Changes whenever the line is drawn anew: between two stamps of one generation lies as much
    /// time as they say.
    #[inline]
    #[must_use]
    pub fn generation(&self) -> u64 {
        self.lock.version()
    }

    /// A stamp of now, and the monotonic clock at it.
    #[must_use]
    pub fn mono_anchor(&self) -> (Stamp, u64) {
        let control = self.control();
        let stamp = self.now_ordered();
        match control.phase {
            Phase::Idle => (stamp, self.source.mono_ns()),
            _ => (stamp, control.mono_ns_at(stamp)),
        }
    }

    /// The anchor in force at a generation, and those of all later ones, oldest first: with them
    /// the monotonic time of every stamp since then follows exactly. At most 512 are kept.
    ///
    /// ```
    /// # use scope_clock::{Clock, Manual, NodeId, Settings, Stamp};
    /// let time = Manual::new(1_700_000_000_000_000_000);
    /// let clock = Clock::with_source(&time);
    /// clock.start(Settings::new(NodeId::new("a@host", 1)))?;
    /// let (opened, first) = (clock.generation(), clock.now());
    /// time.advance(1_000);
    /// clock.observe(Stamp::from_bits(first.bits() + (1 << 30)))?; // a peer 250 ms ahead
    /// time.advance(1_000);
    /// let last = clock.now();
    ///
    /// let anchors = clock.anchors(opened);
    /// let elapsed = anchors[1].mono_ns_at(last) - anchors[0].mono_ns_at(first);
    /// assert_eq!(elapsed, 2_000);
    /// # Ok::<(), scope_clock::ClockError>(())
    /// ```
    #[must_use]
    pub fn anchors(&self, generation: u64) -> Vec<Anchor> {
        self.control().anchors.since(generation).collect()
    }

    /// Everything there is to know.
    #[must_use]
    pub fn status(&self) -> Status {
        let control = self.control();
        let (stamp, physical) = (self.now_ordered(), self.physical());
        let run = control.run.as_ref();
        let mode = run.map_or(Mode::Idle, |run| run.mode);
        Status {
            phase: control.phase,
            mode,
            counter: mode.counter(),
            tick_ns: run.map_or(0.0, |run| run.info.tick_ns),
            hertz: run.map_or(0.0, |run| run.discipline.hertz()),
            node: run.map(|run| run.settings.node),
            generation: self.generation(),
            stamp,
            physical,
            ahead_ns: stamp.ns_since(physical),
            slew_ppb: run.map_or(0, |run| run.slew_ppb),
            limit_ns: run.map_or(0, |run| run.limit_ns()),
            counts: control.counts,
            last_refused: control.last_refused,
            bound: run
                .and_then(|run| run.keeper.as_ref())
                .map(|keeper| keeper.bound()),
            bound_error: control.bound_error,
        }
    }

    /// Reads the counter between two looks at the line: see the invariants of [`SeqLock`].
    #[inline(always)]
    fn read(&self, ticks: impl Fn(Counter) -> u64) -> Stamp {
        let view = self.lock.view();
        if view.mode() == Mode::Tsc {
            let now = ticks(Counter::Tsc);
            if self.lock.confirms(&view) {
                return Stamp::from_bits(view.line().at(now));
            }
        }
        self.read_slowly(ticks)
    }

    /// The other modes, and the reader into whose few instructions a new line fell.
    #[cold]
    fn read_slowly(&self, ticks: impl Fn(Counter) -> u64) -> Stamp {
        loop {
            let view = self.lock.view();
            let mode = view.mode();
            let stamp = match mode {
                Mode::Idle => self.physical().bits(),
                _ => view.line().at(ticks(mode.counter())),
            };
            if !self.lock.confirms(&view) {
                continue;
            }
            // A word that counts is only raised by a stamp that holds, and looked at again.
            if !matches!(mode, Mode::Idle | Mode::Shared) {
                return Stamp::from_bits(stamp);
            }
            let stamp = self.count_on(stamp);
            if self.lock.confirms(&view) {
                return Stamp::from_bits(stamp);
            }
        }
    }

    /// The stamp, or the next one after the last if that is later.
    fn count_on(&self, stamp: u64) -> u64 {
        let next = |last: u64| Some(stamp.max(last.saturating_add(1)));
        // Ordering: Relaxed. All exchanges of one word are totally ordered, and who happened
        // before comes earlier in that order; nothing else is published by the word.
        match self
            .word
            .0
            .fetch_update(Ordering::Relaxed, Ordering::Relaxed, next)
        {
            Ok(last) | Err(last) => stamp.max(last.saturating_add(1)),
        }
    }
}
