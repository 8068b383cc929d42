//! What is kept in memory of every closed block.

use super::Place;
use crate::index::Index;
use crate::open::Closed;
use crate::query::Kinds;
use parking_lot::Mutex;
use scope_event::block::Numbered;
use scope_event::{Events, Header, Origin, Seq};
use std::io;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Weak};

/// The facts of a block that decide whether it must be looked into.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Facts {
    pub(crate) from: Seq,
    pub(crate) to: Seq,
    /// Smallest stamp.
    pub(crate) oldest: u64,
    /// Largest stamp.
    pub(crate) newest: u64,
    pub(crate) digest: u64,
    pub(crate) kinds: Kinds,
    pub(crate) len: u32,
    pub(crate) consolidated: bool,
    /// Numbers of the range that it has no events of: of a store's own blocks there are none.
    pub(crate) left_out: u64,
}

impl Facts {
    pub(crate) fn of(header: &Header, len: usize) -> Self {
        Self {
            from: header.from,
            to: header.to,
            oldest: header.min_stamp,
            newest: header.max_stamp,
            digest: header.digest,
            kinds: Kinds::from_codes(header.counts.iter().map(|(code, _)| code)),
            len: len as u32,
            consolidated: header.consolidated,
            left_out: 0,
        }
    }

    /// Of events that keep their own numbers.
    pub(crate) fn of_numbered(block: &Numbered, len: usize) -> Self {
        let header = block.block().header();
        let (from, to) = block.span();
        Self {
            from,
            to,
            left_out: (to - from) - (header.to - header.from),
            ..Self::of(header, len)
        }
    }

    pub(crate) fn events(&self) -> u64 {
        (self.to - self.from - self.left_out).saturating_add(1)
    }

    /// Whether all of `other`'s range is in this one's.
    pub(crate) fn spans(&self, other: &Self) -> bool {
        self.from <= other.from && other.to <= self.to
    }
}

/// A closed block: facts and filters here, its bytes at its place.
#[derive(Debug)]
pub(crate) struct Entry {
    pub(crate) origin: Arc<Origin>,
    pub(crate) facts: Facts,
    pub(crate) index: Index,
    /// The segment that it lives and dies with.
    segment: AtomicU64,
    place: Mutex<Place>,
    /// The decoded events, while somebody holds them.
    decoded: Mutex<Weak<Events>>,
    dead: AtomicBool,
    /// It cannot be merged with its neighbours.
    settled: AtomicBool,
}

impl Entry {
    pub(crate) fn new(origin: Arc<Origin>, block: Closed, segment: u64) -> Self {
        let Closed {
            facts,
            index,
            place,
        } = block;
        Self {
            origin,
            facts,
            index,
            segment: AtomicU64::new(segment),
            place: Mutex::new(place),
            decoded: Mutex::default(),
            dead: AtomicBool::new(false),
            settled: AtomicBool::new(false),
        }
    }

    /// The segment that it lives and dies with.
    pub(crate) fn segment(&self) -> u64 {
        // Ordering: renumbered only under the log's write lock.
        self.segment.load(Ordering::Relaxed)
    }

    /// All segments move up by `by`.
    pub(crate) fn renumber(&self, by: u64) {
        self.segment.fetch_add(by, Ordering::Relaxed);
    }

    /// It was replaced, or expired.
    pub(crate) fn die(&self) {
        // Ordering: only spares the work of writing what nobody needs.
        self.dead.store(true, Ordering::Relaxed);
    }

    /// Whether it was replaced, or expired.
    pub(crate) fn is_dead(&self) -> bool {
        self.dead.load(Ordering::Relaxed)
    }

    /// It stays as it is: merging it failed.
    pub(crate) fn settle(&self) {
        // Ordering: only spares the work of trying again.
        self.settled.store(true, Ordering::Relaxed);
    }

    /// Whether merging it failed.
    pub(crate) fn is_settled(&self) -> bool {
        self.settled.load(Ordering::Relaxed)
    }

    /// Where the bytes are now.
    pub(crate) fn place(&self) -> Place {
        self.place.lock().clone()
    }

    /// The bytes are now there, too; those in memory are let go.
    pub(crate) fn move_to(&self, place: Place) {
        *self.place.lock() = place;
    }

    /// The bytes of the block.
    ///
    /// # Errors
    ///
    /// Whatever reading the file answers.
    pub(crate) fn bytes(&self) -> io::Result<Arc<[u8]>> {
        self.place().bytes()
    }

    /// The block, not decoded; `None` when it cannot be had.
    pub(crate) fn block(&self) -> Option<Numbered> {
        self.place().block()
    }

    /// The decoded events, if somebody holds them.
    pub(crate) fn decoded(&self) -> Option<Arc<Events>> {
        self.decoded.lock().upgrade()
    }

    /// The decoded events; `None` when they cannot be had.
    pub(crate) fn events(&self) -> Option<Arc<Events>> {
        if let Some(events) = self.decoded() {
            return Some(events);
        }
        let block = self.block()?;
        let events = Arc::new(block.events().ok()?);
        *self.decoded.lock() = Arc::downgrade(&events);
        Some(events)
    }

    /// Bytes that facts and filters keep in memory.
    pub(crate) fn resident(&self) -> usize {
        size_of::<Self>() + self.index.bytes()
    }
}
