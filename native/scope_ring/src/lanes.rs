//! The front: one table per VM, in a `static`.

use crate::losses::{Losses, Lost};
use crate::table::Table;
use crate::{
    Account, Drain, Entry, Head, Heads, LanesConfig, Producer, Refusal, SessionError, StartError,
    Status, WakeOn, Woken, current,
};
use std::sync::OnceLock;
use std::sync::atomic::Ordering::Acquire;
use std::time::Duration;

/// The lanes of a VM. Costs nothing until [`Lanes::start`]; events before that are counted as lost.
///
/// # Examples
///
/// ```
/// use scope_ring::{Head, Lanes, LanesConfig, Words};
///
/// static LANES: Lanes = Lanes::new();
///
/// LANES.start(LanesConfig::for_lanes(16))?;
/// LANES.begin(Head::new(1), 0)?.commit(Words::default(), 0);
/// assert_eq!(LANES.heads().total(), 1);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Lanes {
    table: OnceLock<Table>,
    /// Losses of threads that have no lane.
    strangers: Losses,
}

impl Lanes {
    /// Lanes not started yet.
    #[cfg(not(loom))]
    pub const fn new() -> Self {
        Self {
            table: OnceLock::new(),
            strangers: Losses::new(),
        }
    }

    /// Lanes not started yet.
    #[cfg(loom)]
    pub fn new() -> Self {
        Self {
            table: OnceLock::new(),
            strangers: Losses::new(),
        }
    }

    /// Reserves the address space of all lanes, once for the life of the VM.
    ///
    /// # Errors
    /// If they run already, the configuration makes no sense, or the system refuses the memory.
    pub fn start(&self, config: LanesConfig) -> Result<(), StartError> {
        if self.table.get().is_some() {
            return Err(StartError::AlreadyStarted);
        }
        self.table
            .set(Table::new(config)?)
            .map_err(|_| StartError::AlreadyStarted)
    }

    /// The running thread's lane, which it claims when it first asks. `None` before the start, for
    /// threads beyond the table, and for a thread that records elsewhere: report what it would have
    /// recorded to [`Lanes::lost_outside`], or use [`Lanes::begin`], which does.
    #[inline(always)]
    pub fn lane(&'static self) -> Option<Producer<'static>> {
        let table = self.table.get()?;
        let lane = current::lane(self, |_| table.claim())?;
        // SAFETY: `current` keeps the lane for the thread that claimed it.
        Some(unsafe { Producer::new(table, lane) })
    }

    /// [`Producer::begin`] on the running thread's lane.
    ///
    /// # Errors
    /// As there, and [`Refusal::NoLane`].
    // Always in line: see `Entry::commit`.
    #[inline(always)]
    pub fn begin(&'static self, head: Head, reserve: usize) -> Result<Entry<'static>, Refusal> {
        match self.lane() {
            Some(lane) => lane.begin(head, reserve),
            None => Err(self.lost_outside(head.kind())),
        }
    }

    /// [`Producer::charge`] on the running thread's lane.
    ///
    /// # Errors
    /// As there, and [`Refusal::NoLane`].
    #[inline]
    pub fn charge(&'static self, session: u16) -> Result<(), Refusal> {
        let lane = self.lane().ok_or(Refusal::NoLane)?;
        lane.charge(session)
    }

    /// [`Producer::thin`] on the running thread's lane. Where a thread has none, the event is lost like
    /// all that it records.
    pub fn thin(&'static self, session: u16, kind: u8) {
        match self.lane() {
            Some(lane) => lane.thin(session),
            None => drop(self.lost_outside(kind)),
        }
    }

    /// Counts an event of a thread that has no lane.
    #[cold]
    pub fn lost_outside(&self, kind: u8) -> Refusal {
        self.strangers.count_shared(kind);
        Refusal::NoLane
    }

    /// A lane that the caller keeps itself, on this thread, instead of in the thread-local. It is
    /// never given back.
    pub fn claim(&self) -> Option<Producer<'_>> {
        let table = self.table.get()?;
        // SAFETY: claimed by this thread just now, and a `Producer` does not leave it.
        table
            .claim()
            .map(|lane| unsafe { Producer::new(table, lane) })
    }

    /// The consumer's end; `None` before the start, or while another one lives.
    pub fn drain(&self) -> Option<Drain<'_>> {
        self.table.get().and_then(Drain::new)
    }

    /// How far every lane has got. Everything published before the call (or before a message that
    /// the caller received) lies below.
    pub fn heads(&self) -> Heads {
        self.table.get().map(Heads::of).unwrap_or_default()
    }

    /// Whether no entry is being written on any lane: then every event that is published from now on
    /// was begun after the call, and has a later stamp than a clock showed before it. False where an
    /// entry is open, and where the kernel refuses to answer.
    ///
    /// It interrupts every thread of the process for a moment: for a few times a second.
    #[must_use]
    pub fn is_settled(&self) -> bool {
        let Some(table) = self.table.get() else {
            return false;
        };
        // Ordering: acquire, so that the heads that closed entries left are seen after this.
        table.barrier().heavy()
            && table
                .claimed()
                .iter()
                .all(|lane| !lane.producer.open.load(Acquire))
    }

    /// Puts the one draining thread to sleep until there is something to do, without holding the
    /// [`Drain`]. Before the start it returns at once.
    pub fn wait(&self, on: WakeOn, timeout: Option<Duration>) -> Woken {
        let Some(table) = self.table.get() else {
            return Woken::TimedOut;
        };
        let least = match on {
            WakeOn::Event => 1,
            WakeOn::Quarter => (table.geometry().slots as u64).div_ceil(4),
        };
        table
            .bell()
            .sleep(on, timeout, table.barrier(), || table.has(least))
    }

    /// Wakes the draining thread, or keeps it from falling asleep.
    pub fn wake(&self) {
        if let Some(table) = self.table.get() {
            table.bell().ask();
        }
    }

    /// Opens a session that may record this many events.
    ///
    /// # Errors
    /// If too many are open, or the lanes are not started.
    pub fn open_session(&self, budget: u64) -> Result<u16, SessionError> {
        self.started()?.sessions().open(budget)
    }

    /// Adds events to a session's budget: how a rate limit is kept up.
    ///
    /// # Errors
    /// If it is not open.
    pub fn refill_session(&self, id: u16, events: u64) -> Result<(), SessionError> {
        self.started()?.sessions().refill(id, events)
    }

    /// Ends a session: no lane records for it from now on.
    ///
    /// # Errors
    /// If it is not open.
    pub fn close_session(&self, id: u16) -> Result<Account, SessionError> {
        self.started()?.sessions().close(id)?;
        self.account(id)
    }

    /// What a session was allowed, took and used.
    ///
    /// # Errors
    /// If there is no such session, or its seat has been taken again since it ended.
    pub fn account(&self, id: u16) -> Result<Account, SessionError> {
        let table = self.started()?;
        table.sessions().account(id, table.spending(id))
    }

    /// How many events an open session can still pay for, but for what lanes hold of it.
    pub fn left(&self, id: u16) -> Option<u64> {
        self.table.get().and_then(|table| table.sessions().left(id))
    }

    /// Losses of one lane since the start. They never go back.
    pub fn lost(&self, lane: usize) -> Lost {
        let mut lost = Lost::default();
        if let Some(lane) = self.table.get().and_then(|table| table.lanes().get(lane)) {
            lane.losses.add_to(&mut lost);
        }
        lost
    }

    /// Losses of all threads that have no lane.
    pub fn lost_by_strangers(&self) -> Lost {
        let mut lost = Lost::default();
        self.strangers.add_to(&mut lost);
        lost
    }

    /// Sizes and counts, for `status/0`.
    pub fn status(&self) -> Status {
        Status::of(self.table.get(), &self.strangers)
    }

    fn started(&self) -> Result<&Table, SessionError> {
        self.table.get().ok_or(SessionError::NotStarted)
    }
}

impl Default for Lanes {
    fn default() -> Self {
        Self::new()
    }
}
