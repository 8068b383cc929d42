//! A table that trace points read and write while others do: a fixed number of places, no lock.
//!
//! Source: open addressing with linear probing (Knuth, volume 3, 6.4), bounded, with the re-check of a
//! sequence lock (Lamport, "Concurrent reading and writing", 1977): what was read of a place counts only
//! if the place still has the key after it was read.

use crate::Traces;
use crate::primitive::{AtomicU64, AtomicUsize};
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release};

/// Never used, so that a search can end here.
const NEVER: u64 = 0;
/// Used before, free again.
const FREE: u64 = 1;
/// Being filled.
const BUSY: u64 = 2;
/// Nobody's any more, and not yet free: who found it taken a moment ago may still write into it.
const ENDED: u64 = 3;
/// Added to the second half of a key, so that it is none of the above.
const TAKEN: u64 = 4;

/// How far a search goes before it gives up.
const REACH: usize = 32;

/// Two sets of traces under a key of two words: those that want what the key names, and of those some
/// that want more, the children of a process or the returns of a function.
///
/// Invariants: `key`, `wanted` and `heirs` change owner only while `state` is `BUSY`; between two
/// owners a place has been `ENDED` from one call of [`Places::collect`] to the next.
struct Place {
    /// `NEVER`, `FREE`, `BUSY`, `ENDED`, or the second half of the key plus `TAKEN`.
    state: AtomicU64,
    key: AtomicU64,
    wanted: AtomicU64,
    heirs: AtomicU64,
}

/// `N` places (a power of two) for sets of traces, each under a key of two words.
///
/// A key may stand in two places when two threads add it at the same moment; a search joins them.
/// What finds no place within reach is not taken, and counted.
///
/// [`collect`](Self::collect) is called now and then, by one caller, and frees what ended before the
/// call before: a thread that is delayed between two instructions for all that time, while its place is
/// given to another key, would add its traces to that key. They get an event too many.
pub struct Places<const N: usize> {
    places: [Place; N],
    taken: AtomicUsize,
    refused: AtomicUsize,
}

impl Place {
    #[cfg(not(loom))]
    const fn new() -> Self {
        Self {
            state: AtomicU64::new(NEVER),
            key: AtomicU64::new(0),
            wanted: AtomicU64::new(0),
            heirs: AtomicU64::new(0),
        }
    }

    #[cfg(loom)]
    fn new() -> Self {
        let zero = || AtomicU64::new(0);
        Self {
            state: zero(),
            key: zero(),
            wanted: zero(),
            heirs: zero(),
        }
    }

    /// Ordering: acquire on the state, so that the key is that of the state; acquire on the sets and
    /// the second look at the key after them, so that sets of a later owner are seen with its key, or
    /// with the state between the two.
    #[inline]
    fn read(&self, state: u64, key: u64) -> Option<(u64, u64)> {
        if !self.is(state, key) {
            return None;
        }
        let sets = (self.wanted.load(Acquire), self.heirs.load(Acquire));
        self.is(state, key).then_some(sets)
    }

    #[inline]
    fn is(&self, state: u64, key: u64) -> bool {
        self.state.load(Acquire) == state && self.key.load(Acquire) == key
    }

    fn claim(&self, from: u64) -> bool {
        // Ordering: acquire, so that our writes come after those of the owner before.
        self.state
            .compare_exchange(from, BUSY, Acquire, Relaxed)
            .is_ok()
    }

    /// Ordering: release throughout, so that whoever sees one of these sees that the place was busy.
    fn fill(&self, state: u64, key: u64, wanted: u64, heirs: u64) {
        self.key.store(key, Release);
        self.wanted.store(wanted, Release);
        self.heirs.store(heirs, Release);
        self.state.store(state, Release);
    }

    fn join(&self, wanted: u64, heirs: u64) {
        // Ordering: acquire and release, so that who takes away either sees this or is seen by it.
        self.wanted.fetch_or(wanted, AcqRel);
        self.heirs.fetch_or(heirs, AcqRel);
    }

    /// Takes traces away; a place that is left with none ends. Who joins meanwhile finds it ended, and
    /// joins elsewhere.
    fn take_away(&self, state: u64, traces: u64) {
        let wanted = self.wanted.fetch_and(!traces, AcqRel) & !traces;
        let heirs = self.heirs.fetch_and(!traces, AcqRel) & !traces;
        if wanted | heirs == 0 {
            self.end(state);
        }
    }

    /// Who joined meanwhile either finds the place ended, and joins elsewhere, or is seen by the second
    /// look here, and the place goes on.
    fn end(&self, state: u64) {
        let ended = self.state.compare_exchange(state, ENDED, AcqRel, Relaxed);
        // Ordering: exchanges, as is joining, so that one of the two comes first and the other sees it.
        if ended.is_ok() && self.wanted.fetch_or(0, AcqRel) | self.heirs.fetch_or(0, AcqRel) != 0 {
            self.state.store(state, Release);
        }
    }
}

impl<const N: usize> Places<N> {
    /// Places that are all free.
    #[cfg(not(loom))]
    #[expect(
        clippy::new_without_default,
        reason = "it is megabytes: for statics only"
    )]
    pub const fn new() -> Self {
        Self {
            places: [const { Place::new() }; N],
            taken: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        }
    }

    /// Places that are all free.
    #[cfg(loom)]
    #[expect(clippy::new_without_default, reason = "as in production")]
    pub fn new() -> Self {
        Self {
            places: std::array::from_fn(|_| Place::new()),
            taken: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
        }
    }

    /// What stands under a key: who wants it, and whose children do.
    #[inline]
    pub fn get(&self, key: u64, more: u64) -> (Traces, Traces) {
        let (mut wanted, mut heirs) = (0, 0);
        for place in self.reach(key, more) {
            if place.state.load(Relaxed) == NEVER {
                break;
            }
            if let Some(sets) = place.read(more + TAKEN, key) {
                (wanted, heirs) = (wanted | sets.0, heirs | sets.1);
            }
        }
        (Traces::from_bits(wanted), Traces::from_bits(heirs))
    }

    /// Adds traces under a key; false if there is no place for it.
    pub fn add(&self, key: u64, more: u64, wanted: Traces, heirs: Traces) -> bool {
        let added = self.add_to_known(key, more, wanted, heirs)
            || self
                .reach(key, more)
                .any(|place| self.take(place, key, more, wanted, heirs));
        if !added {
            // Ordering: counts that guard nothing else, here and below.
            self.refused.fetch_add(1, Relaxed);
        }
        added
    }

    /// Takes traces away from under a key.
    pub fn remove(&self, key: u64, more: u64, traces: Traces) {
        for place in self.reach(key, more) {
            if place.is(more + TAKEN, key) {
                place.take_away(more + TAKEN, traces.bits());
            }
        }
    }

    /// Takes traces away everywhere.
    pub fn sweep(&self, traces: Traces) {
        for place in &self.places {
            let state = place.state.load(Acquire);
            if state >= TAKEN {
                place.take_away(state, traces.bits());
            }
        }
    }

    /// Frees the places that had ended when it was called before, which `ended` remembers.
    pub fn collect(&self, ended: &mut Vec<usize>) {
        for at in ended.drain(..) {
            let state = &self.places[at].state;
            // Ordering: release, so that the next owner's writes come after the last one's.
            if state
                .compare_exchange(ENDED, FREE, Release, Relaxed)
                .is_ok()
            {
                self.taken.fetch_sub(1, Relaxed);
            }
        }
        let states = self.places.iter().map(|place| place.state.load(Acquire));
        ended.extend(
            states
                .enumerate()
                .filter(|(_, s)| *s == ENDED)
                .map(|(at, _)| at),
        );
    }

    /// Keys under which something stands.
    pub fn keys(&self) -> impl Iterator<Item = (u64, u64)> {
        self.places.iter().filter_map(|place| {
            let state = place.state.load(Acquire);
            let key = place.key.load(Acquire);
            (state >= TAKEN && place.is(state, key)).then(|| (key, state - TAKEN))
        })
    }

    /// Places in use, and additions that found none.
    pub fn counts(&self) -> (usize, usize) {
        (self.taken.load(Relaxed), self.refused.load(Relaxed))
    }

    /// The look afterwards says whether the place was still that key's.
    fn add_to_known(&self, key: u64, more: u64, wanted: Traces, heirs: Traces) -> bool {
        self.reach(key, more).any(|place| {
            let known = place.is(more + TAKEN, key);
            if known {
                place.join(wanted.bits(), heirs.bits());
            }
            known && place.is(more + TAKEN, key)
        })
    }

    fn take(&self, place: &Place, key: u64, more: u64, wanted: Traces, heirs: Traces) -> bool {
        let taken = place.claim(NEVER) || place.claim(FREE);
        if taken {
            place.fill(more + TAKEN, key, wanted.bits(), heirs.bits());
            self.taken.fetch_add(1, Relaxed);
        }
        taken
    }

    /// The places where a key may stand, in the order of the search.
    #[inline]
    fn reach(&self, key: u64, more: u64) -> impl Iterator<Item = &Place> {
        const { assert!(N.is_power_of_two()) };
        // Fibonacci hashing (Knuth, volume 3, 6.4): the top bits of the product.
        let spread = (key ^ more.rotate_left(56)).wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let first = (spread >> 32) as usize >> (32 - N.trailing_zeros().min(32));
        (0..REACH.min(N)).map(move |step| &self.places[(first + step) & (N - 1)])
    }
}
