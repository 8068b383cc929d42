//! The formats that show causes, written from a picture in steps. Before each step its events are decoded, so
//! that what users call their correlations can be looked up meanwhile.

use super::told::Told;
use super::value::value;
use super::{table, text};
use crate::atoms;
use crate::causal::{Drawn, PictureRef};
use crate::event::Reader;
use crate::page::binary;
use crate::pair::name;
use parking_lot::Mutex;
use rustler::{Binary, Encoder, Env, NifMap, NifResult, NifUnitEnum, Resource, ResourceArc, Term};
use scope_causal::{At, Spans};
use scope_event::Value;
use scope_export::{
    Callgrind, Encoding, Folded, Format, Lacks, Mermaid, Otlp, Perfetto, Row, Rows,
};
use scope_export::{Shiviz, Speedscope, TooManyProcesses, Trace};
use scope_store::Match;
use std::collections::HashMap;
use std::io;
use std::sync::Arc;

#[derive(NifUnitEnum)]
enum Name {
    Perfetto,
    OtlpProtobuf,
    OtlpJson,
    Shiviz,
    Mermaid,
    Folded,
    Speedscope,
    Callgrind,
}

/// What is known to be missing, in text.
#[derive(NifMap)]
struct Missing<'a> {
    missing: Vec<(&'a str, &'a str)>,
    dropped: u64,
    expired: u64,
    more: bool,
}

/// An export of a picture.
struct Export {
    drawn: Arc<Drawn>,
    spans: Spans,
    lacks: Lacks,
    format: Box<dyn Format>,
    /// What the next step reads: decoded, where the core has them.
    window: Vec<At>,
    matches: Vec<Option<Match>>,
}

/// What Erlang holds of it.
struct Handle(Mutex<Export>);

#[rustler::resource_impl]
impl Resource for Handle {}

// A NIF that panics poisons nothing: the lock is free again, and each step is whole.
impl std::panic::RefUnwindSafe for Handle {}

type ExportRef = ResourceArc<Handle>;

/// What the next step needs.
#[derive(NifMap)]
struct Window<'a> {
    /// The events with keys for correlations, by their places in the window.
    keyed: Vec<(usize, Term<'a>)>,
    /// As which its events were given, where Erlang has them.
    given: Vec<u32>,
}

#[derive(NifMap)]
struct Step<'a> {
    text: Binary<'a>,
    done: usize,
    more: bool,
}

/// Begins to write a picture.
#[rustler::nif(schedule = "DirtyCpu")]
fn export_trace(picture: PictureRef, of: Name, missing: Missing<'_>) -> NifResult<ExportRef> {
    let drawn = picture.drawn()?;
    let own = |(node, why): &(&str, &str)| ((*node).to_owned(), (*why).to_owned());
    let export = Export {
        spans: Spans::build(&drawn.picture),
        drawn,
        lacks: Lacks {
            missing: missing.missing.iter().map(own).collect(),
            dropped: missing.dropped,
            expired: missing.expired,
            more: missing.more,
        },
        format: format(&of),
        window: Vec::new(),
        matches: Vec::new(),
    };
    Ok(ResourceArc::new(Handle(Mutex::new(export))))
}

fn format(of: &Name) -> Box<dyn Format> {
    match of {
        Name::Perfetto => Box::new(Perfetto::default()),
        Name::OtlpProtobuf => Box::new(Otlp::new(Encoding::Protobuf)),
        Name::OtlpJson => Box::new(Otlp::new(Encoding::Json)),
        Name::Shiviz => Box::new(Shiviz::default()),
        Name::Mermaid => Box::new(Mermaid::default()),
        Name::Folded => Box::new(Folded::default()),
        Name::Speedscope => Box::new(Speedscope::default()),
        Name::Callgrind => Box::new(Callgrind::default()),
    }
}

/// Decodes what the next step reads; `here` is the node that does.
#[rustler::nif(schedule = "DirtyCpu")]
fn export_window<'a>(env: Env<'a>, export: ExportRef, here: Term<'a>) -> NifResult<Window<'a>> {
    let export = &mut *export.0.lock();
    let picture = &export.drawn.picture;
    export.window = export.format.window(picture);
    let Some(kept) = &export.drawn.kept else {
        let given = export.window.iter().map(|at| picture.given(*at));
        return Ok(Window {
            keyed: Vec::new(),
            given: given.map(Option::unwrap_or_default).collect(),
        });
    };
    export.matches = kept.matches(picture, &export.window);
    let mut reader = Reader::new(env, &name(here)?);
    let keyed = export.matches.iter().enumerate();
    let keyed = keyed.filter_map(|(at, event)| Some((at, event.as_ref()?)));
    let keyed = keyed.filter(|(_, event)| table::has_key(event));
    Ok(Window {
        keyed: keyed
            .filter_map(|(at, event)| Some((at, reader.one(event)?)))
            .collect(),
        given: Vec::new(),
    })
}

/// Writes the next step, with the names of its correlations and the events that Erlang has.
#[rustler::nif(schedule = "DirtyCpu")]
fn export_step<'a>(
    env: Env<'a>,
    export: ExportRef,
    names: Vec<(usize, Term<'a>)>,
    events: Vec<Term<'a>>,
) -> NifResult<Term<'a>> {
    let export = &mut *export.0.lock();
    let trace = Trace {
        picture: &export.drawn.picture,
        spans: &export.spans,
        lacks: &export.lacks,
    };
    let mut rows = Known {
        places: export.window.iter().copied().zip(0..).collect(),
        matches: std::mem::take(&mut export.matches),
        told: events.iter().map(|event| Told::read(*event).ok()).collect(),
        names: names.iter().map(|(at, name)| (*at, value(*name))).collect(),
    };
    let mut out = Vec::new();
    match export.format.step(&trace, &mut rows, &mut out) {
        Ok(more) => Ok(Step {
            text: binary(env, &out),
            done: export.format.done(),
            more,
        }
        .encode(env)),
        Err(error) => Ok((atoms::error(), refused(env, &error)).encode(env)),
    }
}

/// Why a format does not take a picture: how many processes are too many, or else in words.
fn refused<'a>(env: Env<'a>, error: &io::Error) -> Term<'a> {
    let source = error.get_ref().and_then(|of| of.downcast_ref());
    match source {
        Some(TooManyProcesses(count)) => (*count, scope_export::shiviz::HOSTS).encode(env),
        None => text(env, &error.to_string()),
    }
}

/// The events of a window.
struct Known {
    places: HashMap<At, usize>,
    matches: Vec<Option<Match>>,
    told: Vec<Option<Told>>,
    names: HashMap<usize, Value>,
}

impl Rows for Known {
    fn row(
        &mut self,
        at: At,
        read: &mut dyn FnMut(&Row<'_>) -> io::Result<()>,
    ) -> io::Result<bool> {
        let Some(&place) = self.places.get(&at) else {
            return Ok(false);
        };
        if let Some(Some(told)) = self.told.get(place) {
            return read(&told.row()).map(|()| true);
        }
        let Some(Some(event)) = self.matches.get(place) else {
            return Ok(false);
        };
        let Ok(mut row) = table::row(event) else {
            return Ok(false);
        };
        if let Some(name) = self.names.get(&place) {
            row.correlation = Some(name.clone());
        }
        read(&row).map(|()| true)
    }
}
