//! The consumer's end of the table: batches, read-your-own-writes, idle pages.

use crate::lane::{Consuming, Lane};
use crate::table::Table;
use crate::{Heads, Slot, consumer, idle};
use std::time::Duration;

/// The one consumer of a table. Put it behind the drain's own lock: whoever holds it may drain.
///
/// # Examples
///
/// ```
/// use scope_ring::{Head, Lanes, LanesConfig, Words};
///
/// let lanes = Lanes::new();
/// lanes.start(LanesConfig::for_lanes(2))?;
/// let mut drain = lanes.drain().ok_or("somebody else drains")?;
///
/// let lane = lanes.claim().ok_or("no lane left")?;
/// lane.record(Head::new(1), Words { stamp: 10, pid: 20, subject: 30 })?;
///
/// // A query sees everything that was recorded before it.
/// let heads = lanes.heads();
/// let mut seen = Vec::new();
/// drain.drain_past(&heads, |lane, slot, _payload| seen.push((lane, slot.stamp)));
/// assert_eq!(seen, [(0, 10)]);
/// # Ok::<(), Box<dyn std::error::Error>>(())
/// ```
pub struct Drain<'t> {
    table: &'t Table,
    /// The lane that the next batch begins with, so that a busy one does not starve the others.
    next: usize,
}

impl<'t> Drain<'t> {
    pub(crate) fn new(table: &'t Table) -> Option<Self> {
        table.take_drain().then_some(Self { table, next: 0 })
    }

    /// Reads at most `max` events, lane by lane and in order within each; how many it were. Less
    /// than `max` means that every lane was found empty once.
    pub fn drain(&mut self, max: usize, mut read: impl FnMut(usize, &Slot, &[u8])) -> usize {
        let (lanes, mut left) = (self.table.claimed().len(), max as u64);
        for turn in 0..lanes {
            let lane = (self.next + turn) % lanes;
            left -= self.visit(lane, u64::MAX, left, |slot, payload| {
                read(lane, slot, payload)
            });
            if left == 0 {
                self.next = lane + 1;
                break;
            }
        }
        max - left as usize
    }

    /// Reads every event that was published when `heads` were taken and is not read yet; nothing
    /// that came later, so that it ends. How many it were.
    pub fn drain_past(
        &mut self,
        heads: &Heads,
        mut read: impl FnMut(usize, &Slot, &[u8]),
    ) -> usize {
        let events = heads.iter().map(|(lane, head)| {
            self.visit(lane, head, u64::MAX, |slot, payload| {
                read(lane, slot, payload)
            })
        });
        events.sum::<u64>() as usize
    }

    /// Whether every event below `heads` has been read.
    pub fn has_passed(&mut self, heads: &Heads) -> bool {
        heads
            .iter()
            .all(|(lane, head)| self.at(lane).is_none_or(|(_, at)| at.tail >= head))
    }

    /// Returns the pages of lanes that have been idle for [`crate::IDLE`]; how many bytes it were.
    ///
    /// `now` is any clock that does not step back. A lane is idle since the call that first found it
    /// where the last call had left it.
    pub fn release_idle(&mut self, now: Duration) -> usize {
        let lanes = 0..self.table.claimed().len();
        lanes.map(|lane| self.release_if_due(lane, now)).sum()
    }

    /// When the next idle lane is due, for a drain that goes to sleep; `None` if none is: sleep on.
    pub fn next_release(&mut self, now: Duration) -> Option<Duration> {
        let lanes = 0..self.table.claimed().len();
        lanes.filter_map(|lane| self.due(lane, now)).min()
    }

    fn due(&mut self, lane: usize, now: Duration) -> Option<Duration> {
        self.at(lane).and_then(|(_, at)| at.idle.due(at.tail, now))
    }

    fn release_if_due(&mut self, lane: usize, now: Duration) -> usize {
        let (barrier, due) = (self.table.barrier(), self.due(lane, now));
        match self.at(lane) {
            Some((lane, at)) if due.is_some_and(|due| due <= now) => {
                idle::release(lane, at, barrier)
            }
            _ => 0,
        }
    }

    fn visit(&mut self, lane: usize, below: u64, max: u64, read: impl FnMut(&Slot, &[u8])) -> u64 {
        self.at(lane).map_or(0, |(lane, at)| {
            consumer::visit(lane, at, lane.head().min(below), max, read)
        })
    }

    /// A lane and where we read it.
    fn at(&mut self, lane: usize) -> Option<(&'t Lane, &mut Consuming)> {
        let lane = self.table.claimed().get(lane)?;
        // SAFETY: there is one `Drain` of a table, and we hold it exclusively for as long as the
        // reference lives.
        Some((lane, unsafe { &mut *lane.consumer.get() }))
    }
}

impl Drop for Drain<'_> {
    fn drop(&mut self) {
        self.table.put_drain();
    }
}
