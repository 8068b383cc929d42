//! `trace_*` and the callbacks of `erl_tracer`.
//!
//! The Erlang side says who wants what and owns the machine's trace flags; trace points look it up
//! ([`scope_trace::Points`]) and record. Nothing here decides when a trace ends.

mod callbacks;
mod function;
mod memory;
pub(crate) mod record;
pub(crate) mod seats;
mod sizes;
mod state;

pub(crate) use function::{pack, unpack};
pub(crate) use record::PID;

use crate::ring::LANES;
use crate::scopes::ScopeId;
use crate::{atoms, drain, erl, extent, words};
use memory::Taken;
use parking_lot::Mutex;
use rustler::{Atom, Encoder, Env, LocalPid, NifMap, Term};
use scope_event::{Kind, TermWriter};
use scope_trace::{Function, Traces, Wish};
use seats::{Keep, LEDGER, Ledger, POINTS, Seat};

/// Places that ended before the last round of collecting.
static ENDED: Mutex<[Vec<usize>; 3]> = Mutex::new([const { Vec::new() }; 3]);

/// What a trace wants, as the Erlang side says it.
#[derive(NifMap)]
struct Wanted {
    number: u16,
    scope: i64,
    /// Events that it may record before it is given more.
    events: u64,
    /// `calls`, `arguments` or `full`.
    keep: Atom,
    returns: bool,
    any_process: bool,
    new_processes: bool,
    callers: bool,
    /// By their names.
    kinds: Vec<String>,
}

/// What a trace has used so far.
#[derive(NifMap)]
struct Spent {
    /// Events that it was allowed, recorded, and refused.
    budget: u64,
    used: u64,
    refused: u64,
    /// Bytes of what was drained of it, and the most calls that one process had open.
    bytes: u64,
    deepest: u32,
}

/// What the tables of all traces hold.
#[derive(NifMap)]
struct Counts {
    functions: usize,
    function_limit: usize,
    processes: usize,
    process_limit: usize,
    /// Processes and functions that found no place.
    untold: usize,
}

/// Gives a trace a seat and a budget. Nothing is recorded for it yet.
#[rustler::nif]
fn trace_open(wanted: Wanted) -> Result<usize, String> {
    let session = LANES
        .open_session(wanted.events)
        .map_err(|error| error.to_string())?;
    let seat = seats::take(seat_of(&wanted, session)).ok_or_else(|| full(session))?;
    LEDGER.lock().get_or_insert_with(Ledger::default);
    POINTS.begin(Traces::of(seat), &wish(&wanted));
    Ok(seat)
}

/// The machine has been told what to watch: from here on the trace records.
#[rustler::nif]
fn trace_go(seat: usize) -> Atom {
    POINTS.go(Traces::of(seat));
    atoms::ok()
}

fn full(session: u16) -> String {
    let _ = LANES.close_session(session);
    format!("{} traces run already", scope_trace::TRACES)
}

fn seat_of(wanted: &Wanted, session: u16) -> Seat {
    let keep = wanted.keep;
    Seat {
        number: wanted.number,
        session,
        scope: u8::try_from(wanted.scope).unwrap_or(u8::MAX),
        keep: if keep == atoms::full() {
            Keep::Full
        } else if keep == atoms::arguments() {
            Keep::Bounded
        } else {
            Keep::Nothing
        },
        returns: wanted.returns,
    }
}

fn wish(wanted: &Wanted) -> Wish {
    let kinds = wanted.kinds.iter().filter_map(|name| kind(name));
    Wish {
        any_process: wanted.any_process,
        new_processes: wanted.new_processes,
        callers: wanted.callers,
        kinds: kinds.fold(0, |bits, kind| bits | 1 << kind.code()),
    }
}

fn kind(name: &str) -> Option<Kind> {
    Kind::ALL.iter().copied().find(|kind| kind.name() == name)
}

/// Ends a trace at once: nothing of it is recorded after this, whatever the machine still calls.
#[rustler::nif]
fn trace_end(seat: usize) -> Atom {
    POINTS.end(Traces::of(seat));
    let _ = LANES.close_session(seats::of(seat).session);
    atoms::ok()
}

/// Forgets a trace that has ended, once what it recorded is stored; what it spent.
#[rustler::nif(schedule = "DirtyCpu")]
fn trace_forget(seat: usize) -> Spent {
    drain::past_now();
    let spent = spent(seat);
    POINTS.sweep(Traces::of(seat));
    seats::leave(seat);
    spent
}

/// Forgets every trace, for an owner that takes over from one that was killed: their numbers, and
/// what they spent.
#[rustler::nif(schedule = "DirtyCpu")]
fn trace_reset() -> Vec<(u16, Spent)> {
    let taken = || (0..scope_trace::TRACES).filter(|at| seats::of(*at) != Seat::default());
    for seat in taken() {
        POINTS.end(Traces::of(seat));
        let _ = LANES.close_session(seats::of(seat).session);
    }
    drain::past_now();
    taken().map(forgotten).collect()
}

fn forgotten(seat: usize) -> (u16, Spent) {
    let (number, spent) = (seats::of(seat).number, spent(seat));
    POINTS.sweep(Traces::of(seat));
    seats::leave(seat);
    (number, spent)
}

/// Functions that a trace wants from now on, or no longer; how many there was no room for.
#[rustler::nif]
fn trace_functions(seat: usize, functions: Vec<(Term<'_>, Term<'_>, u8)>, wanted: bool) -> usize {
    let functions = functions.into_iter().filter_map(|(module, name, arity)| {
        let word = |term: Term<'_>| erl::word_of(term.as_c_arg());
        let name = pack(word(module), word(name))?;
        Some(Function { name, arity })
    });
    functions
        .filter(|function| !want(Traces::of(seat), *function, wanted))
        .count()
}

/// Callbacks whose state a trace wants, each with whether it is a state machine's; how many there was
/// no room for.
#[rustler::nif]
fn trace_callbacks(seat: usize, callbacks: Vec<(Term<'_>, Term<'_>, u8, bool)>) -> usize {
    let callbacks = callbacks
        .into_iter()
        .filter_map(|(module, name, arity, machine)| {
            let word = |term: Term<'_>| erl::word_of(term.as_c_arg());
            let name = pack(word(module), word(name))?;
            Some((Function { name, arity }, machine))
        });
    callbacks
        .filter(|(function, machine)| !POINTS.add_callback(*function, *machine, Traces::of(seat)))
        .count()
}

fn want(traces: Traces, function: Function, wanted: bool) -> bool {
    if wanted {
        return POINTS.add_function(function, traces);
    }
    POINTS.remove_function(function, traces);
    true
}

/// Processes that a trace is told of, and whether of those that they start, too.
#[rustler::nif]
fn trace_processes(env: Env<'_>, seat: usize, pids: Vec<LocalPid>, heirs: bool) -> usize {
    let traces = Traces::of(seat);
    let heirs = if heirs { traces } else { Traces::NONE };
    let words = pids
        .iter()
        .map(|pid| erl::word_of(pid.encode(env).as_c_arg()));
    words
        .filter(|pid| !POINTS.add_process(*pid, traces, heirs))
        .count()
}

/// Processes that traces are told of: the bits of those traces, and of those that are also told of
/// what it starts.
#[rustler::nif]
fn trace_told(env: Env<'_>) -> Vec<(Term<'_>, u64, u64)> {
    // SAFETY: the words are those of local pids, which are the same at any time.
    let pid = |word| unsafe { Term::new(env, erl::term_of(word)) };
    let told = POINTS.processes();
    told.map(|(word, wanted, heirs)| (pid(word), wanted.bits(), heirs.bits()))
        .collect()
}

/// What these processes start is told to no trace of new processes: they are our own.
#[rustler::nif]
fn trace_ours(env: Env<'_>, pids: Vec<LocalPid>) -> Atom {
    let words = pids
        .iter()
        .map(|pid| erl::word_of(pid.encode(env).as_c_arg()));
    POINTS.set_ours(words);
    atoms::ok()
}

/// Lets a trace record so many events more.
#[rustler::nif]
fn trace_refill(seat: usize, events: u64) -> Atom {
    let _ = LANES.refill_session(seats::of(seat).session, events);
    atoms::ok()
}

#[rustler::nif]
fn trace_spent(seat: usize) -> Spent {
    spent(seat)
}

fn spent(seat: usize) -> Spent {
    let account = LANES.account(seats::of(seat).session).unwrap_or_default();
    let ledger = LEDGER.lock();
    let used = ledger
        .as_ref()
        .map(|ledger| ledger.usage.of(seat))
        .unwrap_or_default();
    Spent {
        budget: account.budget,
        used: account.used,
        refused: account.refused,
        bytes: used.bytes,
        deepest: used.deepest,
    }
}

/// What is done now and then: places of processes that ended are given back.
#[rustler::nif]
fn trace_collect(env: Env<'_>) -> Atom {
    POINTS.collect(&mut ENDED.lock());
    // SAFETY: the running call's environment, and no trace point.
    unsafe { extent::drop_dead(env.as_c_arg()) };
    atoms::ok()
}

/// Every function that some trace still names, also one whose owner is gone.
#[rustler::nif]
fn trace_known(env: Env<'_>) -> Vec<Term<'_>> {
    // SAFETY: the words are those of atoms, which stay what they are.
    let atom = |word| unsafe { Term::new(env, erl::term_of(word)) };
    POINTS
        .functions()
        .map(|function| {
            let (module, name) = unpack(function.name);
            (atom(module), atom(name), function.arity).encode(env)
        })
        .collect()
}

#[rustler::nif]
fn trace_counts() -> Counts {
    let [(functions, no_function), (processes, no_process)] = POINTS.counts();
    let [function_limit, process_limit] = scope_trace::LIMITS;
    Counts {
        functions,
        function_limit,
        processes,
        process_limit,
        untold: no_function + no_process,
    }
}

/// A function, who called it, how often, and the words of memory that it took for that.
type Row<'e> = ((Term<'e>, Term<'e>, u8), LocalPid, i64, i64);

/// Records what the machine counted of functions, for those of the traces that want their calls.
#[rustler::nif]
fn trace_memory(env: Env<'_>, traces: u64, rows: Vec<Row<'_>>) -> Atom {
    for ((module, name, arity), pid, calls, words) in rows {
        let word = |term: Term<'_>| erl::word_of(term.as_c_arg());
        if let Some(name) = pack(word(module), word(name)) {
            let taken = Taken {
                function: Function { name, arity },
                pid: word(pid.encode(env)),
                calls,
                words,
            };
            memory::taken(Traces::from_bits(traces), &taken);
        }
    }
    atoms::ok()
}

/// Records that a trace began or ended, with what there is to say about it.
#[rustler::nif]
fn trace_note(env: Env<'_>, scope: i64, began: bool, data: Term<'_>) -> Atom {
    let kind = if began {
        Kind::TraceStarted
    } else {
        Kind::TraceStopped
    };
    // SAFETY: both are of the running call.
    let (pid, data) = unsafe {
        let env = erl::Env::new(env.as_c_arg());
        (env.caller(), env.term(data.as_c_arg()))
    };
    record::note(ScopeId::from_int(Some(scope)), kind, pid, data);
    atoms::ok()
}

/// `%{joined: number, traces: [number]}`: what the number of a set stands for.
pub(crate) fn write_joined(to: &mut TermWriter<'_>, set: seats::Introduced) {
    let _ = [
        to.map(2, None),
        to.atom(words::joined()),
        to.int(set.number.into()),
        to.atom(words::traces()),
        to.list(),
    ];
    for seat in set.traces.seats() {
        let _ = to.int(seats::of(seat).number.into());
    }
    let _ = to.end();
}
