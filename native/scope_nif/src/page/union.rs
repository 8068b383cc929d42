//! What is here and what others answer, as one: read in steps, and fed in between.

use super::{Gone, Place, asked, place};
use crate::event::Reader;
use crate::found::{self, FoundRef};
use crate::scopes::{Scope, ScopeRef};
use crate::{atoms, drain};
use parking_lot::Mutex;
use rustler::{Atom, Binary, Encoder, Env, NifMap, NifResult, Resource, ResourceArc, Term};
use scope_event::Seq;
use scope_store::{Fed, Matches, Query, Ranges, Step, Union};
use std::sync::Arc;

/// What Erlang holds of a union.
struct Handle {
    scope: Arc<Scope>,
    union: Mutex<Union>,
}

#[rustler::resource_impl]
impl Resource for Handle {}

// A NIF that panics poisons nothing: the lock is free again, and each step is whole.
impl std::panic::RefUnwindSafe for Handle {}

type UnionRef = ResourceArc<Handle>;

/// A page, and what its member said of it.
#[derive(NifMap)]
struct Given<'a> {
    page: Binary<'a>,
    more: bool,
    dropped: u64,
    expired: Option<Gone>,
}

/// What a step came to, besides its events.
#[derive(NifMap)]
struct Told<'a> {
    events: Term<'a>,
    count: usize,
    need: Vec<usize>,
    dropped: u64,
    expired: Option<Gone>,
    cursor: Option<Place>,
    messages: Option<(u64, u64)>,
}

/// Begins to read what matches: here, in numbers that do not change meanwhile, and at so many members.
#[rustler::nif(schedule = "DirtyCpu")]
fn page_open<'a>(
    scope: ScopeRef,
    filters: Term<'a>,
    ranges: Term<'a>,
    cursor: Option<Place>,
    members: usize,
) -> NifResult<UnionRef> {
    let query = asked(filters, ranges, cursor)?;
    drain::past_now();
    let scope = Arc::clone(&scope.0);
    let query = Query {
        ranges: Some(Arc::new(closed(&scope, query.ranges.as_deref()))),
        ..query
    };
    Ok(ResourceArc::new(Handle {
        scope,
        union: Mutex::new(Union::new(query, members)),
    }))
}

#[rustler::nif(schedule = "DirtyCpu")]
fn page_feed<'a>(env: Env<'a>, union: UnionRef, member: usize, given: Term<'a>) -> Term<'a> {
    let Ok(given) = given.decode::<Given<'_>>() else {
        return (atoms::error(), "not what was asked for").encode(env);
    };
    let fed = Fed {
        page: &given.page,
        more: given.more,
        dropped: given.dropped,
        expired: given.expired.map(Into::into),
    };
    match union.union.lock().feed(member, fed) {
        Ok(()) => atoms::ok().encode(env),
        Err(error) => (atoms::error(), error.to_string()).encode(env),
    }
}

/// Nothing more is to be had of a member.
#[rustler::nif]
fn page_close(union: UnionRef, member: usize) -> Atom {
    union.union.lock().close(member);
    atoms::ok()
}

/// The next events as terms. One whose terms are damaged is left out, and counted.
#[rustler::nif(schedule = "DirtyCpu")]
fn page_next<'a>(env: Env<'a>, union: UnionRef, most: usize) -> Term<'a> {
    let mut open = union.union.lock();
    let step = open.next(&union.scope.store, most);
    let events = Reader::new(env, &union.scope.store.own().node).all(&step.events);
    open.miss((step.events.len() - events.len()) as u64);
    let count = events.len();
    told(env, &open, &step, events.encode(env), count)
}

/// The next events, held.
#[rustler::nif(schedule = "DirtyCpu")]
fn page_take<'a>(env: Env<'a>, union: UnionRef, most: usize) -> Term<'a> {
    let mut open = union.union.lock();
    let mut step = open.next(&union.scope.store, most);
    let events = std::mem::take(&mut step.events);
    let (count, messages) = (events.len(), found::stretch(&events));
    let held: FoundRef = found::hold(Matches {
        events,
        dropped: open.dropped(),
        expired: open.expired(),
        ..Matches::default()
    });
    let told = told(env, &open, &step, held.encode(env), count);
    told.map_put(atoms::messages(), messages).unwrap_or(told)
}

fn told<'a>(env: Env<'a>, union: &Union, step: &Step, events: Term<'a>, count: usize) -> Term<'a> {
    let told = Told {
        events,
        count,
        need: step.need.clone(),
        dropped: union.dropped(),
        expired: union.expired().map(Gone::from),
        cursor: union.cursor().cloned().map(place),
        messages: found::stretch(&step.events),
    };
    let told = told.encode(env);
    told.map_put(atoms::done(), step.done).unwrap_or(told)
}

/// Numbers that are held now in place of an open end.
fn closed(scope: &Scope, ranges: Option<&Ranges>) -> Ranges {
    let Some(ranges) = ranges else {
        return scope.store.held();
    };
    let runs = || {
        ranges
            .iter()
            .flat_map(|(origin, runs)| runs.iter().map(move |run| (origin, *run)))
    };
    if runs().all(|(_, (_, last))| last < Seq::MAX) {
        return ranges.clone();
    }
    let held = scope.store.held();
    let end = |origin| held.of(origin).last().map_or(0, |run| run.1);
    runs()
        .map(|(origin, (first, last))| {
            let last = if last == Seq::MAX { end(origin) } else { last };
            (origin.clone(), first, last)
        })
        .collect()
}
