//! `page_*`: answers that are sent from node to node, a page at a time.
//!
//! What is asked is in every call, so nothing of a question is remembered where it is answered.

mod union;

use crate::event::Reader;
use crate::scopes::ScopeRef;
use crate::{atoms, clock, drain, filter};
use rustler::{Binary, Env, Error, NewBinary, NifMap, NifResult, Term};
use scope_clock::Stamp;
use scope_event::page::Page;
use scope_event::{Origin, Seq};
use scope_store::{Cursor, Expired, Match, Paged, Query, Ranges};
use std::sync::Arc;

/// Blocks that one call decodes at most, unless they all begin where the question goes on.
const BLOCKS: usize = 64;

/// Events of a page at most.
const EVENTS: usize = 8_192;

/// A stamp as Erlang sees it.
type Parts = (u8, u64);

/// A place in the order: the stamp's parts, the node in text, incarnation, number.
pub(crate) type Place = (u8, u64, String, u64, u64);

/// A run of an origin's numbers, both ends included.
type Run = (String, u64, Seq, Seq);

/// What a page came to.
#[derive(NifMap)]
struct Read<'a> {
    page: Binary<'a>,
    count: usize,
    more: bool,
    cursor: Option<Place>,
    dropped: u64,
    expired: Option<Gone>,
}

/// What retention took behind a cursor.
#[derive(NifMap)]
pub(crate) struct Gone {
    newest: Parts,
    events: u64,
}

impl From<Expired> for Gone {
    fn from(expired: Expired) -> Self {
        Self {
            newest: clock::parts(Stamp::from_bits(expired.newest)),
            events: expired.events,
        }
    }
}

impl From<Gone> for Expired {
    fn from(gone: Gone) -> Self {
        let (logical, ns) = gone.newest;
        Self {
            newest: clock::stamp(u64::from(logical), ns).bits(),
            events: gone.events,
        }
    }
}

/// The next page of an answer, of everything that was recorded before the call.
#[rustler::nif(schedule = "DirtyCpu")]
fn page_read<'a>(
    env: Env<'a>,
    scope: ScopeRef,
    filters: Term<'a>,
    ranges: Term<'a>,
    cursor: Option<Place>,
    max_bytes: usize,
) -> NifResult<Read<'a>> {
    let query = asked(filters, ranges, cursor)?;
    drain::past_now();
    let Paged {
        page,
        count,
        dropped,
        more,
        cursor,
        expired,
    } = scope.0.store.page(&query, max_bytes);
    Ok(Read {
        page: binary(env, &page),
        count,
        more,
        cursor: cursor.map(place),
        dropped,
        expired: expired.map(Gone::from),
    })
}

/// The events of a page that came from elsewhere; those whose terms are damaged are left out.
#[rustler::nif(schedule = "DirtyCpu")]
fn page_events<'a>(env: Env<'a>, page: Binary<'a>) -> Result<Vec<Term<'a>>, String> {
    let page = Page::parse(&page).map_err(|error| error.to_string())?;
    let matches: Vec<_> = Match::of_page(&page).collect();
    Ok(Reader::new(env, "").all(&matches))
}

/// The last state of the filter's process that is held, at or before the filter's end. The core finds it
/// without looking at what lies between.
#[rustler::nif(schedule = "DirtyCpu")]
fn page_state<'a>(env: Env<'a>, scope: ScopeRef, filters: Term<'a>) -> NifResult<Option<Term<'a>>> {
    let query = filter::query(filters)?;
    let pid = query.pids.first().ok_or(Error::BadArg)?;
    drain::past_now();
    let store = &scope.0.store;
    let found = store.state_at(pid, query.to.unwrap_or(u64::MAX));
    let (here, ..) = store.head();
    Ok(found.and_then(|event| Reader::new(env, &here.node).all(&[event]).pop()))
}

/// The runs of numbers that are held, of every origin.
#[rustler::nif(schedule = "DirtyCpu")]
fn page_holdings(scope: ScopeRef) -> Vec<Run> {
    drain::past_now();
    let held = scope.0.store.held();
    let run =
        |origin: &Origin, (first, last)| (origin.node.to_string(), origin.incarnation, first, last);
    held.iter()
        .flat_map(|(origin, runs)| runs.iter().map(move |bounds| run(origin, *bounds)))
        .collect()
}

/// Who records here, the last number, and the stamp below which nothing more comes.
#[rustler::nif(schedule = "DirtyCpu")]
fn page_head(scope: ScopeRef) -> (String, u64, Seq, Parts) {
    drain::past_now_promised();
    let (origin, seq, complete_to) = scope.0.store.head();
    let complete_to = clock::parts(Stamp::from_bits(complete_to));
    (
        origin.node.to_string(),
        origin.incarnation,
        seq,
        complete_to,
    )
}

/// The question of one page.
fn asked(filters: Term<'_>, ranges: Term<'_>, cursor: Option<Place>) -> NifResult<Query> {
    let query = filter::query(filters)?;
    Ok(Query {
        limit: query.limit.min(EVENTS),
        ranges: numbers(ranges)?.map(Arc::new),
        after: cursor.map(cursor_of),
        max_blocks: BLOCKS,
        ..query
    })
}

/// `None` for those of everybody.
fn numbers(ranges: Term<'_>) -> NifResult<Option<Ranges>> {
    if ranges.is_atom() {
        let all = ranges.decode::<rustler::Atom>()? == atoms::all();
        return if all { Ok(None) } else { Err(Error::BadArg) };
    }
    let runs: Vec<(&str, u64, Seq, Term<'_>)> = ranges.decode()?;
    let run = |(node, incarnation, first, last): (&str, u64, Seq, Term<'_>)| {
        let last = if last.is_atom() {
            Seq::MAX
        } else {
            last.decode()?
        };
        Ok((Origin::new(node, incarnation), first, last))
    };
    runs.into_iter()
        .map(run)
        .collect::<NifResult<Ranges>>()
        .map(Some)
}

pub(crate) fn place(cursor: Cursor) -> Place {
    let (logical, ns) = clock::parts(Stamp::from_bits(cursor.stamp));
    let Origin { node, incarnation } = cursor.origin;
    (logical, ns, node.to_string(), incarnation, cursor.seq)
}

fn cursor_of((logical, ns, node, incarnation, seq): Place) -> Cursor {
    Cursor {
        stamp: clock::stamp(u64::from(logical), ns).bits(),
        origin: Origin::new(node, incarnation),
        seq,
    }
}

pub(crate) fn binary<'a>(env: Env<'a>, bytes: &[u8]) -> Binary<'a> {
    let mut binary = NewBinary::new(env, bytes.len());
    binary.as_mut_slice().copy_from_slice(bytes);
    binary.into()
}
