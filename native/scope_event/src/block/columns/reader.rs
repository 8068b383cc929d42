//! Columns of a block that are asked for one by one.

use super::decode::Lanes;
use super::names::Named;
use super::select::{self, Part, Wanted};
use super::times::{Marks, Steps};
use super::{PIDS, TIMES, pids};
use crate::block::dictionary::Dictionary;
use crate::block::{Block, BlockError};

/// A closed block of which only the names are decoded yet: for those who count, or want a few of
/// its events.
pub struct Columns<'b> {
    block: &'b Block,
    names: Named,
}

impl<'b> Columns<'b> {
    pub(in crate::block) fn new(block: &'b Block) -> Result<Self, BlockError> {
        let names = Named::get(&block.names()?)?;
        Ok(Self { block, names })
    }

    /// The names that keys and pids are numbers of.
    pub fn dictionary(&self) -> &Dictionary {
        &self.names.dictionary
    }

    /// How many events have each key.
    pub fn key_counts(&self) -> &[u32] {
        &self.names.counts
    }

    /// The events that are wanted, so many at most, decoded no further than that.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when what has to be looked at does not decode.
    pub fn matching(self, wanted: &Wanted) -> Result<Part, BlockError> {
        select::matching(self.block, self.names, wanted)
    }

    /// How many events each process has, by the number that [`Events::pids`](super::super::Events::pids)
    /// has: place 0 stands for none.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when the column does not decode.
    pub fn pid_counts(&self) -> Result<Vec<u32>, BlockError> {
        let pids = self.names.dictionary.pids.len();
        let sizes = Lanes::of(self.block)?.sizes;
        let mut counts = vec![0u32; pids + 1];
        pids::runs(&self.block.column(PIDS)?, &sizes, pids, |pid, len| {
            counts[pid as usize] += len as u32;
        })?;
        Ok(counts)
    }

    /// All stamps, lane by lane.
    ///
    /// # Errors
    ///
    /// [`BlockError`] when the column does not decode.
    pub fn stamps(&self) -> Result<Vec<u64>, BlockError> {
        let sizes = Lanes::of(self.block)?.sizes;
        let origin = self.block.header().min_stamp;
        let marks = Marks::default();
        Steps::new(&self.block.column(TIMES)?)?.stamps(&sizes, origin, &marks)
    }
}
