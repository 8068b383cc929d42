//! `export_*`: the answer to a query as text that other tools read.

use crate::scopes::ScopeRef;
use crate::{payload, store};
use rustler::{Binary, Env, NewBinary, NifMap, NifResult, Term};
use scope_clock::Stamp;
use scope_event::TermError;
use scope_export::{About, Row, json_line};
use scope_store::Match;
use std::io;

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

/// One line for each event; one whose terms are damaged is left out and counted.
#[rustler::nif(schedule = "DirtyCpu")]
fn export_json_lines<'a>(env: Env<'a>, scope: ScopeRef, query: Term<'a>) -> NifResult<Written<'a>> {
    let found = store::matches(&scope, query)?;
    let mut text = Vec::new();
    let lines = found.events.iter().map(|event| line(event, &mut text));
    let count = lines.filter(Result::is_ok).count();
    let damaged = found.events.len() - count;
    Ok(Written {
        text: binary(env, &text),
        count,
        dropped: found.dropped + damaged as u64,
        more: found.more,
    })
}

fn line(event: &Match, text: &mut Vec<u8>) -> Result<(), LineError> {
    let row = row(event)?;
    Ok(json_line(&row, text)?)
}

fn row(event: &Match) -> Result<Row<'_>, TermError> {
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
    })
}

fn binary<'a>(env: Env<'a>, bytes: &[u8]) -> Binary<'a> {
    let mut binary = NewBinary::new(env, bytes.len());
    binary.as_mut_slice().copy_from_slice(bytes);
    binary.into()
}
