//! What processes let others know of themselves: a table of fixed size, from the word of a process to
//! a few words that it put up, and that any thread may read.
//!
//! The buckets are those of [`Extents`](crate::Extents); each place is guarded by a version that is odd
//! while the place changes (Lamport, "Concurrent reading and writing", 1977). Who finds it changing
//! looks elsewhere or tries a few times again: nothing waits, nothing is allocated.
//!
//! A notice belongs to the process whose word it is under: only that process puts it up and changes it.
//! Others may take it down, or change it on behalf of a process that died, when they had read it
//! whole and nobody has touched it since.

use crate::primitive::{AtomicBool, AtomicU64};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Places in a bucket: two lines of words.
const WAYS: usize = if cfg!(loom) { 2 } else { 16 };

/// A place that nobody has.
const FREE: u64 = 0;

/// How often one reads again what changed under the reading.
const TRIES: usize = if cfg!(loom) { 2 } else { 8 };

/// Invariants: what is in a place changes only while its version is odd, by whoever made it odd. A word
/// of a process is in one place of its bucket at most whose version is even, as only its process
/// puts it there, and goes to another one only from a place that is just being taken down.
#[repr(align(128))]
struct Bucket<const WORDS: usize> {
    processes: [AtomicU64; WAYS],
    versions: [AtomicU64; WAYS],
    words: [[AtomicU64; WORDS]; WAYS],
}

/// No place is free, and none may go.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no place is free for one more notice")]
pub struct NoticesFull;

/// What becomes of a notice that somebody looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Fate<const WORDS: usize> {
    /// It stays as it is.
    Stays,
    /// It says something else from now on.
    Becomes([u64; WORDS]),
    /// It goes.
    Goes,
}

/// The table, of `BUCKETS` (a power of two) times sixteen places of so many words.
///
/// # Examples
///
/// ```
/// use scope_ring::{Fate, Notices};
///
/// static NOTICES: Notices<64, 2> = Notices::new();
///
/// NOTICES.put(0x1f3, [17, 1], |_words| false)?;
/// assert_eq!(NOTICES.of(0x1f3), Some([17, 1]));
/// NOTICES.sweep(|_process, [_, done]| if done == 1 { Fate::Goes } else { Fate::Stays });
/// assert_eq!(NOTICES.of(0x1f3), None);
/// # Ok::<(), scope_ring::NoticesFull>(())
/// ```
pub struct Notices<const BUCKETS: usize, const WORDS: usize> {
    buckets: [Bucket<WORDS>; BUCKETS],
    /// Whether there ever was one: until then nobody looks for any.
    began: AtomicBool,
    refused: AtomicU64,
}

impl<const BUCKETS: usize, const WORDS: usize> Notices<BUCKETS, WORDS> {
    /// Notices that there can be at one time.
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
                    versions: [const { AtomicU64::new(0) }; WAYS],
                    words: [const { [const { AtomicU64::new(0) }; WORDS] }; WAYS],
                }
            }; BUCKETS],
            began: AtomicBool::new(false),
            refused: AtomicU64::new(0),
        }
    }

    /// The model checker's atomics are made at run time.
    #[cfg(loom)]
    pub fn new() -> Self {
        use std::array::from_fn;
        let bucket = || Bucket {
            processes: from_fn(|_| AtomicU64::new(FREE)),
            versions: from_fn(|_| AtomicU64::new(0)),
            words: from_fn(|_| from_fn(|_| AtomicU64::new(0))),
        };
        Self {
            buckets: from_fn(|_| bucket()),
            began: AtomicBool::new(false),
            refused: AtomicU64::new(0),
        }
    }

    /// What `process` has put up, whoever asks. Ordering: a process sees at once what it put up
    /// itself; others see the newest whole notice, or the one before.
    #[inline]
    pub fn of(&self, process: u64) -> Option<[u64; WORDS]> {
        if process == FREE || !self.began.load(Relaxed) {
            return None;
        }
        let bucket = &self.buckets[Self::home(process)];
        (0..TRIES).find_map(|_| bucket.look(process)).flatten()
    }

    /// Puts up a notice of `process`, which is the caller, or changes it. Where there is no place,
    /// one that `may_go` says so of makes room.
    ///
    /// # Errors
    /// [`NoticesFull`]: then nothing is put up.
    pub fn put(
        &self,
        process: u64,
        words: [u64; WORDS],
        may_go: impl Fn([u64; WORDS]) -> bool,
    ) -> Result<(), NoticesFull> {
        let bucket = &self.buckets[Self::home(process)];
        let put = process != FREE
            && (bucket.change_own(process, words) || bucket.take(process, words, may_go));
        if put {
            // Ordering: whoever misses it misses one that is a moment old. Mostly it is so already.
            if !self.began.load(Relaxed) {
                self.began.store(true, Relaxed);
            }
            return Ok(());
        }
        self.refused.fetch_add(1, Relaxed);
        Err(NoticesFull)
    }

    /// Looks at all of them. A notice that its process changes meanwhile stays.
    pub fn sweep(&self, fate: impl Fn(u64, [u64; WORDS]) -> Fate<WORDS>) {
        if !self.began.load(Relaxed) {
            return;
        }
        for bucket in &self.buckets {
            for way in 0..WAYS {
                bucket.judge(way, &fate);
            }
        }
    }

    /// Places that are taken.
    pub fn used(&self) -> usize {
        let processes = self.buckets.iter().flat_map(|bucket| &bucket.processes);
        processes
            .filter(|process| process.load(Relaxed) != FREE)
            .count()
    }

    /// How often there was no place.
    pub fn refused(&self) -> u64 {
        self.refused.load(Relaxed)
    }

    /// By the upper bits of a product with the golden ratio: neighbours are spread.
    #[inline]
    fn home(process: u64) -> usize {
        let mixed = process.wrapping_mul(0x9E37_79B9_7F4A_7C15) >> 32;
        mixed as usize % BUCKETS
    }
}

#[cfg(not(loom))]
impl<const BUCKETS: usize, const WORDS: usize> Default for Notices<BUCKETS, WORDS> {
    fn default() -> Self {
        Self::new()
    }
}

impl<const WORDS: usize> Bucket<WORDS> {
    /// The places under a word: more than one only while all but one are being taken down.
    #[inline]
    fn ways(&self, process: u64) -> impl Iterator<Item = usize> {
        (0..WAYS).filter(move |&way| self.processes[way].load(Relaxed) == process)
    }

    /// What stands under a word, `Some(None)` if there is nothing; `None` where it is changing.
    #[inline]
    fn look(&self, process: u64) -> Option<Option<[u64; WORDS]>> {
        let mut found = Some(None);
        for way in self.ways(process) {
            match self.read(way) {
                Some((_, of, words)) if of == process => return Some(Some(words)),
                _changing => found = None,
            }
        }
        found
    }

    /// Version, process and words of a place that is not changing. Ordering: acquire throughout, so
    /// that whoever reads a word of a later change also finds the version of that change.
    #[inline]
    fn read(&self, way: usize) -> Option<(u64, u64, [u64; WORDS])> {
        let version = self.versions[way].load(Acquire);
        let process = self.processes[way].load(Acquire);
        let words = std::array::from_fn(|at| self.words[way][at].load(Acquire));
        let same = self.versions[way].load(Relaxed) == version;
        (same && version.is_multiple_of(2)).then_some((version, process, words))
    }

    /// Changes a place that is still as it was at that version.
    fn change(&self, way: usize, version: u64, process: u64, words: [u64; WORDS]) -> bool {
        // Ordering: acquire, so that these writes come after those of who changed it before.
        let ours = version.is_multiple_of(2)
            && self.versions[way]
                .compare_exchange(version, version + 1, Acquire, Relaxed)
                .is_ok();
        if ours {
            // Ordering: release, so that whoever sees one of these sees that the place changes.
            self.processes[way].store(process, Release);
            for (place, word) in self.words[way].iter().zip(words) {
                place.store(word, Release);
            }
            self.versions[way].store(version + 2, Release);
        }
        ours
    }

    /// Fails where there is none, or where somebody is taking it down, as it may go.
    fn change_own(&self, process: u64, words: [u64; WORDS]) -> bool {
        self.ways(process).any(|way| {
            // Ordering: acquire, so that the version is read first: who took the place since changed it.
            let version = self.versions[way].load(Acquire);
            self.processes[way].load(Acquire) == process
                && self.change(way, version, process, words)
        })
    }

    fn take(
        &self,
        process: u64,
        words: [u64; WORDS],
        may_go: impl Fn([u64; WORDS]) -> bool,
    ) -> bool {
        let free = |of, _words| of == FREE;
        let going = |of, words| of != FREE && may_go(words);
        self.take_one(process, words, free) || self.take_one(process, words, going)
    }

    fn take_one(
        &self,
        process: u64,
        words: [u64; WORDS],
        fits: impl Fn(u64, [u64; WORDS]) -> bool,
    ) -> bool {
        (0..WAYS).any(|way| {
            self.read(way).is_some_and(|(version, of, old)| {
                fits(of, old) && self.change(way, version, process, words)
            })
        })
    }

    fn judge(&self, way: usize, fate: &impl Fn(u64, [u64; WORDS]) -> Fate<WORDS>) {
        if self.processes[way].load(Relaxed) == FREE {
            return;
        }
        let Some((version, process, words)) = self.read(way).filter(|read| read.1 != FREE) else {
            return;
        };
        // One that is touched meanwhile is looked at the next time.
        let _ = match fate(process, words) {
            Fate::Stays => false,
            Fate::Becomes(words) => self.change(way, version, process, words),
            Fate::Goes => self.change(way, version, FREE, words),
        };
    }
}
