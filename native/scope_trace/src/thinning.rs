//! What is left out where more comes than a trace may record: whole units, not single events.
//!
//! A *unit* is what must not be shown in part: a correlation, or of events that have none their
//! process. A trace has a *level*: of the units that begin now it keeps one in `2^level`, and which ones
//! is decided by the unit alone, so that every node that has the same level decides alike. Who
//! decides for a correlation is the node where it begins; the others are told.

use crate::primitive::{AtomicI32, AtomicU8, AtomicU64};
use crate::{TRACES, Traces};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// The strongest level: one unit in 1,024 is kept.
pub const TOP: u8 = 10;

/// Places in which units are told apart roughly.
const PLACES: usize = 64;

/// What is shown whole or not at all, by a hash that is the same on all machines.
///
/// # Examples
///
/// ```
/// use scope_trace::Unit;
///
/// let kept = |level| (0..4096).filter(|&id| Unit::of([0, id, 0]).is_kept(level)).count();
/// assert_eq!(kept(0), 4096);
/// assert!((900..1150).contains(&kept(2)));
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Unit(u64);

impl Unit {
    /// The unit that is known by these words.
    #[inline]
    pub fn of(words: [u64; 3]) -> Self {
        Self(words.into_iter().fold(0, |hash, word| mix(hash ^ word)))
    }

    /// Whether it is among those that are kept at a level.
    #[inline]
    pub const fn is_kept(self, level: u8) -> bool {
        self.0.trailing_zeros() >= level as u32
    }

    /// Its place in a sketch; by the upper bits, which levels do not look at.
    const fn place(self) -> usize {
        (self.0 >> 58) as usize
    }

    const fn bit(self) -> u64 {
        1 << self.place()
    }
}

/// The finalizer of SplitMix64 (Steele, Lea and Flood, OOPSLA 2014), with a step so that 0 is no fixed
/// point: each bit of the word decides over each bit of the hash.
const fn mix(word: u64) -> u64 {
    let word = word.wrapping_add(0x9E37_79B9_7F4A_7C15);
    let word = (word ^ (word >> 30)).wrapping_mul(0xBF58_476D_1CE4_E5B9);
    let word = (word ^ (word >> 27)).wrapping_mul(0x94D0_49BB_1331_11EB);
    word ^ (word >> 31)
}

/// The levels of all traces, and what was seen of the units that they thin.
///
/// Invariant: a trace that is not in `watched` has level 0 and drops no unit that began here.
pub struct Thinning {
    watched: AtomicU64,
    seats: [Seat; TRACES],
    /// Counts the traces that ever began.
    now: AtomicU64,
}

/// Of one trace; on lines of its own, as trace points of all threads read it.
#[repr(align(128))]
struct Seat {
    level: AtomicU8,
    /// Correlations that begin are dropped while there are fewer credits than this, and events that
    /// have none while there is not half of it: it is for what has begun.
    reserve: AtomicU64,
    /// A bit for each unit that was seen since it was last emptied, in one of 64 places.
    sketch: AtomicU64,
    /// Calls that units have open in each place, of which nothing is recorded.
    open: [AtomicI32; PLACES],
    /// Correlations that were dropped where they began.
    dropped: AtomicU64,
    /// Which trace this is, by `now`: what was decided before is another one's.
    began: AtomicU64,
}

/// What was decided of a unit when it began. It says nothing of traces that began later, whose bits it
/// may have from those that had them before.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Decision {
    /// The traces that drop it.
    pub dropping: Traces,
    /// When it was decided.
    pub at: u64,
}

impl Thinning {
    /// Nothing is thinned.
    #[cfg(not(loom))]
    #[expect(clippy::new_without_default, reason = "for statics only")]
    pub const fn new() -> Self {
        Self {
            watched: AtomicU64::new(0),
            seats: [const { Seat::new() }; TRACES],
            now: AtomicU64::new(0),
        }
    }

    /// Nothing is thinned.
    #[cfg(loom)]
    #[expect(clippy::new_without_default, reason = "as in production")]
    pub fn new() -> Self {
        Self {
            watched: AtomicU64::new(0),
            seats: std::array::from_fn(|_| Seat::new()),
            now: AtomicU64::new(0),
        }
    }

    /// A trace takes a seat that nobody has.
    pub fn begin(&self, seat: usize) {
        // Ordering: release, so that who sees the trace run, which is published later, sees all this.
        self.watched.fetch_and(!Traces::of(seat).bits(), Release);
        if let Some(seat) = self.seats.get(seat) {
            seat.level.store(0, Relaxed);
            seat.reserve.store(0, Relaxed);
            seat.sketch.store(0, Relaxed);
            seat.close();
            seat.dropped.store(0, Relaxed);
            // Ordering: a decision that was made before has an older count.
            let now = self.now.fetch_add(1, AcqRel) + 1;
            seat.began.store(now, Release);
        }
    }

    /// From now on a trace keeps one new unit in `2^level`, and no new correlation while it has fewer
    /// credits than `reserve`. What it has seen of units is forgotten.
    pub fn set(&self, seat: usize, level: u8, reserve: u64) {
        if let Some(at) = self.seats.get(seat) {
            let before = at.level.swap(level.min(TOP), Relaxed);
            // Calls that were open then may return as what is recorded, and the other way round.
            if before != level.min(TOP) {
                at.close();
            }
            at.reserve.store(reserve, Relaxed);
            at.sketch.store(0, Relaxed);
        }
        if level > 0 {
            self.watch(Traces::of(seat));
        }
    }

    /// Traces of which something may be dropped: the one question of a trace point, most of the time.
    #[inline]
    pub fn watched(&self) -> Traces {
        // Ordering: a level that is seen an event late is another level, no other rule.
        Traces::from_bits(self.watched.load(Relaxed))
    }

    /// Something may be dropped of these from now on.
    pub fn watch(&self, traces: Traces) {
        if !traces.without(self.watched()).is_empty() {
            self.watched.fetch_or(traces.bits(), Relaxed);
        }
    }

    /// The level of a trace.
    #[inline]
    pub fn level(&self, seat: usize) -> u8 {
        let seat = self.seats.get(seat);
        seat.map_or(0, |seat| seat.level.load(Relaxed))
    }

    /// Which of these traces drop an event of a process that has no correlation; `credits` are those of
    /// a seat.
    pub fn without_correlation(
        &self,
        traces: Traces,
        process: Unit,
        credits: impl Fn(usize) -> Option<u64>,
    ) -> Traces {
        let dropping = traces
            .seats()
            .filter(|&at| !process.is_kept(self.level(at)) || self.is_short(at, 2, &credits));
        dropping.fold(Traces::NONE, |all, at| all | Traces::of(at))
    }

    /// Which of the running traces drop a correlation that begins here; `credits` are those of a seat.
    pub fn decide(
        &self,
        running: Traces,
        unit: Unit,
        credits: impl Fn(usize) -> Option<u64>,
    ) -> Traces {
        let dropping = running
            .seats()
            .filter(|&at| !unit.is_kept(self.level(at)) || self.is_short(at, 1, &credits))
            .fold(Traces::NONE, |all, at| all | Traces::of(at));
        for at in dropping.seats() {
            self.seats[at].dropped.fetch_add(1, Relaxed);
        }
        self.watch(dropping);
        dropping
    }

    /// Whether there are fewer credits than a part of the reserve.
    fn is_short(&self, at: usize, part: u64, credits: impl Fn(usize) -> Option<u64>) -> bool {
        // Ordering: what the poll says; a little old is a little late.
        let reserve = self.seats[at].reserve.load(Relaxed) / part;
        reserve > 0 && credits(at).is_some_and(|left| left < reserve)
    }

    /// A decision, as it is remembered.
    pub fn decided(&self, dropping: Traces) -> Decision {
        Decision {
            dropping,
            // Ordering: acquire; the traces that run by now are counted.
            at: self.now.load(Acquire),
        }
    }

    /// What is left of a decision: the traces that it was made for.
    pub fn dropping(&self, decision: Decision) -> Traces {
        let meant = decision.dropping.seats().filter(|&at| {
            // Ordering: acquire, pairs with `begin`.
            self.seats[at].began.load(Acquire) <= decision.at
        });
        meant.fold(Traces::NONE, |all, at| all | Traces::of(at))
    }

    /// A trace saw an event of a unit, whether it kept it or not.
    #[inline]
    pub fn saw(&self, seat: usize, unit: Unit) {
        if let Some(seat) = self.seats.get(seat)
            && seat.sketch.load(Relaxed) & unit.bit() == 0
        {
            seat.sketch.fetch_or(unit.bit(), Relaxed);
        }
    }

    /// The units that a trace saw since its level was last set, in a sketch (linear counting: Whang,
    /// Vander-Zanden and Taylor, TODS 1990): as many bits as places were met.
    pub fn sketch(&self, seat: usize) -> u64 {
        let seat = self.seats.get(seat);
        seat.map_or(0, |seat| seat.sketch.load(Relaxed))
    }

    /// A trace left out a call of a unit whose return it awaits, or with -1 such a return.
    pub fn opened(&self, seat: usize, unit: Unit, by: i32) {
        if let Some(seat) = self.seats.get(seat) {
            seat.open[unit.place()].fetch_add(by, Relaxed);
        }
    }

    /// The most calls that units in one place have open, of those that were left out.
    pub fn deepest(&self, seat: usize) -> u32 {
        let open = self.seats.get(seat).into_iter().flat_map(|seat| &seat.open);
        let open = open.map(|open| open.load(Relaxed)).max();
        u32::try_from(open.unwrap_or(0)).unwrap_or(0)
    }

    /// Correlations that a trace dropped where they began.
    pub fn dropped(&self, seat: usize) -> u64 {
        let seat = self.seats.get(seat);
        seat.map_or(0, |seat| seat.dropped.load(Relaxed))
    }
}

impl Seat {
    #[cfg(not(loom))]
    const fn new() -> Self {
        Self {
            level: AtomicU8::new(0),
            reserve: AtomicU64::new(0),
            sketch: AtomicU64::new(0),
            open: [const { AtomicI32::new(0) }; PLACES],
            dropped: AtomicU64::new(0),
            began: AtomicU64::new(0),
        }
    }

    fn close(&self) {
        self.open.iter().for_each(|open| open.store(0, Relaxed));
    }

    #[cfg(loom)]
    fn new() -> Self {
        Self {
            level: AtomicU8::new(0),
            reserve: AtomicU64::new(0),
            sketch: AtomicU64::new(0),
            open: std::array::from_fn(|_| AtomicI32::new(0)),
            dropped: AtomicU64::new(0),
            began: AtomicU64::new(0),
        }
    }
}
