//! Blocks that are in memory only and wait for the folder.

use super::Entry;
use std::collections::VecDeque;
use std::sync::Arc;

/// In the order in which they came.
#[derive(Debug, Default)]
pub(crate) struct Unsaved {
    queue: VecDeque<Arc<Entry>>,
    /// Invariant: the bytes of `queue`.
    bytes: u64,
    /// When the first of them came, as far as known.
    since_ms: Option<u64>,
}

impl Unsaved {
    pub(crate) fn push(&mut self, entry: Arc<Entry>, now_ms: u64) {
        self.bytes += u64::from(entry.facts.len);
        self.since_ms.get_or_insert(now_ms);
        self.queue.push_back(entry);
    }

    pub(crate) fn bytes(&self) -> u64 {
        self.bytes
    }

    /// When they have to be written: at once if there are many.
    pub(crate) fn due_ms(&self, commit_ms: u64, commit_bytes: u64) -> Option<u64> {
        let since = self.since_ms?;
        Some(if self.bytes >= commit_bytes {
            since
        } else {
            since.saturating_add(commit_ms)
        })
    }

    /// Whether a block of this segment waits.
    pub(crate) fn holds_segment(&self, segment: u64) -> bool {
        self.queue
            .iter()
            .any(|entry| entry.segment() == segment && !entry.is_dead())
    }

    /// The first ones, all of one segment and about `bytes` at most, but at least one.
    pub(crate) fn first(&self, bytes: u64) -> Vec<Arc<Entry>> {
        let Some(segment) = self.queue.front().map(|entry| entry.segment()) else {
            return Vec::new();
        };
        let mut room = bytes;
        let fits = |entry: &&Arc<Entry>| {
            let fits = entry.segment() == segment && room > 0;
            room = room.saturating_sub(u64::from(entry.facts.len));
            fits
        };
        self.queue.iter().take_while(fits).cloned().collect()
    }

    /// The first `count` are saved. The rest came later, but when is not known: it waits no longer
    /// than a full term from now.
    pub(crate) fn saved(&mut self, count: usize, now_ms: u64) {
        let bytes = self
            .queue
            .drain(..count.min(self.queue.len()))
            .map(|e| u64::from(e.facts.len));
        self.bytes -= bytes.sum::<u64>();
        self.since_ms = (!self.queue.is_empty()).then_some(now_ms);
    }

    /// Takes the oldest one out, to be lost.
    pub(crate) fn pop(&mut self) -> Option<Arc<Entry>> {
        let entry = self.queue.pop_front()?;
        self.bytes -= u64::from(entry.facts.len);
        Some(entry)
    }
}
