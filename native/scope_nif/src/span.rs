//! `span_*`: the calls of a picture, and what is made of them. All on dirty schedulers.

mod contents;
mod diff;
mod figures;
mod rows;

use crate::causal::{Drawn, PictureRef};
use crate::symbols;
use rustler::{Env, NifMap, NifResult, Resource, ResourceArc, Term};
use scope_causal::Spans;
use scope_event::Kind;
use std::sync::Arc;

/// Losses that are told of one picture.
const LOSSES: usize = 10_000;

/// What Erlang holds of it.
pub(crate) struct Handle {
    pub(crate) drawn: Arc<Drawn>,
    pub(crate) spans: Spans,
}

#[rustler::resource_impl]
impl Resource for Handle {}

// Nothing in it ever changes.
impl std::panic::RefUnwindSafe for Handle {}

pub(crate) type SpansRef = ResourceArc<Handle>;

/// How many there are, and of what sort.
#[derive(NifMap)]
struct Counted {
    spans: usize,
    roots: usize,
    open: usize,
    raised: usize,
    bytes: usize,
}

/// Finds the spans of a picture.
#[rustler::nif(schedule = "DirtyCpu")]
fn span_build(picture: PictureRef) -> NifResult<SpansRef> {
    let drawn = picture.drawn()?;
    let spans = Spans::build(&drawn.picture);
    Ok(ResourceArc::new(Handle { drawn, spans }))
}

#[rustler::nif(schedule = "DirtyCpu")]
fn span_about(spans: SpansRef) -> Counted {
    let of = &spans.spans;
    Counted {
        spans: of.len(),
        roots: of.roots().len(),
        open: of.spans().filter(|span| span.total_ns.is_none()).count(),
        raised: of.spans().filter(|span| span.raised).count(),
        bytes: of.bytes(),
    }
}

/// The innermost span at an event.
#[rustler::nif(schedule = "DirtyCpu")]
fn span_find(spans: SpansRef, of: Term<'_>) -> Option<u32> {
    let at = spans.drawn.at(of)?;
    spans.spans.of_event(at)
}

/// Who recorded the events.
#[rustler::nif(schedule = "DirtyCpu")]
fn span_origins(env: Env<'_>, spans: SpansRef) -> Vec<(Term<'_>, u64)> {
    let origins = spans.drawn.picture.origins().iter();
    let origins = origins.map(|origin| (symbols::atom(env, &origin.node), origin.incarnation));
    origins.collect()
}

/// The places of the first losses.
#[rustler::nif(schedule = "DirtyCpu")]
fn span_losses(spans: SpansRef) -> Vec<u32> {
    let picture = &spans.drawn.picture;
    let places = (0..).zip(picture.order());
    let losses = places.filter(|(_, at)| picture.kind(**at) == Kind::Gap);
    losses.map(|(place, _)| place).take(LOSSES).collect()
}
