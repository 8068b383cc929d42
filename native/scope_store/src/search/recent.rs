//! Blocks that were decoded last, for the next question: pages of one answer, steps of a debugger.

use parking_lot::Mutex;
use scope_event::Events;
use std::collections::VecDeque;
use std::sync::Arc;

/// About how many bytes a decoded event takes besides terms and names.
const EVENT_BYTES: usize = 40;

/// Keeps the blocks alive that were decoded last. Entries know theirs while it lives.
#[derive(Debug)]
pub(crate) struct Recent {
    /// Latest first.
    blocks: Mutex<VecDeque<Arc<Events>>>,
    /// Events in `blocks` at most.
    limit: usize,
}

impl Recent {
    /// Keeps about `bytes` bytes.
    pub(crate) fn new(bytes: u64) -> Self {
        let limit = usize::try_from(bytes).unwrap_or(usize::MAX) / EVENT_BYTES;
        Self {
            blocks: Mutex::default(),
            limit,
        }
    }

    /// `events` were used now.
    pub(crate) fn keep(&self, events: &Arc<Events>) {
        let mut blocks = self.blocks.lock();
        blocks.retain(|kept| !Arc::ptr_eq(kept, events));
        blocks.push_front(events.clone());
        let mut room = self.limit;
        let fits = blocks.iter().take_while(|kept| {
            let fits = kept.len() <= room;
            room = room.saturating_sub(kept.len());
            fits
        });
        let fits = fits.count();
        blocks.truncate(fits);
    }

    /// About how many bytes are kept.
    pub(crate) fn bytes(&self) -> usize {
        self.blocks
            .lock()
            .iter()
            .map(|kept| kept.len() * EVENT_BYTES)
            .sum()
    }
}
