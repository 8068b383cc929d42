//! Which events of one decoded block match.
//!
//! Filters on names are asked once per name of the dictionary, filters on terms once per term; what
//! is left for each event is a look into small tables.

use super::Sieve;
use super::texts::keep_with_text;
use crate::index::term;
use crate::query::{Cursor, Function, Order, Query, touching};
use scope_event::block::{Dictionary, Key, KeySubject};
use scope_event::{EventView, Events, Seq, TermError};
use std::ops::RangeInclusive;

/// Places of the matching events above `floor`, in the order of the query.
///
/// # Errors
///
/// [`TermError`] when a term that had to be looked at is damaged.
pub(crate) fn select(
    events: &Events,
    sieve: &Sieve<'_>,
    floor: Seq,
) -> Result<Vec<u32>, TermError> {
    let mut places = matching(events, sieve, floor)?;
    sort(events, sieve.query.order, &mut places);
    Ok(places)
}

/// The same in the order of the sequence, for those who only count.
///
/// # Errors
///
/// As [`select`].
pub(super) fn matching(
    events: &Events,
    sieve: &Sieve<'_>,
    floor: Seq,
) -> Result<Vec<u32>, TermError> {
    let query = sieve.query;
    let mut places = Tables::new(events, query)?.places(events, sieve, floor);
    if let Some(text) = &query.contains {
        keep_with_text(events, text, &mut places)?;
    }
    Ok(places)
}

/// What the query says of each name and id of the block; an empty table lets everything pass.
#[derive(Debug)]
struct Tables {
    keys: Vec<bool>,
    /// One more than the dictionary's pids: place 0 stands for none.
    pids: Vec<bool>,
    /// Payloads that are a wanted id, by number plus one, and when that counts.
    correlations: Vec<(u32, RangeInclusive<u64>)>,
    correlated: bool,
}

impl Tables {
    fn new(events: &Events, query: &Query) -> Result<Self, TermError> {
        let names = events.dictionary();
        Ok(Self {
            keys: key_table(query, names),
            pids: pid_table(query, names),
            correlations: correlations(events, query)?,
            correlated: !query.correlations.is_empty(),
        })
    }

    fn is_correlated(&self, id: u32, stamp: u64) -> bool {
        let mut wanted = self.correlations.iter();
        wanted.any(|(known, stamps)| *known == id && stamps.contains(&stamp))
    }

    fn places(&self, events: &Events, sieve: &Sieve<'_>, floor: Seq) -> Vec<u32> {
        if !self.keys.contains(&true) || (self.correlated && self.correlations.is_empty()) {
            return Vec::new();
        }
        let (keys, pids, stamps) = (events.keys(), events.pids(), events.stamps());
        let ids = events.correlation_ids();
        spans(events, sieve, floor)
            .filter(|at| self.keys[keys[*at] as usize] && sieve.stamps.contains(&stamps[*at]))
            .filter(|at| self.pids.is_empty() || self.pids[pids[*at] as usize])
            .filter(|at| !self.correlated || self.is_correlated(ids[*at], stamps[*at]))
            .filter(|at| behind(events, *at, sieve.query))
            .map(|at| at as u32)
            .collect()
    }
}

/// Places of the numbers that can match, above `floor`.
fn spans(events: &Events, sieve: &Sieve<'_>, floor: Seq) -> impl Iterator<Item = usize> {
    let place = move |seq: Seq| events.before(seq.max(floor.saturating_add(1)));
    let spans = sieve.spans(events.origin());
    let here = touching(spans, events.from(), events.end());
    spans[here]
        .iter()
        .flat_map(move |span| place(span.0)..place(span.1.saturating_add(1)))
}

/// Whether the event comes behind the cursor.
fn behind(events: &Events, at: usize, query: &Query) -> bool {
    let Some(cursor) = &query.after else {
        return true;
    };
    let (stamp, seq) = (events.stamps()[at], events.seq(at));
    let order = stamp
        .cmp(&cursor.stamp)
        .then_with(|| events.origin().cmp(&cursor.origin))
        .then(seq.cmp(&cursor.seq));
    match query.order {
        Order::Asc => order.is_gt(),
        Order::Desc => order.is_lt(),
    }
}

/// Whether the query takes events of this key.
pub(crate) fn takes_key(query: &Query, names: &Dictionary, key: &Key) -> bool {
    (query.kinds.is_empty() || query.kinds.contains(key.kind))
        && (query.modules.is_empty() || in_modules(query, names, key))
        && query
            .mfa
            .as_ref()
            .is_none_or(|function| is_function(function, names, key))
}

fn in_modules(query: &Query, names: &Dictionary, key: &Key) -> bool {
    match key.subject {
        KeySubject::Mfa { module, .. } => query.modules.contains(&names.atoms()[module as usize]),
        _ => false,
    }
}

fn is_function(wanted: &Function, names: &Dictionary, key: &Key) -> bool {
    let KeySubject::Mfa {
        module,
        function,
        arity,
    } = key.subject
    else {
        return false;
    };
    let is = |wanted: &Option<_>, atom: u32| {
        wanted
            .as_ref()
            .is_none_or(|wanted| *wanted == names.atoms()[atom as usize])
    };
    is(&wanted.module, module)
        && is(&wanted.function, function)
        && wanted.arity.is_none_or(|wanted| wanted == arity)
}

/// By key: whether the query takes its events.
pub(super) fn key_table(query: &Query, names: &Dictionary) -> Vec<bool> {
    let keys = names.keys().iter();
    keys.map(|key| takes_key(query, names, key)).collect()
}

/// By number of the process: whether the query takes its events; empty if it takes all.
pub(super) fn pid_table(query: &Query, names: &Dictionary) -> Vec<bool> {
    if query.pids.is_empty() {
        return Vec::new();
    }
    let wanted = names.pids().iter().map(|pid| query.pids.contains(pid));
    std::iter::once(false).chain(wanted).collect()
}

/// Numbers of the payloads that are a wanted correlation.
fn correlations(
    events: &Events,
    query: &Query,
) -> Result<Vec<(u32, RangeInclusive<u64>)>, TermError> {
    if query.correlations.is_empty() {
        return Ok(Vec::new());
    }
    let (mut seen, mut found) = (Vec::new(), Vec::new());
    for (event, id) in events.iter().zip(events.correlation_ids()) {
        if *id == 0 || !first_time(&mut seen, *id) {
            continue;
        }
        let Some(value) = event.correlation_value()? else {
            continue;
        };
        let same = query
            .correlations
            .iter()
            .filter(|wanted| term::same(&value, &wanted.id));
        found.extend(same.map(|wanted| (*id, wanted.stamps.clone())));
    }
    Ok(found)
}

fn first_time(seen: &mut Vec<bool>, id: u32) -> bool {
    let at = id as usize;
    if seen.len() <= at {
        seen.resize(at + 1, false);
    }
    !std::mem::replace(&mut seen[at], true)
}

/// Sorts by stamp, then number. Each lane's events come in order, so most of it is sorted already.
fn sort(events: &Events, order: Order, places: &mut [u32]) {
    let stamps = events.stamps();
    places.sort_by_key(|at| stamps[*at as usize]);
    if order == Order::Desc {
        places.reverse();
    }
}

/// Where an event stands.
pub(super) fn cursor_of(event: &EventView<'_>) -> Cursor {
    Cursor {
        stamp: event.stamp(),
        origin: event.origin().clone(),
        seq: event.seq(),
    }
}
