//! Which blocks a query has to look into.

use super::{Expired, Sieve};
use crate::log::{Entry, Log, Shelf, Slot};
use crate::query::{Kinds, Order};
use scope_event::{Block, Events, Kind, Seq};
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
    pub(crate) fn block(&self) -> Option<Block> {
        match self {
            Self::Open(_) => None,
            Self::Closed(entry) => entry.block(),
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
}

impl Plan {
    /// Adds the closed blocks of `log`.
    pub(crate) fn add_log(&mut self, log: &Log, sieve: &Sieve<'_>) {
        for (_, shelf) in log
            .shelves
            .iter()
            .filter(|(origin, _)| sieve.takes_origin(origin))
        {
            self.add_shelf(shelf, sieve);
            self.note_gone(shelf, sieve);
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

    fn add_shelf(&mut self, shelf: &Shelf, sieve: &Sieve<'_>) {
        for slot in shelf.slots() {
            if is_lossy(slot) && sieve.meets(slot.oldest, slot.newest) {
                self.lossy.push(Candidate::of(slot, shelf));
            }
            if slot.entry.index.readable && sieve.may_match(slot) {
                self.candidates.push(Candidate::of(slot, shelf));
            }
        }
    }

    fn note_gone(&mut self, shelf: &Shelf, sieve: &Sieve<'_>) {
        let Some(cursor) = sieve
            .query
            .after
            .as_ref()
            .filter(|_| sieve.query.order == Order::Asc)
        else {
            return;
        };
        if sieve.stamps.contains(&shelf.gone.newest) && cursor.stamp < shelf.gone.newest {
            let so_far = self.expired.unwrap_or(Expired {
                newest: 0,
                events: 0,
            });
            self.expired = Some(Expired {
                newest: so_far.newest.max(shelf.gone.newest),
                events: so_far.events.saturating_add(shelf.gone.events),
            });
        }
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
