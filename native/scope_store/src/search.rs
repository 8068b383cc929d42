//! The query engine: which blocks to look into, what matches in them, and in which order.

mod found;
mod losses;
mod merge;
mod plan;
mod select;
mod sieve;
mod text;

pub use found::Match;
pub(crate) use found::Source;
pub(crate) use merge::Merge;
pub(crate) use plan::{Body, Candidate, Plan};
pub(crate) use select::select;
pub(crate) use sieve::Sieve;

use crate::query::{Cursor, Query};

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
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Expired {
    /// The largest stamp that expired.
    pub newest: u64,
    /// How many events expired at most: some may have come before the cursor.
    pub events: u64,
}

/// Answers `query` over the blocks of `plan`.
pub(crate) fn answer(query: &Query, sieve: &Sieve<'_>, plan: Plan) -> Matches {
    let Plan {
        candidates,
        lossy,
        expired,
    } = plan;
    let mut merge = Merge::new(sieve, candidates);
    merge.run();
    let (events, more, unread) = merge.finish();
    let cursor = events
        .last()
        .map(Match::cursor)
        .or_else(|| query.after.clone());
    let page = losses::Page::new(query, if more { cursor.as_ref() } else { None });
    let dropped = unread.saturating_add(page.lost(&lossy));
    Matches {
        events,
        dropped,
        more,
        cursor,
        expired,
    }
}
