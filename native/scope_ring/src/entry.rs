//! One event between its reservation and its publication.

use crate::primitive::AtomicU64;
use crate::{Head, Producer, Slot, Words};
use std::sync::atomic::Ordering::{Relaxed, Release};

/// An event being written. Dropped without [`Entry::commit`] it never was.
pub struct Entry<'t> {
    producer: Producer<'t>,
    head: Head,
    reserve: usize,
}

impl<'t> Entry<'t> {
    #[inline(always)]
    pub(crate) fn open(producer: Producer<'t>, head: Head, reserve: usize) -> Self {
        // Ordering: relaxed; the fence orders it before whatever the caller does while the entry is
        // open, such as reading a clock.
        producer.lane.producer.open.store(true, Relaxed);
        producer.fence();
        Self {
            producer,
            head,
            reserve,
        }
    }

    /// The reserved bytes: whatever was there before, to be overwritten from the front.
    #[inline(always)]
    pub fn payload(&mut self) -> &mut [u8] {
        let lane = self.producer.lane;
        // SAFETY: `room` found the range free, and `open` keeps a second entry from existing.
        unsafe {
            lane.memory
                .payload_mut(lane.producer.byte.get(), self.reserve)
        }
    }

    /// Publishes the event with the first `used` bytes of its payload (at most the reserved ones).
    // Always in line, as `begin` is: handing an entry or its words over through memory, written in
    // halves and read as a whole, stops the processor longer than all the rest takes.
    #[inline(always)]
    pub fn commit(self, words: Words, used: usize) {
        let used = used.min(self.reserve);
        self.write(Slot::new(words, self.head.payload(used)));
        self.producer.pay(self.head.session_id());
        self.publish(used);
        self.producer.announce();
    }

    #[inline(always)]
    fn write(&self, slot: Slot) {
        let lane = self.producer.lane;
        // SAFETY: `room` found the slot free, and it stays so until it is published.
        unsafe { lane.memory.write_slot(lane.producer.slot.get(), slot) }
    }

    #[inline(always)]
    fn publish(&self, used: usize) {
        let (lane, at) = (self.producer.lane, &*self.producer.lane.producer);
        let geometry = lane.memory.geometry();
        at.slot.set(step(at.slot.get(), 1, geometry.slots));
        at.byte.set(step(at.byte.get(), used, geometry.payload));
        at.bytes.set(at.bytes.get() + used as u64);
        // Ordering: release, so that slot, payload, credits and losses come before the head.
        bump(&at.head);
    }
}

impl Drop for Entry<'_> {
    #[inline(always)]
    fn drop(&mut self) {
        // Ordering: release, so that who sees it closed also sees the head it left.
        self.producer.lane.producer.open.store(false, Release);
    }
}

#[inline(always)]
fn bump(head: &AtomicU64) {
    head.store(head.load(Relaxed) + 1, Release);
}

/// `at + by` around a ring of `size`; `by` is at most `size`.
#[inline(always)]
pub(crate) const fn step(at: usize, by: usize, size: usize) -> usize {
    let next = at + by;
    if next >= size { next - size } else { next }
}
