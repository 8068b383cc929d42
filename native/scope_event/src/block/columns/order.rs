//! The order of columns: section by section. Most blocks of a quiet node have one section, whose
//! order is that of the sequence.

use super::payloads::Numbers;
use crate::block::rows::{Meta, Rows, Run};
use std::borrow::Cow;
use std::ops::Range;

/// How many events each section has.
pub(super) struct Sizes {
    sizes: Vec<usize>,
    /// Invariant: their sum.
    events: usize,
    /// Events behind these, which are not read.
    rest: usize,
}

impl Sizes {
    pub(super) fn of(sections: &[Vec<Run>]) -> Self {
        let size = |section: &Vec<Run>| section.iter().map(|run| run.len as usize).sum();
        let sizes: Vec<usize> = sections.iter().map(size).collect();
        let events = sizes.iter().sum();
        Self {
            sizes,
            events,
            rest: 0,
        }
    }

    /// The same up to a position.
    pub(super) fn until(&self, end: usize) -> Self {
        let sizes = self
            .ranges()
            .map(|section| section.end.min(end) - section.start.min(end));
        Self {
            sizes: sizes.collect(),
            events: self.events.min(end),
            rest: self.rest + self.events.saturating_sub(end),
        }
    }

    /// Whether a column has to end with these events.
    pub(super) fn are_all(&self) -> bool {
        self.rest == 0
    }

    /// All events.
    pub(super) fn events(&self) -> usize {
        self.events
    }

    /// The positions of each section.
    pub(super) fn ranges(&self) -> impl Iterator<Item = Range<usize>> + '_ {
        self.sizes.iter().scan(0, |end, size| {
            let start = *end;
            *end += size;
            Some(start..*end)
        })
    }
}

/// A column of rows as columns run.
pub(super) fn by_section<'r, T: Copy>(column: &'r [T], sections: &[Vec<Run>]) -> Cow<'r, [T]> {
    if sections.len() <= 1 {
        return Cow::Borrowed(column);
    }
    let mut sorted = Vec::with_capacity(column.len());
    sections
        .iter()
        .flatten()
        .for_each(|run| sorted.extend_from_slice(&column[places(run)]));
    Cow::Owned(sorted)
}

/// A column as it was stored, in the order of the sequence.
pub(super) fn by_place<T: Copy>(column: Vec<T>, sections: &[Vec<Run>]) -> Vec<T> {
    if sections.len() <= 1 {
        return column;
    }
    let mut sorted = column.clone();
    let mut from = 0;
    for run in sections.iter().flatten() {
        let to = from + run.len as usize;
        sorted[places(run)].copy_from_slice(&column[from..to]);
        from = to;
    }
    sorted
}

/// The place of a position; the position must be one of the block's.
pub(super) fn place_of(sections: &[Vec<Run>], position: usize) -> usize {
    let mut left = position;
    for run in sections.iter().flatten() {
        if left < run.len as usize {
            return run.start as usize + left;
        }
        left -= run.len as usize;
    }
    position
}

fn places(run: &Run) -> Range<usize> {
    run.start as usize..(run.start + run.len) as usize
}

impl Rows {
    /// All columns as they are stored.
    pub(super) fn stored(&self, sections: &[Vec<Run>]) -> Stored<'_> {
        Stored {
            stamps: by_section(&self.stamps, sections),
            keys: by_section(&self.keys, sections),
            pids: by_section(&self.pids, sections),
            data: by_section(&self.data, sections),
            correlations: by_section(&self.correlations, sections),
            metas: by_section(&self.metas, sections),
        }
    }
}

/// Rows in the order of columns.
pub(super) struct Stored<'r> {
    pub(super) stamps: Cow<'r, [u64]>,
    pub(super) keys: Cow<'r, [u32]>,
    pub(super) pids: Cow<'r, [u32]>,
    pub(super) data: Cow<'r, [u32]>,
    pub(super) correlations: Cow<'r, [u32]>,
    pub(super) metas: Cow<'r, [Meta]>,
}

impl Stored<'_> {
    /// Gives payloads the numbers that they have in a block.
    pub(super) fn renumber(&mut self, numbers: &Numbers) {
        if numbers.states > 0 {
            numbers.renumber(self.data.to_mut());
            numbers.renumber(self.correlations.to_mut());
        }
    }

    /// Back in the order of the sequence.
    pub(super) fn rows(self, sections: &[Vec<Run>], runs: Vec<Run>) -> Rows {
        Rows {
            stamps: by_place(self.stamps.into_owned(), sections),
            keys: by_place(self.keys.into_owned(), sections),
            pids: by_place(self.pids.into_owned(), sections),
            data: by_place(self.data.into_owned(), sections),
            correlations: by_place(self.correlations.into_owned(), sections),
            metas: by_place(self.metas.into_owned(), sections),
            runs,
        }
    }
}
