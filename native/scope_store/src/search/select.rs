//! Which events of one decoded block match.
//!
//! Filters on names are asked once per name of the dictionary, filters on terms once per term; what
//! is left for each event is a look into small tables.

use super::Sieve;
use super::text::{TextSink, holds};
use crate::index::term;
use crate::query::{Cursor, Function, Order, Query};
use scope_event::block::{Dictionary, Key, KeySubject};
use scope_event::{EventView, Events, Seq, SubjectView, TermError, read_term};

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
    let query = sieve.query;
    let tables = Tables::new(events, query)?;
    let mut places = tables.places(events, sieve, floor);
    if let Some(text) = &query.contains {
        keep_with_text(events, text, &mut places)?;
    }
    sort(events, query.order, &mut places);
    Ok(places)
}

/// What the query says of each name and id of the block; an empty table lets everything pass.
#[derive(Debug)]
struct Tables {
    keys: Vec<bool>,
    /// One more than the dictionary's pids: place 0 stands for none.
    pids: Vec<bool>,
    /// The payload of the correlation, by number plus one.
    correlations: Vec<u32>,
    correlated: bool,
}

impl Tables {
    fn new(events: &Events, query: &Query) -> Result<Self, TermError> {
        let names = events.dictionary();
        Ok(Self {
            keys: names
                .keys()
                .iter()
                .map(|key| takes_key(query, names, key))
                .collect(),
            pids: pid_table(query, names),
            correlations: correlations(events, query)?,
            correlated: query.correlation.is_some(),
        })
    }

    fn places(&self, events: &Events, sieve: &Sieve<'_>, floor: Seq) -> Vec<u32> {
        if !self.keys.contains(&true) || (self.correlated && self.correlations.is_empty()) {
            return Vec::new();
        }
        let first = (floor + 1)
            .saturating_sub(events.from())
            .min(events.len() as u64) as usize;
        let (keys, pids, stamps) = (events.keys(), events.pids(), events.stamps());
        let ids = events.correlation_ids();
        (first..events.len())
            .filter(|at| self.keys[keys[*at] as usize] && sieve.stamps.contains(&stamps[*at]))
            .filter(|at| self.pids.is_empty() || self.pids[pids[*at] as usize])
            .filter(|at| !self.correlated || self.correlations.contains(&ids[*at]))
            .filter(|at| behind(events, *at, sieve.query))
            .map(|at| at as u32)
            .collect()
    }
}

/// Whether the event comes behind the cursor.
fn behind(events: &Events, at: usize, query: &Query) -> bool {
    let Some(cursor) = &query.after else {
        return true;
    };
    let (stamp, seq) = (events.stamps()[at], events.from() + at as u64);
    let order = stamp
        .cmp(&cursor.stamp)
        .then_with(|| events.origin().cmp(&cursor.origin))
        .then(seq.cmp(&cursor.seq));
    match query.order {
        Order::Asc => order.is_gt(),
        Order::Desc => order.is_lt(),
    }
}

fn takes_key(query: &Query, names: &Dictionary, key: &Key) -> bool {
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

fn pid_table(query: &Query, names: &Dictionary) -> Vec<bool> {
    if query.pids.is_empty() {
        return Vec::new();
    }
    let wanted = names.pids().iter().map(|pid| query.pids.contains(pid));
    std::iter::once(false).chain(wanted).collect()
}

/// Numbers of the payloads that are the wanted correlation.
fn correlations(events: &Events, query: &Query) -> Result<Vec<u32>, TermError> {
    let Some(wanted) = &query.correlation else {
        return Ok(Vec::new());
    };
    let (mut seen, mut found) = (Vec::new(), Vec::new());
    for (event, id) in events.iter().zip(events.correlation_ids()) {
        if *id == 0 || !first_time(&mut seen, *id) {
            continue;
        }
        if event
            .correlation_value()?
            .is_some_and(|value| term::same(&value, wanted))
        {
            found.push(*id);
        }
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

fn keep_with_text(events: &Events, text: &str, places: &mut Vec<u32>) -> Result<(), TermError> {
    let mut known = Texts::default();
    let mut kept = Vec::new();
    for at in places.iter().copied() {
        let event = events.get(at as usize);
        if event.map_or(Ok(false), |event| known.holds(events, &event, text))? {
            kept.push(at);
        }
    }
    *places = kept;
    Ok(())
}

/// What was found of each key and payload so far.
#[derive(Debug, Default)]
struct Texts {
    keys: Vec<Option<bool>>,
    payloads: Vec<Option<bool>>,
}

impl Texts {
    fn holds(
        &mut self,
        events: &Events,
        event: &EventView<'_>,
        text: &str,
    ) -> Result<bool, TermError> {
        let at = event.place();
        let (data, correlation) = (events.data_ids()[at], events.correlation_ids()[at]);
        let names = events.dictionary();
        Ok(known(&mut self.keys, events.keys()[at], || {
            subject_holds(event, names, text)
        })? || known(&mut self.payloads, data, || {
            in_term(event.data()?.as_deref(), names, text)
        })? || known(&mut self.payloads, correlation, || {
            in_term(event.correlation()?.as_deref(), names, text)
        })?)
    }
}

fn known(
    table: &mut Vec<Option<bool>>,
    id: u32,
    look: impl FnOnce() -> Result<bool, TermError>,
) -> Result<bool, TermError> {
    let at = id as usize;
    if table.len() <= at {
        table.resize(at + 1, None);
    }
    match table[at] {
        Some(known) => Ok(known),
        None => Ok(*table[at].insert(look()?)),
    }
}

fn subject_holds(event: &EventView<'_>, names: &Dictionary, text: &str) -> Result<bool, TermError> {
    let has = |atom: &str| holds(atom.as_bytes(), text.as_bytes());
    Ok(match event.subject()? {
        SubjectView::Mfa {
            module, function, ..
        } => has(module) || has(function),
        SubjectView::Name(name) => has(name),
        SubjectView::Term(term) => in_term(Some(&term), names, text)?,
        SubjectView::None | SubjectView::Pid(_) => false,
    })
}

fn in_term(term: Option<&[u8]>, names: &Dictionary, text: &str) -> Result<bool, TermError> {
    let Some(term) = term else { return Ok(false) };
    let mut sink = TextSink::new(text);
    read_term(term, names, &mut sink)?;
    Ok(sink.found)
}

/// Where an event stands.
pub(crate) fn cursor_of(events: &Events, at: u32) -> Cursor {
    let stamp = events.stamps()[at as usize];
    Cursor {
        stamp,
        origin: events.origin().clone(),
        seq: events.from() + u64::from(at),
    }
}
