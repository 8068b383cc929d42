//! Which blocks become one. Only the origin itself makes one of several, each block at most once,
//! and only of neighbours: that is what keeps any two blocks of it nested or disjoint everywhere.

use crate::log::{Entry, Log, Slot};
use scope_event::Origin;
use scope_event::block::{FULL_BYTES, MAX_EVENTS};
use std::collections::VecDeque;
use std::sync::Arc;

/// So many small blocks in a row become one before their segment is sealed.
const SMALL_RUN: usize = 32;
/// What is small: a run of them fits in one block.
const SMALL_EVENTS: u64 = (MAX_EVENTS / SMALL_RUN) as u64;

/// A run of small blocks in the active segment that should become one.
pub(crate) fn small(log: &Log, own: &Origin) -> Option<Vec<Arc<Entry>>> {
    let active = log.active();
    let is_small = |slot: &&Slot| {
        let entry = &slot.entry;
        may_merge(entry) && entry.facts.events() <= SMALL_EVENTS && entry.segment() == active
    };
    let slots = log.shelves.get(own)?.slots();
    let run = slots.iter().rev().take_while(is_small).count();
    let first = slots.len() - run;
    let group = slots.get(first..first + SMALL_RUN)?;
    is_dense(group).then(|| group.iter().map(|slot| slot.entry.clone()).collect())
}

/// A step of sealing a segment.
#[derive(Clone, Debug)]
pub(crate) enum Step {
    /// These become one.
    Merge(Vec<Arc<Entry>>),
    /// This stays as it is.
    Copy(Arc<Entry>),
}

/// All steps of sealing `segment`.
pub(crate) fn steps(log: &Log, segment: u64, own: &Origin) -> VecDeque<Step> {
    let mut steps = VecDeque::new();
    for (origin, shelf) in &log.shelves {
        let here = shelf
            .slots()
            .iter()
            .filter(|slot| slot.entry.segment() == segment);
        if **origin == *own {
            steps.extend(own_steps(here));
        } else {
            steps.extend(here.map(|slot| Step::Copy(slot.entry.clone())));
        }
    }
    steps
}

fn own_steps<'a>(slots: impl Iterator<Item = &'a Slot>) -> Vec<Step> {
    let mut steps: Vec<Step> = Vec::new();
    for slot in slots {
        match steps.last_mut() {
            Some(Step::Merge(group)) if joins(group, &slot.entry) => group.push(slot.entry.clone()),
            _ if may_merge(&slot.entry) => steps.push(Step::Merge(vec![slot.entry.clone()])),
            _ => steps.push(Step::Copy(slot.entry.clone())),
        }
    }
    steps
}

/// Whether `entry` can go into one block with `group`, which it follows.
fn joins(group: &[Arc<Entry>], entry: &Arc<Entry>) -> bool {
    let events: u64 = group.iter().map(|entry| entry.facts.events()).sum();
    let bytes: u64 = group.iter().map(|entry| u64::from(entry.facts.len)).sum();
    may_merge(entry)
        && group
            .last()
            .is_some_and(|last| last.facts.to + 1 == entry.facts.from)
        && events + entry.facts.events() <= MAX_EVENTS as u64
        && bytes + u64::from(entry.facts.len) <= FULL_BYTES as u64
}

/// Once per block, and only what can be read.
fn may_merge(entry: &Entry) -> bool {
    !entry.facts.consolidated && entry.index.readable && !entry.is_settled()
}

fn is_dense(slots: &[Slot]) -> bool {
    slots.windows(2).all(|pair| pair[0].to + 1 == pair[1].from)
}
