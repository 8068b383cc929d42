//! What goes when there is too much, or when it is too old: whole segments, oldest first.

use super::{Entry, Log, Slot, Unsaved};
use crate::Config;
use crate::time;
use scope_event::Origin;
use std::sync::Arc;

/// Segments and blocks that expired in one step.
#[derive(Debug, Default)]
pub(crate) struct Expired {
    /// Ids of the segments, whose files can go.
    pub(crate) segments: Vec<u64>,
    /// How many blocks went with them.
    pub(crate) blocks: usize,
}

impl Log {
    /// Drops what `config` no longer allows at `now_ms`.
    pub(crate) fn retain(&mut self, config: &Config, now_ms: u64) -> Expired {
        let cutoff = time::stamp_before(now_ms, config.retention_age);
        self.rotate_by_age(config, now_ms);
        let mut expired = Expired::default();
        while let Some(id) = self.over(config.retention_bytes, cutoff) {
            expired.blocks += self.expire_segment(id);
            expired.segments.push(id);
        }
        expired
    }

    /// The oldest segment, if it has to go. The active one stays: it fills up, or grows old and is
    /// closed, and then it can go.
    fn over(&self, bytes: u64, cutoff: u64) -> Option<u64> {
        let oldest = self.segments.front().filter(|_| self.segments.len() > 1)?;
        (self.bytes > bytes || oldest.newest < cutoff).then_some(oldest.id)
    }

    /// A node that records little would keep one segment for ever: it is closed when its first
    /// event has an eighth of the retention age.
    fn rotate_by_age(&mut self, config: &Config, now_ms: u64) {
        let old = time::stamp_before(now_ms, config.retention_age / 8);
        if self
            .segments
            .back()
            .is_some_and(|active| active.oldest < old)
        {
            self.rotate();
        }
    }

    /// When [`retain`](Self::retain) has something to do though nothing comes any more: the oldest
    /// segment is too old, or the active one has to be closed.
    pub(crate) fn expires_ms(&self, config: &Config) -> Option<u64> {
        let active = self
            .segments
            .back()
            .filter(|active| active.oldest < u64::MAX);
        let closes = active.map(|active| (active.oldest, config.retention_age / 8));
        let oldest = self.segments.front().filter(|_| self.segments.len() > 1);
        let goes = oldest.map(|oldest| (oldest.newest, config.retention_age));
        let due = closes.into_iter().chain(goes);
        due.filter_map(|(stamp, age)| time::ms_after(stamp, age))
            .min()
    }

    fn expire_segment(&mut self, id: u64) -> usize {
        let mut dropped: Vec<Slot> = Vec::new();
        for shelf in self.shelves.values_mut() {
            dropped.extend(shelf.expire(|slot| slot.entry.segment() == id));
        }
        dropped.iter().for_each(|slot| self.discount(slot));
        self.segments.retain(|segment| segment.id != id);
        self.generation += 1;
        dropped.len()
    }

    /// Drops the oldest blocks that could not be written until the rest takes at most `limit` bytes.
    /// Answers how many events of `own` were lost; others can be had from peers again.
    pub(crate) fn shed(&mut self, limit: u64, own: &Origin) -> u64 {
        let mut lost = 0;
        while let Some(entry) = self
            .unsaved
            .as_mut()
            .filter(|u| u.bytes() > limit)
            .and_then(Unsaved::pop)
        {
            if self.lose(&entry) && *entry.origin == *own {
                lost += entry.facts.events();
            }
        }
        lost
    }

    fn lose(&mut self, entry: &Arc<Entry>) -> bool {
        let shelf = self.shelves.get_mut(&entry.origin);
        let Some(slot) = shelf.and_then(|shelf| shelf.lose(entry)) else {
            return false;
        };
        self.discount(&slot);
        self.generation += 1;
        true
    }
}
