//! Questions whose answer is a number: counts, latencies, the state at a time.

mod counts;
mod functions;
mod group;
mod histogram;
mod latency;
mod processes;
mod state;
mod whole;

pub use counts::{By, Counted};
pub use group::{About, Group};
pub use histogram::Histogram;
pub use latency::Latencies;
pub(crate) use state::Near;

use crate::query::{Order, Query};
use crate::search::{Match, Sieve};
use crate::store::Store;
use scope_event::{Kind, Pid};

impl Store {
    /// Counts the events that match, by what they have in common. `limit`, `order` and `after` of
    /// the query do not matter.
    ///
    /// # Examples
    ///
    /// ```
    /// # use scope_event::{Interner, Kind, Origin, RawEvent, SymbolTable};
    /// # use scope_store::{By, Config, Group, Query, Store};
    /// # use std::sync::Arc;
    /// # let names = Arc::new(SymbolTable::new("shop@host"));
    /// # let interner = Arc::new(Interner::new(names.clone()));
    /// # let store = Store::open(Config::new(Origin::new("shop@host", 1)), interner)?;
    /// for second in [5u64, 5, 7] {
    ///     store.push(0, &RawEvent::new(Kind::Mark, second << 32, names.pid_word(1)), 5_000);
    /// }
    /// let counted = store.count(&Query::default(), By::Second);
    /// assert_eq!(counted.top(1), [(Group::Second(5), 2)]);
    /// # Ok::<(), scope_store::StoreError>(())
    /// ```
    pub fn count(&self, query: &Query, by: By) -> Counted {
        let query = Query {
            after: None,
            max_blocks: usize::MAX,
            ..query.clone()
        };
        let sieve = Sieve::new(&query);
        counts::count(&sieve, self.plan(&sieve), by)
    }

    /// How long calls took, by pairs of a call and its return or exception in one process. The query
    /// should name a function; its `kinds`, `limit`, `order` and `after` do not matter.
    pub fn latencies(&self, query: &Query) -> Latencies {
        let kinds = [Kind::Call, Kind::Return, Kind::Exception]
            .into_iter()
            .collect();
        let query = Query {
            kinds,
            order: Order::Asc,
            after: None,
            max_blocks: usize::MAX,
            ..query.clone()
        };
        let sieve = Sieve::new(&query);
        latency::latencies(&sieve, self.plan(&sieve))
    }

    /// The last state of a process that was captured at or before `stamp`; `None` when none is held.
    pub fn state_at(&self, pid: &Pid, stamp: u64) -> Option<Match> {
        state::state_at(self, pid, stamp)
    }
}
