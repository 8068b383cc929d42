//! The producer's end: reserve, write, publish. Wait-free, and the same few instructions each time.

use crate::lane::Lane;
use crate::primitive::AtomicU64;
use crate::session::Sessions;
use crate::table::Table;
use crate::{Head, Refusal, Slot, WakeOn, Words};
use std::marker::PhantomData;
use std::sync::atomic::Ordering::{Relaxed, Release};

/// A thread's own end of its lane. It cannot leave the thread.
///
/// # Examples
///
/// ```
/// use scope_ring::{Head, Lanes, LanesConfig, Words};
///
/// static LANES: Lanes = Lanes::new();
/// LANES.start(LanesConfig::for_lanes(4))?;
/// let lane = LANES.lane().ok_or("no lane left")?;
///
/// let mut entry = lane.begin(Head::new(1), 16)?;
/// entry.payload()[..5].copy_from_slice(b"hello");
/// entry.commit(Words { stamp: 1, pid: 2, subject: 3 }, 5);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
#[derive(Clone, Copy)]
pub struct Producer<'t> {
    table: &'t Table,
    lane: &'t Lane,
    /// Neither `Send` nor `Sync`: one thread writes a lane.
    here: PhantomData<*const ()>,
}

impl<'t> Producer<'t> {
    /// # Safety
    /// The calling thread claimed the lane.
    pub(crate) const unsafe fn new(table: &'t Table, lane: &'t Lane) -> Self {
        Self {
            table,
            lane,
            here: PhantomData,
        }
    }

    /// Reserves a slot and up to `reserve` bytes of contiguous payload.
    ///
    /// # Errors
    /// Whatever the event was not taken for. It has been counted; there is nothing left to do.
    #[inline]
    pub fn begin(&self, head: Head, reserve: usize) -> Result<Entry<'t>, Refusal> {
        match self.admit(head.session_id(), reserve) {
            Ok(()) => Ok(Entry::open(*self, head, reserve)),
            Err(refusal) => Err(self.refuse(head, refusal)),
        }
    }

    /// Records an event without payload.
    ///
    /// # Errors
    /// As [`Producer::begin`].
    #[inline]
    pub fn record(&self, head: Head, words: Words) -> Result<(), Refusal> {
        self.begin(head, 0).map(|entry| entry.commit(words, 0))
    }

    #[inline(always)]
    fn admit(&self, session: u16, reserve: usize) -> Result<(), Refusal> {
        if self.lane.producer.open.get() {
            return Err(Refusal::Nested);
        }
        if session != 0 {
            self.afford(session)?;
        }
        self.room(reserve)
    }

    #[inline(always)]
    fn room(&self, reserve: usize) -> Result<(), Refusal> {
        if reserve > self.lane.memory.geometry().max_payload {
            Err(Refusal::TooLong)
        } else if self.lane.is_whole() && self.fits(reserve, self.lane.filled())
            || self.fits(reserve, self.lane.look())
        {
            Ok(())
        } else {
            Err(Refusal::Full)
        }
    }

    #[inline(always)]
    fn fits(&self, reserve: usize, (slots, bytes): (u64, u64)) -> bool {
        let geometry = self.lane.memory.geometry();
        slots < geometry.slots as u64
            && bytes.saturating_add(reserve as u64) <= geometry.payload as u64
    }

    #[inline]
    fn afford(&self, session: u16) -> Result<(), Refusal> {
        let (seat, pool) = self
            .table
            .sessions()
            .pool(session)
            .ok_or(Refusal::SessionOver)?;
        if !pool.is_open(session) {
            return Err(Refusal::SessionOver);
        }
        if self.lane.purses[seat].has_credit(session) {
            return Ok(());
        }
        self.take_credits(session)
    }

    #[cold]
    fn take_credits(&self, session: u16) -> Result<(), Refusal> {
        let (seat, pool) = self
            .table
            .sessions()
            .pool(session)
            .ok_or(Refusal::SessionOver)?;
        match pool.take(session, self.table.lanes().len() as u64) {
            0 if pool.is_open(session) => Err(Refusal::OverBudget),
            0 => Err(Refusal::SessionOver),
            credits => {
                self.lane.purses[seat].put(session, credits);
                Ok(())
            }
        }
    }

    #[cold]
    fn refuse(&self, head: Head, refusal: Refusal) -> Refusal {
        match refusal {
            Refusal::SessionOver => {}
            Refusal::OverBudget => self.refuse_credit(head.session_id()),
            _ => self.lane.losses.count(head.kind()),
        }
        // Payload that does not fit may come before any quarter: the drain must hear of it.
        if refusal == Refusal::Full && self.table.bell().sleeper().is_some() {
            self.table.bell().ring();
        }
        refusal
    }

    fn refuse_credit(&self, session: u16) {
        if let Some(seat) = Sessions::seat_of(session) {
            self.lane.purses[seat].refuse(session);
        }
    }

    #[inline(always)]
    fn pay(&self, session: u16) {
        if let (true, Some(seat)) = (session != 0, Sessions::seat_of(session)) {
            self.lane.purses[seat].spend();
        }
    }

    /// Wakes the drain if this event is one that it waits for.
    #[inline(always)]
    fn announce(&self) {
        self.table.barrier().light();
        if let Some(sleeper) = self.table.bell().sleeper() {
            self.wake(sleeper);
        }
    }

    #[cold]
    fn wake(&self, sleeper: WakeOn) {
        if sleeper == WakeOn::Event || self.lane.is_quarter(self.lane.look()) {
            self.table.bell().ring();
        }
    }
}

/// An event being written. Dropped without [`Entry::commit`] it never was.
pub struct Entry<'t> {
    producer: Producer<'t>,
    head: Head,
    reserve: usize,
}

impl<'t> Entry<'t> {
    #[inline(always)]
    fn open(producer: Producer<'t>, head: Head, reserve: usize) -> Self {
        producer.lane.producer.open.set(true);
        Self {
            producer,
            head,
            reserve,
        }
    }

    /// The reserved bytes: whatever was there before, to be overwritten from the front.
    #[inline]
    pub fn payload(&mut self) -> &mut [u8] {
        let lane = self.producer.lane;
        // SAFETY: `room` found the range free, and `open` keeps a second entry from existing.
        unsafe {
            lane.memory
                .payload_mut(lane.producer.byte.get(), self.reserve)
        }
    }

    /// Publishes the event with the first `used` bytes of its payload (at most the reserved ones).
    #[inline]
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
        self.producer.lane.producer.open.set(false);
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
