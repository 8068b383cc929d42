//! Which blocks a query has to look into.

use super::{Expired, Sieve};
use crate::log::{Entry, Log, Shelf, Slot};
use crate::query::{Cursor, Kinds, Order, Query, Span};
use scope_event::block::Numbered;
use scope_event::{Events, Kind, Origin, Seq};
use std::ops::Range;
use std::sync::Arc;

/// Events of a block: to be read and decoded, or at hand.
#[derive(Clone, Debug)]
pub(crate) enum Body {
    Closed(Arc<Entry>),
    Open(Arc<Events>),
}

impl Body {
    /// The decoded events; `None` when they cannot be had.
    pub(crate) fn events(&self) -> Option<Arc<Events>> {
        match self {
            Self::Open(events) => Some(events.clone()),
            Self::Closed(entry) => entry.events(),
        }
    }

    /// The block, if it is closed and can be had.
    pub(crate) fn block(&self) -> Option<Numbered> {
        match self {
            Self::Open(_) => None,
            Self::Closed(entry) => entry.block(),
        }
    }

    /// Whose events are in it.
    pub(crate) fn origin(&self) -> &Origin {
        match self {
            Self::Open(events) => events.origin(),
            Self::Closed(entry) => &entry.origin,
        }
    }

    /// The first and the last number in it; it has one at least.
    pub(crate) fn span(&self) -> (Seq, Seq) {
        match self {
            Self::Open(events) => (
                events.from(),
                events.from() + (events.len() as u64).max(1) - 1,
            ),
            Self::Closed(entry) => (entry.facts.from, entry.facts.to),
        }
    }

    /// How many events are in it.
    pub(crate) fn len(&self) -> u64 {
        match self {
            Self::Open(events) => events.len() as u64,
            Self::Closed(entry) => entry.facts.events(),
        }
    }
}

/// A block that may hold a match, or tells of losses.
#[derive(Clone, Debug)]
pub(crate) struct Candidate {
    pub(crate) body: Body,
    pub(crate) oldest: u64,
    pub(crate) newest: u64,
    /// Events up to this number expired, though the block still holds them.
    pub(crate) floor: Seq,
    /// When it came, by the clock here, if its own stamps cannot be believed.
    pub(crate) received: Option<u64>,
}

/// What to look into, in no order.
#[derive(Debug, Default)]
pub(crate) struct Plan {
    pub(crate) candidates: Vec<Candidate>,
    /// Blocks with gaps, or that cannot be read, in the range of nodes and time.
    pub(crate) lossy: Vec<Candidate>,
    pub(crate) expired: Option<Expired>,
    /// From this stamp on, in the order, blocks were not looked for.
    pub(crate) wall: Option<u64>,
}

/// Slots that are looked at for each block that may be decoded.
const LOOKS: usize = 64;

impl Plan {
    /// Adds the closed blocks of `log`.
    pub(crate) fn add_log(&mut self, log: &Log, sieve: &Sieve<'_>) {
        for (origin, shelf) in log
            .shelves
            .iter()
            .filter(|(origin, _)| sieve.takes_origin(origin))
        {
            self.add_shelf(origin, shelf, sieve);
            self.note_gone(origin, shelf, sieve);
        }
    }

    /// Adds what a recording keeps besides: it tells of losses, and is looked into where that is wanted.
    pub(crate) fn add_beside(&mut self, log: &Log, sieve: &Sieve<'_>) {
        let (before, wall) = (self.candidates.len(), self.wall);
        self.add_log(log, sieve);
        if !sieve.query.beside {
            self.candidates.truncate(before);
            self.wall = wall;
        }
    }

    /// Adds the open block, of an origin that matches.
    pub(crate) fn add_open(&mut self, events: Arc<Events>, sieve: &Sieve<'_>) {
        let (oldest, newest) = span(&events);
        if sieve.meets(oldest, newest) {
            let open = Candidate {
                body: Body::Open(events),
                oldest,
                newest,
                floor: 0,
                received: None,
            };
            self.lossy.push(open.clone());
            self.candidates.push(open);
        }
    }

    /// Looks at slots in the order of the question until it has what one call may read. Then the rest
    /// is behind a wall, unless something of it may come where the question goes on: it would never
    /// come any further.
    fn add_shelf(&mut self, origin: &Origin, shelf: &Shelf, sieve: &Sieve<'_>) {
        let most = sieve.query.max_blocks;
        let (mut looked, before) = (0usize, self.candidates.len());
        for at in ordered(parts(origin, shelf, sieve), sieve.query.order) {
            let taken = self.candidates.len() - before;
            let first = shelf.tides().first(at, sieve.query.order);
            if (taken >= most || looked / LOOKS >= most) && sieve.is_further(first) {
                return self.stop(first, sieve.query.order);
            }
            looked += 1;
            self.look(&shelf.slots()[at], shelf, sieve);
        }
    }

    fn look(&mut self, slot: &Slot, shelf: &Shelf, sieve: &Sieve<'_>) {
        if is_lossy(slot) && sieve.meets(slot.oldest, slot.newest) {
            self.lossy.push(Candidate::of(slot, shelf));
        }
        if slot.entry.index.readable && sieve.may_match(slot) {
            self.candidates.push(Candidate::of(slot, shelf));
        }
    }

    fn stop(&mut self, stamp: u64, order: Order) {
        let wall = self.wall.unwrap_or(stamp);
        self.wall = Some(match order {
            Order::Asc => wall.min(stamp),
            Order::Desc => wall.max(stamp),
        });
    }

    /// What expired behind the cursor; where numbers were named, of those, and from the beginning.
    fn note_gone(&mut self, origin: &Origin, shelf: &Shelf, sieve: &Sieve<'_>) {
        let Query { after, ranges, .. } = sieve.query;
        let gone = shelf.gone;
        let is_behind = |cursor: &Cursor| match sieve.query.order {
            Order::Asc => cursor.stamp < gone.newest,
            Order::Desc => ranges.is_some(),
        };
        let is_told = after.as_ref().map_or(ranges.is_some(), is_behind);
        let events = sieve.counts(origin, 0, shelf.knowledge.floor);
        let events = events.min(gone.events);
        if is_told && events > 0 && sieve.stamps.contains(&gone.newest) {
            let so_far = self.expired.unwrap_or_default();
            self.expired = Some(Expired {
                newest: so_far.newest.max(gone.newest),
                events: so_far.events.saturating_add(events),
            });
        }
    }
}

/// The slots whose numbers and stamps a question may want, as ascending ranges.
fn parts(origin: &Origin, shelf: &Shelf, sieve: &Sieve<'_>) -> Vec<Range<usize>> {
    let within = shelf
        .tides()
        .between(*sieve.stamps.start(), *sieve.stamps.end());
    let mut next = within.start;
    let part = |span: &Span| {
        let touching = shelf.touching(span.0, span.1);
        let part = touching.start.max(next)..touching.end.min(within.end);
        next = next.max(part.end);
        part
    };
    sieve.spans(origin).iter().map(part).collect()
}

fn ordered(parts: Vec<Range<usize>>, order: Order) -> Box<dyn Iterator<Item = usize>> {
    let all = parts.into_iter().flatten();
    match order {
        Order::Asc => Box::new(all),
        Order::Desc => Box::new(all.rev()),
    }
}

/// The smallest and the largest stamp.
fn span(events: &Events) -> (u64, u64) {
    let start = (u64::MAX, 0);
    events
        .stamps()
        .iter()
        .fold(start, |(min, max), at| (min.min(*at), max.max(*at)))
}

fn is_lossy(slot: &Slot) -> bool {
    !slot.entry.index.readable || slot.kinds.meets(Kinds::from(Kind::Gap))
}

impl Candidate {
    pub(crate) fn of(slot: &Slot, shelf: &Shelf) -> Self {
        Self {
            body: Body::Closed(slot.entry.clone()),
            oldest: slot.oldest,
            newest: slot.newest,
            floor: shelf.knowledge.floor,
            received: shelf.receipts.latest(slot.from, slot.to),
        }
    }
}
