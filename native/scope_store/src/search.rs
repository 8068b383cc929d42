//! The query engine: which blocks to look into, what matches in them, and in which order.

mod found;
mod glance;
mod losses;
mod merge;
mod page;
mod plan;
mod recent;
mod select;
mod sieve;
mod text;
mod texts;

pub use found::Match;
pub(crate) use found::Source;
pub(crate) use merge::{Merge, Sink, Taken};
pub(crate) use page::Encoded;
pub use page::Paged;
pub(crate) use plan::{Body, Candidate, Plan};
pub(crate) use recent::Recent;
use select::matching;
pub(crate) use select::{select, takes_key};
pub(crate) use sieve::Sieve;

use crate::query::{Cursor, Query};
use scope_event::block::Numbered;
use scope_event::{EventView, Events};
use std::sync::Arc;

/// An answer: events in stamp order, and everything that is missing from it.
#[derive(Clone, Debug, Default)]
pub struct Matches {
    /// What matched, in the order that was asked for.
    pub events: Vec<Match>,
    /// How many events were lost in the answered range of nodes and time: by what gaps say, whatever
    /// the other filters, and in blocks that do not decode.
    pub dropped: u64,
    /// Whether there may be more behind the last event.
    pub more: bool,
    /// Where to go on: the last event, or where the question went on from.
    pub cursor: Option<Cursor>,
    /// What expired behind the cursor before it was read.
    pub expired: Option<Expired>,
}

/// Retention passed a cursor: events behind it are gone.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Expired {
    /// The largest stamp that expired.
    pub newest: u64,
    /// How many events expired at most: some may have come before the cursor.
    pub events: u64,
}

/// Answers the query of `sieve` over the blocks of `plan`.
pub(crate) fn answer(sieve: &Sieve<'_>, plan: Plan, recent: &Recent) -> Matches {
    let Found {
        sink,
        dropped,
        more,
        cursor,
        expired,
    } = find(sieve, plan, recent, Copies::new(sieve.query));
    Matches {
        events: sink.events,
        dropped,
        more,
        cursor,
        expired,
    }
}

/// An answer in whichever form the sink makes of it; the rest is as in [`Matches`].
pub(crate) struct Found<S> {
    pub(crate) sink: S,
    pub(crate) dropped: u64,
    pub(crate) more: bool,
    pub(crate) cursor: Option<Cursor>,
    pub(crate) expired: Option<Expired>,
}

/// Gives the matches in the blocks of `plan` to `sink`, as many as it takes.
pub(crate) fn find<S: Sink>(sieve: &Sieve<'_>, plan: Plan, recent: &Recent, sink: S) -> Found<S> {
    let mut merge = Merge::new(sieve, plan.candidates, plan.wall, sink).keeping(recent);
    merge.run();
    let outcome = merge.finish();
    let last = outcome.cursor.as_ref().filter(|_| outcome.more);
    let page = losses::Page::new(sieve, last);
    let lost = page
        .lost(&plan.lossy)
        .saturating_add(page.unread(&outcome.unread));
    Found {
        sink: outcome.sink,
        dropped: outcome.damaged.saturating_add(lost),
        more: outcome.more,
        cursor: outcome.cursor,
        expired: plan.expired,
    }
}

/// How many events are in blocks that cannot be read.
pub(crate) fn unread(blocks: &[Candidate]) -> u64 {
    blocks
        .iter()
        .fold(0, |sum, block| sum.saturating_add(block.body.len()))
}

/// Calls `each` with every block that may match and the places of what does, in the order of the
/// sequence within a block and in no order between blocks. Before that, `whole` is asked of blocks in
/// which the key alone decides; where it answers true, the block is done with. Answers how many events
/// were lost.
pub(crate) fn scan(
    sieve: &Sieve<'_>,
    plan: Plan,
    mut whole: impl FnMut(&Numbered) -> bool,
    mut each: impl FnMut(&Events, &[u32]),
) -> u64 {
    let mut unread = 0u64;
    for block in &plan.candidates {
        let closed = || block.body.block();
        if sieve.asks_keys_alone(block) && closed().is_some_and(|block| whole(&block)) {
            continue;
        }
        let events = block.body.events();
        let selected = events
            .as_ref()
            .and_then(|events| matching(events, sieve, block.floor).ok());
        match (events, selected) {
            (Some(events), Some(places)) => each(&events, &places),
            _ => unread = unread.saturating_add(block.body.len()),
        }
    }
    unread.saturating_add(losses::Page::new(sieve, None).lost(&plan.lossy))
}

/// Copies of matches, as many as the query allows.
struct Copies<'a> {
    query: &'a Query,
    events: Vec<Match>,
    bytes: usize,
}

impl<'a> Copies<'a> {
    fn new(query: &'a Query) -> Self {
        Self {
            query,
            events: Vec::new(),
            bytes: 0,
        }
    }
}

impl Sink for Copies<'_> {
    fn is_full(&self) -> bool {
        self.events.len() >= self.query.limit || self.bytes >= self.query.max_bytes
    }

    fn take(&mut self, names: &Arc<Source>, event: &EventView<'_>) -> Taken {
        let Ok(copy) = Match::copy(names, event) else {
            return Taken::Damaged;
        };
        self.bytes += copy.bytes();
        self.events.push(copy);
        Taken::Yes
    }
}
