//! One lane: a ring of slots and payload with one producer and one consumer.
//!
//! Source: Lamport's single-producer queue ("Proving the correctness of multiprocess programs",
//! 1977) with the drop-newest rule. The room check reads the consumer's counter each time: it is
//! written once per batch, so the read is a hit in the cache but for one in hundreds.

use crate::geometry::Geometry;
use crate::losses::Losses;
use crate::memory::Memory;
use crate::primitive::AtomicU64;
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
    /// An entry is being written: there must not be a second one.
    pub(crate) open: Cell<bool>,
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

    /// Slots and bytes that wait for the consumer, as the producer sees it.
    ///
    /// Ordering: acquire, so that the consumer's last reads come before our next writes.
    #[inline(always)]
    pub(crate) fn filled(&self) -> (u64, u64) {
        let Producing { head, bytes, .. } = &*self.producer;
        (
            head.load(Relaxed)
                .wrapping_sub(self.freed.slots.load(Acquire)),
            bytes.get().wrapping_sub(self.freed.bytes.load(Acquire)),
        )
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
