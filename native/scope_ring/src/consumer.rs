//! The consumer's end of one lane.

use crate::Slot;
use crate::entry::step;
use crate::lane::{Consuming, Lane};

/// Room is given back this often within one visit, so that a full lane does not wait for its end.
const PUBLISH_EVERY: u64 = 256;

/// One visit of the drain to a lane. Room is given back when it ends, also by a panic: the event
/// that a reader choked on counts as read, or it would choke the drain for ever.
struct Visit<'v> {
    lane: &'v Lane,
    at: &'v mut Consuming,
}

/// Reads at most `max` events below `head` in order; how many it were.
pub(crate) fn visit(
    lane: &Lane,
    at: &mut Consuming,
    head: u64,
    max: u64,
    mut read: impl FnMut(&Slot, &[u8]),
) -> u64 {
    let events = head.saturating_sub(at.tail).min(max);
    let end = at.tail + events;
    while at.tail < end {
        let stop = end.min(at.tail + PUBLISH_EVERY);
        let mut visit = Visit { lane, at: &mut *at };
        while visit.at.tail < stop {
            visit.next(&mut read);
        }
    }
    events
}

impl Visit<'_> {
    #[inline(always)]
    fn next(&mut self, read: &mut impl FnMut(&Slot, &[u8])) {
        let (memory, byte) = (&self.lane.memory, self.at.byte);
        // SAFETY: the slot lies below the head that was acquired, and was not given back yet.
        let slot = unsafe { memory.read_slot(self.at.slot) };
        // SAFETY: as above; the producer bounded the length when it wrote the head.
        let payload = unsafe { memory.payload_ref(byte, slot.head.payload_len()) };
        self.advance(payload.len());
        read(&slot, payload);
    }

    #[inline(always)]
    fn advance(&mut self, used: usize) {
        let (at, geometry) = (&mut *self.at, self.lane.memory.geometry());
        at.tail += 1;
        at.slot = step(at.slot, 1, geometry.slots);
        at.bytes += used as u64;
        at.byte = step(at.byte, used, geometry.payload);
    }
}

impl Drop for Visit<'_> {
    fn drop(&mut self) {
        self.lane.publish(self.at.tail, self.at.bytes);
    }
}
