//! `export_*`: what was found as text that other tools read.

use crate::found::FoundRef;
use crate::page::binary;
use crate::pair::{Confidence, Found, ReadingRef};
use crate::payload;
use rustler::{Binary, Env, NifMap};
use scope_clock::Stamp;
use scope_event::TermError;
use scope_export::{About, Pairing, Row, json_line};
use scope_store::Match;
use std::io;

/// What was written: how many events, and how many could not be.
#[derive(NifMap)]
struct Written<'a> {
    text: Binary<'a>,
    count: usize,
    damaged: usize,
}

/// An event that cannot be written: its terms are damaged.
#[derive(Debug, thiserror::Error)]
enum LineError {
    #[error(transparent)]
    Term(#[from] TermError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// One line for each event; one whose terms are damaged is left out and counted.
#[rustler::nif(schedule = "DirtyCpu")]
fn export_json_lines<'a>(env: Env<'a>, found: FoundRef, pairs: Option<ReadingRef>) -> Written<'a> {
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
        damaged,
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
