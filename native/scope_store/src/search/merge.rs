//! Matches of many blocks in one order.
//!
//! Source: the k-way merge over a heap (Knuth, TAOCP 3, 5.4.1). A block enters the heap under the
//! first stamp that it can hold, and is decoded only when that comes up: until then nothing in it
//! can be next.

use super::glance::{Glance, glance};
use super::select::cursor_of;
use super::{Candidate, Recent, Sieve, Source, select};
use crate::query::{Cursor, Order};
use scope_event::{EventView, Events};
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
    /// The block, if it has more matches than these: so many as are wanted, should all be readable.
    rest: Option<Candidate>,
}

impl Run {
    fn head(&self) -> Option<Cursor> {
        self.event().map(|event| cursor_of(&event))
    }

    fn event(&self) -> Option<EventView<'_>> {
        let place = self.places.get(self.next)?;
        self.events.get(*place as usize)
    }
}

#[derive(Debug)]
enum Work {
    /// To be decoded.
    Block(Candidate),
    Run(Run, Cursor),
    /// Nothing was looked for from here on.
    Wall,
}

impl Work {
    /// At equal stamps, what may hold or hide an event comes before those that are known.
    fn rank(&self) -> u8 {
        match self {
            Self::Wall => 0,
            Self::Block(_) => 1,
            Self::Run(..) => 2,
        }
    }
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

    /// Which one comes first.
    fn before(&self, other: &Self) -> Ordering {
        let within = match (&self.work, &other.work) {
            (Work::Run(_, a), Work::Run(_, b)) => turned(self.order, a.cmp(b)),
            (one, other) => one.rank().cmp(&other.rank()),
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

/// What becomes of the matches.
pub(crate) trait Sink {
    /// Whether it wants no more.
    fn is_full(&self) -> bool;

    /// Takes the next match.
    fn take(&mut self, names: &Arc<Source>, event: &EventView<'_>) -> Taken;
}

/// What a sink did with an event.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Taken {
    Yes,
    /// It cannot be read.
    Damaged,
    /// There was no room for it; the sink is full.
    No,
}

/// What a merge came to.
pub(crate) struct Outcome<S> {
    pub(crate) sink: S,
    /// Whether there may be more behind the cursor.
    pub(crate) more: bool,
    /// The last event, or the place where it was stopped.
    pub(crate) cursor: Option<Cursor>,
    /// Events that could not be read.
    pub(crate) damaged: u64,
    /// Blocks that could not be read.
    pub(crate) unread: Vec<Candidate>,
}

/// A merge under way.
#[derive(Debug)]
pub(crate) struct Merge<'a, S> {
    sieve: &'a Sieve<'a>,
    heap: BinaryHeap<Item>,
    sink: S,
    /// Where decoded blocks are kept for the next question.
    recent: Option<&'a Recent>,
    /// Blocks that were decoded.
    decoded: usize,
    /// As in the outcome, as the three below.
    cursor: Option<Cursor>,
    damaged: u64,
    unread: Vec<Candidate>,
}

impl<'a, S: Sink> Merge<'a, S> {
    /// Of `blocks`, up to `wall`.
    pub(crate) fn new(
        sieve: &'a Sieve<'a>,
        blocks: Vec<Candidate>,
        wall: Option<u64>,
        sink: S,
    ) -> Self {
        let order = sieve.query.order;
        let wall = wall.map(|stamp| Item {
            stamp,
            order,
            work: Work::Wall,
        });
        let heap = blocks
            .into_iter()
            .map(|block| Item::block(block, order))
            .chain(wall)
            .collect();
        Self {
            sieve,
            heap,
            sink,
            recent: None,
            decoded: 0,
            cursor: sieve.query.after.clone(),
            damaged: 0,
            unread: Vec::new(),
        }
    }

    /// Keeps what is decoded in `recent`.
    pub(crate) fn keeping(self, recent: &'a Recent) -> Self {
        Self {
            recent: Some(recent),
            ..self
        }
    }

    /// Takes matches until there is no more, or enough.
    pub(crate) fn run(&mut self) {
        while !self.sink.is_full() {
            let Some(item) = self.heap.pop() else { return };
            if self.ends_at(&item) {
                self.cursor = Some(self.place_before(item.stamp));
                return self.heap.push(item);
            }
            match item.work {
                Work::Block(block) => self.decode(&block),
                Work::Run(run, head) => self.take(run, head),
                Work::Wall => {}
            }
        }
    }

    /// Whether what has been decoded is enough for one call, and all of it was taken that comes before
    /// this.
    fn ends_at(&self, item: &Item) -> bool {
        match item.work {
            Work::Wall => true,
            Work::Block(_) => {
                self.decoded >= self.sieve.query.max_blocks && self.sieve.is_further(item.stamp)
            }
            Work::Run(..) => false,
        }
    }

    /// The place before all events with a stamp, in the order.
    fn place_before(&self, stamp: u64) -> Cursor {
        match self.sieve.query.order {
            Order::Asc => Cursor::before(stamp),
            Order::Desc => Cursor::before(stamp.saturating_add(1)),
        }
    }

    pub(crate) fn finish(self) -> Outcome<S> {
        Outcome {
            more: !self.heap.is_empty(),
            sink: self.sink,
            cursor: self.cursor,
            damaged: self.damaged,
            unread: self.unread,
        }
    }

    fn decode(&mut self, block: &Candidate) {
        self.decoded += 1;
        // Who does not keep blocks wants all of them.
        match self.recent.and_then(|_| glance(block, self.sieve)) {
            Some(found) => self.push(self.glanced(found, block)),
            None => self.decode_whole(block, 0),
        }
    }

    fn glanced(&self, found: Glance, block: &Candidate) -> Run {
        let places = 0..found.events.len() as u32;
        Run {
            source: Source::of(&found.events, block.received),
            places: match self.sieve.query.order {
                Order::Asc => places.collect(),
                Order::Desc => places.rev().collect(),
            },
            events: found.events,
            next: 0,
            rest: found.more.then(|| block.clone()),
        }
    }

    /// All matches of a block but the first ones.
    fn decode_whole(&mut self, block: &Candidate, next: usize) {
        match self.selected(block) {
            Some((_, places)) if places.is_empty() => {}
            Some((events, places)) => self.push(Run {
                source: Source::of(&events, block.received),
                events,
                places,
                next,
                rest: None,
            }),
            None => self.unread.push(block.clone()),
        }
    }

    fn selected(&self, block: &Candidate) -> Option<(Arc<Events>, Vec<u32>)> {
        let events = block.body.events()?;
        self.recent.iter().for_each(|recent| recent.keep(&events));
        let places = select(&events, self.sieve, block.floor).ok()?;
        Some((events, places))
    }

    fn push(&mut self, run: Run) {
        if let Some(head) = run.head() {
            self.heap.push(Item::run(run, head, self.sieve.query.order));
        }
    }

    /// Takes from `run` as long as nothing else in the heap comes before.
    fn take(&mut self, mut run: Run, mut head: Cursor) {
        let order = self.sieve.query.order;
        loop {
            if !self.pass_on(&run) {
                return self.heap.push(Item::run(run, head, order));
            }
            self.cursor = Some(head);
            run.next += 1;
            let Some(next) = run.head() else {
                return run
                    .rest
                    .iter()
                    .for_each(|block| self.decode_whole(block, run.next));
            };
            let item = Item::run(run, next, order);
            if self.sink.is_full()
                || self
                    .heap
                    .peek()
                    .is_some_and(|first| first.before(&item).is_lt())
            {
                return self.heap.push(item);
            }
            let Work::Run(same, next) = item.work else {
                return;
            };
            (run, head) = (same, next);
        }
    }

    /// False when the sink had no room for it.
    fn pass_on(&mut self, run: &Run) -> bool {
        let event = run.event();
        let taken = event.map_or(Taken::Damaged, |event| self.sink.take(&run.source, &event));
        self.damaged += u64::from(taken == Taken::Damaged);
        taken != Taken::No
    }
}
