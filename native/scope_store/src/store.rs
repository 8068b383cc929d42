//! The store of one scope: its own open block, and the closed blocks of all origins.

mod distrust;
mod holdings;
mod pages;
mod recorder;
mod stats;

pub use recorder::Recorder;
pub use stats::{Conflicts, Stats};

use crate::aggregate::Near;
use crate::config::Config;
use crate::error::StoreError;
use crate::index::hash;
use crate::log::{Log, Unsaved};
use crate::open::OpenBlock;
use crate::query::Query;
use crate::recording::{Found as Pair, Recorded, Recording};
use crate::search::{self, Matches, Plan, Recent, Sieve};
use crate::time;
use crate::upkeep::{Tended, Upkeep};
use distrust::Distrust;
use parking_lot::{Mutex, RwLock};
use scope_event::{Anchor, Interner, Origin, Pid, RawEvent, Seq};
use stats::{Aside, Counters};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// Events of a scope, from the one just recorded to the oldest that retention left.
///
/// One thread pushes; any number of threads query. Times are milliseconds since 1970 by the scope's
/// clock, given by the caller: a store reads no clock and starts no thread.
///
/// # Examples
///
/// ```
/// use scope_event::{Interner, Kind, Origin, RawEvent, SymbolTable};
/// use scope_store::{Config, Query, Store};
/// use std::sync::Arc;
///
/// let names = Arc::new(SymbolTable::new("shop@host"));
/// let interner = Arc::new(Interner::new(names.clone()));
/// let store = Store::open(Config::new(Origin::new("shop@host", 1)), interner)?;
///
/// store.push(0, &RawEvent::new(Kind::Spawn, 5 << 32, names.pid_word(101)), 5_000);
/// let answer = store.query(&Query::default());
/// assert_eq!((answer.events[0].seq(), answer.events[0].kind()), (1, Kind::Spawn));
/// # Ok::<(), scope_store::StoreError>(())
/// ```
pub struct Store {
    /// Its origin is that of the start; `own` is the present one.
    pub(crate) config: Config,
    /// Lock order: `upkeep`, `open`, `log`, `aside`, `distrust`, `own`.
    upkeep: Mutex<Upkeep>,
    /// Invariant: the origin of the open block; written with `open` held.
    own: RwLock<Origin>,
    open: Mutex<OpenBlock>,
    pub(crate) log: RwLock<Log>,
    aside: Mutex<Aside>,
    distrust: Mutex<Distrust>,
    /// As in the settings, in the unit of stamps.
    max_ahead: u64,
    pub(crate) recent: Recent,
    interner: Arc<Interner>,
    counters: Counters,
    /// The time as it was last told.
    now_ms: AtomicU64,
    /// The recording that this is: its blocks stand in `log`, and nothing but notes is added.
    recorded: Option<Recorded>,
}

impl Store {
    /// Opens a store, and reads what its folder holds. A folder that cannot be used is told by
    /// [`tend`](Self::tend) and [`stats`](Self::stats).
    ///
    /// # Errors
    ///
    /// [`StoreError`] when the settings make no sense.
    pub fn open(config: Config, interner: Arc<Interner>) -> Result<Self, StoreError> {
        check(&config)?;
        let mut log = Log::new(config.segment_limit());
        log.unsaved = config.dir.is_some().then(Unsaved::default);
        let store = Self {
            upkeep: Mutex::new(Upkeep::new(config.dir.clone())),
            own: RwLock::new(config.origin.clone()),
            open: Mutex::new(OpenBlock::new(config.origin.clone(), 1, interner.clone())),
            interner,
            log: RwLock::new(log),
            aside: Mutex::new(Aside::new(config.conflict_bytes)),
            distrust: Mutex::default(),
            max_ahead: time::stamp_of(time::millis(config.max_ahead)),
            recent: Recent::new(config.decoded_bytes),
            counters: Counters::default(),
            now_ms: AtomicU64::new(0),
            recorded: None,
            config,
        };
        store.upkeep.lock().start(&store);
        let first = store.held_of_own().saturating_add(1);
        *store.open.lock() = store.open_block(first);
        Ok(store)
    }

    /// Opens a recording as a store that keeps no folder and forgets nothing. What is pushed is of its
    /// own origin, and in memory.
    ///
    /// # Errors
    ///
    /// As [`open`](Self::open).
    pub fn of_recording(
        config: Config,
        interner: Arc<Interner>,
        recording: Recording,
    ) -> Result<Self, StoreError> {
        let mut store = Self::open(
            Config {
                dir: None,
                ..config
            },
            interner,
        )?;
        let (log, recorded) = recording.into_parts();
        store.log = RwLock::new(log);
        store.recorded = Some(recorded);
        Ok(store)
    }

    /// Whether it is a recording.
    pub fn is_recording(&self) -> bool {
        self.recorded.is_some()
    }

    /// What a recording says of the other half of a message.
    pub fn recorded_pair(&self, origin: &Origin, seq: Seq) -> Option<Pair> {
        self.recorded.as_ref()?.pairs.of(origin, seq)
    }

    /// Ends the own stream and begins another one: what is pushed from now on is of `origin`. Peers
    /// learn that nothing more comes of the old one.
    ///
    /// # Errors
    ///
    /// [`StoreError::Origin`] when `origin` has no node name.
    pub fn begin(&self, origin: Origin) -> Result<(), StoreError> {
        named(&origin)?;
        // Held, so that no consolidation of the old stream is half done.
        let _upkeep = self.upkeep.lock();
        let mut recorder = self.recorder(self.now());
        recorder.close();
        let (old, last) = (self.own(), self.held_of_own());
        self.log.write().note_last(&old, last);
        *self.own.write() = origin;
        recorder.replace(self.open_block(1));
        Ok(())
    }

    /// Whose events are recorded here.
    pub fn own(&self) -> Origin {
        self.own.read().clone()
    }

    fn open_block(&self, first: Seq) -> OpenBlock {
        OpenBlock::new(self.own(), first, self.interner.clone())
    }

    /// What it was opened with.
    pub fn config(&self) -> &Config {
        &self.config
    }

    /// Adds an event of `lane` to the own stream and answers its number. Events of one lane come in
    /// the order of their stamps.
    ///
    /// For more than a few at a time, [`recorder`](Self::recorder) takes the lock once.
    pub fn push(&self, lane: u16, event: &RawEvent<'_>, now_ms: u64) -> Seq {
        self.recorder(now_ms).push(lane, event)
    }

    /// The right to push, until it is dropped.
    pub fn recorder(&self, now_ms: u64) -> Recorder<'_> {
        self.tell_time(now_ms);
        Recorder::new(self, self.open.lock(), now_ms)
    }

    /// Promises that no event with a stamp below this will be pushed. Blocks carry it, so that
    /// readers know up to where they have everything.
    pub fn complete_to(&self, stamp: u64) {
        self.open.lock().complete_to(stamp);
    }

    /// How stamps translate to the node's monotonic clock from this anchor's stamp on.
    pub fn anchor(&self, anchor: Anchor) {
        self.open.lock().anchor(anchor);
    }

    /// Closes the open block if it is old enough. Answers when to call again; `None` while there is
    /// nothing to close.
    pub fn close_due(&self, now_ms: u64) -> Option<u64> {
        let mut recorder = self.recorder(now_ms);
        let deadline = recorder.deadline()?;
        if now_ms < deadline {
            return Some(deadline);
        }
        recorder.close();
        None
    }

    /// Closes the open block, whatever its age.
    pub fn close_now(&self) {
        self.recorder(self.now()).close();
    }

    /// Does a slice of what has to be done besides: retention, saving, consolidating, sealing. To be
    /// called when it says, and after a block was closed; one call takes about a millisecond, and a
    /// sync of the folder if that is due.
    pub fn tend(&self, now_ms: u64) -> Tended {
        self.tell_time(now_ms);
        if self.is_recording() {
            return Tended::default();
        }
        self.upkeep.lock().tend(self, self.now())
    }

    /// When [`tend`](Self::tend) has to be called again because of what grows old, though nothing is
    /// pushed any more; `None` while nothing is kept.
    pub fn expires_ms(&self) -> Option<u64> {
        if self.is_recording() {
            return None;
        }
        self.log.read().expires_ms(&self.config)
    }

    /// Closes the open block, saves all there is and leaves the folder to others, for the end. What
    /// is held can still be asked for; what is pushed after this stays in memory.
    pub fn shut(&self, now_ms: u64) {
        self.tell_time(now_ms);
        self.close_now();
        self.upkeep.lock().shut(self, self.now());
    }

    /// Answers a question. Everything that was pushed before is seen.
    pub fn query(&self, query: &Query) -> Matches {
        let sieve = Sieve::new(query);
        search::answer(&sieve, self.plan(&sieve), &self.recent)
    }

    /// The oldest stamp that is kept; `None` while there is no event.
    pub fn floor(&self) -> Option<u64> {
        let mut open = self.open.lock();
        let in_open = open
            .events()
            .and_then(|events| events.stamps().iter().min().copied());
        let log = self.log.read();
        let in_log = log
            .shelves
            .values()
            .flat_map(|shelf| shelf.slots())
            .map(|slot| slot.oldest);
        in_log.chain(in_open).min()
    }

    /// Every bound and its present value.
    pub fn stats(&self) -> Stats {
        Stats::of(self)
    }

    /// What has to be looked into. Both locks are held, so that a block that is being closed is seen
    /// once, not twice or never.
    pub(crate) fn plan(&self, sieve: &Sieve<'_>) -> Plan {
        let mut plan = Plan::default();
        let mut open = self.open.lock();
        // A view of the open block is a copy of it.
        let wanted = open.span().is_some_and(|(first, last)| {
            let own = self.own();
            sieve.takes_origin(&own) && sieve.counts(&own, first, last) > 0
        });
        if let Some(events) = wanted.then(|| open.events()).flatten() {
            plan.add_open(events, sieve);
        }
        let log = self.log.read();
        drop(open);
        plan.add_log(&log, sieve);
        if let Some(recorded) = &self.recorded {
            plan.add_beside(&recorded.beside, sieve);
        }
        plan
    }

    /// The blocks that most likely hold the last state of a process, at most so many of each origin.
    pub(crate) fn near(&self, pid: &Pid, stamp: u64, most: usize) -> Near {
        let mut near = Near::default();
        let mut open = self.open.lock();
        // A view of the open block is a copy of it.
        if let Some(events) = open.may_hold_state(pid).then(|| open.events()).flatten() {
            near.add_open(events);
        }
        let log = self.log.read();
        drop(open);
        near.add_log(&log, hash::pid(pid), stamp, most);
        near
    }

    fn tell_time(&self, now_ms: u64) {
        // Ordering: a lone number that only has to become visible some time.
        self.now_ms.fetch_max(now_ms, Ordering::Relaxed);
    }

    /// The largest number of the own stream that is held.
    fn held_of_own(&self) -> Seq {
        let log = self.log.read();
        log.shelves
            .get(&self.own())
            .map_or(0, |shelf| shelf.knowledge.top())
    }

    /// The largest stamp of the own stream, of what is held or promised.
    pub(crate) fn newest_own(&self) -> u64 {
        let (open, promised) = {
            let mut open = self.open.lock();
            (open.events(), open.promised())
        };
        let in_open = open
            .iter()
            .flat_map(|events| events.stamps())
            .copied()
            .max();
        let log = self.log.read();
        let shelf = log.shelves.get(&self.own());
        let closed = shelf
            .into_iter()
            .flat_map(|shelf| shelf.slots())
            .map(|slot| slot.newest);
        closed.chain(in_open).chain([promised]).max().unwrap_or(0)
    }

    pub(crate) fn now(&self) -> u64 {
        self.now_ms.load(Ordering::Relaxed)
    }
}

fn check(config: &Config) -> Result<(), StoreError> {
    named(&config.origin)?;
    match () {
        () if config.flush_ms == 0 => Err(StoreError::Zero("flush_ms")),
        () if config.retention_bytes == 0 => Err(StoreError::Zero("retention_bytes")),
        () if config.retention_age.is_zero() => Err(StoreError::Zero("retention_age")),
        () => Ok(()),
    }
}

fn named(origin: &Origin) -> Result<(), StoreError> {
    if origin.node.is_empty() {
        return Err(StoreError::Origin);
    }
    Ok(())
}
