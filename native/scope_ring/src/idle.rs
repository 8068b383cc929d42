//! Giving back the pages of a lane that nobody writes to.
//!
//! The producer may begin to write at any moment, and must neither wait nor lose what it wrote. So
//! the drain first takes room back: it publishes a tail that leaves the producer one page of slots
//! and one maximal payload, fences, and looks whether the head moved. If it did not, then an entry
//! begun under the old tail is the one at the head, inside what was left, and every later one obeys
//! the new tail: the rest of the lane is nobody's, and its pages can go while the producer records.

use crate::barrier::Barrier;
use crate::lane::{Consuming, Lane};
use std::sync::atomic::Ordering::{Relaxed, Release};
use std::time::Duration;

/// How long a lane is idle before its pages are returned.
pub const IDLE: Duration = Duration::from_secs(60);

/// Since when a lane has been as it is; no time for one that has no pages to give.
#[derive(Default)]
pub(crate) struct Idle {
    tail: u64,
    since: Option<Duration>,
}

impl Idle {
    /// Takes note of the time, and says when the lane's pages are due.
    pub(crate) fn due(&mut self, tail: u64, now: Duration) -> Option<Duration> {
        if tail != self.tail {
            *self = Self {
                tail,
                since: Some(now),
            };
        }
        self.since.map(|since| since.saturating_add(IDLE))
    }

    fn done(&mut self) {
        self.since = None;
    }
}

/// Returns the pages if the lane is empty; how many bytes it were.
pub(crate) fn release(lane: &Lane, at: &mut Consuming, barrier: Barrier) -> usize {
    if lane.head() != at.tail {
        return 0;
    }
    narrow(lane, at);
    let bytes = if barrier.heavy() && lane.head() == at.tail {
        discard(lane, at)
    } else {
        0
    };
    lane.publish(at.tail, at.bytes);
    // Ordering: release, so that the producer writes to the pages after they were given back.
    lane.narrowed.store(false, Release);
    if lane.head() == at.tail {
        at.idle.done();
    }
    bytes
}

/// Leaves the producer the room that `discard` leaves alone. Below zero is right: counters wrap.
fn narrow(lane: &Lane, at: &Consuming) {
    let geometry = lane.memory.geometry();
    let slots = (geometry.slots - geometry.keep_slots()) as u64;
    let bytes = (geometry.payload - geometry.max_payload) as u64;
    lane.publish(at.tail.wrapping_sub(slots), at.bytes.wrapping_sub(bytes));
    // Ordering: relaxed; the fence that follows orders it, and what is left, before the look.
    lane.narrowed.store(true, Relaxed);
}

fn discard(lane: &Lane, at: &Consuming) -> usize {
    let keep = lane.memory.geometry().keep_slots();
    // SAFETY: everything is read (head = tail), and the producer stays in what `narrow` left it.
    unsafe { lane.memory.discard_slots(at.slot, keep) + lane.memory.discard_payload(at.byte) }
}
