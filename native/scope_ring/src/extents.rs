//! Which extent each process is in: a table of fixed size, from the word of a process to what its
//! present extent is known by.
//!
//! A hash table in buckets (Knuth, "The Art of Computer Programming" 6.4, with chains that end with
//! their bucket): a process has its place in one bucket or nowhere, so that looking is one walk over
//! two lines of memory, whatever else goes on, and mostly one look at a number that says the bucket is
//! empty. Nothing waits, nothing is allocated.
//!
//! A place belongs to the process whose word is in it: only that process writes what else is in the
//! place, and only it, or the machine on its behalf, reads it. Places of processes that died in their
//! extent are taken back by those who begin one: each looks through one bucket, the next in turn, and
//! through its own when that is full. So such a place outlives at most as many beginnings as there
//! are buckets. A later process of the same word would have to come before, and a word comes back
//! only after a machine has started 2^28 processes at the least.

use crate::primitive::{AtomicU32, AtomicU64, AtomicUsize};
use std::sync::atomic::Ordering;

/// Places in a bucket: two lines of words.
const WAYS: usize = if cfg!(loom) { 2 } else { 16 };

/// A place that nobody has.
const FREE: u64 = 0;

/// Words of what an extent is known by.
const WORDS: usize = 4;

/// What an extent is known by; the words mean nothing here.
pub type Known = [u64; WORDS];

/// Invariant: a word is in one place of its bucket at most, as only its process puts it there.
#[repr(align(128))]
struct Bucket {
    processes: [AtomicU64; WAYS],
    /// Of the process in the same place; older than it, until that has written.
    known: [[AtomicU64; WORDS]; WAYS],
}

/// All of a bucket's places are taken by processes that live.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no place is free for one more process in an extent")]
pub struct ExtentsFull;

/// The table, of `BUCKETS` (a power of two) times sixteen places.
///
/// # Examples
///
/// ```
/// use scope_ring::Extents;
///
/// static EXTENTS: Extents<4096> = Extents::new();
/// let lives = |_process| true;
///
/// EXTENTS.enter(0x1f3, [17, 0, 0, 0], lives)?;
/// assert_eq!(EXTENTS.of(0x1f3), Some([17, 0, 0, 0]));
/// EXTENTS.leave(0x1f3);
/// assert_eq!(EXTENTS.of(0x1f3), None);
/// # Ok::<(), scope_ring::ExtentsFull>(())
/// ```
pub struct Extents<const BUCKETS: usize> {
    buckets: [Bucket; BUCKETS],
    /// Places in each bucket that are taken. Invariant: at least one, while a process is in an
    /// extent there that began there: it counted itself, and nobody else takes it off the count.
    taken: [AtomicU32; BUCKETS],
    /// The bucket that is looked through next.
    next: AtomicUsize,
    refused: AtomicU64,
}

impl<const BUCKETS: usize> Extents<BUCKETS> {
    /// Processes that can be in an extent at one time.
    pub const PLACES: usize = BUCKETS * WAYS;

    /// An empty table.
    #[cfg(not(loom))]
    #[must_use]
    pub const fn new() -> Self {
        const { assert!(BUCKETS.is_power_of_two()) };
        Self {
            buckets: [const {
                Bucket {
                    processes: [const { AtomicU64::new(FREE) }; WAYS],
                    known: [const { [const { AtomicU64::new(0) }; WORDS] }; WAYS],
                }
            }; BUCKETS],
            taken: [const { AtomicU32::new(0) }; BUCKETS],
            next: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// The model checker's atomics are made at run time.
    #[cfg(loom)]
    pub fn new() -> Self {
        use std::array::from_fn;
        let bucket = || Bucket {
            processes: from_fn(|_| AtomicU64::new(FREE)),
            known: from_fn(|_| from_fn(|_| AtomicU64::new(0))),
        };
        Self {
            buckets: from_fn(|_| bucket()),
            taken: from_fn(|_| AtomicU32::new(0)),
            next: AtomicUsize::new(0),
            refused: AtomicU64::new(0),
        }
    }

    /// What the extent of `process` is known by.
    #[inline]
    pub fn of(&self, process: u64) -> Option<Known> {
        let at = Self::home(process);
        // Ordering: a process sees its own counting, as it sees what it wrote.
        if self.taken[at].load(Ordering::Relaxed) == 0 {
            return None;
        }
        let bucket = &self.buckets[at];
        let way = bucket.way(process)?;
        // Ordering: written by the same process, which the machine moves between threads with
        // everything it wrote.
        Some(std::array::from_fn(|at| {
            bucket.known[way][at].load(Ordering::Relaxed)
        }))
    }

    /// Puts `process`, which is the caller, into an extent, or from one into another. `lives` says
    /// of a process whether it does.
    ///
    /// # Errors
    /// [`ExtentsFull`]: then it is in none.
    pub fn enter(
        &self,
        process: u64,
        known: Known,
        lives: impl Fn(u64) -> bool,
    ) -> Result<(), ExtentsFull> {
        let at = Self::home(process);
        let bucket = &self.buckets[at];
        let way = bucket
            .way(process)
            .or_else(|| self.claim(at, process, lives));
        let Some(way) = way else {
            // Ordering: a count that guards nothing else.
            self.refused.fetch_add(1, Ordering::Relaxed);
            return Err(ExtentsFull);
        };
        for (place, word) in bucket.known[way].iter().zip(known) {
            // Ordering: see `of`.
            place.store(word, Ordering::Relaxed);
        }
        Ok(())
    }

    /// Takes `process`, which is the caller, out of its extent.
    pub fn leave(&self, process: u64) {
        let at = Self::home(process);
        let bucket = &self.buckets[at];
        if let Some(way) = bucket.way(process) {
            self.taken[at].fetch_sub(1, Ordering::Relaxed);
            // Ordering: release, so that what is written for the next one comes after what was
            // written for this one; pairs with `take`.
            bucket.processes[way].store(FREE, Ordering::Release);
        }
    }

    /// Takes back all places of processes that died in their extent, where beginnings do not: `lives`
    /// may be asked about each process in the table.
    pub fn sweep(&self, lives: impl Fn(u64) -> bool) {
        (0..BUCKETS).for_each(|at| self.free_dead(at, &lives));
    }

    /// Places that are taken, those of the dead included.
    pub fn used(&self) -> usize {
        let processes = self.buckets.iter().flat_map(|bucket| &bucket.processes);
        processes
            .filter(|process| process.load(Ordering::Relaxed) != FREE)
            .count()
    }

    /// How often there was no place.
    pub fn refused(&self) -> u64 {
        self.refused.load(Ordering::Relaxed)
    }

    fn claim(&self, at: usize, process: u64, lives: impl Fn(u64) -> bool) -> Option<usize> {
        if process == FREE {
            return None;
        }
        let next = self.next.fetch_add(1, Ordering::Relaxed) % BUCKETS;
        self.free_dead(next, &lives);
        let way = self.buckets[at].take(process).or_else(|| {
            self.free_dead(at, &lives);
            self.buckets[at].take(process)
        })?;
        self.taken[at].fetch_add(1, Ordering::Relaxed);
        Some(way)
    }

    /// A word that is found again is that of the same dead process: only a living one is put there.
    fn free_dead(&self, at: usize, lives: &impl Fn(u64) -> bool) {
        for place in &self.buckets[at].processes {
            let process = place.load(Ordering::Relaxed);
            // Ordering: whoever sees a process dead sees all it wrote; release hands that on.
            let free =
                || place.compare_exchange(process, FREE, Ordering::Release, Ordering::Relaxed);
            if process != FREE && !lives(process) && free().is_ok() {
                self.taken[at].fetch_sub(1, Ordering::Relaxed);
            }
        }
    }

    /// By the upper bits of a product with the golden ratio: neighbours are spread.
    #[inline]
    fn home(process: u64) -> usize {
        let mixed = process.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        mixed as usize % BUCKETS
    }
}

#[cfg(not(loom))]
impl<const BUCKETS: usize> Default for Extents<BUCKETS> {
    fn default() -> Self {
        Self::new()
    }
}

impl Bucket {
    /// Where `process` is. Ordering: it put itself there, or it is not there.
    #[inline]
    fn way(&self, process: u64) -> Option<usize> {
        let mut ways = self.processes.iter();
        let way = ways.position(|place| place.load(Ordering::Relaxed) == process);
        way.filter(|_| process != FREE)
    }

    /// Ordering: acquire, see `leave` and `Extents::free_dead`.
    fn take(&self, process: u64) -> Option<usize> {
        self.processes.iter().position(|place| {
            place.load(Ordering::Relaxed) == FREE
                && place
                    .compare_exchange(FREE, process, Ordering::Acquire, Ordering::Relaxed)
                    .is_ok()
        })
    }
}
