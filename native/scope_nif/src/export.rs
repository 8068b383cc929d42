//! `export_*`: the answer to a query as text that other tools read.
//!
//! What is found is kept until it is written, so that its messages can be paired in between.

use crate::causal::{Confidence, Found, ReadingRef};
use crate::scopes::ScopeRef;
use crate::{payload, store};
use rustler::{Binary, Env, NewBinary, NifMap, NifResult, Resource, ResourceArc, Term};
use scope_clock::Stamp;
use scope_event::{Family, TermError};
use scope_export::{About, Pairing, Row, json_line};
use scope_store::{Match, Matches};
use std::io;

/// What Erlang holds of an answer.
struct Handle(Matches);

#[rustler::resource_impl]
impl Resource for Handle {}

// Nothing in it ever changes.
impl std::panic::RefUnwindSafe for Handle {}

type MatchesRef = ResourceArc<Handle>;

/// What was written, and what is missing from it.
#[derive(NifMap)]
struct Written<'a> {
    text: Binary<'a>,
    count: usize,
    dropped: u64,
    more: bool,
}

/// An event that cannot be written: its terms are damaged.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error(transparent)]
    Term(#[from] TermError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// What a query finds, and the stretch of time in which its messages lie, in nanoseconds.
#[rustler::nif(schedule = "DirtyCpu")]
fn export_find(scope: ScopeRef, query: Term<'_>) -> NifResult<(MatchesRef, Option<(u64, u64)>)> {
    let found = store::matches(&scope, query)?;
    let stretch = stretch(&found.events);
    Ok((ResourceArc::new(Handle(found)), stretch))
}

fn stretch(events: &[Match]) -> Option<(u64, u64)> {
    let messages = events
        .iter()
        .filter(|event| event.kind().family() == Family::Message);
    let ns = messages.map(|event| Stamp::from_bits(event.stamp()).physical_ns());
    ns.fold(None, |stretch, ns| {
        let (first, last) = stretch.unwrap_or((ns, ns));
        Some((first.min(ns), last.max(ns)))
    })
}

/// One line for each event; one whose terms are damaged is left out and counted.
#[rustler::nif(schedule = "DirtyCpu")]
fn export_json_lines<'a>(
    env: Env<'a>,
    found: MatchesRef,
    pairs: Option<ReadingRef>,
) -> Written<'a> {
    let (found, mut text) = (&found.0, Vec::new());
    let lines = found.events.iter().map(|event| {
        let id = || (event.origin().clone(), event.seq());
        let pair = pairs.as_ref().and_then(|pairs| pairs.pair_of(&id()));
        line(event, pair.as_ref(), &mut text)
    });
    let count = lines.filter(Result::is_ok).count();
    let damaged = found.events.len() - count;
    Written {
        text: binary(env, &text),
        count,
        dropped: found.dropped + damaged as u64,
        more: found.more,
    }
}

fn line(event: &Match, pair: Option<&Found>, text: &mut Vec<u8>) -> Result<(), LineError> {
    let row = row(event, pair)?;
    Ok(json_line(&row, text)?)
}

fn row<'a>(event: &'a Match, pair: Option<&'a Found>) -> Result<Row<'a>, TermError> {
    Ok(Row {
        origin: event.origin(),
        seq: event.seq(),
        stamp: Stamp::from_bits(event.stamp()),
        mono_ns: event.mono_ns(),
        pid: event.pid(),
        kind: event.kind(),
        about: About::read(event.subject(), event.names())?,
        correlation: event.correlation_value()?,
        data: event.data_value()?,
        truncated: event.flags() & payload::TRUNCATED != 0,
        inherited: event.flags() & payload::INHERITED != 0,
        likely: event.flags() & payload::LIKELY != 0,
        entry: event.flags() & payload::ENTRY != 0,
        pairing: pair.map(pairing),
    })
}

fn pairing(found: &Found) -> Pairing<'_> {
    let mut ids = found.ids.iter().map(|(origin, seq)| (origin, *seq));
    match (found.confidence, found.ids.len(), ids.next()) {
        (Confidence::Exact, 1, Some(id)) => Pairing::Exact(id),
        (Confidence::Likely, 1, Some(id)) => Pairing::Likely(id),
        (_, _, first) => Pairing::Ambiguous(first.into_iter().chain(ids).collect()),
    }
}

fn binary<'a>(env: Env<'a>, bytes: &[u8]) -> Binary<'a> {
    let mut binary = NewBinary::new(env, bytes.len());
    binary.as_mut_slice().copy_from_slice(bytes);
    binary.into()
}
