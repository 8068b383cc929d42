//! Segments that were there before this store was opened.

use super::{Log, Segment, State};

impl Log {
    /// Moves the segments of this log up, so that those below `first` can be read in.
    pub(crate) fn make_room_below(&mut self, first: u64) {
        let Some(by) = first.checked_sub(self.segments.front().map_or(0, |segment| segment.id))
        else {
            return;
        };
        self.segments
            .iter_mut()
            .for_each(|segment| segment.id += by);
        let slots = self.shelves.values().flat_map(|shelf| shelf.slots());
        slots.for_each(|slot| slot.entry.renumber(by));
    }

    /// Takes in a segment that was there before, in the order of ids.
    pub(crate) fn adopt(&mut self, id: u64, state: State) {
        let at = self.segments.partition_point(|segment| segment.id < id);
        self.segments.insert(
            at,
            Segment {
                state,
                ..Segment::new(id)
            },
        );
    }

    /// Goes on writing segment `id` if nothing is in a later one; answers whether it does.
    pub(crate) fn resume(&mut self, id: u64) -> bool {
        let fresh = self
            .segments
            .back()
            .is_some_and(|active| active.oldest == u64::MAX);
        let limit = self.segment_limit;
        let behind = self
            .segments
            .len()
            .checked_sub(2)
            .and_then(|at| self.segments.get_mut(at));
        let Some(last) = behind.filter(|last| fresh && last.id == id && last.bytes < limit) else {
            return false;
        };
        last.state = State::Active;
        self.segments.pop_back();
        true
    }

    /// Drops blocks that a memo says expired.
    pub(crate) fn expire_below_floors(&mut self) {
        let mut dropped = Vec::new();
        self.shelves
            .values_mut()
            .for_each(|shelf| dropped.extend(shelf.expire_below_floor()));
        dropped.iter().for_each(|slot| self.discount(slot));
    }
}
