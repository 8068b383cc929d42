//! Modules in consecutive groups, in two allocations.

use crate::ModuleId;

/// A list of lists of modules.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Groups {
    pub(crate) members: Vec<ModuleId>,
    /// Where each group ends. Invariant: ascending, the last one is the number of members.
    pub(crate) ends: Vec<usize>,
}

impl Groups {
    /// Ends the group that is being pushed to.
    pub(crate) fn close(&mut self) {
        self.ends.push(self.members.len());
    }

    pub(crate) fn len(&self) -> usize {
        self.ends.len()
    }

    pub(crate) fn get(&self, group: usize) -> Option<&[ModuleId]> {
        let end = *self.ends.get(group)?;
        self.members.get(self.start(group)..end)
    }

    pub(crate) fn iter(&self) -> impl DoubleEndedIterator<Item = &[ModuleId]> + ExactSizeIterator {
        (0..self.len()).map(|group| &self.members[self.start(group)..self.ends[group]])
    }

    fn start(&self, group: usize) -> usize {
        group.checked_sub(1).map_or(0, |before| self.ends[before])
    }
}
