//! `causal_*`: an answer as a picture of what led to what.
//!
//! It is given events, some at a time, and made when it has them all. What the core found stays in pages,
//! and is decoded when it is shown; what Erlang gave stays with Erlang. All on dirty schedulers.

mod answer;
mod given;
mod input;
mod kept;

use crate::found::FoundRef;
use crate::pair::{Confidence, Progress, ReadingRef, name};
use kept::Kept;
use parking_lot::Mutex;
use rustler::{NifMap, NifResult, Resource, ResourceArc, Term};
use scope_causal::{At, Id, Making, Picture, PictureBuilder};
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
    Making(Box<(Making, Option<Kept>)>),
    Drawn(Arc<Drawn>),
}

// In the place of one that is taken out to go on.
impl Default for State {
    fn default() -> Self {
        let (picture, kept) = (Picture::default(), None);
        Self::Drawn(Arc::new(Drawn { picture, kept }))
    }
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
            _not_yet => Err(rustler::Error::BadArg),
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
        _over => Err(rustler::Error::BadArg),
    }
}

/// Takes the next events of Erlang; answers which of them, if any, is none.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_give<'a>(handle: PictureRef, events: Vec<Term<'a>>) -> NifResult<Option<Term<'a>>> {
    match &mut *handle.0.lock() {
        State::Drawing(drawing) => given::give(&mut drawing.builder, &events),
        _over => Err(rustler::Error::BadArg),
    }
}

/// Takes what is known of the next messages, from the event that was given as this one on; answers where
/// to go on.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_pair(handle: PictureRef, pairs: ReadingRef, from: usize) -> NifResult<Option<usize>> {
    match &mut *handle.0.lock() {
        State::Drawing(drawing) => Ok(paired(&mut drawing.builder, &pairs, from)),
        _over => Err(rustler::Error::BadArg),
    }
}

/// Events that are looked at in one call.
const PART: usize = 50_000;

fn paired(builder: &mut PictureBuilder, pairs: &ReadingRef, from: usize) -> Option<usize> {
    let end = builder.len().min(from.saturating_add(PART));
    for given in from..end {
        let Some((origin, seq)) = builder.message(given) else {
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
    (end < builder.len()).then_some(end)
}

/// Makes the picture, in as many calls as it takes.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_finish(handle: PictureRef, known: Known<'_>) -> NifResult<Progress> {
    let missing = known.missing.into_iter().map(name);
    let missing = missing.collect::<NifResult<Vec<_>>>()?;
    let mut state = handle.0.lock();
    let (next, progress) = match std::mem::take(&mut *state) {
        State::Drawing(mut drawing) => {
            missing
                .into_iter()
                .for_each(|node| drawing.builder.misses(node));
            drawing.builder.clocks(known.clocks_ns);
            let kept = drawing.kept.map(Kept::closed);
            let making = drawing.builder.making();
            (State::Making(Box::new((making, kept))), Progress::More)
        }
        State::Making(mut of) => {
            let more = of.0.step();
            if more {
                (State::Making(of), Progress::More)
            } else {
                (made(*of), Progress::Done)
            }
        }
        drawn @ State::Drawn(_) => (drawn, Progress::Done),
    };
    *state = next;
    Ok(progress)
}

fn made((making, kept): (Making, Option<Kept>)) -> State {
    let picture = making.picture();
    State::Drawn(Arc::new(Drawn { picture, kept }))
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
