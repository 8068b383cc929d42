//! The first matches of a block, without decoding the rest of it.

use super::select::{key_table, pid_table};
use super::{Body, Candidate, Sieve};
use crate::query::{Order, Query};
use scope_event::Events;
use scope_event::block::{Dictionary, Wanted};
use std::sync::Arc;

/// What was found at a glance.
pub(super) struct Glance {
    /// Nothing but matches, oldest first.
    pub(super) events: Arc<Events>,
    /// Whether the block has more of them.
    pub(super) more: bool,
}

/// The matches in `block`, one more than the query wants at most. `None` where a glance does not tell,
/// or does not pay: names and time have to decide alone, a block that is at hand decoded needs no
/// second look, and who goes on from a cursor will come again for the rest.
pub(super) fn glance(block: &Candidate, sieve: &Sieve<'_>) -> Option<Glance> {
    let Body::Closed(entry) = &block.body else {
        return None;
    };
    if !sieve.takes_all_of(block) || !is_narrow(sieve.query) || entry.decoded().is_some() {
        return None;
    }
    let found = entry.block()?;
    let columns = found.block().columns().ok()?;
    let wanted = wanted(sieve, columns.dictionary());
    let part = found.matching(columns, &wanted).ok()?;
    Some(Glance {
        events: Arc::new(part.events),
        more: part.more,
    })
}

/// Whether names choose, and nothing but names and time.
fn is_narrow(query: &Query) -> bool {
    let Query {
        kinds,
        pids,
        modules,
        mfa,
        correlations,
        contains,
        after,
        ..
    } = query;
    let chooses = !(kinds.is_empty() && pids.is_empty() && modules.is_empty() && mfa.is_none());
    chooses && correlations.is_empty() && contains.is_none() && after.is_none()
}

fn wanted(sieve: &Sieve<'_>, names: &Dictionary) -> Wanted {
    let query = sieve.query;
    Wanted {
        keys: key_table(query, names),
        pids: pid_table(query, names),
        stamps: sieve.stamps.clone(),
        most: query.limit.saturating_add(1),
        last: query.order == Order::Desc,
    }
}
