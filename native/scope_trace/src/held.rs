//! Calls of which only those are kept that took long.
//!
//! Whether a call was slow is known when it ended, or when it has been open for longer than its
//! threshold. Until then it is held here. Events of one process come from several rings, so that a
//! return can be seen before its call: nothing is judged before everything up to a stamp has come,
//! and then in the order of the stamps. Calls go on a stack of their process, an end pops the call
//! of its function.
//!
//! Some traces keep every call and share events with those that do not. The event stays one: it is
//! released once it is known for all, and to all of them in one set.
//!
//! Nothing is guessed. Where events may be missing, what is open is forgotten by the traces that
//! judge, and released to those that keep every call.

mod event;
mod frame;
mod queue;

pub use event::{Order, Released, Seen, Side};

use crate::{TRACES, Traces};
use frame::{Frame, Stacks};
use queue::{At, Entry, Queues};

/// Open calls that are followed at one time.
pub const HELD_CALLS: usize = 65_536;

/// Bytes of events that are held at one time.
pub const HELD_BYTES: usize = 32 << 20;

/// More often a clock is not put forward within the longest threshold.
const JUMPS: usize = 256;

/// What is held of one scope, whose stamps are of one clock.
///
/// # Examples
///
/// ```
/// use scope_trace::{Function, Held, Seen, Side, Traces};
///
/// let mut held = Held::default();
/// held.watch(3, 10); // the trace in seat 3 keeps calls of more than 10 ms
/// let slow = Traces::of(3);
/// let (ms, function) = (|ms: u64| (ms << 32) / 1000, Function { name: 7, arity: 1 });
/// let seen = |stamp, side, event| Seen {
///     stamp, pid: 77, function, side, traces: slow, besides: Traces::NONE, bytes: 8, event: Some(event),
/// };
/// for (began, ended) in [(0, 5), (20, 60)] {
///     held.push(seen(ms(began), Side::Call, "call"));
///     held.push(seen(ms(ended), Side::End, "return"));
/// }
/// let mut kept = Vec::new();
/// held.settle(ms(61), |_pid| true, |released| kept.push((released.stamp, released.event)));
/// assert_eq!(kept, [(ms(60), "return"), (ms(20), "call")]);
/// ```
#[derive(Debug)]
pub struct Held<E> {
    /// How long a call takes that the trace in a seat keeps, in milliseconds; 0 where it keeps all.
    thresholds: [u16; TRACES],
    /// Those with a threshold.
    slow: Traces,
    /// Below this stamp something was missed of what the trace in a seat had to see.
    missed: [u64; TRACES],
    /// Where the clock was put forward, and by how much in all by then; the newest.
    jumps: Vec<(u64, u64)>,
    /// What came since, in no order.
    waiting: Vec<Seen<E>>,
    waiting_bytes: usize,
    stacks: Stacks,
    /// Invariant: the first entry of each queue is not decided, once `settle` has returned.
    queues: Queues<E>,
    given_up: u64,
}

impl<E> Default for Held<E> {
    fn default() -> Self {
        Self {
            thresholds: [0; TRACES],
            slow: Traces::NONE,
            missed: [0; TRACES],
            jumps: Vec::new(),
            waiting: Vec::new(),
            waiting_bytes: 0,
            stacks: Stacks::default(),
            queues: Queues::default(),
            given_up: 0,
        }
    }
}

impl<E> Held<E> {
    /// The trace in a seat keeps only calls that take longer than so many milliseconds.
    pub fn watch(&mut self, seat: usize, ms: u16) {
        if let Some(threshold) = self.thresholds.get_mut(seat) {
            *threshold = ms;
            self.missed[seat] = 0;
            self.slow = self.slow | Traces::of(seat);
        }
    }

    /// The trace in a seat has ended: what is held for it alone is dropped, the rest is others'.
    pub fn leave(&mut self, seat: usize) {
        let one = Traces::of(seat);
        self.forget(one);
        for seen in &mut self.waiting {
            (seen.traces, seen.besides) = (seen.traces.without(one), seen.besides.without(one));
        }
        let slow = self.slow;
        let (kept, bytes) = (&mut self.waiting, &mut self.waiting_bytes);
        kept.retain(|seen| {
            let stays = !seen.traces.is_empty() || !(seen.besides & slow).is_empty();
            *bytes -= if stays { 0 } else { seen.bytes };
            stays
        });
        self.slow = self.slow.without(one);
        self.queues.leave(one, self.slow);
        if let Some(threshold) = self.thresholds.get_mut(seat) {
            *threshold = 0;
        }
    }

    /// At `stamp` the clock was put forward: no call took longer for that.
    pub fn jumped(&mut self, stamp: u64, by: u64) {
        if self.jumps.len() == JUMPS {
            self.jumps.remove(0);
        }
        let before = self.jumps.last().map_or(0, |jump| jump.1);
        self.jumps.push((stamp, before + by));
    }

    /// The traces that keep only slow calls.
    pub fn slow(&self) -> Traces {
        self.slow
    }

    /// Whether nothing is held, and for nobody.
    pub fn is_idle(&self) -> bool {
        self.slow.is_empty() && self.waiting.is_empty() && self.queues.is_empty()
    }

    /// Takes an event. One that there is no room for comes back: it belongs to the traces that keep
    /// every call, and the others have missed it.
    ///
    /// # Errors
    ///
    /// The event, with `traces` that are to have it now: none, mostly.
    pub fn push(&mut self, mut seen: Seen<E>) -> Result<(), Seen<E>> {
        if self.bytes() + seen.bytes > HELD_BYTES {
            self.given_up += u64::from(seen.side == Side::Call) + self.stacks.len() as u64;
            self.miss(self.slow, seen.stamp + 1);
            seen.traces = seen.traces.without(self.slow);
            return Err(seen);
        }
        self.waiting_bytes += seen.bytes;
        self.waiting.push(seen);
        Ok(())
    }

    /// Events of these traces may be missing among those with stamps below `stamp`: what they have
    /// open is forgotten, and what began before is not judged.
    pub fn miss(&mut self, traces: Traces, stamp: u64) {
        for seat in (traces & self.slow).seats() {
            self.missed[seat] = self.missed[seat].max(stamp);
        }
        self.forget(traces & self.slow);
    }

    /// Every event below `stamp` has been pushed: releases what is decided by that. A call that is
    /// open for too long is asked about: one whose process has ended was over before.
    pub fn settle(
        &mut self,
        stamp: u64,
        mut alive: impl FnMut(u64) -> bool,
        mut release: impl FnMut(Released<E>),
    ) {
        self.waiting.sort_by_key(|seen| seen.stamp);
        let settled = self.waiting.partition_point(|seen| seen.stamp < stamp);
        let later = self.waiting.split_off(settled);
        for seen in std::mem::replace(&mut self.waiting, later) {
            self.waiting_bytes -= seen.bytes;
            match seen.side {
                Side::Call => self.enter(seen, &mut release),
                Side::End => self.end(seen, &mut release),
            }
        }
        self.decide(stamp, &mut alive, &mut release);
        self.bound(&mut alive, &mut release);
    }

    /// Everything that is left goes to the traces that keep every call: the clock's time is over.
    pub fn abandon(&mut self, release: impl FnMut(Released<E>)) {
        self.miss(self.slow, u64::MAX);
        self.settle(u64::MAX, |_| false, release);
        self.missed = [0; TRACES];
        self.jumps.clear();
    }

    /// The oldest stamp that may yet be released.
    pub fn oldest(&self) -> Option<u64> {
        let waiting = self.waiting.iter().map(|seen| seen.stamp).min();
        waiting.into_iter().chain(self.queues.oldest()).min()
    }

    /// The stamp at which a call will have been open for too long.
    pub fn due(&self) -> Option<u64> {
        let ahead = self.jumps.last().map_or(0, |jump| jump.1);
        self.queues.due().map(|due| due + ahead)
    }

    /// Whether something waits for a stamp that is settled.
    pub fn is_waiting(&self) -> bool {
        !self.waiting.is_empty()
    }

    /// Open calls that are followed.
    pub fn calls(&self) -> usize {
        self.stacks.len()
    }

    /// Bytes of events that are held.
    pub fn bytes(&self) -> usize {
        self.waiting_bytes + self.queues.bytes()
    }

    /// Calls that there was no room for since this was asked last.
    pub fn take_given_up(&mut self) -> u64 {
        std::mem::take(&mut self.given_up)
    }

    fn enter(&mut self, seen: Seen<E>, release: &mut impl FnMut(Released<E>)) {
        let judging = self.seeing(seen.traces, seen.stamp);
        let besides = self.seeing(seen.besides, seen.stamp);
        let traces = seen.traces.without(self.slow) | judging;
        let ms = judging.seats().map(|seat| self.thresholds[seat]).max();
        let since = self.time(seen.stamp);
        let at = match (ms, seen.event) {
            (Some(ms), Some(event)) => {
                let entry = Entry::new(seen.stamp, since, seen.pid, traces, seen.bytes, event);
                Some(self.queues.push(ms, entry))
            }
            (None, Some(event)) => {
                settled(seen.stamp, traces, event, release);
                None
            }
            (_, None) => None,
        };
        if !(judging | besides).is_empty() {
            let frame = Frame {
                function: seen.function,
                since,
                judging,
                besides,
                at,
            };
            self.stacks.push(seen.pid, frame);
        }
    }

    /// An end is of the last open call of its function. What was called from there and did not end
    /// in sight is not open any more, either.
    fn end(&mut self, seen: Seen<E>, release: &mut impl FnMut(Released<E>)) {
        let mut kept = seen.traces.without(self.slow);
        let judging = self.seeing(seen.traces, seen.stamp);
        if !judging.is_empty() {
            let queues = &mut self.queues;
            let slow = self.slow;
            let now = time(&self.jumps, seen.stamp);
            let popped = self.stacks.pop(seen.pid, seen.function, |inner| {
                queues.decide(inner.at, |traces| traces.without(slow));
            });
            if let Some(frame) = popped {
                let late = self.exceeded(frame.judging, now.saturating_sub(frame.since));
                self.queues
                    .decide(frame.at, |traces| traces.without(slow) | (traces & late));
                kept = kept | (judging & late);
            }
        }
        if let Some(event) = seen.event {
            settled(seen.stamp, kept, event, release);
        }
    }

    /// A stamp, as if the clock had never been put forward.
    fn time(&self, stamp: u64) -> u64 {
        time(&self.jumps, stamp)
    }

    /// Those that have seen everything that there was at a stamp.
    fn seeing(&self, traces: Traces, stamp: u64) -> Traces {
        let seeing = (traces & self.slow).seats();
        only(seeing.filter(|&seat| stamp >= self.missed[seat]))
    }

    fn exceeded(&self, traces: Traces, took: u64) -> Traces {
        let thresholds = &self.thresholds;
        only(
            traces
                .seats()
                .filter(|&seat| took > stamps(thresholds[seat])),
        )
    }

    /// Releases the first of each queue for as long as it is decided, which the time alone can do.
    fn decide(
        &mut self,
        stamp: u64,
        alive: &mut impl FnMut(u64) -> bool,
        release: &mut impl FnMut(Released<E>),
    ) {
        loop {
            self.queues.release(release);
            let Some((at, pid)) = self.queues.overdue(self.time(stamp)) else {
                return;
            };
            if alive(pid) {
                self.queues.decide(Some(at), |traces| traces);
            } else {
                self.forget_process(pid);
                self.give_to_others(Some(at));
            }
        }
    }

    fn forget_process(&mut self, pid: u64) {
        for frame in self.stacks.remove(pid) {
            self.give_to_others(frame.at);
        }
    }

    /// To those that keep every call.
    fn give_to_others(&mut self, at: Option<At>) {
        let slow = self.slow;
        self.queues.decide(at, |traces| traces.without(slow));
    }

    fn forget(&mut self, gone: Traces) {
        let slow = self.slow.without(gone);
        let queues = &mut self.queues;
        self.stacks.retain(|frame| {
            if !(frame.judging & gone).is_empty() {
                queues.strip(frame.at, gone, slow);
            }
            frame.judging = frame.judging.without(gone);
            frame.besides = frame.besides.without(gone);
            !(frame.judging | frame.besides).is_empty()
        });
    }

    /// Gives up what there is no room for: what is left of processes that have ended, then the oldest.
    fn bound(
        &mut self,
        alive: &mut impl FnMut(u64) -> bool,
        release: &mut impl FnMut(Released<E>),
    ) {
        if self.stacks.len() > HELD_CALLS {
            for pid in self.stacks.processes() {
                if !alive(pid) {
                    self.forget_process(pid);
                }
            }
        }
        if self.stacks.len() > HELD_CALLS {
            let (slow, queues) = (self.slow, &mut self.queues);
            let mut given_up = 0;
            self.stacks.drop_oldest(HELD_CALLS / 8, |frame| {
                given_up += 1;
                queues.decide(frame.at, |traces| traces.without(slow));
            });
            self.given_up += given_up;
        }
        while self.queues.bytes() > HELD_BYTES / 2 {
            let Some((at, pid)) = self.queues.first() else {
                break;
            };
            self.given_up += 1;
            self.stacks.forget(pid, at);
            self.give_to_others(Some(at));
            self.queues.release(release);
        }
        self.queues.release(release);
    }
}

fn time(jumps: &[(u64, u64)], stamp: u64) -> u64 {
    let last = jumps.iter().rev().find(|(at, _)| *at <= stamp);
    stamp - last.map_or(0, |(_, ahead)| *ahead).min(stamp)
}

fn settled<E>(stamp: u64, traces: Traces, event: E, release: &mut impl FnMut(Released<E>)) {
    if !traces.is_empty() {
        release(Released {
            order: Order::Settled,
            stamp,
            traces,
            event,
        });
    }
}

fn only(seats: impl Iterator<Item = usize>) -> Traces {
    seats.fold(Traces::NONE, |all, seat| all | Traces::of(seat))
}

/// Milliseconds in stamps, which count in 2⁻³² s.
pub(crate) fn stamps(ms: u16) -> u64 {
    (u64::from(ms) << 32) / 1000
}
