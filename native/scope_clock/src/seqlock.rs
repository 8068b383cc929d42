//! A sequence lock with two slots: the writer fills the one that nobody reads, then flips.
//!
//! Sources: the sequence lock of Lameter (2005) with the fences of Boehm, "Can seqlocks get along
//! with programming language memory models?" (2012); the two slots are the latch of the Linux
//! kernel's fast timekeeper. With one slot a writer that loses its processor half-way would hold
//! every reader up; with two a reader repeats only when a flip fell into its few instructions.
//!
//! Invariants:
//! - `head` is `version << 2 | mode`, and `version` only grows.
//! - The line of version `v` stands in slot `v & 1` and is not touched before version `v + 1` is
//!   published. So whoever reads the same `head` before and after holds a line of one version,
//!   and read the counter while that version was current.
//! - One writer at a time: whoever calls [`SeqLock::publish`] holds the clock's mutex. Two would
//!   not be undefined behaviour, only wrong.

use crate::line::Line;
use crate::mode::Mode;
use crate::primitive::{AtomicU64, Ordering, fence};

/// Seven words, one cache line, written about twice a second.
#[repr(align(64))]
#[derive(Debug)]
pub struct SeqLock {
    head: AtomicU64,
    slots: [Slot; 2],
}

#[derive(Debug)]
struct Slot {
    base: AtomicU64,
    origin: AtomicU64,
    rate: AtomicU64,
}

/// A line as read, still to be confirmed by [`SeqLock::confirms`].
#[derive(Clone, Copy, Debug)]
pub struct View {
    head: u64,
    line: Line,
}

/// The loom atomics have no constant constructor, so the word "const" is all that differs.
macro_rules! constructors {
    ($($const:tt)?) => {
        impl Slot {
            $($const)? fn new() -> Self {
                let [base, origin, rate] = [AtomicU64::new(0), AtomicU64::new(0), AtomicU64::new(0)];
                Self { base, origin, rate }
            }
        }

        impl SeqLock {
            /// Version 0 of a clock that is not started.
            #[allow(clippy::new_without_default, reason = "a default is never wanted here")]
            #[must_use]
            pub $($const)? fn new() -> Self {
                Self { head: AtomicU64::new(0), slots: [Slot::new(), Slot::new()] }
            }
        }
    };
}
#[cfg(loom)]
constructors!();
#[cfg(not(loom))]
constructors!(const);

impl SeqLock {
    /// Reads the current line. It means nothing until it is confirmed.
    #[inline]
    #[must_use]
    pub fn view(&self) -> View {
        // Ordering: Acquire pairs with the Release in `publish`: who sees the version sees its slot.
        let head = self.head.load(Ordering::Acquire);
        View {
            head,
            line: self.slot(head >> 2).load(),
        }
    }

    /// Whether the version seen is still the current one. Call it *after* reading the counter.
    #[inline]
    #[must_use]
    pub fn confirms(&self, view: &View) -> bool {
        // Ordering: if one of the slot's words came from a later version, this fence pairs with
        // the one in `publish`, and the load below must then see a later head.
        fence(Ordering::Acquire);
        self.head.load(Ordering::Relaxed) == view.head
    }

    /// Makes `line` the current one. Only one thread at a time may call this.
    pub fn publish(&self, mode: Mode, line: Line) {
        let version = (self.head.load(Ordering::Relaxed) >> 2) + 1;
        // Ordering: the words below must not become visible before the previous flip, or a reader
        // could take half of this line and still find the head it started from.
        fence(Ordering::Release);
        self.slot(version).store(line);
        // Ordering: Release publishes the slot's words with the version that names them.
        self.head
            .store(version << 2 | mode as u64, Ordering::Release);
    }

    /// How often a line was published.
    #[inline]
    #[must_use]
    pub fn version(&self) -> u64 {
        self.head.load(Ordering::Acquire) >> 2
    }

    #[inline]
    fn slot(&self, version: u64) -> &Slot {
        if version & 1 == 0 {
            &self.slots[0]
        } else {
            &self.slots[1]
        }
    }
}

impl Slot {
    #[inline]
    fn load(&self) -> Line {
        // Ordering: Relaxed throughout; the head and the two fences order the words as a group.
        Line {
            base: self.base.load(Ordering::Relaxed),
            origin: self.origin.load(Ordering::Relaxed),
            rate: self.rate.load(Ordering::Relaxed),
        }
    }

    fn store(&self, line: Line) {
        self.base.store(line.base, Ordering::Relaxed);
        self.origin.store(line.origin, Ordering::Relaxed);
        self.rate.store(line.rate, Ordering::Relaxed);
    }
}

impl View {
    /// How the line is to be read.
    #[inline]
    #[must_use]
    pub const fn mode(&self) -> Mode {
        Mode::of(self.head)
    }

    /// The line.
    #[inline]
    #[must_use]
    pub const fn line(&self) -> &Line {
        &self.line
    }
}
