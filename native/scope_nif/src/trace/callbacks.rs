//! What the machine calls at a trace point, by the names that `erl_tracer` gives.
//!
//! A function `enabled_…` says whether anybody wants events of a type at all, `trace_…` is told of
//! one. They run with locks of the traced process held, on its thread or another one's.

use super::function::{self, Verdict};
use super::record::{About, Sight, record};
use super::seats::{self, POINTS};
use super::{shared, sizes, state};
use crate::erl::Term;
use crate::payload::Data;
use crate::{drain, entry, extent, label, raw, redact, words};
use rustler::sys::{ErlNifEnv, ErlNifTerm};
use scope_event::Kind;
use scope_trace::{Function, Traces};
use std::ffi::c_int;

/// A callback, by its name and arity, and what it does with its arguments.
macro_rules! callback {
    ($name:ident, $arity:literal, $act:expr) => {
        unsafe extern "C" fn $name(
            env: *mut ErlNifEnv,
            _argc: c_int,
            argv: *const ErlNifTerm,
        ) -> ErlNifTerm {
            // SAFETY: called by the machine, registered with this arity.
            let (_env, terms) = unsafe { raw::arguments::<$arity>(env, argv) };
            let act: fn([Term<'_>; $arity]) -> u64 = $act;
            words::term(act(terms))
        }
    };
}

raw::register!(c"enabled"/3 => enabled);
raw::register!(c"enabled_call"/3 => enabled_call);
raw::register!(c"enabled_procs"/3 => enabled_procs);
raw::register!(c"enabled_send"/3 => enabled_send);
raw::register!(c"enabled_receive"/3 => enabled_receive);
raw::register!(c"enabled_running_procs"/3 => enabled_running);
raw::register!(c"enabled_garbage_collection"/3 => enabled_gc);
raw::register!(c"trace"/5 => trace);
raw::register!(c"trace_call"/5 => trace_call);
raw::register!(c"trace_send"/5 => trace_send);
raw::register!(c"trace_receive"/5 => trace_receive);
raw::register!(c"trace_procs"/5 => trace_procs);
raw::register!(c"trace_running_procs"/5 => trace_running);
raw::register!(c"trace_garbage_collection"/5 => trace_gc);

callback!(enabled, 3, |_| answer(!POINTS.live().is_empty()));
callback!(enabled_call, 3, |_| answer(!POINTS.live().is_empty()));
callback!(enabled_procs, 3, |_| answer(!POINTS.live().is_empty()));
callback!(enabled_send, 3, |_| wanted(&[Kind::Send]));
callback!(enabled_receive, 3, |_| wanted(&[Kind::Receive]));
callback!(enabled_running, 3, |_| wanted(&[Kind::In, Kind::Out]));
callback!(enabled_gc, 3, |_| wanted(&[Kind::Gc]));
callback!(trace, 5, |_| words::ok());
callback!(trace_call, 5, |terms| seen(called(Point::new(terms))));
callback!(trace_send, 5, |terms| seen(sent(Point::new(terms))));
callback!(trace_receive, 5, |terms| seen(received(Point::new(terms))));
callback!(trace_procs, 5, |terms| seen(lived(Point::new(terms))));
callback!(trace_running, 5, |terms| seen(scheduled(Point::new(terms))));
callback!(trace_gc, 5, |terms| seen(sizes::collected(&Point::new(
    terms
))));

fn answer(wanted: bool) -> u64 {
    if wanted {
        words::trace()
    } else {
        words::discard()
    }
}

fn wanted(kinds: &[Kind]) -> u64 {
    answer(kinds.iter().any(|kind| POINTS.wants(kind.code())))
}

/// The result of a trace callback is not looked at.
fn seen(_recorded: Option<()>) -> u64 {
    words::ok()
}

/// What a trace callback is given.
pub(super) struct Point<'e> {
    pub(super) tag: u64,
    pub(super) pid: u64,
    pub(super) term: Term<'e>,
    options: Term<'e>,
}

impl<'e> Point<'e> {
    /// What is traced is a process of this node, as ports are never asked for: the term is its word.
    fn new([tag, _state, tracee, term, options]: [Term<'e>; 5]) -> Self {
        Self {
            tag: tag.word(),
            pid: tracee.word(),
            term,
            options,
        }
    }

    /// The second thing that an event of this type comes with.
    fn extra(&self) -> Option<Term<'e>> {
        self.options.field(words::extra())
    }

    /// What a match specification had to say.
    fn message(&self) -> Option<Term<'e>> {
        self.options.field(words::match_spec_result())
    }

    fn sight(&self, kind: Kind, about: About<'e>, data: Data<'e>) -> Sight<'e> {
        Sight {
            kind,
            pid: self.pid,
            about,
            data,
            token: None,
            entry: false,
        }
    }
}

fn called(point: Point<'_>) -> Option<()> {
    let (function, arguments) = function::of(point.term)?;
    let wanting = POINTS.of_call(function, point.pid);
    let about = About::Function(function.name, function.arity);
    let shown = |data| data_of(point.term, function, data);
    if point.tag == words::call() {
        let verdict = point.message().map(Verdict::of).unwrap_or_default();
        let all = wanting;
        let wanting = verdict.filter(all);
        shared::called(point.pid, function, all, wanting);
        POINTS.called(point.pid, wanting);
        if let Some(token) = verdict
            .token
            .filter(|_| !seats::with_returns(wanting).is_empty())
        {
            let now = drain::unix_ms() / 1000;
            extent::carry(point.pid, label::carried(point.pid, token).own(now));
        }
        let entry = entry::called(point.pid, function, verdict.entries & wanting);
        let sight = point.sight(
            Kind::Call,
            about,
            shown(arguments.map_or(Data::Nothing, Data::Arguments)),
        );
        record(
            wanting,
            &Sight {
                token: verdict.token,
                entry,
                ..sight
            },
        );
    } else {
        let kind = function::end_of(point.tag)?;
        left(&point, function, kind);
        let wanting = shared::returned(point.pid, function, seats::with_returns(wanting));
        record(
            wanting,
            &point.sight(kind, about, shown(Data::of(point.extra()))),
        );
        entry::returned(point.pid, function);
    }
    Some(())
}

/// A callback left a state: after it, and before what is said about the call itself.
fn left(point: &Point<'_>, function: Function, kind: Kind) -> Option<()> {
    let (wanting, machine) = POINTS.of_state(function, point.pid);
    if wanting.is_empty() {
        return None;
    }
    let value = match kind {
        Kind::Return => point.extra()?,
        _ => thrown(point.extra()?)?,
    };
    let hidden = redact::hides(&value.env(), function.name, function.arity);
    let data = state::left(function, machine, value)?;
    let data = if hidden { Data::Redacted } else { data };
    let about = About::Function(function.name, function.arity);
    record(wanting, &point.sight(Kind::State, about, data));
    Some(())
}

fn thrown(exception: Term<'_>) -> Option<Term<'_>> {
    let mut parts = exception.tuple()?;
    let class = parts.next()?;
    parts.next().filter(|_| class.word() == words::throw())
}

/// Of a function that is hidden nothing is shown.
fn data_of<'e>(of: Term<'e>, function: Function, data: Data<'e>) -> Data<'e> {
    match data {
        Data::Nothing => Data::Nothing,
        _ if redact::hides(&of.env(), function.name, function.arity) => Data::Redacted,
        data => data,
    }
}

fn sent(point: Point<'_>) -> Option<()> {
    let wanting = POINTS.of_process(Kind::Send.code(), point.pid);
    let about = point.extra().map_or(About::Nothing, About::of);
    let sight = point.sight(Kind::Send, about, Data::Message(point.term));
    let token = point.message();
    record(wanting, &Sight { token, ..sight });
    Some(())
}

/// Only a match specification knows the sender; the end of a wait is no message and has none.
fn received(point: Point<'_>) -> Option<()> {
    let wanting = POINTS.of_process(Kind::Receive.code(), point.pid);
    let mut from = point.message()?.tuple()?;
    let (node, sender) = (from.next()?, from.next()?);
    if node.word() == words::clock_service() {
        return None;
    }
    // Of a process elsewhere the machine knows the node alone.
    let about = if sender.is_pid() {
        About::of(sender)
    } else {
        About::Name(node.word())
    };
    record(
        wanting,
        &point.sight(Kind::Receive, about, Data::Message(point.term)),
    );
    Some(())
}

fn lived(point: Point<'_>) -> Option<()> {
    let tag = point.tag;
    if tag == words::spawned() {
        return began(&point);
    }
    if tag == words::getting_linked() || tag == words::getting_unlinked() {
        return other_side(&point);
    }
    let (kind, data) = match tag {
        _ if tag == words::spawn() => (Kind::Spawn, Data::of(point.extra())),
        _ if tag == words::exit() => (Kind::Exit, Data::Term(point.term)),
        _ if tag == words::link() => (Kind::Link, Data::Nothing),
        _ if tag == words::unlink() => (Kind::Unlink, Data::Nothing),
        _ if tag == words::register() => (Kind::Register, Data::Nothing),
        _ if tag == words::unregister() => (Kind::Unregister, Data::Nothing),
        _ => return None,
    };
    let about = if kind == Kind::Exit {
        About::Nothing
    } else {
        About::of(point.term)
    };
    let wanting = POINTS.of_process(kind.code(), point.pid);
    record(wanting, &point.sight(kind, about, data));
    if kind == Kind::Exit {
        POINTS.ended(point.pid);
    }
    Some(())
}

/// A process began: from here on it is known. Who does not see its parent is told of it here.
fn began(point: &Point<'_>) -> Option<()> {
    let parent = point.term.local_pid().unwrap_or(0);
    POINTS.began(point.pid, parent);
    let wanting = untold(Kind::Spawn, point.pid, parent);
    let sight = Sight {
        kind: Kind::Spawn,
        pid: parent,
        about: About::Pid(point.pid),
        data: Data::of(point.extra()),
        token: None,
        entry: false,
    };
    record(wanting, &sight);
    Some(())
}

/// A link has two sides and is one event: that of the side that made it, where that one is seen.
fn other_side(point: &Point<'_>) -> Option<()> {
    let maker = point.term.local_pid().unwrap_or(0);
    let linked = point.tag == words::getting_linked();
    let kind = if linked { Kind::Link } else { Kind::Unlink };
    let wanting = untold(kind, point.pid, maker);
    record(
        wanting,
        &point.sight(kind, About::of(point.term), Data::Nothing),
    );
    Some(())
}

/// Those that want it of one process and are not told by the other one.
fn untold(kind: Kind, pid: u64, other: u64) -> Traces {
    let told = POINTS.of_process(kind.code(), other);
    POINTS.of_process(kind.code(), pid).without(told)
}

fn scheduled(point: Point<'_>) -> Option<()> {
    let came = point.tag == words::r#in() || point.tag == words::in_exiting();
    let kind = if came { Kind::In } else { Kind::Out };
    let wanting = POINTS.of_process(kind.code(), point.pid);
    let about = function::of(point.term);
    let about = about.map_or(About::Nothing, |(function, _)| {
        About::Function(function.name, function.arity)
    });
    record(wanting, &point.sight(kind, about, Data::Nothing));
    Some(())
}
