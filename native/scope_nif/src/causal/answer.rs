//! What is asked of a picture that is made.

use super::given::{hash, id};
use super::{Drawn, PictureRef, input};
use crate::event::{Reader, pid};
use crate::{atoms, filter, symbols};
use rustler::{Atom, Encoder, Env, NifMap, NifResult, NifUnitEnum, Term};
use scope_causal::{At, Confidence, Edge, EdgeKind, Picture, Relation, Way};
use scope_event::Origin;

/// How large a picture is, and what had to be done to it.
#[derive(NifMap)]
struct Counted {
    events: usize,
    edges: usize,
    corrections: usize,
    left_out: usize,
    gaps: usize,
}

#[derive(NifMap)]
struct Life<'a> {
    index: u32,
    node: Term<'a>,
    pid: Term<'a>,
    events: u32,
    first: Option<u32>,
    last: Option<u32>,
}

#[derive(NifMap)]
struct Row<'a> {
    place: u32,
    given: u32,
    process: Option<u32>,
    behind_ns: u64,
    causes: Vec<Cause>,
    possible: Vec<Cause>,
    pair: Option<Term<'a>>,
}

#[derive(NifMap)]
struct Cause {
    place: u32,
    kind: Kind,
    sure: Sure,
}

#[derive(NifUnitEnum)]
enum Kind {
    Message,
    Spawn,
    Link,
    Exit,
}

#[derive(NifUnitEnum)]
enum Sure {
    Ambiguous,
    Likely,
    Exact,
}

/// One step of a critical path.
#[derive(NifMap)]
struct Step {
    from: u32,
    to: u32,
    what: Atom,
    sure: Sure,
    ns: u64,
    uncertain_ns: u64,
}

#[rustler::nif(schedule = "DirtyCpu")]
fn causal_about(handle: PictureRef) -> NifResult<Counted> {
    let drawn = handle.drawn()?;
    let picture = &drawn.picture;
    let is_gap = |at: &&At| picture.kind(**at) == scope_event::Kind::Gap;
    Ok(Counted {
        events: picture.len(),
        edges: picture.edges().len(),
        corrections: picture.corrections().len(),
        left_out: picture.left_out().len(),
        gaps: picture.order().iter().filter(is_gap).count(),
    })
}

/// Where an event stands in causal order.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_place(handle: PictureRef, of: Term<'_>) -> NifResult<Option<u32>> {
    let drawn = handle.drawn()?;
    Ok(drawn.at(of).map(|at| drawn.picture.place(at)))
}

#[rustler::nif(schedule = "DirtyCpu")]
fn causal_processes(env: Env<'_>, handle: PictureRef) -> NifResult<Vec<Life<'_>>> {
    let drawn = handle.drawn()?;
    let picture = &drawn.picture;
    let lives = (0..).zip(picture.processes()).map(|(index, process)| {
        let life = picture.life(index);
        Life {
            index,
            node: symbols::atom(env, &process.pid.node),
            pid: pid(env, &process.pid),
            events: life.map_or(0, |(.., events)| events),
            first: life.map(|(first, ..)| picture.place(first)),
            last: life.map(|(_, last, _)| picture.place(last)),
        }
    });
    Ok(lives.collect())
}

/// What is known of the events at some places, besides themselves.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_rows<'a>(env: Env<'a>, handle: PictureRef, places: Vec<u32>) -> NifResult<Vec<Row<'a>>> {
    let drawn = handle.drawn()?;
    let rows = places.into_iter().filter_map(|place| {
        let at = drawn.at_place(place)?;
        row(env, &drawn.picture, at)
    });
    Ok(rows.collect())
}

fn row<'a>(env: Env<'a>, picture: &Picture, at: At) -> Option<Row<'a>> {
    let causes = |edges: &[Edge]| edges.iter().map(|edge| cause(picture, edge)).collect();
    Some(Row {
        place: picture.place(at),
        given: picture.given(at)?,
        process: picture.process(at),
        behind_ns: picture.behind_ns(at),
        causes: causes(picture.edges_into(at)),
        possible: causes(picture.possible_into(at)),
        pair: pair(env, picture, at),
    })
}

fn cause(picture: &Picture, edge: &Edge) -> Cause {
    Cause {
        place: picture.place(edge.cause),
        kind: match edge.kind {
            EdgeKind::Message => Kind::Message,
            EdgeKind::Spawn => Kind::Spawn,
            EdgeKind::Link => Kind::Link,
            EdgeKind::Exit => Kind::Exit,
        },
        sure: sure(edge.sure),
    }
}

fn sure(sure: Confidence) -> Sure {
    match sure {
        Confidence::Ambiguous => Sure::Ambiguous,
        Confidence::Likely => Sure::Likely,
        Confidence::Exact => Sure::Exact,
    }
}

/// The other half of a message as its meta says it.
fn pair<'a>(env: Env<'a>, picture: &Picture, at: At) -> Option<Term<'a>> {
    let (sure, ids) = picture.other_half(at)?;
    let ids: Vec<_> = ids
        .iter()
        .map(|(origin, seq)| id_term(env, origin, *seq))
        .collect();
    let one = |sure: Atom| Some((sure, ids.first()?).encode(env));
    match sure {
        Confidence::Exact => one(atoms::exact()),
        Confidence::Likely => one(atoms::likely()),
        Confidence::Ambiguous => Some((atoms::ambiguous(), &ids).encode(env)),
    }
}

fn id_term<'a>(env: Env<'a>, origin: &Origin, seq: u64) -> Term<'a> {
    let node = symbols::atom(env, &origin.node);
    ((node, origin.incarnation), seq).encode(env)
}

/// The events at some places, as they are; nothing in the place of one that cannot be read.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_events<'a>(
    env: Env<'a>,
    handle: PictureRef,
    here: &'a str,
    places: Vec<u32>,
) -> NifResult<Vec<Option<Term<'a>>>> {
    let drawn = handle.drawn()?;
    let kept = drawn.kept.as_ref().ok_or(rustler::Error::BadArg)?;
    let ats = places.iter().map(|place| drawn.at_place(*place));
    let ats: Vec<At> = ats.map(|at| at.unwrap_or(At::MAX)).collect();
    let matches = kept.matches(&drawn.picture, &ats);
    Ok(Reader::new(env, here).each(&matches))
}

#[rustler::nif(schedule = "DirtyCpu")]
fn causal_relation(handle: PictureRef, one: Term<'_>, other: Term<'_>) -> NifResult<Atom> {
    let drawn = handle.drawn()?;
    let both = drawn.at(one).zip(drawn.at(other));
    let relation = both.map_or(Relation::Unknown, |(a, b)| drawn.picture.relation(a, b));
    Ok(match relation {
        Relation::Before => atoms::before(),
        Relation::After => atoms::after(),
        Relation::Concurrent => atoms::concurrent(),
        Relation::Equal => atoms::equal(),
        Relation::Unknown => atoms::unknown(),
    })
}

/// The places of what can have influenced an event; nothing for one that is not there.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_led_to(handle: PictureRef, of: Term<'_>) -> NifResult<Option<Vec<u32>>> {
    let drawn = handle.drawn()?;
    Ok(drawn
        .at(of)
        .map(|at| drawn.places(&drawn.picture.led_to(at))))
}

/// The places of what an event can have influenced; nothing for one that is not there.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_influenced(handle: PictureRef, of: Term<'_>) -> NifResult<Option<Vec<u32>>> {
    let drawn = handle.drawn()?;
    Ok(drawn
        .at(of)
        .map(|at| drawn.places(&drawn.picture.influenced(at))))
}

/// The way from one event to another that took longest; nothing where one is not there.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_path(handle: PictureRef, from: Term<'_>, to: Term<'_>) -> NifResult<Option<Vec<Step>>> {
    let drawn = handle.drawn()?;
    let both = drawn.at(from).zip(drawn.at(to));
    Ok(both.map(|(from, to)| drawn.path(from, to)))
}

/// The first and the last event of a correlation, of which the forms of its id are given.
#[rustler::nif(schedule = "DirtyCpu")]
fn causal_correlated<'a>(
    env: Env<'a>,
    handle: PictureRef,
    forms: Vec<Term<'a>>,
) -> NifResult<Option<(Term<'a>, Term<'a>)>> {
    let drawn = handle.drawn()?;
    let hashes = forms.into_iter().map(|form| drawn.hash(form));
    let hashes = hashes.collect::<NifResult<Vec<u64>>>()?;
    let picture = &drawn.picture;
    let is_of = |at: &&At| {
        let correlation = picture.correlation(**at);
        let hash = correlation.and_then(|index| picture.correlations().get(index as usize));
        hash.is_some_and(|hash| hashes.contains(hash))
    };
    let mut of = picture.order().iter().filter(is_of);
    let Some(first) = of.next() else {
        return Ok(None);
    };
    let last = of.next_back().unwrap_or(first);
    let id = |at: &At| {
        let (origin, seq) = picture.id(*at)?;
        Some(id_term(env, origin, seq))
    };
    Ok(id(first).zip(id(last)))
}

impl Drawn {
    /// The event of an id; of what is no id there is none.
    fn at(&self, of: Term<'_>) -> Option<At> {
        self.picture.at(&id(of).ok()?)
    }

    fn places(&self, ats: &[At]) -> Vec<u32> {
        ats.iter().map(|at| self.picture.place(*at)).collect()
    }

    /// As the correlation of its events was hashed.
    fn hash(&self, form: Term<'_>) -> NifResult<u64> {
        match self.kept {
            Some(_) => Ok(input::hash(&filter::correlation(form)?)),
            None => Ok(hash(form)),
        }
    }

    fn path(&self, from: At, to: At) -> Vec<Step> {
        let steps = self.picture.critical_path(from, to);
        let step = |step: scope_causal::Step| Step {
            from: self.picture.place(step.from),
            to: self.picture.place(step.to),
            what: what(step.way),
            sure: match step.way {
                Way::Edge(_, confidence) => sure(confidence),
                _ => Sure::Exact,
            },
            ns: step.ns,
            uncertain_ns: step.uncertain_ns,
        };
        steps.into_iter().map(step).collect()
    }
}

fn what(way: Way) -> Atom {
    match way {
        Way::Process => atoms::process(),
        Way::Waiting => atoms::waiting(),
        Way::Edge(EdgeKind::Message, _) => atoms::message(),
        Way::Edge(EdgeKind::Spawn, _) => atoms::spawn(),
        Way::Edge(EdgeKind::Link, _) => atoms::link(),
        Way::Edge(EdgeKind::Exit, _) => atoms::exit(),
    }
}
