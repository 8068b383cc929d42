//! Marks in the times: where every 512th step begins, so that one stamp is found without the others.

use super::bits::BitReader;
use super::{Sizes, Steps};
use crate::block::BlockError;
use crate::bytes::{Cursor, put_varint, unzigzag, zigzag};
use std::ops::Range;

/// Events between two marks.
pub(super) const EVERY: usize = 512;

/// Where a step begins.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::block::columns) struct Mark {
    /// Bits of the steps before it.
    bits: u32,
    /// The stamp before it, or the block's smallest at the start of a section.
    last: u64,
}

/// The marks of a block, the first of which stands at position 512.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(in crate::block::columns) struct Marks(Vec<Mark>);

impl Marks {
    /// The marks of these times. None where they would not help: in blocks whose steps are varints,
    /// and where stamps of a section do not ascend.
    pub(in crate::block::columns) fn of(starts: &[u32], stamps: &[u64], sizes: &Sizes) -> Self {
        if starts.len() < 2 || !sizes.ranges().all(|section| stamps[section].is_sorted()) {
            return Self::default();
        }
        let last = |(bits, at): (&u32, usize)| Mark {
            bits: *bits,
            last: stamps[at - 1],
        };
        let at = (1..).map(|mark| mark * EVERY);
        Self(starts[1..].iter().zip(at).map(last).collect())
    }

    pub(in crate::block::columns) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(in crate::block::columns) fn put(&self, origin: u64, out: &mut Vec<u8>) {
        let mut before = Mark {
            bits: 0,
            last: origin,
        };
        for mark in &self.0 {
            put_varint(out, u64::from(mark.bits - before.bits));
            put_varint(out, zigzag(mark.last.wrapping_sub(before.last) as i64));
            before = *mark;
        }
    }

    /// Reads what [`Marks::put`] wrote.
    pub(in crate::block::columns) fn get(
        bytes: &[u8],
        origin: u64,
        events: usize,
    ) -> Result<Self, BlockError> {
        let mut at = Cursor::new(bytes);
        let (mut marks, mut before) = (
            Vec::new(),
            Mark {
                bits: 0,
                last: origin,
            },
        );
        while !at.is_done() {
            let bits = before.bits.checked_add(at.varint32()?);
            before = Mark {
                bits: bits.ok_or(BlockError::Content("marks"))?,
                last: before.last.wrapping_add(unzigzag(at.varint()?) as u64),
            };
            marks.push(before);
        }
        if marks.is_empty() || marks.len() == events.saturating_sub(1) / EVERY {
            Ok(Self(marks))
        } else {
            Err(BlockError::Content("marks"))
        }
    }

    /// Whether a mark at this position, if there is one, says this.
    #[inline]
    pub(super) fn check(&self, at: usize, bits: usize, last: u64) -> Result<(), BlockError> {
        match self.0.get((at / EVERY).wrapping_sub(1)) {
            Some(mark) if (mark.bits as usize, mark.last) != (bits, last) => {
                Err(BlockError::Content("marks"))
            }
            _ => Ok(()),
        }
    }
}

/// Finds stamps by their marks.
pub(in crate::block::columns) struct Search<'a> {
    pub(in crate::block::columns) steps: &'a Steps<'a>,
    pub(in crate::block::columns) marks: &'a Marks,
    pub(in crate::block::columns) sizes: &'a Sizes,
    pub(in crate::block::columns) origin: u64,
}

impl Search<'_> {
    /// The stamp at a position.
    pub(in crate::block::columns) fn stamp(&self, position: usize) -> Result<u64, BlockError> {
        let mut found = self.origin;
        let from = position / EVERY;
        self.walk(from, |at, stamp| {
            found = stamp;
            at < position
        })?;
        Ok(found)
    }

    /// The stamps of some positions.
    pub(in crate::block::columns) fn stamps(
        &self,
        positions: Range<usize>,
    ) -> Result<Vec<u64>, BlockError> {
        let mut stamps = Vec::with_capacity(positions.len());
        self.walk(positions.start / EVERY, |at, stamp| {
            if at >= positions.start {
                stamps.push(stamp);
            }
            at + 1 < positions.end
        })?;
        Ok(stamps)
    }

    /// The first position of a section, or its end, whose stamp is above `stamp`.
    pub(in crate::block::columns) fn above(
        &self,
        section: Range<usize>,
        stamp: u64,
    ) -> Result<usize, BlockError> {
        let Range { start, end } = section;
        let first = start / EVERY;
        let within = self.marks.0.get(first..end.saturating_sub(1) / EVERY);
        let below = within
            .unwrap_or_default()
            .partition_point(|mark| mark.last <= stamp);
        let mut found = end;
        self.walk(first + below, |at, other| {
            let above = at >= start && other > stamp;
            if above {
                found = at;
            }
            !above && at + 1 < end
        })?;
        Ok(found)
    }

    /// Shows positions and stamps from a mark on, as long as `more` wants.
    fn walk(
        &self,
        mark: usize,
        mut more: impl FnMut(usize, u64) -> bool,
    ) -> Result<(), BlockError> {
        let code = self.steps.code.as_ref();
        let code = code.ok_or(BlockError::Content("marks"))?;
        let start = mark.checked_sub(1).and_then(|mark| self.marks.0.get(mark));
        let start = start.map_or((0, self.origin), |mark| (mark.bits as usize, mark.last));
        let (mut bits, mut last) = (BitReader::new(self.steps.bytes, start.0), start.1);
        let from = mark * EVERY;
        for section in self.sizes.ranges().filter(|section| section.end > from) {
            if section.start >= from {
                last = self.origin;
            }
            for at in section.start.max(from)..section.end {
                last = last.wrapping_add(self.steps.step(code, &mut bits)?);
                if !more(at, last) {
                    return Ok(());
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Steps, encode};
    use super::*;
    use crate::block::rows::Run;

    /// A column of stamps in one section, and what its marks would say.
    fn marked(stamps: &[u64]) -> Result<Vec<u64>, BlockError> {
        let len = stamps.len() as u32;
        let sizes = Sizes::of(&[vec![Run {
            lane: 0,
            start: 0,
            len,
        }]]);
        let mut column = Vec::new();
        let starts = encode(stamps, &sizes, 0, &mut column);
        let mark = |(bits, at): (&u32, usize)| Mark {
            bits: *bits,
            last: stamps[at - 1],
        };
        let at = (1..).map(|mark| mark * EVERY);
        let marks = Marks(starts[1..].iter().zip(at).map(mark).collect());
        assert!(!marks.is_empty());
        Steps::new(&column)?.stamps(&sizes, 0, &marks)
    }

    #[test]
    fn marks_over_stamps_that_fall_are_refused() {
        let mut stamps: Vec<u64> = (1..=2_000).map(|n| n * n % 977 + n * 1_000).collect();
        assert_eq!(marked(&stamps).as_ref(), Ok(&stamps));
        stamps.swap(700, 701);
        assert_eq!(marked(&stamps), Err(BlockError::Content("marks")));
    }
}
