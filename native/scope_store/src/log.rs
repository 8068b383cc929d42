//! All closed blocks: origins' shelves over segments.

mod entry;
mod place;
mod receipts;
mod recovered;
mod retention;
mod segment;
mod shelf;
mod tides;
mod unsaved;

pub(crate) use entry::{Entry, Facts};
pub(crate) use place::Place;
pub(crate) use receipts::{MAX_RECEIPTS, Receipt, Receipts};
pub(crate) use segment::{Segment, State};
pub(crate) use shelf::{Shelf, Slot, Verdict};
pub(crate) use tides::Tides;
pub(crate) use unsaved::Unsaved;

use crate::open::Closed;
use scope_event::{Origin, Seq};
use std::collections::{BTreeMap, VecDeque};
use std::ops::Range;
use std::sync::Arc;

/// Every closed block of every origin.
///
/// Invariant: `bytes` is the sum over segments, and a segment's the sum over its live entries.
#[derive(Debug)]
pub(crate) struct Log {
    pub(crate) shelves: BTreeMap<Arc<Origin>, Shelf>,
    /// By id; the last one takes new blocks.
    pub(crate) segments: VecDeque<Segment>,
    /// Bytes of all blocks.
    pub(crate) bytes: u64,
    /// A segment is full at this size.
    pub(crate) segment_limit: u64,
    /// What waits to be written, where there is a folder.
    pub(crate) unsaved: Option<Unsaved>,
    /// Changes with everything that a peer could see.
    pub(crate) generation: u64,
    /// Counts what was remarked on numbers, and has to be saved with them.
    pub(crate) remarks: u64,
}

impl Log {
    /// An empty log whose segments are full at `segment_limit` bytes.
    pub(crate) fn new(segment_limit: u64) -> Self {
        Self {
            shelves: BTreeMap::new(),
            segments: VecDeque::from([Segment::new(0)]),
            bytes: 0,
            segment_limit,
            unsaved: None,
            generation: 0,
            remarks: 0,
        }
    }

    /// The segment that takes new blocks.
    pub(crate) fn active(&self) -> u64 {
        self.segments.back().map_or(0, |segment| segment.id)
    }

    /// The one copy of an origin's name, and its shelf.
    pub(crate) fn shelf_mut(&mut self, origin: &Origin) -> (Arc<Origin>, &mut Shelf) {
        let known = self
            .shelves
            .get_key_value(origin)
            .map(|(known, _)| known.clone());
        let name = known.unwrap_or_else(|| Arc::new(origin.clone()));
        (name.clone(), self.shelves.entry(name).or_default())
    }

    /// Nothing of this origin follows after `last`.
    pub(crate) fn note_last(&mut self, origin: &Origin, last: Seq) {
        self.shelf_mut(origin).1.knowledge.note_last(last);
        self.generation += 1;
    }

    /// Puts a block into the active segment, over the slots that it replaces.
    pub(crate) fn append(
        &mut self,
        origin: &Origin,
        block: Closed,
        over: Range<usize>,
        now_ms: u64,
    ) {
        let segment = self.active();
        let entry = self.put(origin, block, segment, over);
        self.wait_for_folder(&entry, now_ms);
        if self
            .segments
            .back()
            .is_some_and(|active| active.bytes >= self.segment_limit)
        {
            self.rotate();
        }
    }

    /// Puts a block into the segment that it belongs to, over the slots that it replaces.
    pub(crate) fn put(
        &mut self,
        origin: &Origin,
        block: Closed,
        segment: u64,
        over: Range<usize>,
    ) -> Arc<Entry> {
        let (origin, shelf) = self.shelf_mut(origin);
        let entry = Arc::new(Entry::new(origin, block, segment));
        let replaced = shelf.put(entry.clone(), over);
        replaced.iter().for_each(|slot| self.discount(slot));
        self.count(&entry);
        self.generation += 1;
        entry
    }

    /// Puts a block of a recording behind the others of its origin.
    pub(crate) fn stand(&mut self, origin: &Origin, block: Closed) {
        let segment = self.active();
        let (origin, shelf) = self.shelf_mut(origin);
        let entry = Arc::new(Entry::new(origin, block, segment));
        shelf.stand(entry.clone());
        self.count(&entry);
        self.generation += 1;
    }

    /// No more blocks for the active segment.
    pub(crate) fn rotate(&mut self) {
        let next = self.active() + 1;
        if let Some(active) = self.segments.back_mut() {
            active.state = State::Full;
        }
        self.segments.push_back(Segment::new(next));
    }

    /// A block is in memory only: it has to be written, where there is a folder.
    pub(crate) fn wait_for_folder(&mut self, entry: &Arc<Entry>, now_ms: u64) {
        self.unsaved
            .iter_mut()
            .for_each(|unsaved| unsaved.push(entry.clone(), now_ms));
    }

    fn count(&mut self, entry: &Entry) {
        let facts = &entry.facts;
        self.bytes += u64::from(facts.len);
        if let Some(segment) = self.segment_mut(entry.segment()) {
            segment.bytes += u64::from(facts.len);
            segment.newest = segment.newest.max(facts.newest);
            segment.oldest = segment.oldest.min(facts.oldest);
        }
    }

    /// A block went: by being replaced, or by expiring.
    fn discount(&mut self, slot: &Slot) {
        let len = u64::from(slot.entry.facts.len);
        slot.entry.die();
        self.bytes -= len;
        if let Some(segment) = self.segment_mut(slot.entry.segment()) {
            segment.bytes -= len;
        }
    }

    pub(crate) fn segment_mut(&mut self, id: u64) -> Option<&mut Segment> {
        let at = self
            .segments
            .binary_search_by_key(&id, |segment| segment.id)
            .ok()?;
        self.segments.get_mut(at)
    }
}
