//! `causal_*`: an answer as a picture of what led to what.
//!
//! It is given events, some at a time, and made when it has them all. What the core found stays in pages,
//! and is decoded when it is shown; what Erlang gave stays with Erlang. All on dirty schedulers.

mod answer;
mod given;
mod input;
mod kept;

use crate::atoms;
use crate::found::FoundRef;
use crate::pair::{Confidence, ReadingRef, name};
use kept::Kept;
use parking_lot::Mutex;
use rustler::{Atom, NifMap, NifResult, Resource, ResourceArc, Term};
use scope_causal::{At, Id, Picture, PictureBuilder};
use std::sync::Arc;

/// Everything that was made of one answer.
pub(crate) struct Drawn {
    pub(crate) picture: Picture,
    /// The events themselves, unless Erlang has them.
    pub(crate) kept: Option<Kept>,
}

/// An answer that is not all here.
struct Drawing {
    builder: PictureBuilder,
    kept: Option<Kept>,
}

enum State {
    Drawing(Box<Drawing>),
    Drawn(Arc<Drawn>),
}

/// What Erlang holds of it.
pub(crate) struct Handle(Mutex<State>);

#[rustler::resource_impl]
impl Resource for Handle {}

// A NIF that panics poisons nothing: the lock is free again, and each step is whole.
impl std::panic::RefUnwindSafe for Handle {}

pub(crate) type PictureRef = ResourceArc<Handle>;

/// What is known of an answer, besides its events.
#[derive(NifMap)]
struct Known<'a> {
    /// The nodes whose events are not all here.
    missing: Vec<Term<'a>>,
    /// By how much the clocks of two nodes may differ.
    clocks_ns: u64,
}

impl Handle {
    /// The picture, once it is made.
    pub(crate) fn drawn(&self) -> NifResult<Arc<Drawn>> {
        match &*self.0.lock() {
            State::Drawn(drawn) => Ok(Arc::clone(drawn)),
            State::Drawing(_) => Err(rustler::Error::BadArg),
        }
    }
}

/// Begins a picture of events that the core finds, in that order; `here` is the node that reads.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_new(here: Term<'_>, descending: bool) -> NifResult<PictureRef> {
    Ok(begun(Some(Kept::new(name(here)?, descending))))
}

/// Begins a picture of events that Erlang has.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_list() -> PictureRef {
    begun(None)
}

fn begun(kept: Option<Kept>) -> PictureRef {
    let builder = PictureBuilder::new();
    let drawing = Drawing { builder, kept };
    ResourceArc::new(Handle(Mutex::new(State::Drawing(Box::new(drawing)))))
}

/// Takes the next events; answers how many of them are damaged, and not in it.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_feed(handle: PictureRef, found: FoundRef) -> NifResult<usize> {
    match &mut *handle.0.lock() {
        State::Drawing(drawing) => drawing.feed(&found.0.events),
        State::Drawn(_) => Err(rustler::Error::BadArg),
    }
}

/// Takes the next events of Erlang; answers which of them, if any, is none.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_give<'a>(handle: PictureRef, events: Vec<Term<'a>>) -> NifResult<Option<Term<'a>>> {
    match &mut *handle.0.lock() {
        State::Drawing(drawing) => given::give(&mut drawing.builder, &events),
        State::Drawn(_) => Err(rustler::Error::BadArg),
    }
}

/// Makes the picture, with the messages in pairs.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_finish(
    handle: PictureRef,
    pairs: Option<ReadingRef>,
    known: Known<'_>,
) -> NifResult<Atom> {
    let mut state = handle.0.lock();
    let State::Drawing(drawing) = &mut *state else {
        return Err(rustler::Error::BadArg);
    };
    let mut builder = std::mem::take(&mut drawing.builder);
    if let Some(pairs) = pairs {
        paired(&mut builder, &pairs);
    }
    for node in known.missing {
        builder.misses(name(node)?);
    }
    builder.clocks(known.clocks_ns);
    let kept = drawing.kept.take().map(Kept::closed);
    let picture = builder.finish().map_err(|_| rustler::Error::BadArg)?;
    *state = State::Drawn(Arc::new(Drawn { picture, kept }));
    Ok(atoms::ok())
}

fn paired(builder: &mut PictureBuilder, pairs: &ReadingRef) {
    let origins = builder.origins();
    let messages: Vec<_> = builder.messages().collect();
    for (origin, seq) in messages {
        let Some(origin) = origins.get(origin as usize) else {
            continue;
        };
        let id: Id = (origin.clone(), seq);
        let Some(found) = pairs.pair_of(&id) else {
            continue;
        };
        for other in found.ids {
            builder.pair(id.clone(), other, sure(found.confidence));
        }
    }
}

fn sure(confidence: Confidence) -> scope_causal::Confidence {
    match confidence {
        Confidence::Exact => scope_causal::Confidence::Exact,
        Confidence::Likely => scope_causal::Confidence::Likely,
        Confidence::Ambiguous => scope_causal::Confidence::Ambiguous,
    }
}

impl Drawing {
    fn feed(&mut self, events: &[scope_store::Match]) -> NifResult<usize> {
        let kept = self.kept.as_mut().ok_or(rustler::Error::BadArg)?;
        let (mut damaged, mut known) = (0, input::Known::default());
        for event in events {
            if kept.put(event) {
                let pushed = input::push(&mut self.builder, event, &mut known);
                pushed.map_err(|_| rustler::Error::BadArg)?;
            } else {
                damaged += 1;
            }
        }
        Ok(damaged)
    }
}

impl Drawn {
    /// The event at a place in causal order.
    pub(crate) fn at_place(&self, place: u32) -> Option<At> {
        self.picture.order().get(place as usize).copied()
    }
}
