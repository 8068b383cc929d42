//! The origins that this replica or a peer of it speaks of, by a small index.

use std::collections::BTreeMap;

use crate::origin::Origin;

/// Names by index and back. Indexes are dense and reused once nobody speaks of an origin.
#[derive(Debug, Default)]
pub(crate) struct Table {
    /// Invariant: `index[origin] == i` exactly when `slots[i] == Some(origin)`; every `i` without
    /// an origin is in `free` once.
    slots: Vec<Option<Origin>>,
    index: BTreeMap<Origin, u32>,
    free: Vec<u32>,
}

impl Table {
    /// How many indexes are in use.
    pub(crate) fn used(&self) -> usize {
        self.index.len()
    }

    pub(crate) fn find(&self, origin: &Origin) -> Option<u32> {
        self.index.get(origin).copied()
    }

    pub(crate) fn origin(&self, index: u32) -> Option<&Origin> {
        self.slots.get(index as usize)?.as_ref()
    }

    /// The index of `origin`, given one if it has none. `None` when `max` are in use.
    pub(crate) fn intern(&mut self, origin: &Origin, max: usize) -> Option<u32> {
        if let Some(index) = self.find(origin) {
            return Some(index);
        }
        if self.used() >= max {
            return None;
        }
        let index = self
            .free
            .pop()
            .or_else(|| u32::try_from(self.slots.len()).ok())?;
        if self.slots.len() <= index as usize {
            self.slots.push(None);
        }
        self.slots[index as usize] = Some(origin.clone());
        self.index.insert(origin.clone(), index);
        Some(index)
    }

    /// Gives the index back; nobody may speak of it any more.
    pub(crate) fn release(&mut self, index: u32) {
        if let Some(origin) = self.slots.get_mut(index as usize).and_then(Option::take) {
            self.index.remove(&origin);
            self.free.push(index);
        }
    }

    /// Every index in use with its origin, by index.
    pub(crate) fn iter(&self) -> impl Iterator<Item = (u32, &Origin)> {
        let with_index =
            |(i, slot): (usize, &'_ Option<Origin>)| slot.as_ref().and(u32::try_from(i).ok());
        self.slots
            .iter()
            .enumerate()
            .filter_map(with_index)
            .filter_map(|i| Some((i, self.origin(i)?)))
    }
}
