//! `pair_*`: which send and which receive are of one message.
//!
//! A reading is given the messages of a stretch of time, wherever they were found, some at a time, so
//! that no call holds a scheduler for long, and pairs them when it has them all. All on dirty schedulers.

mod message;

use crate::found::FoundRef;
use crate::scopes::{Scope, ScopeRef};
use crate::{atoms, etf, symbols};
use message::message;
use parking_lot::Mutex;
use rustler::{Encoder, Env, NifMap, NifResult, NifUnitEnum, Resource, ResourceArc, Term};
use scope_causal::{Messages, Pair, Pairing, Pairs, Tolerance};
use scope_clock::Stamp;
use scope_event::{Kind, Origin, Seq};
use scope_store::{Match, Matches};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// Which event: of whom, and the number there.
pub(crate) type Id = (Origin, Seq);

/// What is wanted of a reading, as the Erlang side writes it.
#[derive(NifMap)]
struct Wanted<'a> {
    /// Where the stretch begins, in nanoseconds since 1970.
    from_ns: u64,
    /// By how much the clocks of two nodes may differ.
    clocks_ns: u64,
    /// The most messages that are read.
    limit: usize,
    /// The nodes whose events are not all here.
    unsure: Vec<Term<'a>>,
}

/// How far a reading has come.
#[derive(NifUnitEnum)]
pub(crate) enum Progress {
    More,
    Done,
}

struct Reading {
    tolerance: Tolerance,
    left: usize,
    /// Nodes of which something may be missing; what is of them is not called exact.
    unsure: HashSet<Arc<str>>,
    /// Whether that goes for every node.
    all_unsure: bool,
    ids: Ids,
    /// In stamp order, as `ids` are.
    messages: Messages,
    /// Events that were lost, and gaps that say so.
    dropped: u64,
    gaps: u64,
}

/// Which events messages are, in their order.
#[derive(Default)]
struct Ids {
    origins: Vec<Origin>,
    all: Vec<(u32, Seq)>,
}

/// Messages with their other halves, once all are read.
struct Paired {
    ids: Ids,
    /// Indexes of the messages, by id.
    by_id: Vec<u32>,
    pairs: Pairs,
}

enum State {
    Reading(Box<Reading>),
    Pairing(Box<Pairing>, Ids),
    Paired(Paired),
}

// In the place of one that is taken out to go on.
impl Default for State {
    fn default() -> Self {
        let nothing = Pairing::new(Messages::new(), Tolerance::of_clocks(0));
        Self::Paired(Paired::new(nothing, Ids::default()))
    }
}

/// What Erlang holds of it.
pub(crate) struct Handle(Mutex<State>);

#[rustler::resource_impl]
impl Resource for Handle {}

// A NIF that panics poisons nothing: the lock is free again, and each step is whole.
impl std::panic::RefUnwindSafe for Handle {}

pub(crate) type ReadingRef = ResourceArc<Handle>;

#[rustler::nif(schedule = "DirtyCpu")]
fn pair_start(scope: ScopeRef, wanted: Wanted<'_>) -> NifResult<ReadingRef> {
    let reading = Reading::new(&scope.0, &wanted)?;
    let state = State::Reading(Box::new(reading));
    Ok(ResourceArc::new(Handle(Mutex::new(state))))
}

/// Takes the next messages; nothing more once it has enough.
#[rustler::nif(schedule = "DirtyCpu")]
fn pair_feed(handle: ReadingRef, found: FoundRef) -> Progress {
    let State::Reading(reading) = &mut *handle.0.lock() else {
        return Progress::Done;
    };
    if reading.take(&found.0) {
        Progress::More
    } else {
        Progress::Done
    }
}

/// Pairs what was read, in as many calls as it takes; of these nodes it was not all there is.
#[rustler::nif(schedule = "DirtyCpu")]
fn pair_settle(handle: ReadingRef, unsure: Vec<Term<'_>>) -> NifResult<Progress> {
    let unsure = unsure.into_iter().map(name);
    let unsure = unsure.collect::<NifResult<Vec<_>>>()?;
    let mut state = handle.0.lock();
    let (next, progress) = match std::mem::take(&mut *state) {
        State::Reading(mut reading) => {
            reading.unsure.extend(unsure);
            (reading.pairing(), Progress::More)
        }
        State::Pairing(mut pairing, ids) => {
            if pairing.step() {
                (State::Pairing(pairing, ids), Progress::More)
            } else {
                (State::Paired(Paired::new(*pairing, ids)), Progress::Done)
            }
        }
        paired @ State::Paired(_) => (paired, Progress::Done),
    };
    *state = next;
    Ok(progress)
}

/// The other half of each of these events.
#[rustler::nif(schedule = "DirtyCpu")]
fn pair_found<'a>(
    env: Env<'a>,
    handle: ReadingRef,
    ids: Vec<Term<'a>>,
) -> NifResult<Vec<Term<'a>>> {
    let mut known = HashMap::new();
    let mut terms = Vec::with_capacity(ids.len());
    for term in ids {
        let found = handle.pair_of(&id(term)?);
        terms.push(found.map_or_else(
            || atoms::nil().encode(env),
            |found| found.term(env, &mut known),
        ));
    }
    Ok(terms)
}

/// The other half of a message, or what it may be, in stamp order.
pub(crate) struct Found {
    pub(crate) confidence: Confidence,
    pub(crate) ids: Vec<Id>,
}

#[derive(Clone, Copy, PartialEq, Eq)]
pub(crate) enum Confidence {
    Exact,
    Likely,
    Ambiguous,
}

impl Found {
    fn term<'a>(&self, env: Env<'a>, nodes: &mut HashMap<Arc<str>, Term<'a>>) -> Term<'a> {
        let mut id = |(origin, seq): &Id| {
            let node = nodes.entry(Arc::clone(&origin.node));
            let node = *node.or_insert_with(|| symbols::atom(env, &origin.node));
            ((node, origin.incarnation), *seq).encode(env)
        };
        let ids: Vec<_> = self.ids.iter().map(&mut id).collect();
        match (self.confidence, ids.as_slice()) {
            (Confidence::Exact, &[id]) => (atoms::exact(), id).encode(env),
            (Confidence::Likely, &[id]) => (atoms::likely(), id).encode(env),
            _ => (atoms::ambiguous(), ids).encode(env),
        }
    }
}

impl Handle {
    /// The other half of an event, if it is a message that was read and there is one.
    pub(crate) fn pair_of(&self, id: &Id) -> Option<Found> {
        match &*self.0.lock() {
            State::Paired(paired) => paired.of(id),
            _not_yet => None,
        }
    }
}

impl Ids {
    fn push(&mut self, origin: &Origin, seq: Seq) {
        // Neighbours are often of one origin.
        let known = self.origins.iter().rposition(|known| known == origin);
        let known = known.unwrap_or_else(|| {
            self.origins.push(origin.clone());
            self.origins.len() - 1
        });
        self.all.push((known as u32, seq));
    }

    fn of(&self, at: usize) -> Id {
        let (origin, seq) = self.all[at];
        (self.origins[origin as usize].clone(), seq)
    }

    fn sorted(&self) -> Vec<u32> {
        let mut sorted: Vec<u32> = (0..).take(self.all.len()).collect();
        sorted.sort_unstable_by_key(|at| self.all[*at as usize]);
        sorted
    }
}

impl Paired {
    fn new(pairing: Pairing, ids: Ids) -> Self {
        Self {
            pairs: pairing.pairs(),
            by_id: ids.sorted(),
            ids,
        }
    }

    fn of(&self, id: &Id) -> Option<Found> {
        let (confidence, others) = match self.pairs.of(self.at(id)?)? {
            Pair::Exact(other) => (Confidence::Exact, std::slice::from_ref(other)),
            Pair::Likely(other) => (Confidence::Likely, std::slice::from_ref(other)),
            Pair::Ambiguous(others) => (Confidence::Ambiguous, &**others),
        };
        let ids = others.iter().map(|&at| self.ids.of(at)).collect();
        Some(Found { confidence, ids })
    }

    fn at(&self, (origin, seq): &Id) -> Option<usize> {
        let origin = self.ids.origins.iter().position(|known| known == origin)?;
        let id = (origin as u32, *seq);
        let key = |at: &u32| self.ids.all[*at as usize];
        let found = self.by_id.binary_search_by_key(&id, key).ok()?;
        Some(self.by_id[found] as usize)
    }
}

impl Reading {
    fn new(scope: &Scope, wanted: &Wanted<'_>) -> NifResult<Self> {
        let from = Stamp::from_ns(wanted.from_ns).bits();
        let unsure = wanted.unsure.iter().map(|&node| name(node));
        let unsure = unsure.collect::<NifResult<_>>()?;
        // What retention took may have been another half.
        let is_cut = scope.store.floor().is_some_and(|floor| floor > from)
            && scope.store.stats().expired_events > 0;
        Ok(Self {
            tolerance: Tolerance::of_clocks(wanted.clocks_ns),
            left: wanted.limit,
            unsure,
            all_unsure: is_cut,
            ids: Ids::default(),
            messages: Messages::new(),
            dropped: 0,
            gaps: 0,
        })
    }

    /// Whether it wants more. Behind the bound there may be another half.
    fn take(&mut self, found: &Matches) -> bool {
        for event in &found.events {
            if self.left == 0 {
                self.all_unsure = true;
                return false;
            }
            self.left -= 1;
            self.take_one(event);
        }
        self.dropped = self.dropped.max(found.dropped);
        self.all_unsure |= found.expired.is_some();
        true
    }

    fn take_one(&mut self, event: &Match) {
        if event.kind() == Kind::Gap {
            self.unsure.insert(Arc::clone(&event.origin().node));
            self.gaps += 1;
        } else if let Some(message) = message(event) {
            self.ids.push(event.origin(), event.seq());
            self.messages.push(&message);
        }
    }

    /// What is to be paired.
    fn pairing(mut self) -> State {
        // Lost, and no gap says where.
        self.all_unsure |= self.dropped > 0 && self.gaps == 0;
        let origins = self.ids.origins.iter();
        let complete = origins.map(|of| !self.all_unsure && !self.unsure.contains(&of.node));
        let complete: Vec<bool> = complete.collect();
        for (at, (origin, _)) in self.ids.all.iter().enumerate() {
            self.messages.complete(at, complete[*origin as usize]);
        }
        let pairing = Pairing::new(self.messages, self.tolerance);
        State::Pairing(Box::new(pairing), self.ids)
    }
}

fn id(term: Term<'_>) -> NifResult<Id> {
    let ((node, incarnation), seq): ((Term<'_>, u64), Seq) = term.decode()?;
    Ok((Origin::new(name(node)?, incarnation), seq))
}

/// The name of a node: an atom, or text where this machine may make no more atoms.
pub(crate) fn name(term: Term<'_>) -> NifResult<Arc<str>> {
    if !term.is_atom() {
        return term.decode::<&str>().map(Arc::from);
    }
    etf::atom_text(term.to_binary().as_slice()).ok_or(rustler::Error::BadArg)
}
