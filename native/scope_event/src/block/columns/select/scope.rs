//! Where in a block the wanted events can be, and when they were.

use super::Selection;
use crate::block::BlockError;
use crate::block::columns::times::{Search, Steps};
use std::ops::Range;

/// Where to look.
pub(super) struct Scope {
    /// For each section, positions outside of which no stamp is wanted.
    pub(super) within: Vec<Range<usize>>,
    /// All stamps, where they had to be read.
    pub(super) stamps: Option<Vec<u64>>,
    /// Whether the stamps of each section ascend, so that all within are wanted, the first ones first.
    pub(super) ascends: bool,
}

impl Selection<'_> {
    pub(super) fn scope(
        &self,
        steps: &Steps<'_>,
        search: &Search<'_>,
    ) -> Result<Scope, BlockError> {
        let sizes = &self.lanes.sizes;
        if !search.marks.is_empty() {
            let within = sizes.ranges().map(|section| self.by_marks(search, section));
            return Ok(Scope {
                within: within.collect::<Result<_, _>>()?,
                stamps: None,
                ascends: true,
            });
        }
        let stamps = steps.stamps(sizes, search.origin, search.marks)?;
        let ascends = sizes.ranges().all(|section| stamps[section].is_sorted());
        let within = |section| match ascends {
            true => self.by_stamps(&stamps, section),
            false => section,
        };
        Ok(Scope {
            within: sizes.ranges().map(within).collect(),
            stamps: Some(stamps),
            ascends,
        })
    }

    fn by_marks(
        &self,
        search: &Search<'_>,
        section: Range<usize>,
    ) -> Result<Range<usize>, BlockError> {
        let (from, to) = (self.wanted.stamps.start(), self.wanted.stamps.end());
        let (mut start, mut end) = (section.start, section.end);
        if let Some(before) = from.checked_sub(1).filter(|at| *at >= search.origin) {
            start = search.above(section.clone(), before)?;
        }
        if *to < self.block.header().max_stamp {
            end = search.above(section, *to)?;
        }
        Ok(start..end.max(start))
    }

    fn by_stamps(&self, stamps: &[u64], section: Range<usize>) -> Range<usize> {
        let here = &stamps[section.clone()];
        let start = here.partition_point(|stamp| stamp < self.wanted.stamps.start());
        let end = here.partition_point(|stamp| stamp <= self.wanted.stamps.end());
        section.start + start..section.start + end.max(start)
    }

    fn takes_pid(&self, position: usize) -> bool {
        let pid = self.pids[position] as usize;
        self.wanted.pids.is_empty() || self.wanted.pids.get(pid) == Some(&true)
    }

    pub(super) fn takes(&self, scope: &Scope, position: usize) -> bool {
        let stamps = scope.stamps.as_ref().filter(|_| !scope.ascends);
        self.takes_pid(position)
            && stamps.is_none_or(|stamps| self.wanted.stamps.contains(&stamps[position]))
    }

    pub(super) fn stamps(
        &self,
        scope: &Scope,
        search: &Search<'_>,
        positions: &[usize],
    ) -> Result<Vec<u64>, BlockError> {
        if let Some(all) = &scope.stamps {
            return Ok(positions.iter().map(|at| all[*at]).collect());
        }
        let (Some(first), Some(last)) = (positions.first(), positions.last()) else {
            return Ok(Vec::new());
        };
        let here = search.stamps(*first..*last + 1)?;
        Ok(positions.iter().map(|at| here[at - first]).collect())
    }
}
