//! Events on their way into blocks: those of each origin apart, in the order of their numbers.
//!
//! They come in stamp order, and numbers are given in nearly that order; so what is at hand of an origin is
//! sorted, and blocks of one origin may interlock in their numbers.

use crate::search::Match;
use scope_event::Origin;
use scope_event::block::{GatherBuilder, MAX_EVENTS, NotGathered, Numbered};
use std::collections::BTreeMap;
use std::sync::Arc;

/// Bytes of terms of an origin that are held, about: terms that come again count each time.
const MOST_BYTES: usize = 1 << 20;
/// Bytes of all that is held, about.
const MOST_OF_ALL: usize = 48 << 20;
/// Bytes that an event takes besides its terms.
const EVENT_BYTES: usize = 224;

/// What is held of one origin.
#[derive(Default)]
struct Held {
    events: Vec<Match>,
    bytes: usize,
}

/// Invariant: `bytes` is that of all that is held.
pub(super) struct Gather {
    held: BTreeMap<Arc<Origin>, Held>,
    bytes: usize,
    /// The node that reads.
    here: Arc<str>,
    builder: GatherBuilder,
}

impl Gather {
    pub(super) fn new(here: Arc<str>) -> Self {
        Self {
            held: BTreeMap::new(),
            bytes: 0,
            builder: GatherBuilder::new(Origin::new("", 0)),
            here,
        }
    }

    /// Adds an event; `each` is given the blocks that are full then, with their number of events.
    pub(super) fn put<E>(
        &mut self,
        event: Match,
        each: impl FnMut(Numbered) -> Result<(), E>,
    ) -> Result<Damaged, E> {
        let bytes = EVENT_BYTES + event.bytes();
        let origin = self.known(event.origin());
        let held = self.held.entry(origin.clone()).or_default();
        held.events.push(event);
        held.bytes += bytes;
        self.bytes += bytes;
        let is_full = held.events.len() >= MAX_EVENTS
            || held.bytes >= MOST_BYTES + EVENT_BYTES * held.events.len();
        if is_full {
            return self.flush(&origin, each);
        }
        if self.bytes >= MOST_OF_ALL {
            let most = self.held.iter().max_by_key(|(_, held)| held.bytes);
            let most = most.map(|(origin, _)| origin.clone());
            return most.map_or(Ok(0), |origin| self.flush(&origin, each));
        }
        Ok(0)
    }

    /// The one copy of its name.
    fn known(&self, origin: &Origin) -> Arc<Origin> {
        let known = self
            .held
            .get_key_value(origin)
            .map(|(known, _)| known.clone());
        known.unwrap_or_else(|| Arc::new(origin.clone()))
    }

    /// Gives all that is held to `each`.
    pub(super) fn finish<E>(
        &mut self,
        mut each: impl FnMut(Numbered) -> Result<(), E>,
    ) -> Result<Damaged, E> {
        let mut damaged = 0;
        while let Some(origin) = self.held.keys().next().cloned() {
            damaged += self.flush(&origin, &mut each)?;
        }
        Ok(damaged)
    }

    fn flush<E>(
        &mut self,
        origin: &Arc<Origin>,
        mut each: impl FnMut(Numbered) -> Result<(), E>,
    ) -> Result<Damaged, E> {
        let mut held = self.held.remove(origin).unwrap_or_default();
        self.bytes -= held.bytes;
        held.events.sort_by_key(Match::seq);
        held.events.dedup_by_key(|event| event.seq());
        self.builder.turn_to(origin);
        let mut damaged = 0;
        for event in &held.events {
            damaged += self.build(event, &mut each)?;
        }
        self.builder.close().map_or(Ok(()), &mut each)?;
        Ok(damaged)
    }

    fn build<E>(
        &mut self,
        event: &Match,
        each: &mut impl FnMut(Numbered) -> Result<(), E>,
    ) -> Result<Damaged, E> {
        let gathered = event.gathered(&self.here);
        match self.builder.push(&gathered) {
            Ok(()) => return Ok(0),
            Err(NotGathered::Full(_)) => self.builder.close().map_or(Ok(()), each)?,
            Err(_) => return Ok(1),
        }
        Ok(u64::from(self.builder.push(&gathered).is_err()))
    }
}

/// Events that could not be taken, as their terms are damaged.
pub(super) type Damaged = u64;
