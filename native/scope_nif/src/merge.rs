//! One answer to several queries that differ in one filter and match no event twice.

use scope_store::{Cursor, Match, Matches, Order, Query, Store};

/// The answer to all of `queries`, which have order and limit in common; `None` to no query.
pub(crate) fn answer(store: &Store, queries: &[Query]) -> Option<Matches> {
    let first = queries.first()?;
    let answers = queries.iter().map(|query| store.query(query));
    answers.reduce(|one, other| join(first, one, other))
}

/// What stands behind the end of a part that was cut may lack events of it: it is left to whoever
/// goes on from there.
fn join(query: &Query, one: Matches, other: Matches) -> Matches {
    let ends = [end(&one), end(&other)].into_iter().flatten();
    let end = match query.order {
        Order::Asc => ends.min(),
        Order::Desc => ends.max(),
    };
    let (dropped, more) = (one.dropped.max(other.dropped), one.more || other.more);
    let mut events = one.events;
    events.extend(other.events);
    events.sort_by_cached_key(Match::cursor);
    if query.order == Order::Desc {
        events.reverse();
    }
    let all = events.len();
    events.retain(|event| {
        !end.as_ref()
            .is_some_and(|end| is_behind(query, &event.cursor(), end))
    });
    events.truncate(query.limit);
    Matches {
        more: more || events.len() < all,
        cursor: events.last().map(Match::cursor).or(one.cursor),
        dropped,
        events,
        expired: one.expired,
    }
}

/// Where an answer stops that is not everything.
fn end(found: &Matches) -> Option<Cursor> {
    found.more.then(|| found.cursor.clone()).flatten()
}

fn is_behind(query: &Query, event: &Cursor, end: &Cursor) -> bool {
    match query.order {
        Order::Asc => event > end,
        Order::Desc => event < end,
    }
}
