//! Calls on hold, a queue for each threshold.
//!
//! A queue gives out in the order of the stamps: what is decided waits for what is older and is not.
//! That is never longer than the threshold, after which everything is decided.

use super::{Order, Released, stamps};
use crate::Traces;
use std::collections::BTreeMap;

/// Where a call is held: its threshold, and its number there.
pub(super) type At = (u16, u64);

/// A call on hold.
#[derive(Debug)]
pub(super) struct Entry<E> {
    stamp: u64,
    /// The time it began at: the stamp, but for jumps of the clock.
    since: u64,
    pid: u64,
    /// Those that may want it; once it is decided, those that do.
    traces: Traces,
    decided: bool,
    bytes: usize,
    event: E,
}

impl<E> Entry<E> {
    pub(super) fn new(
        stamp: u64,
        since: u64,
        pid: u64,
        traces: Traces,
        bytes: usize,
        event: E,
    ) -> Self {
        Self {
            stamp,
            since,
            pid,
            traces,
            decided: false,
            bytes,
            event,
        }
    }
}

/// Invariant: the numbers of a queue are in the order of the stamps, no entry is without traces, and
/// `bytes` is the sum of the entries'.
#[derive(Debug)]
pub(super) struct Queues<E> {
    queues: BTreeMap<u16, BTreeMap<u64, Entry<E>>>,
    next: u64,
    bytes: usize,
}

impl<E> Default for Queues<E> {
    fn default() -> Self {
        Self {
            queues: BTreeMap::new(),
            next: 0,
            bytes: 0,
        }
    }
}

impl<E> Queues<E> {
    pub(super) fn push(&mut self, ms: u16, entry: Entry<E>) -> At {
        self.next += 1;
        self.bytes += entry.bytes;
        self.queues.entry(ms).or_default().insert(self.next, entry);
        (ms, self.next)
    }

    /// Decides a call that is still held, and is not yet decided, by who wants it.
    pub(super) fn decide(&mut self, at: Option<At>, wanting: impl FnOnce(Traces) -> Traces) {
        self.change(at, |entry| {
            if !entry.decided {
                entry.traces = wanting(entry.traces);
                entry.decided = true;
            }
        });
    }

    /// Some do not want a call any more, whatever comes; with none left of those who judge, the
    /// others have it.
    pub(super) fn strip(&mut self, at: Option<At>, gone: Traces, judging: Traces) {
        self.change(at, |entry| {
            entry.traces = entry.traces.without(gone);
            entry.decided |= (entry.traces & judging).is_empty();
        });
    }

    /// The same for all that is held, decided or not.
    pub(super) fn leave(&mut self, gone: Traces, judging: Traces) {
        let bytes = &mut self.bytes;
        for queue in self.queues.values_mut() {
            queue.retain(|_number, entry| {
                entry.traces = entry.traces.without(gone);
                entry.decided |= (entry.traces & judging).is_empty();
                let stays = !entry.traces.is_empty();
                *bytes -= if stays { 0 } else { entry.bytes };
                stays
            });
        }
    }

    /// The oldest of all, and its process.
    pub(super) fn first(&self) -> Option<(At, u64)> {
        let first = self.firsts().min_by_key(|(_, _, entry)| entry.stamp);
        first.map(|(ms, number, entry)| ((ms, number), entry.pid))
    }

    fn change(&mut self, at: Option<At>, change: impl FnOnce(&mut Entry<E>)) {
        let Some((ms, number)) = at else { return };
        let Some(queue) = self.queues.get_mut(&ms) else {
            return;
        };
        if let Some(entry) = queue.get_mut(&number) {
            change(entry);
            if entry.traces.is_empty() {
                self.bytes -= entry.bytes;
                queue.remove(&number);
            }
        }
    }

    /// Gives out what is decided, up to the first of each queue that is not.
    pub(super) fn release(&mut self, release: &mut impl FnMut(Released<E>)) {
        for (&ms, queue) in &mut self.queues {
            while let Some(first) = queue.first_entry().filter(|first| first.get().decided) {
                let entry = first.remove();
                self.bytes -= entry.bytes;
                release(Released {
                    order: Order::Calls(ms),
                    stamp: entry.stamp,
                    traces: entry.traces,
                    event: entry.event,
                });
            }
        }
        self.queues.retain(|_ms, queue| !queue.is_empty());
    }

    /// A call that has been open for longer than its threshold, and its process.
    pub(super) fn overdue(&self, now: u64) -> Option<(At, u64)> {
        self.firsts().find_map(|(ms, number, entry)| {
            let late = !entry.decided && now.saturating_sub(entry.since) > stamps(ms);
            late.then_some(((ms, number), entry.pid))
        })
    }

    /// The time after which the next one is overdue; at once for what is decided.
    pub(super) fn due(&self) -> Option<u64> {
        let due = self.firsts().map(|(ms, _, entry)| match entry.decided {
            true => 0,
            false => entry.since + stamps(ms),
        });
        due.min()
    }

    pub(super) fn oldest(&self) -> Option<u64> {
        self.firsts().map(|(_, _, entry)| entry.stamp).min()
    }

    pub(super) fn is_empty(&self) -> bool {
        self.queues.is_empty()
    }

    pub(super) fn bytes(&self) -> usize {
        self.bytes
    }

    fn firsts(&self) -> impl Iterator<Item = (u16, u64, &Entry<E>)> {
        self.queues.iter().filter_map(|(&ms, queue)| {
            let (&number, entry) = queue.first_key_value()?;
            Some((ms, number, entry))
        })
    }
}
