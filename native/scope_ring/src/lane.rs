//! One lane: a ring of slots and payload with one producer and one consumer.
//!
//! Source: Lamport's single-producer queue ("Proving the correctness of multiprocess programs",
//! 1977) with the drop-newest rule, and the remembered index of MCRingBuffer (Lee, Bu and
//! Chandranmenon, IPDPS 2010): the producer looks at the consumer's counters only when those it
//! remembers leave it no room, or when the consumer says that room was taken back.

use crate::geometry::Geometry;
use crate::losses::Losses;
use crate::memory::Memory;
use crate::primitive::{AtomicBool, AtomicU64};
use crate::purse::Purse;
use crate::session::SESSIONS;
use crossbeam_utils::CachePadded;
use std::cell::{Cell, UnsafeCell};
use std::sync::atomic::Ordering::{Acquire, Relaxed, Release};

/// Invariants: the counters never wrap in practice (2^64 events) and are compared by wrapping
/// subtraction; `[tail, head)` is the consumer's, everything else the producer's; a slot is
/// complete, and its payload with it, before `head` passes it.
pub(crate) struct Lane {
    pub(crate) producer: CachePadded<Producing>,
    pub(crate) freed: CachePadded<Freed>,
    /// Of the drain alone, which is one and holds `&mut` to itself.
    pub(crate) consumer: CachePadded<UnsafeCell<Consuming>>,
    pub(crate) memory: Memory,
    /// Room was taken back: what the producer remembers of `freed` is void. Lies among what both
    /// sides only read, because it changes about once a minute at most.
    pub(crate) narrowed: AtomicBool,
    pub(crate) losses: Losses,
    pub(crate) purses: Box<[Purse]>,
}

/// What the producer writes. All but `head` is only ever touched by the lane's own thread.
#[derive(Default)]
pub(crate) struct Producing {
    /// Events published so far.
    pub(crate) head: AtomicU64,
    /// `head` modulo the number of slots.
    pub(crate) slot: Cell<usize>,
    /// Payload bytes used so far, and where the next one begins.
    pub(crate) bytes: Cell<u64>,
    pub(crate) byte: Cell<usize>,
    /// `freed` as it was when last looked at: never more than is free.
    pub(crate) seen_slots: Cell<u64>,
    pub(crate) seen_bytes: Cell<u64>,
    /// An entry is being written: there must not be a second one. The drain looks at it, too.
    pub(crate) open: AtomicBool,
}

/// How far the consumer has given room back. Either word may be behind the other; each alone says
/// that the slots, or the bytes, below it are no longer read.
#[derive(Default)]
pub(crate) struct Freed {
    pub(crate) slots: AtomicU64,
    pub(crate) bytes: AtomicU64,
}

/// Where the consumer reads on, and since when the lane has been idle.
#[derive(Default)]
pub(crate) struct Consuming {
    pub(crate) tail: u64,
    pub(crate) slot: usize,
    pub(crate) bytes: u64,
    pub(crate) byte: usize,
    pub(crate) idle: crate::idle::Idle,
}

// SAFETY: a `Lane` moves with its table, before any thread uses it.
unsafe impl Send for Lane {}
// SAFETY: `producer`'s cells are used by the one thread that claimed the lane (`Producer` is neither
// `Send` nor `Sync`), `consumer` by the one `Drain`; the rest is atomic, or memory shared by the
// counters above.
unsafe impl Sync for Lane {}

impl Lane {
    pub(crate) fn new(base: *mut u8, geometry: Geometry) -> Self {
        Self {
            producer: CachePadded::default(),
            freed: CachePadded::default(),
            consumer: CachePadded::default(),
            memory: Memory::new(base, geometry),
            narrowed: AtomicBool::new(false),
            losses: Losses::new(),
            purses: (0..SESSIONS).map(|_| Purse::new()).collect(),
        }
    }

    /// Events published so far.
    ///
    /// Ordering: acquire, so that what lies below is complete.
    pub(crate) fn head(&self) -> u64 {
        self.producer.head.load(Acquire)
    }

    /// Slots and bytes that wait for the consumer, as far as the producer remembers.
    #[inline(always)]
    pub(crate) fn filled(&self) -> (u64, u64) {
        let Producing {
            head,
            bytes,
            seen_slots,
            seen_bytes,
            ..
        } = &*self.producer;
        (
            head.load(Relaxed).wrapping_sub(seen_slots.get()),
            bytes.get().wrapping_sub(seen_bytes.get()),
        )
    }

    /// Whether what the producer remembers may be relied on.
    ///
    /// Ordering: acquire, so that our writes come after the pages were given back.
    #[inline(always)]
    pub(crate) fn is_whole(&self) -> bool {
        !self.narrowed.load(Acquire)
    }

    /// Looks at what the consumer has given back.
    ///
    /// Ordering: acquire, so that the consumer's last reads come before our next writes.
    #[inline]
    pub(crate) fn look(&self) -> (u64, u64) {
        self.producer.seen_slots.set(self.freed.slots.load(Acquire));
        self.producer.seen_bytes.set(self.freed.bytes.load(Acquire));
        self.filled()
    }

    /// Whether a lane with this much in it should not wait for the end of a nap.
    #[inline]
    pub(crate) fn is_quarter(&self, (slots, bytes): (u64, u64)) -> bool {
        let geometry = self.memory.geometry();
        4 * slots >= geometry.slots as u64 || 4 * bytes >= geometry.payload as u64
    }

    /// Events that wait, as anybody may ask. Payload is the producer's to know.
    pub(crate) fn waiting(&self) -> u64 {
        let freed = self.freed.slots.load(Acquire);
        self.head().wrapping_sub(freed)
    }

    /// Gives the consumer's room back to the producer.
    ///
    /// Ordering: release, so that the producer's next writes come after our reads.
    pub(crate) fn publish(&self, slots: u64, bytes: u64) {
        self.freed.slots.store(slots, Release);
        self.freed.bytes.store(bytes, Release);
    }
}
