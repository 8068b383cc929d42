//! One lane's memory: where a slot and a payload lie.

use crate::{Slot, geometry::Geometry, primitive::Shadow, region::Region};

/// The bytes of one lane. Who may touch which of them follows from the counters of the lane; every
/// method names the range, and the model checker checks that no two uses of a byte race.
pub(crate) struct Memory {
    base: *mut u8,
    shadow: Shadow,
    geometry: Geometry,
}

impl Memory {
    pub(crate) fn new(base: *mut u8, geometry: Geometry) -> Self {
        Self {
            base,
            shadow: Shadow::new(geometry.bytes()),
            geometry,
        }
    }

    pub(crate) const fn geometry(&self) -> &Geometry {
        &self.geometry
    }

    /// # Safety
    /// `at < slots`, and the slot is the producer's: not below the consumer's head.
    #[inline]
    pub(crate) unsafe fn write_slot(&self, at: usize, slot: Slot) {
        self.shadow.write(at * Slot::SIZE, Slot::SIZE);
        // SAFETY: inside the lane by the caller's word; the base is page aligned.
        unsafe { self.base.cast::<Slot>().add(at).write(slot) }
    }

    /// # Safety
    /// `at < slots`, and the slot was published and not yet given back.
    #[inline]
    pub(crate) unsafe fn read_slot(&self, at: usize) -> Slot {
        self.shadow.read(at * Slot::SIZE, Slot::SIZE);
        // SAFETY: inside the lane by the caller's word; the base is page aligned.
        unsafe { self.base.cast::<Slot>().add(at).read() }
    }

    /// # Safety
    /// `at < payload`, `len <= max_payload`, and the range is the producer's until it is published.
    #[expect(
        clippy::mut_from_ref,
        reason = "the lane's counters say who has the range"
    )]
    #[inline]
    pub(crate) unsafe fn payload_mut(&self, at: usize, len: usize) -> &mut [u8] {
        self.shadow.write(self.geometry.payload_at() + at, len);
        // SAFETY: the slack keeps the range inside the lane; the caller has it to itself.
        unsafe { std::slice::from_raw_parts_mut(self.payload(at), len) }
    }

    /// # Safety
    /// As for `payload_mut`, and the range was published and not yet given back.
    #[inline]
    pub(crate) unsafe fn payload_ref(&self, at: usize, len: usize) -> &[u8] {
        self.shadow.read(self.geometry.payload_at() + at, len);
        // SAFETY: the slack keeps the range inside the lane; nobody writes published bytes.
        unsafe { std::slice::from_raw_parts(self.payload(at), len) }
    }

    /// Gives back the pages of all slots but the `keep` that begin at `from`.
    ///
    /// # Safety
    /// Nobody uses the other slots meanwhile.
    pub(crate) unsafe fn discard_slots(&self, from: usize, keep: usize) -> usize {
        let (slots, past) = (self.geometry.slots, from + keep);
        // SAFETY: the ranges are what the caller gives away, rounded to slots.
        unsafe {
            self.discard(past.saturating_sub(slots) * Slot::SIZE, from * Slot::SIZE)
                + self.discard(past.min(slots) * Slot::SIZE, slots * Slot::SIZE)
        }
    }

    /// Gives back the pages of all payload but one maximal payload that begins at `from`.
    ///
    /// # Safety
    /// Nobody uses the other bytes meanwhile.
    pub(crate) unsafe fn discard_payload(&self, from: usize) -> usize {
        let Geometry {
            payload,
            slack,
            max_payload,
            ..
        } = self.geometry;
        let (at, past) = (self.geometry.payload_at(), from + max_payload);
        // An entry that crosses the end lies in the slack; the next one begins at the front.
        // SAFETY: the ranges are what the caller gives away.
        unsafe {
            self.discard(at + past.saturating_sub(payload), at + from)
                + self.discard(at + past, at + payload + slack)
        }
    }

    unsafe fn discard(&self, from: usize, to: usize) -> usize {
        if from >= to {
            return 0;
        }
        self.shadow.write(from, to - from);
        // SAFETY: inside the lane, and the caller gives the range away.
        unsafe { Region::discard(self.base.add(from), to - from) }
    }

    fn payload(&self, at: usize) -> *mut u8 {
        debug_assert!(at < self.geometry.payload);
        // SAFETY: the payload area lies inside the lane.
        unsafe { self.base.add(self.geometry.payload_at() + at) }
    }
}
