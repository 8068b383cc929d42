//! Sealing a segment: its own blocks become large ones, and all of it one file with an index.
//!
//! While that goes on, the active file stays: until the sealed one has its name, a crash finds all
//! blocks where they were.

use super::consolidate;
use super::groups::{Step, steps};
use crate::disk::{Folder, Output};
use crate::log::{Entry, Log, State};
use crate::open::Closed;
use crate::store::Store;
use scope_event::Block;
use std::collections::VecDeque;
use std::io;
use std::sync::Arc;

/// Bytes that one slice copies.
const SLICE_BYTES: u32 = 256 << 10;

/// A segment that is being sealed.
#[derive(Debug)]
pub(crate) struct Seal {
    segment: u64,
    steps: VecDeque<Step>,
    /// Where it goes; `None` in memory.
    output: Option<Output>,
    pub(crate) consolidated: u64,
}

impl Seal {
    /// The oldest segment that is full, once all of it is saved.
    pub(crate) fn waiting(log: &Log) -> Option<u64> {
        let full = log
            .segments
            .iter()
            .find(|segment| segment.state == State::Full)?;
        let unsaved = log.unsaved.as_ref();
        let is_saved = !unsaved.is_some_and(|unsaved| unsaved.holds_segment(full.id));
        is_saved.then_some(full.id)
    }

    /// Begins with the oldest segment that is full and saved.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers.
    pub(crate) fn next(store: &Store, folder: Option<&Folder>) -> io::Result<Option<Self>> {
        let log = store.log.read();
        let Some(segment) = Self::waiting(&log) else {
            return Ok(None);
        };
        let output = folder
            .map(|folder| Output::create(folder, segment, &log))
            .transpose()?;
        let steps = steps(&log, segment, &store.own());
        Ok(Some(Self {
            segment,
            steps,
            output,
            consolidated: 0,
        }))
    }

    /// Does some steps; answers whether there are more.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers.
    pub(crate) fn slice(&mut self, store: &Store) -> io::Result<bool> {
        let mut room = SLICE_BYTES;
        while room > 0 {
            match self.steps.pop_front() {
                None => return Ok(false),
                Some(Step::Copy(entry)) => {
                    room = room.saturating_sub(entry.facts.len);
                    self.copy(&entry)?;
                }
                Some(Step::Merge(group)) => {
                    room = 0;
                    self.merge(store, &group)?;
                }
            }
        }
        Ok(true)
    }

    /// All steps are done: the segment is sealed.
    ///
    /// # Errors
    ///
    /// Whatever the file system answers; the segment then stays as it was.
    pub(crate) fn finish(self, store: &Store, folder: Option<&Folder>) -> io::Result<()> {
        if let (Some(output), Some(folder)) = (self.output, folder) {
            output.finish(folder)?;
        }
        if let Some(segment) = store.log.write().segment_mut(self.segment) {
            segment.state = State::Sealed;
        }
        Ok(())
    }

    pub(crate) fn is_of(&self, segments: &[u64]) -> bool {
        segments.contains(&self.segment)
    }

    /// Gives it up: its segment stays as it was.
    pub(crate) fn abandon(self, folder: Option<&Folder>) {
        let output = self.output.zip(folder);
        output
            .into_iter()
            .for_each(|(output, folder)| output.abandon(folder));
    }

    fn copy(&mut self, entry: &Arc<Entry>) -> io::Result<()> {
        let Some(output) = self.output.as_mut().filter(|_| !entry.is_dead()) else {
            return Ok(());
        };
        let place = output.block(&entry.bytes()?)?;
        output.list(entry.clone(), &place);
        entry.move_to(place);
        Ok(())
    }

    fn merge(&mut self, store: &Store, group: &[Arc<Entry>]) -> io::Result<()> {
        match consolidate::merged(group) {
            Some(block) => self.put(store, group, &block),
            None => group.iter().try_for_each(|entry| self.copy(entry)),
        }
    }

    fn put(&mut self, store: &Store, group: &[Arc<Entry>], block: &Block) -> io::Result<()> {
        let closed = match &mut self.output {
            Some(output) => consolidate::at(block, output.block(block.bytes())?),
            None => Closed::received(block),
        };
        let place = closed.place.clone();
        let Some(entry) = consolidate::replace(&mut store.log.write(), group, closed, self.segment)
        else {
            // Something took the place of a part meanwhile: the rest goes as it is.
            return group.iter().try_for_each(|entry| self.copy(entry));
        };
        self.consolidated += 1;
        self.output
            .iter_mut()
            .for_each(|output| output.list(entry.clone(), &place));
        Ok(())
    }
}
