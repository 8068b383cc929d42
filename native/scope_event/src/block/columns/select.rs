//! Some events of a block, without the rest of it.
//!
//! Names say whether there can be any, then processes and marks in the times where. Keys tell what is
//! wanted, and are read up to the last event that can be: each is predicted from those before it. Only
//! what was found is put together.

mod rest;
mod scope;

use super::decode::Lanes;
use super::names::Named;
use super::order::place_of;
use super::states::States;
use super::times::{Search, Steps};
use super::{KEYS, PIDS, TIMES, keys, pids};
use crate::block::events::Events;
use crate::block::payloads::Payloads;
use crate::block::rows::{Row, Rows};
use crate::block::{Block, BlockError};
use rest::Rest;
use scope::Scope;
use std::ops::{Range, RangeInclusive};
use std::sync::Arc;

/// Which events of a block are wanted.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Whether events of a key are, by its index in the dictionary.
    pub keys: Vec<bool>,
    /// Whether those of a process are, by its index plus one; place 0 is for events of none. Empty:
    /// those of all.
    pub pids: Vec<bool>,
    /// Those with such stamps.
    pub stamps: RangeInclusive<u64>,
    /// So many.
    pub most: usize,
    /// Whether it is the last ones that are wanted, not the first.
    pub last: bool,
}

/// What was found.
#[derive(Debug)]
pub struct Part {
    /// In the order of stamp, then sequence.
    pub events: Events,
    /// Whether some were left out as there are more than were wanted.
    pub more: bool,
}

pub(super) fn matching(block: &Block, names: Named, wanted: &Wanted) -> Result<Part, BlockError> {
    let any = |table: &[bool]| table.contains(&true);
    if !any(&wanted.keys) || !(wanted.pids.is_empty() || any(&wanted.pids)) {
        return Ok(part(block, names, Payloads::default(), Vec::new(), false));
    }
    let lanes = Lanes::of(block)?;
    let states = lanes.states(block, &names)?;
    let pids = pids::decode(
        &block.column(PIDS)?,
        &lanes.sizes,
        names.dictionary.pids.len(),
    )?;
    let selection = Selection {
        block,
        names: &names,
        lanes: &lanes,
        states: &states,
        pids: &pids,
        wanted,
    };
    let (payloads, rows, more) = selection.run()?;
    Ok(part(block, names, payloads, rows, more))
}

/// Rows with their places, in any order.
type Placed = Vec<(u32, Row)>;

fn part(block: &Block, names: Named, payloads: Payloads, placed: Placed, more: bool) -> Part {
    let mut rows = Rows::default();
    placed.iter().for_each(|(_, row)| rows.push(0, *row));
    let header = block.header();
    let events = Events::new(
        header.origin.clone(),
        header.from,
        header.anchors.clone(),
        Arc::new(names.dictionary),
        payloads,
        rows,
    );
    let places = placed.iter().map(|(place, _)| *place).collect();
    Part {
        events: events.only(places),
        more,
    }
}

struct Selection<'a> {
    block: &'a Block,
    names: &'a Named,
    lanes: &'a Lanes,
    states: &'a States,
    pids: &'a [u32],
    wanted: &'a Wanted,
}

/// What was found, by position, and all keys up to there.
struct Found {
    positions: Vec<usize>,
    keys: Vec<u32>,
    more: bool,
}

impl Selection<'_> {
    fn run(&self) -> Result<(Payloads, Placed, bool), BlockError> {
        let column = self.block.column(TIMES)?;
        let steps = Steps::new(&column)?;
        let search = Search {
            steps: &steps,
            marks: &self.states.marks,
            sizes: &self.lanes.sizes,
            origin: self.block.header().min_stamp,
        };
        let scope = self.scope(&steps, &search)?;
        let found = self.find(&scope)?;
        let stamps = self.stamps(&scope, &search, &found.positions)?;
        let (payloads, mut rows) = self.rows(&found, &stamps)?;
        rows.sort_by_key(|(place, row)| (row.stamp, *place));
        let more = found.more | self.cut(&mut rows);
        Ok((payloads, rows, more))
    }

    /// The first ones of each section, if these are wanted and stamps ascend; else all.
    fn find(&self, scope: &Scope) -> Result<Found, BlockError> {
        let most = match scope.ascends && !self.wanted.last {
            true => self.wanted.most,
            false => usize::MAX,
        };
        let mut found = Found {
            positions: Vec::new(),
            keys: Vec::new(),
            more: false,
        };
        let mut last = scope.within.iter().cloned().rev().flat_map(Range::rev);
        let Some(end) = last.find(|at| self.takes(scope, *at)).map(|last| last + 1) else {
            return Ok(found);
        };
        let sizes = self.lanes.sizes.until(end);
        let column = self.block.column(KEYS)?;
        let mut sections = scope.within.iter();
        let (mut within, mut here) = (sections.next().unwrap_or(&(0..0)), 0);
        found.keys.reserve(end);
        let Found {
            positions,
            keys,
            more,
        } = &mut found;
        let each = |key: u32| {
            let at = keys.len();
            keys.push(key);
            if self.wanted.keys.get(key as usize) != Some(&true) {
                return true;
            }
            while at >= within.end {
                let Some(next) = sections.next() else {
                    return false;
                };
                (within, here) = (next, 0);
            }
            if at < within.start || !self.takes(scope, at) {
                return true;
            }
            if here < most {
                positions.push(at);
                here += 1;
                return true;
            }
            *more = true;
            within.end < end
        };
        keys::each(&column, &sizes, &self.names.dictionary, self.pids, each)?;
        Ok(found)
    }

    fn rows(&self, found: &Found, stamps: &[u64]) -> Result<(Payloads, Placed), BlockError> {
        let Some(end) = found.positions.last().map(|last| last + 1) else {
            return Ok((Payloads::default(), Vec::new()));
        };
        let sizes = self.lanes.sizes.until(end);
        let rest = Rest::of(self, &sizes, found)?;
        let row = |(at, stamp): (&usize, &u64)| {
            let row = Row {
                stamp: *stamp,
                key: found.keys[*at],
                pid: self.pids[*at],
                data: rest.data[*at],
                correlation: rest.correlations[*at],
                meta: rest.metas[*at],
            };
            (place_of(&self.lanes.sections, *at) as u32, row)
        };
        let rows = found.positions.iter().zip(stamps).map(row).collect();
        Ok((rest.payloads, rows))
    }

    /// Keeps as many as are wanted; answers whether there were more.
    fn cut(&self, rows: &mut Placed) -> bool {
        let over = rows.len().saturating_sub(self.wanted.most);
        match self.wanted.last {
            true => drop(rows.drain(..over)),
            false => rows.truncate(self.wanted.most),
        }
        over > 0
    }
}
