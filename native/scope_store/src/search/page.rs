//! An answer as bytes that can be sent.

use super::{Expired, Sink, Source, Taken};
use crate::query::{Cursor, Order, Query};
use scope_event::EventView;
use scope_event::page::{PageBuilder, PageError, Pushed};
use std::sync::Arc;

/// A page of an answer, and everything that is missing from its stretch.
#[derive(Clone, Debug)]
pub struct Paged {
    /// The events in the order that was asked for, as [`Page`](scope_event::page::Page) reads them.
    pub page: Vec<u8>,
    /// How many events are in it.
    pub count: usize,
    /// How many events were lost between where the question went on and the cursor, in the numbers that
    /// it is about.
    pub dropped: u64,
    /// Whether there may be more behind the cursor.
    pub more: bool,
    /// Where to go on: a place in the order, which need not be that of an event.
    pub cursor: Option<Cursor>,
    /// What expired behind the question's cursor before it was read.
    pub expired: Option<Expired>,
}

/// Encodes matches, as many as fit.
pub(crate) struct Encoded<'a> {
    query: &'a Query,
    /// Whose clock says when events came whose stamps are not believed.
    here: Arc<str>,
    builder: PageBuilder,
    is_full: bool,
}

impl<'a> Encoded<'a> {
    pub(crate) fn new(query: &'a Query, here: Arc<str>, bytes: usize) -> Self {
        Self {
            query,
            here,
            builder: PageBuilder::new(query.order == Order::Desc, bytes),
            is_full: false,
        }
    }

    pub(crate) fn len(&self) -> usize {
        self.builder.len()
    }

    pub(crate) fn finish(self) -> Result<Vec<u8>, PageError> {
        self.builder.finish()
    }
}

impl Sink for Encoded<'_> {
    fn is_full(&self) -> bool {
        self.is_full || self.builder.len() >= self.query.limit
    }

    fn take(&mut self, source: &Arc<Source>, event: &EventView<'_>) -> Taken {
        let received = source.received(&self.here);
        match self.builder.push(event, received) {
            Ok(Pushed::In) => Taken::Yes,
            Ok(Pushed::Full) => {
                self.is_full = true;
                Taken::No
            }
            Err(_) => Taken::Damaged,
        }
    }
}
