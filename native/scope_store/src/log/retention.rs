//! What goes when there is too much, or when it is too old: whole segments, oldest first.

use super::{Log, Slot};
use crate::time;
use crate::Config;

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
        if self.segments.back().is_some_and(|active| active.oldest < old) {
            self.rotate();
        }
    }

    fn expire_segment(&mut self, id: u64) -> usize {
        let mut dropped: Vec<Slot> = Vec::new();
        for shelf in self.shelves.values_mut() {
            dropped.extend(shelf.expire(|slot| slot.entry.segment == id));
        }
        dropped.iter().for_each(|slot| self.discount(slot));
        self.segments.retain(|segment| segment.id != id);
        self.generation += 1;
        dropped.len()
    }
}
