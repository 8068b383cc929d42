//! Matches of many blocks in one order.
//!
//! Source: the k-way merge over a heap (Knuth, TAOCP 3, 5.4.1). A block enters the heap under the
//! first stamp that it can hold, and is decoded only when that comes up: until then nothing in it
//! can be next.

use super::select::cursor_of;
use super::{Candidate, Match, Sieve, Source, select};
use crate::query::{Cursor, Order};
use scope_event::Events;
use std::cmp::Ordering;
use std::collections::BinaryHeap;
use std::sync::Arc;

/// The matches of one decoded block that were not taken yet.
#[derive(Debug)]
struct Run {
    events: Arc<Events>,
    source: Arc<Source>,
    /// In the order of the query.
    places: Vec<u32>,
    next: usize,
}

impl Run {
    fn head(&self) -> Option<Cursor> {
        self.places
            .get(self.next)
            .map(|at| cursor_of(&self.events, *at))
    }
}

#[derive(Debug)]
enum Work {
    /// To be decoded.
    Block(Candidate),
    Run(Run, Cursor),
}

/// Invariant: no match of `work` comes before `stamp` in the order.
#[derive(Debug)]
struct Item {
    stamp: u64,
    order: Order,
    work: Work,
}

impl Item {
    fn block(block: Candidate, order: Order) -> Self {
        let stamp = match order {
            Order::Asc => block.oldest,
            Order::Desc => block.newest,
        };
        Self {
            stamp,
            order,
            work: Work::Block(block),
        }
    }

    fn run(run: Run, head: Cursor, order: Order) -> Self {
        Self {
            stamp: head.stamp,
            order,
            work: Work::Run(run, head),
        }
    }

    /// Which one comes first: at equal stamps a block, as it may hold what comes before the run.
    fn before(&self, other: &Self) -> Ordering {
        let within = match (&self.work, &other.work) {
            (Work::Run(_, a), Work::Run(_, b)) => turned(self.order, a.cmp(b)),
            (Work::Block(_), Work::Run(..)) => Ordering::Less,
            (Work::Run(..), Work::Block(_)) => Ordering::Greater,
            (Work::Block(_), Work::Block(_)) => Ordering::Equal,
        };
        turned(self.order, self.stamp.cmp(&other.stamp)).then(within)
    }
}

fn turned(order: Order, ordering: Ordering) -> Ordering {
    match order {
        Order::Asc => ordering,
        Order::Desc => ordering.reverse(),
    }
}

impl Ord for Item {
    /// The heap gives the greatest: the one that comes first.
    fn cmp(&self, other: &Self) -> Ordering {
        other.before(self)
    }
}

impl PartialOrd for Item {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl PartialEq for Item {
    fn eq(&self, other: &Self) -> bool {
        self.cmp(other).is_eq()
    }
}

impl Eq for Item {}

/// A merge under way.
#[derive(Debug)]
pub(crate) struct Merge<'a> {
    sieve: &'a Sieve<'a>,
    heap: BinaryHeap<Item>,
    found: Vec<Match>,
    bytes: usize,
    /// Events in blocks, or themselves, that could not be read.
    unread: u64,
}

impl<'a> Merge<'a> {
    pub(crate) fn new(sieve: &'a Sieve<'a>, blocks: Vec<Candidate>) -> Self {
        let order = sieve.query.order;
        let heap = blocks
            .into_iter()
            .map(|block| Item::block(block, order))
            .collect();
        Self {
            sieve,
            heap,
            found: Vec::new(),
            bytes: 0,
            unread: 0,
        }
    }

    /// Takes matches until there is no more, or enough.
    pub(crate) fn run(&mut self) {
        while !self.is_full() {
            let Some(item) = self.heap.pop() else { return };
            match item.work {
                Work::Block(block) => self.decode(&block),
                Work::Run(run, _) => self.take(run),
            }
        }
    }

    /// The matches, whether there may be more, and how many events could not be read.
    pub(crate) fn finish(self) -> (Vec<Match>, bool, u64) {
        (self.found, !self.heap.is_empty(), self.unread)
    }

    fn is_full(&self) -> bool {
        self.found.len() >= self.sieve.query.limit || self.bytes >= self.sieve.query.max_bytes
    }

    fn decode(&mut self, block: &Candidate) {
        match self.selected(block) {
            Some((events, places)) => {
                let source = if places.is_empty() {
                    return;
                } else {
                    Source::of(&events)
                };
                self.push(Run {
                    events,
                    source,
                    places,
                    next: 0,
                });
            }
            None => self.unread = self.unread.saturating_add(block.body.len()),
        }
    }

    fn selected(&self, block: &Candidate) -> Option<(Arc<Events>, Vec<u32>)> {
        let events = block.body.events()?;
        let places = select(&events, self.sieve, block.floor).ok()?;
        Some((events, places))
    }

    fn push(&mut self, run: Run) {
        if let Some(head) = run.head() {
            self.heap.push(Item::run(run, head, self.sieve.query.order));
        }
    }

    /// Takes from `run` as long as nothing else in the heap comes before.
    fn take(&mut self, mut run: Run) {
        loop {
            self.copy(&run);
            run.next += 1;
            let Some(head) = run.head() else { return };
            let item = Item::run(run, head, self.sieve.query.order);
            if self.is_full()
                || self
                    .heap
                    .peek()
                    .is_some_and(|first| first.before(&item).is_lt())
            {
                return self.heap.push(item);
            }
            let Work::Run(same, _) = item.work else {
                return;
            };
            run = same;
        }
    }

    fn copy(&mut self, run: &Run) {
        let at = run.places[run.next] as usize;
        let Some(event) = run.events.get(at) else {
            return;
        };
        match Match::copy(&run.source, run.events.pids()[at], &event) {
            Ok(found) => {
                self.bytes += found.bytes();
                self.found.push(found);
            }
            Err(_) => self.unread += 1,
        }
    }
}
