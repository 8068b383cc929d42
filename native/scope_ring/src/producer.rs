//! The producer's end: reserve, write, publish. Wait-free, and the same few instructions each time.

use crate::lane::Lane;
use crate::session::Sessions;
use crate::table::Table;
use crate::{Entry, Head, Refusal, WakeOn, Words};
use std::marker::PhantomData;
use std::sync::atomic::Ordering::Relaxed;

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
    pub(crate) lane: &'t Lane,
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

    /// Reserves a slot and up to `reserve` bytes of contiguous payload. The event's stamp is read
    /// after this, or [`Lanes::is_settled`](crate::Lanes::is_settled) says nothing about it.
    ///
    /// # Errors
    /// Whatever the event was not taken for. It has been counted; there is nothing left to do.
    // Always in line: see `Entry::commit`.
    #[inline(always)]
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

    /// Makes a session pay for an event that another one's entry records.
    ///
    /// # Errors
    /// If it cannot, which is in its account.
    #[inline]
    pub fn charge(&self, session: u16) -> Result<(), Refusal> {
        match self.afford(session) {
            Ok(()) => {
                self.pay(session);
                Ok(())
            }
            Err(refusal) => Err(self.refuse(Head::default().session(session), refusal)),
        }
    }

    /// Counts an event of an open session that its owner leaves out: it costs no credit.
    pub fn thin(&self, session: u16) {
        let pool = self.table.sessions().pool(session);
        if let Some((seat, _)) = pool.filter(|(_, pool)| pool.is_open(session)) {
            self.lane.purses[seat].thin(session);
        }
    }

    #[inline(always)]
    fn admit(&self, session: u16, reserve: usize) -> Result<(), Refusal> {
        // Ordering: relaxed; it is our own.
        if self.lane.producer.open.load(Relaxed) {
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
    pub(crate) fn pay(&self, session: u16) {
        if let (true, Some(seat)) = (session != 0, Sessions::seat_of(session)) {
            self.lane.purses[seat].spend();
        }
    }

    /// The producer's side of the fence between it and the consumer.
    #[inline(always)]
    pub(crate) fn fence(&self) {
        self.table.barrier().light();
    }

    /// Wakes the drain if this event is one that it waits for.
    #[inline(always)]
    pub(crate) fn announce(&self) {
        self.fence();
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
