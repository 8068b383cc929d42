//! The pages of one member, in their turn.

use super::local::worse;
use super::{Fed, FeedError, Place, place, turned};
use crate::query::{Cursor, Order, Query};
use crate::search::{Expired, Match, Source};
use scope_event::page::Page;
use std::collections::VecDeque;
use std::sync::Arc;

/// Pages of a member that are at hand at most: the one that is read, and those on their way when it
/// was asked for more.
const PAGES: usize = 4;

/// A page while it is read.
#[derive(Debug)]
struct Reading {
    page: Page,
    sources: Vec<Arc<Source>>,
    /// Invariant: below the length of the page.
    next: usize,
}

#[derive(Debug)]
pub(super) struct Member {
    order: Order,
    /// Invariant: none of them is empty.
    pages: VecDeque<Reading>,
    /// Whether nothing more comes.
    is_over: bool,
    /// Everything that comes is behind this place.
    behind: Option<Cursor>,
    pub(super) dropped: u64,
    pub(super) expired: Option<Expired>,
}

impl Member {
    pub(super) fn new(query: &Query) -> Self {
        Self {
            order: query.order,
            pages: VecDeque::new(),
            is_over: false,
            behind: query.after.clone(),
            dropped: 0,
            expired: None,
        }
    }

    pub(super) fn feed(&mut self, fed: Fed<'_>) -> Result<(), FeedError> {
        if self.is_over {
            return Err(FeedError::Over);
        }
        if self.pages.len() >= PAGES {
            return Err(FeedError::Full);
        }
        let page = Page::parse(fed.page)?;
        self.behind = self.end_of(&page)?.or(self.behind.take());
        self.is_over = !fed.more;
        self.dropped = self.dropped.saturating_add(fed.dropped);
        self.expired = worse(self.expired, fed.expired);
        if !page.is_empty() {
            self.pages.push_back(Reading {
                sources: Source::all_of(&page),
                page,
                next: 0,
            });
        }
        Ok(())
    }

    /// The place of the last event of a page that may come now. Within a page they are in order.
    fn end_of(&self, page: &Page) -> Result<Option<Cursor>, FeedError> {
        let (Some(first), Some(last)) = (page.get(0), page.iter().last()) else {
            return Ok(None);
        };
        let first = (first.stamp(), first.origin(), first.seq());
        let is_behind = |behind: &Cursor| turned(self.order, &place(behind), &first).is_lt();
        let is_turned = page.is_descending() == (self.order == Order::Desc);
        if !is_turned || !self.behind.as_ref().is_none_or(is_behind) {
            return Err(FeedError::Order);
        }
        Ok(Some(Cursor {
            stamp: last.stamp(),
            origin: last.origin().clone(),
            seq: last.seq(),
        }))
    }

    pub(super) fn close(&mut self) {
        self.is_over = true;
    }

    /// Whether nothing can be told before it is fed or closed.
    pub(super) fn is_waited_for(&self) -> bool {
        self.pages.is_empty() && !self.is_over
    }

    pub(super) fn head(&self) -> Option<Place<'_>> {
        let reading = self.pages.front()?;
        let event = reading.page.get(reading.next)?;
        Some((event.stamp(), event.origin(), event.seq()))
    }

    pub(super) fn pop(&mut self) -> Option<Match> {
        let reading = self.pages.front_mut()?;
        let event = reading.page.get(reading.next)?;
        let event = Match::paged(&reading.sources, &event);
        reading.next += 1;
        if reading.next == reading.page.len() {
            self.pages.pop_front();
        }
        Some(event)
    }
}
