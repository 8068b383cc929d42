//! The state of a process at a time.
//!
//! The block that holds it is mostly the last one at or before the time whose filter knows a state of
//! the process, so a few blocks are looked at, newest first, until none that is left can hold a later
//! state. Only when these few do not settle it, all others that may hold one are looked at, too.

use crate::log::{Log, Shelf, Slot};
use crate::query::Kinds;
use crate::search::{Body, Candidate, Match, Source};
use crate::store::Store;
use scope_event::{Events, Kind, Pid, Seq};
use std::sync::Arc;

/// Blocks of an origin that are looked at before all are asked.
const NEAR: usize = 3;

/// What to look at, under one look at the log.
#[derive(Default)]
pub(crate) struct Near {
    blocks: Vec<Candidate>,
    /// The largest stamp in blocks that were left out.
    rest: Option<u64>,
}

impl Near {
    /// Adds the open block.
    pub(crate) fn add_open(&mut self, events: Arc<Events>) {
        self.blocks.push(Candidate {
            body: Body::Open(events),
            oldest: 0,
            newest: u64::MAX,
            floor: 0,
            received: None,
        });
    }

    /// Adds the last blocks of each origin that may hold a state, at most so many.
    pub(crate) fn add_log(&mut self, log: &Log, pid: u64, stamp: u64, most: usize) {
        log.shelves
            .values()
            .for_each(|shelf| self.add_shelf(shelf, pid, stamp, most));
    }

    fn add_shelf(&mut self, shelf: &Shelf, pid: u64, stamp: u64, most: usize) {
        let state = Kinds::from(Kind::State);
        let may_hold = |slot: &&Slot| {
            slot.oldest <= stamp && slot.kinds.meets(state) && slot.entry.index.readable
        };
        let mut slots = shelf.slots().iter().rev().filter(may_hold);
        let near = slots
            .by_ref()
            .filter(|slot| slot.entry.index.may_hold_state(pid))
            .take(most);
        self.blocks
            .extend(near.map(|slot| Candidate::of(slot, shelf)));
        self.rest = self.rest.max(slots.map(|slot| slot.newest).max());
    }
}

pub(super) fn state_at(store: &Store, pid: &Pid, stamp: u64) -> Option<Match> {
    let near = store.near(pid, stamp, NEAR);
    let rest = near.rest;
    let found = latest(near.blocks, pid, stamp);
    if rest.is_none_or(|rest| found.as_ref().is_some_and(|found| found.stamp() > rest)) {
        return found;
    }
    latest(store.near(pid, stamp, usize::MAX).blocks, pid, stamp)
}

/// The last state in these blocks, in the order of queries.
fn latest(mut blocks: Vec<Candidate>, pid: &Pid, stamp: u64) -> Option<Match> {
    blocks.sort_by_key(|block| std::cmp::Reverse(block.newest));
    let mut found: Option<Match> = None;
    for block in blocks {
        if found
            .as_ref()
            .is_some_and(|found| found.stamp() > block.newest)
        {
            break;
        }
        let Some(state) = last_in(&block, pid, stamp) else {
            continue;
        };
        if found
            .as_ref()
            .is_none_or(|found| found.cursor() < state.cursor())
        {
            found = Some(state);
        }
    }
    found
}

fn last_in(block: &Candidate, pid: &Pid, stamp: u64) -> Option<Match> {
    match &block.body {
        Body::Closed(entry) => {
            let state = entry.block()?.state_at(pid, stamp, block.floor).ok()??;
            copy(&state, 0, block.received)
        }
        Body::Open(events) => copy(events, last_of(events, pid, stamp)?, None),
    }
}

fn copy(events: &Events, place: usize, received: Option<u64>) -> Option<Match> {
    Match::copy(&Source::of(events, received), &events.get(place)?).ok()
}

/// The place of the last state in an open block.
fn last_of(events: &Events, pid: &Pid, stamp: u64) -> Option<usize> {
    let names = events.dictionary();
    let pid = names.pids().iter().position(|other| other == pid)? as u32 + 1;
    let is_state = |key: u32| names.keys()[key as usize].kind == Kind::State;
    let (pids, stamps) = (events.pids(), events.stamps());
    let own = (0..events.len()).filter(|at| pids[*at] == pid && stamps[*at] <= stamp);
    own.filter(|at| is_state(events.keys()[*at]))
        .max_by_key(|at| (stamps[*at], *at as Seq))
}
