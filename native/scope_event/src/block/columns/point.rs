//! One state of a block, without the rest of the block.

use super::TIMES;
use super::chunks::Chunks;
use super::decode::{Lanes, payloads_of};
use super::names::Named;
use super::order::place_of;
use super::states::{States, Table};
use super::times::{Search, Steps};
use crate::block::dictionary::KeySubject;
use crate::block::events::Events;
use crate::block::payloads::{Base, Payloads};
use crate::block::rows::{Row, Rows};
use crate::block::{Block, BlockError};
use crate::delta;
use crate::kind::Kind;
use crate::origin::Seq;
use crate::pid::Pid;
use crate::term::TermError;
use std::sync::Arc;

/// The last state of `pid` at or before `stamp` above number `floor`, as a block of its own.
pub(in crate::block) fn state_at(
    block: &Block,
    pid: &Pid,
    stamp: u64,
    floor: Seq,
) -> Result<Option<Events>, BlockError> {
    let names = Named::get(&block.names()?)?;
    // Nearly always one; a dictionary from elsewhere may name a process more than once.
    let numbered = (1..).zip(&names.dictionary.pids);
    let own: Vec<u32> = numbered
        .filter(|(_, other)| *other == pid)
        .map(|(number, _)| number)
        .collect();
    if own.is_empty() {
        return Ok(None);
    }
    let lanes = Lanes::of(block)?;
    let point = Point {
        block,
        states: lanes.states(block, &names)?,
        lanes,
        floor,
    };
    let mut last = None;
    for pid in own {
        last = last.max(point.find(pid, stamp)?);
    }
    last.map(|found| point.event(names, found)).transpose()
}

/// Where a state is. Compared by stamp, then place.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Found {
    stamp: u64,
    place: usize,
    number: u32,
}

struct Point<'a> {
    block: &'a Block,
    lanes: Lanes,
    states: States,
    floor: Seq,
}

impl Point<'_> {
    fn find(&self, pid: u32, stamp: u64) -> Result<Option<Found>, BlockError> {
        let column = self.block.column(TIMES)?;
        let steps = Steps::new(&column)?;
        if self.states.marks.is_empty() {
            self.find_in_all(&steps, pid, stamp)
        } else {
            self.find_by_marks(&steps, pid, stamp)
        }
    }

    /// Where stamps do not ascend, or are few.
    fn find_in_all(
        &self,
        steps: &Steps<'_>,
        pid: u32,
        stamp: u64,
    ) -> Result<Option<Found>, BlockError> {
        let (sizes, origin) = (&self.lanes.sizes, self.block.header().min_stamp);
        let stamps = steps.stamps(sizes, origin, &self.states.marks)?;
        let states = (0..).zip(&self.states.pids);
        let own = states.filter(|(_, by)| **by == pid);
        let found = own.filter_map(|(number, _)| {
            let at = self.states.positions[number as usize] as usize;
            self.found(stamps[at], number)
                .filter(|_| stamps[at] <= stamp)
        });
        Ok(found.max())
    }

    fn find_by_marks(
        &self,
        steps: &Steps<'_>,
        pid: u32,
        stamp: u64,
    ) -> Result<Option<Found>, BlockError> {
        let header = self.block.header();
        let search = Search {
            steps,
            marks: &self.states.marks,
            sizes: &self.lanes.sizes,
            origin: header.min_stamp,
        };
        let mut found = None;
        for section in self.lanes.sizes.ranges() {
            let end = if stamp < header.max_stamp {
                search.above(section.clone(), stamp)?
            } else {
                section.end
            };
            if let Some(number) = self.last_in(pid, section.start, end) {
                let position = self.states.positions[number as usize] as usize;
                found = found.max(self.found(search.stamp(position)?, number));
            }
        }
        Ok(found)
    }

    /// The last state of a process between two positions.
    fn last_in(&self, pid: u32, start: usize, end: usize) -> Option<u32> {
        let states = &self.states;
        let until = |end| states.positions.partition_point(|at| (*at as usize) < end);
        let (from, to) = (until(start), until(end));
        let here = states.pids.get(from..to)?;
        let last = here.iter().rposition(|by| *by == pid)?;
        Some((from + last) as u32)
    }

    fn found(&self, stamp: u64, number: u32) -> Option<Found> {
        let position = self.states.positions[number as usize] as usize;
        let place = place_of(&self.lanes.sections, position);
        let held = self.block.header().from + place as u64 > self.floor;
        held.then_some(Found {
            stamp,
            place,
            number,
        })
    }

    fn event(&self, names: Named, found: Found) -> Result<Events, BlockError> {
        let (header, entry) = (self.block.header(), self.states.entry(found.number));
        let mut payloads = Payloads::default();
        let table = self.states.table()?;
        let mut chunks = self.block.chunks(table.bytes())?;
        let mut add = |one_more: u32| -> Result<u32, BlockError> {
            let Some(payload) = one_more.checked_sub(1) else {
                return Ok(0);
            };
            let term = term(&table, payload, &mut chunks)?;
            Ok(payloads.push(Base::Whole, |out| out.extend_from_slice(&term)) + 1)
        };
        let (correlation, data) = (add(entry.correlation)?, add(entry.data)?);
        let mut dictionary = names.dictionary;
        let key = dictionary.keys.get_mut(entry.key as usize);
        let key = key.filter(|key| key.kind == Kind::State);
        let key = key.ok_or(BlockError::Content("states"))?;
        self.take_subject(&mut key.subject, &mut payloads)?;
        let row = Row {
            stamp: found.stamp,
            key: entry.key,
            pid: entry.pid,
            data,
            correlation,
            meta: entry.meta,
        };
        Ok(Events::new(
            header.origin.clone(),
            header.from + found.place as u64,
            header.anchors.clone(),
            Arc::new(dictionary),
            payloads,
            Rows::one(row),
        ))
    }
}

impl Point<'_> {
    /// The subject of a state is hardly ever a term: if it is, all terms are looked at.
    fn take_subject(
        &self,
        subject: &mut KeySubject,
        payloads: &mut Payloads,
    ) -> Result<(), BlockError> {
        if let KeySubject::Term(payload) = subject {
            let all = payloads_of(self.block, &self.states)?;
            if *payload as usize >= all.len() {
                return Err(BlockError::Content("subject"));
            }
            let term = all.term(*payload)?;
            *payload = payloads.push(Base::Whole, |out| out.extend_from_slice(&term));
        }
        Ok(())
    }
}

/// A payload of a state, whole.
fn term(table: &Table, payload: u32, chunks: &mut Chunks<'_>) -> Result<Vec<u8>, BlockError> {
    let mut term = Vec::new();
    for (step, payload) in table.chain(payload)?.into_iter().enumerate() {
        let bytes = chunks.part(table.range(payload))?;
        term = match step {
            0 => bytes.into_owned(),
            _ => delta::apply(&bytes, &term).map_err(TermError::from)?,
        };
    }
    Ok(term)
}
