//! Some events of a block, without the rest of it.
//!
//! Names say whether there can be any, then processes and marks in the times where. Keys tell what is
//! wanted, and are read up to the last event that can be: each is predicted from those before it. Only
//! what was found is put together.

use super::decode::{Lanes, payloads_of};
use super::names::Named;
use super::order::{Sizes, place_of};
use super::refs::Refs;
use super::states::States;
use super::times::{Search, Steps};
use super::{CORRELATIONS, DATA, KEYS, METAS, PIDS, TIMES, are_states, keys, metas, pids};
use crate::block::dictionary::KeySubject;
use crate::block::events::Events;
use crate::block::payloads::Payloads;
use crate::block::rows::{Meta, Row, Rows};
use crate::block::{Block, BlockError};
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

/// Where to look.
struct Scope {
    /// For each section, positions outside of which no stamp is wanted.
    within: Vec<Range<usize>>,
    /// All stamps, where they had to be read.
    stamps: Option<Vec<u64>>,
    /// Whether the stamps of each section ascend, so that all within are wanted, the first ones first.
    ascends: bool,
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

    fn scope(&self, steps: &Steps<'_>, search: &Search<'_>) -> Result<Scope, BlockError> {
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

    fn takes(&self, scope: &Scope, position: usize) -> bool {
        let stamps = scope.stamps.as_ref().filter(|_| !scope.ascends);
        self.takes_pid(position)
            && stamps.is_none_or(|stamps| self.wanted.stamps.contains(&stamps[position]))
    }

    fn stamps(
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

/// The columns that no question is decided by, up to the last event that was found.
struct Rest {
    payloads: Payloads,
    data: Vec<u32>,
    correlations: Vec<u32>,
    metas: Vec<Meta>,
}

impl Rest {
    fn of(from: &Selection<'_>, sizes: &Sizes, found: &Found) -> Result<Self, BlockError> {
        let block = from.block;
        let dictionary = &from.names.dictionary;
        let (refs, ids) = (block.column(DATA)?, block.column(CORRELATIONS)?);
        let is_state = are_states(dictionary);
        let has_term = |at: &usize| {
            let key = found.keys[*at] as usize;
            is_state[key] || matches!(dictionary.keys[key].subject, KeySubject::Term(_))
        };
        let any = !(refs.is_empty() && ids.is_empty()) || found.positions.iter().any(has_term);
        let payloads = match any {
            true => payloads_of(block, from.states)?,
            false => Payloads::default(),
        };
        let many = (dictionary.pids.len(), payloads.len());
        if any {
            dictionary.check_terms(payloads.len())?;
        }
        let here = Refs {
            keys: &found.keys,
            is_state: &is_state,
            states: from.states.payloads as usize,
        };
        let mut rest = Self {
            data: here.decode(&refs, sizes, payloads.len())?,
            correlations: metas::decode_correlations(&ids, sizes, many, from.pids)?,
            metas: metas::decode(&block.column(METAS)?, sizes)?,
            payloads,
        };
        rest.take_states(from, sizes.events());
        Ok(rest)
    }

    fn take_states(&mut self, from: &Selection<'_>, end: usize) {
        let pids = from.names.dictionary.pids.len();
        let entries = from.states.entries(pids);
        for entry in entries.take_while(|entry| (entry.position as usize) < end) {
            self.data[entry.position as usize] = entry.data;
        }
    }
}
