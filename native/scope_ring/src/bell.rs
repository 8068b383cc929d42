//! How a sleeping drain is woken: by one call, and only by the event that matters.
//!
//! Invariant: whoever turns the word from asleep to awake makes the one wake-up call of that sleep.

use crate::primitive::{AtomicBool, AtomicU32, fence};
use crate::{barrier::Barrier, gate::Gate};
use crossbeam_utils::CachePadded;
use std::sync::atomic::Ordering::{AcqRel, Acquire, Relaxed, Release, SeqCst};
use std::time::{Duration, Instant};

/// What a sleeping drain wants to be woken by.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
#[repr(u32)]
pub enum WakeOn {
    /// A lane that is a quarter full. For naps between two passes over a busy system: most events
    /// then cost no wake-up. Give a timeout.
    Quarter = 1,
    /// Any event. For the long sleep of a quiet system.
    Event = 2,
}

/// Why a drain woke up.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Woken {
    /// There is something to drain.
    Ready,
    /// Somebody called `wake`.
    Asked,
    /// The time is over.
    TimedOut,
}

const AWAKE: u32 = 0;
/// If the kernel stops giving us fences, a missed wake-up must not last.
const UNSURE: Duration = Duration::from_millis(10);

pub(crate) struct Bell {
    /// `AWAKE`, or what the sleeper waits for. Read after every event, written twice per sleep.
    word: CachePadded<AtomicU32>,
    /// A call of `wake` which nobody has answered yet.
    asked: AtomicBool,
    gate: Gate,
}

impl Bell {
    pub(crate) fn new() -> Self {
        let word = CachePadded::new(AtomicU32::new(AWAKE));
        Self {
            word,
            asked: AtomicBool::new(false),
            gate: Gate::new(),
        }
    }

    /// What the drain sleeps for, if it sleeps. The caller fenced after its event.
    #[inline(always)]
    pub(crate) fn sleeper(&self) -> Option<WakeOn> {
        // Ordering: relaxed; the fence before this load and the one in `sleep` are what counts.
        match self.word.load(Relaxed) {
            AWAKE => None,
            word if word == WakeOn::Event as u32 => Some(WakeOn::Event),
            _ => Some(WakeOn::Quarter),
        }
    }

    /// Wakes the sleeper, if nobody else has. The exchange elects one caller among many.
    #[cold]
    pub(crate) fn ring(&self) {
        if self.rise() {
            self.gate.wake(&self.word);
        }
    }

    /// Wakes the sleeper, or keeps the next one from falling asleep.
    pub(crate) fn ask(&self) {
        self.asked.store(true, Release);
        // Ordering: pairs with the fence in `sleep`: it sees `asked`, or we see that it sleeps.
        fence(SeqCst);
        self.ring();
    }

    /// Sleeps until rung, asked or out of time; not at all if `ready` says so.
    pub(crate) fn sleep(
        &self,
        on: WakeOn,
        timeout: Option<Duration>,
        barrier: Barrier,
        ready: impl Fn() -> bool,
    ) -> Woken {
        self.word.store(on as u32, Release);
        let timeout = self.settle(on, timeout, barrier);
        if !self.asked.load(Acquire) && !ready() {
            self.doze(on as u32, timeout);
        }
        let rung = !self.rise();
        self.reason(rung || ready())
    }

    /// The fence between "I sleep" and "is there anything?". A nap that ends anyway needs none from
    /// the producers: each of their later events looks again, and a lane without any cannot fill.
    fn settle(&self, on: WakeOn, timeout: Option<Duration>, barrier: Barrier) -> Option<Duration> {
        fence(SeqCst);
        let nap = on == WakeOn::Quarter && timeout.is_some();
        if nap || barrier.heavy() {
            return timeout;
        }
        Some(timeout.map_or(UNSURE, |timeout| timeout.min(UNSURE)))
    }

    fn doze(&self, asleep: u32, timeout: Option<Duration>) {
        let until = timeout.and_then(|timeout| Instant::now().checked_add(timeout));
        while self.word.load(Acquire) == asleep {
            let left = until.map(|until| until.saturating_duration_since(Instant::now()));
            if left.is_some_and(|left| left.is_zero()) {
                return;
            }
            self.gate.wait(&self.word, asleep, left);
        }
    }

    /// Whether it was us who ended the sleep.
    fn rise(&self) -> bool {
        self.word.swap(AWAKE, AcqRel) != AWAKE
    }

    fn reason(&self, ready: bool) -> Woken {
        match (self.asked.swap(false, AcqRel), ready) {
            (true, _) => Woken::Asked,
            (false, true) => Woken::Ready,
            (false, false) => Woken::TimedOut,
        }
    }
}
