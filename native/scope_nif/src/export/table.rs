//! JSON Lines, CSV and Parquet: one row for each event, however many there are.

use super::value::value;
use crate::event::Reader;
use crate::found::FoundRef;
use crate::page::binary;
use crate::pair::{Confidence, Found, ReadingRef, name};
use crate::{atoms, clock, payload};
use parking_lot::Mutex;
use rustler::{Binary, Encoder, Env, NifMap, NifResult, NifUnitEnum, Resource, ResourceArc, Term};
use scope_clock::Stamp;
use scope_event::{Origin, TermError, Value};
#[cfg(feature = "parquet")]
use scope_export::ParquetWriter;
use scope_export::{About, Pairing, Row, csv_header, csv_record, json_line};
use scope_store::Match;
use std::collections::{HashMap, HashSet};
use std::io;
use std::sync::Arc;

#[derive(NifUnitEnum)]
enum Format {
    JsonLines,
    Csv,
    Parquet,
}

/// A table that is being written.
enum Table {
    Lines,
    /// Whether the names of the columns are to come.
    Csv {
        is_begun: bool,
    },
    /// `None` once it has ended.
    #[cfg(feature = "parquet")]
    Parquet(Option<ParquetWriter>),
}

/// What Erlang holds of it.
struct Handle(Mutex<Table>);

#[rustler::resource_impl]
impl Resource for Handle {}

// A NIF that panics poisons nothing: the lock is free again.
impl std::panic::RefUnwindSafe for Handle {}

type TableRef = ResourceArc<Handle>;

/// What was written: how many events, and how many could not be.
#[derive(NifMap)]
struct Written<'a> {
    text: Binary<'a>,
    count: usize,
    damaged: usize,
}

/// What the asker knows of the events besides.
#[derive(NifMap)]
struct Shown<'a> {
    /// What their users call the correlations of those that were [`keyed`](export_keyed), by their places.
    names: Vec<(usize, Term<'a>)>,
    /// The nodes whose clocks are not believed, and what time it is here.
    ahead: Vec<Term<'a>>,
    now: (u64, u64),
    /// This node.
    here: Term<'a>,
}

/// An event that cannot be written: its terms are damaged.
#[derive(Debug, thiserror::Error)]
enum RowError {
    #[error(transparent)]
    Term(#[from] TermError),
    #[error(transparent)]
    Io(#[from] io::Error),
}

/// Begins a table.
#[rustler::nif]
fn export_table<'a>(env: Env<'a>, format: Format) -> Term<'a> {
    match Table::new(&format) {
        Some(table) => ResourceArc::new(Handle(Mutex::new(table))).encode(env),
        None => atoms::error().encode(env),
    }
}

/// The events whose correlation is a key, with their places: what users call it has to be looked up.
#[rustler::nif(schedule = "DirtyCpu")]
fn export_keyed<'a>(env: Env<'a>, found: FoundRef, here: Term<'a>) -> NifResult<Vec<Term<'a>>> {
    let here = name(here)?;
    let mut reader = Reader::new(env, &here);
    let keyed = found.0.events.iter().enumerate();
    Ok(keyed
        .filter(|(_, event)| has_key(event))
        .filter_map(|(at, event)| Some((at, reader.one(event)?).encode(env)))
        .collect())
}

pub(super) fn has_key(event: &Match) -> bool {
    // A key of sixteen bytes takes some more in block form.
    event.correlation().is_some_and(|bytes| bytes.len() > 16)
        && matches!(event.correlation_value(), Ok(Some(Value::Binary { full: 16, kept })) if kept.len() == 16)
}

/// Writes a row for each event; one whose terms are damaged is left out and counted.
#[rustler::nif(schedule = "DirtyCpu")]
fn export_rows<'a>(
    env: Env<'a>,
    table: TableRef,
    found: FoundRef,
    pairs: Option<ReadingRef>,
    shown: Shown<'a>,
) -> NifResult<Written<'a>> {
    let known = Known::new(&shown)?;
    let (mut table, mut text) = (table.0.lock(), Vec::new());
    let mut count = 0;
    for (place, event) in found.0.events.iter().enumerate() {
        let id = || (event.origin().clone(), event.seq());
        let pair = pairs.as_ref().and_then(|pairs| pairs.pair_of(&id()));
        let length = text.len();
        match table.event(&known, place, event, pair.as_ref(), &mut text) {
            Ok(()) => count += 1,
            Err(RowError::Term(_)) => text.truncate(length),
            Err(RowError::Io(error)) => return Err(failed(error)),
        }
    }
    Ok(Written {
        text: binary(env, &text),
        count,
        damaged: found.0.events.len() - count,
    })
}

/// Writes what is missing as a last row, which nobody recorded.
#[rustler::nif]
fn export_missing<'a>(
    env: Env<'a>,
    table: TableRef,
    node: Term<'a>,
    now: (u64, u64),
    data: Term<'a>,
) -> NifResult<Binary<'a>> {
    let origin = Origin::new(name(node)?, 0);
    let row = Row::missing(&origin, clock::stamp(now.0, now.1), value(data));
    let mut text = Vec::new();
    table.0.lock().row(&row, &mut text).map_err(failed)?;
    Ok(binary(env, &text))
}

/// What stands behind the last row.
#[rustler::nif(schedule = "DirtyCpu")]
fn export_finish<'a>(env: Env<'a>, table: TableRef) -> NifResult<Binary<'a>> {
    let mut text = Vec::new();
    table.0.lock().finish(&mut text).map_err(failed)?;
    Ok(binary(env, &text))
}

fn failed(error: io::Error) -> rustler::Error {
    rustler::Error::Term(Box::new(error.to_string()))
}

impl Table {
    fn new(format: &Format) -> Option<Self> {
        match format {
            Format::JsonLines => Some(Self::Lines),
            Format::Csv => Some(Self::Csv { is_begun: false }),
            #[cfg(feature = "parquet")]
            Format::Parquet => ParquetWriter::new()
                .ok()
                .map(|file| Self::Parquet(Some(file))),
            #[cfg(not(feature = "parquet"))]
            Format::Parquet => None,
        }
    }

    fn event(
        &mut self,
        known: &Known,
        place: usize,
        event: &Match,
        pair: Option<&Found>,
        out: &mut Vec<u8>,
    ) -> Result<(), RowError> {
        let row = known.row(place, event, pair)?;
        Ok(self.row(&row, out)?)
    }

    fn row(&mut self, row: &Row<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Lines => json_line(row, out),
            Self::Csv { is_begun } => {
                begin(is_begun, out)?;
                csv_record(row, out)
            }
            #[cfg(feature = "parquet")]
            Self::Parquet(file) => file.as_mut().map_or(Ok(()), |file| file.row(row, out)),
        }
    }

    fn finish(&mut self, out: &mut Vec<u8>) -> io::Result<()> {
        match self {
            Self::Lines => Ok(()),
            Self::Csv { is_begun } => begin(is_begun, out),
            #[cfg(feature = "parquet")]
            Self::Parquet(file) => file.take().map_or(Ok(()), |file| file.finish(out)),
        }
    }
}

fn begin(is_begun: &mut bool, out: &mut Vec<u8>) -> io::Result<()> {
    if std::mem::replace(is_begun, true) {
        return Ok(());
    }
    csv_header(out)
}

/// [`Shown`], as rows are made from it.
struct Known {
    names: HashMap<usize, Value>,
    ahead: HashSet<Arc<str>>,
    now: Stamp,
    here: Arc<str>,
}

impl Known {
    fn new(shown: &Shown<'_>) -> NifResult<Self> {
        let names = shown.names.iter().map(|(at, name)| (*at, value(*name)));
        let ahead = shown.ahead.iter().map(|node| name(*node));
        Ok(Self {
            names: names.collect(),
            ahead: ahead.collect::<NifResult<_>>()?,
            now: clock::stamp(shown.now.0, shown.now.1),
            here: name(shown.here)?,
        })
    }

    fn row<'m>(
        &'m self,
        place: usize,
        event: &'m Match,
        pair: Option<&'m Found>,
    ) -> Result<Row<'m>, TermError> {
        Ok(Row {
            correlation: match self.names.get(&place) {
                Some(name) => Some(name.clone()),
                None => event.correlation_value()?,
            },
            pairing: pair.map(pairing),
            received: self.received(event),
            ..row(event)?
        })
    }

    /// As the store remarked it, else because of a clock that is ahead of this node's.
    fn received<'m>(&'m self, event: &'m Match) -> Option<(Stamp, &'m str)> {
        if let Some(stamp) = event.received() {
            let by = event.received_by().unwrap_or(&self.here);
            return Some((Stamp::from_bits(stamp), by));
        }
        let is_ahead =
            self.ahead.contains(&event.origin().node) && Stamp::from_bits(event.stamp()) > self.now;
        is_ahead.then_some((self.now, &*self.here))
    }
}

/// A row as it was recorded.
pub(super) fn row(event: &Match) -> Result<Row<'_>, TermError> {
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
        pairing: None,
        received: None,
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
