//! Answers page by page, for whoever asks from elsewhere.

use super::Store;
use crate::query::{Order, Query, Ranges};
use crate::search::{self, Encoded, Found, Paged, Sieve};
use scope_event::page::PageBuilder;
use scope_event::{Origin, Seq};
use std::sync::Arc;

impl Store {
    /// Answers a question with one page of at most about `bytes` bytes before compression. Nothing of
    /// it is remembered: whoever wants more goes on from the cursor.
    ///
    /// # Examples
    ///
    /// ```
    /// # use scope_event::{Interner, Kind, Origin, RawEvent, SymbolTable, page::Page};
    /// # use scope_store::{Config, Query, Store};
    /// # use std::sync::Arc;
    /// # let names = Arc::new(SymbolTable::new("shop@host"));
    /// # let interner = Arc::new(Interner::new(names.clone()));
    /// # let store = Store::open(Config::new(Origin::new("shop@host", 1)), interner)?;
    /// for second in 1..=3u64 {
    ///     store.push(0, &RawEvent::new(Kind::Mark, second << 32, 0), 5_000);
    /// }
    /// let two = Query { limit: 2, ..Query::default() };
    /// let first = store.page(&two, 64 * 1024);
    /// assert!(first.more && Page::parse(&first.page)?.len() == 2);
    /// let rest = store.page(&Query { after: first.cursor, ..two }, 64 * 1024);
    /// assert!(!rest.more && Page::parse(&rest.page)?.len() == 1);
    /// # Ok::<(), Box<dyn std::error::Error>>(())
    /// ```
    pub fn page(&self, query: &Query, bytes: usize) -> Paged {
        self.paged(query, bytes)
            .or_else(|_| self.paged(query, 0))
            .unwrap_or_else(|past| past)
    }

    /// A page; else, if what it took is more than any page holds, an empty one that passes it.
    fn paged(&self, query: &Query, bytes: usize) -> Result<Paged, Paged> {
        let sieve = Sieve::new(query);
        let here = Arc::clone(&self.own().node);
        let sink = Encoded::new(query, here, bytes);
        let Found {
            sink,
            dropped,
            more,
            cursor,
            expired,
        } = search::find(&sieve, self.plan(&sieve), &self.recent, sink);
        let paged = |page, count, dropped| Paged {
            page,
            count,
            dropped,
            more,
            cursor: cursor.clone(),
            expired,
        };
        let count = sink.len();
        match sink.finish() {
            Ok(page) => Ok(paged(page, count, dropped)),
            Err(_) => Err(paged(empty(query), 0, dropped.saturating_add(count as u64))),
        }
    }

    /// What is held of every origin, of the own one up to what was just pushed: ascending runs.
    pub fn held(&self) -> Ranges {
        let open = self.open.lock();
        let (own, next) = (self.own(), open.next_seq());
        let log = self.log.read();
        let of_log = log.shelves.iter().flat_map(|(origin, shelf)| {
            let held = shelf.knowledge.held();
            let runs: Vec<_> = held.runs().to_vec();
            runs.into_iter()
                .map(|(first, last)| (Origin::clone(origin), first, last))
        });
        let first = next - open.len() as u64;
        of_log.chain([(own, first, next - 1)]).collect()
    }

    /// Who records here, the last number given out, and the stamp below which nothing more comes.
    pub fn head(&self) -> (Origin, Seq, u64) {
        let open = self.open.lock();
        (self.own(), open.next_seq() - 1, open.promised())
    }
}

/// A page without events.
fn empty(query: &Query) -> Vec<u8> {
    let page = PageBuilder::new(query.order == Order::Desc, 0);
    page.finish().unwrap_or_default()
}
