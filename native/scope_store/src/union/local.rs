//! What the store here has, read a stretch at a time.

use super::Place;
use crate::query::Query;
use crate::search::{Expired, Match};
use crate::store::Store;
use std::collections::VecDeque;

/// Events that are read at once, at most.
const STRETCH: usize = 2_048;

/// Bytes of terms that are read at once, about.
const STRETCH_BYTES: usize = 1 << 20;

/// Blocks that are decoded for that, about.
const BLOCKS: usize = 64;

#[derive(Debug)]
pub(super) struct Local {
    /// What is left of the question.
    query: Query,
    /// Whether there may be more behind `events`.
    more: bool,
    events: VecDeque<Match>,
    pub(super) dropped: u64,
    pub(super) expired: Option<Expired>,
}

impl Local {
    pub(super) fn new(query: &Query) -> Self {
        Self {
            query: Query {
                limit: query.limit.clamp(1, STRETCH),
                max_bytes: STRETCH_BYTES,
                max_blocks: BLOCKS,
                ..query.clone()
            },
            more: true,
            events: VecDeque::new(),
            dropped: 0,
            expired: None,
        }
    }

    /// Reads on until there is an event, or no more.
    pub(super) fn fill(&mut self, store: &Store) {
        while self.events.is_empty() && self.more {
            let found = store.query(&self.query);
            self.dropped = self.dropped.saturating_add(found.dropped);
            self.expired = worse(self.expired, found.expired);
            // Without a way on there is none.
            self.more = found.more && found.cursor != self.query.after;
            self.query.after = found.cursor;
            self.events.extend(found.events);
        }
    }

    pub(super) fn head(&self) -> Option<Place<'_>> {
        let event = self.events.front()?;
        Some((event.stamp(), event.origin(), event.seq()))
    }

    pub(super) fn pop(&mut self) -> Option<Match> {
        self.events.pop_front()
    }
}

/// Of one source, the same loss is told of again as long as it is behind the cursor.
pub(super) fn worse(one: Option<Expired>, other: Option<Expired>) -> Option<Expired> {
    one.into_iter()
        .chain(other)
        .max_by_key(|expired| expired.events)
}
