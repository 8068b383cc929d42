//! What the answered range lost.

use super::{Body, Candidate, Sieve};
use crate::index::lost_in;
use crate::query::{Cursor, Order, Query};
use scope_event::EventView;
use std::cmp::Ordering;

/// The part of nodes and time that an answer speaks of: behind the question's cursor, up to the
/// last event if there is more. The pages of one question add up to the whole.
#[derive(Debug)]
pub(crate) struct Page<'a> {
    sieve: &'a Sieve<'a>,
    query: &'a Query,
    last: Option<&'a Cursor>,
}

impl<'a> Page<'a> {
    pub(crate) fn new(sieve: &'a Sieve<'a>, last: Option<&'a Cursor>) -> Self {
        Self {
            sieve,
            query: sieve.query,
            last,
        }
    }

    /// Events of blocks that could not be read, though they were looked into.
    pub(crate) fn unread(&self, blocks: &[Candidate]) -> u64 {
        blocks
            .iter()
            .fold(0, |sum, block| sum.saturating_add(self.unread_of(block)))
    }

    /// Events that were lost, by what the gaps of these blocks say, and in those that do not decode.
    pub(crate) fn lost(&self, blocks: &[Candidate]) -> u64 {
        blocks
            .iter()
            .fold(0, |sum, block| sum.saturating_add(self.lost_of(block)))
    }

    fn lost_of(&self, block: &Candidate) -> u64 {
        if !self.touches(block) {
            return 0;
        }
        if let Body::Closed(entry) = &block.body {
            if !entry.index.readable {
                return self.unread_of(block);
            }
            if self.holds_all(block) {
                return entry.index.lost;
            }
        }
        let in_page = |event: &EventView<'_>| event.seq() > block.floor && self.holds(event);
        let lost = block
            .body
            .events()
            .and_then(|events| lost_in(&events, in_page).ok());
        lost.unwrap_or(0)
    }

    /// Whether some event of the block can be in the page: what lies ahead of it is not decoded for it.
    fn touches(&self, block: &Candidate) -> bool {
        let (newer, older) = match self.query.order {
            Order::Asc => (self.query.after.as_ref(), self.last),
            Order::Desc => (self.last, self.query.after.as_ref()),
        };
        newer.is_none_or(|cursor| cursor.stamp <= block.newest)
            && older.is_none_or(|cursor| block.oldest <= cursor.stamp)
    }

    /// A block that does not decode counts in the one page that its far end lies in.
    fn unread_of(&self, block: &Candidate) -> u64 {
        if !self.ends_here(block) {
            return 0;
        }
        let (first, last) = block.body.span();
        let numbers = self.sieve.counts(block.body.origin(), first, last);
        numbers.min(block.body.len())
    }

    fn holds(&self, event: &EventView<'_>) -> bool {
        let stamp = event.stamp();
        let behind = |cursor: &Cursor| self.turned(compare(event, cursor));
        self.query.from.is_none_or(|from| from <= stamp)
            && self.query.to.is_none_or(|to| stamp <= to)
            && self
                .query
                .after
                .as_ref()
                .is_none_or(|after| behind(after).is_gt())
            && self.last.is_none_or(|last| behind(last).is_le())
            && self.sieve.counts(event.origin(), event.seq(), event.seq()) > 0
    }

    /// Whether every event of the block is in the page: bounds that only touch it do not count.
    fn holds_all(&self, block: &Candidate) -> bool {
        let within = |cursor: Option<&Cursor>, below: bool| {
            cursor.is_none_or(|cursor| match below {
                true => cursor.stamp < block.oldest,
                false => block.newest < cursor.stamp,
            })
        };
        let asc = self.query.order == Order::Asc;
        self.sieve.takes_all_of(block)
            && self.query.from.is_none_or(|from| from <= block.oldest)
            && self.query.to.is_none_or(|to| block.newest <= to)
            && within(self.query.after.as_ref(), asc)
            && within(self.last, !asc)
    }

    /// Whether the far end of the block lies in the page.
    fn ends_here(&self, block: &Candidate) -> bool {
        let end = match self.query.order {
            Order::Asc => block.newest,
            Order::Desc => block.oldest,
        };
        let behind = |cursor: &Cursor| self.turned(end.cmp(&cursor.stamp));
        self.query
            .after
            .as_ref()
            .is_none_or(|after| behind(after).is_gt())
            && self.last.is_none_or(|last| behind(last).is_le())
    }

    fn turned(&self, order: Ordering) -> Ordering {
        match self.query.order {
            Order::Asc => order,
            Order::Desc => order.reverse(),
        }
    }
}

fn compare(event: &EventView<'_>, cursor: &Cursor) -> Ordering {
    let by_origin = || {
        event
            .origin()
            .cmp(&cursor.origin)
            .then(event.seq().cmp(&cursor.seq))
    };
    event.stamp().cmp(&cursor.stamp).then_with(by_origin)
}
