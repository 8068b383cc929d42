//! Pushing: the one way into the own stream.

use super::Store;
use crate::open::{Closed, OpenBlock};
use parking_lot::MutexGuard;
use scope_event::{RawEvent, Seq};

/// The right to push events, which nobody else has meanwhile.
pub struct Recorder<'a> {
    store: &'a Store,
    open: MutexGuard<'a, OpenBlock>,
    now_ms: u64,
}

impl<'a> Recorder<'a> {
    pub(super) fn new(store: &'a Store, open: MutexGuard<'a, OpenBlock>, now_ms: u64) -> Self {
        Self {
            store,
            open,
            now_ms,
        }
    }

    /// Adds an event of `lane` and answers its number. A block that is full is closed.
    pub fn push(&mut self, lane: u16, event: &RawEvent<'_>) -> Seq {
        let first_try = self.open.push(lane, event, self.now_ms);
        let seq = first_try.unwrap_or_else(|_full| self.push_into_next(lane, event));
        if self.open.is_full() {
            self.close();
        }
        seq
    }

    /// Closes the open block, if it has events.
    pub fn close(&mut self) {
        if let Some(closed) = self.open.close() {
            self.store.append_own(closed);
        }
    }

    /// Goes on in another stream.
    pub(super) fn replace(&mut self, block: OpenBlock) {
        *self.open = block;
    }

    pub(super) fn deadline(&self) -> Option<u64> {
        self.open.deadline(self.store.config.flush_ms)
    }

    fn push_into_next(&mut self, lane: u16, event: &RawEvent<'_>) -> Seq {
        self.close();
        let next = self.open.next_seq();
        // An empty block takes any event.
        self.open.push(lane, event, self.now_ms).unwrap_or(next)
    }
}

impl Store {
    /// Puts a block that was just closed at the end of the own shelf.
    fn append_own(&self, closed: Closed) {
        let own = self.own();
        let mut log = self.log.write();
        let end = log.shelf_mut(&own).1.slots().len();
        log.append(&own, closed, end..end, self.now());
        self.counters.closed();
    }
}
