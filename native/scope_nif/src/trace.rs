//! `trace_*` and the callbacks of `erl_tracer`: what the machine calls at a trace point.
//!
//! They run with locks of the traced process held: no panic, no lock, no message, no allocation
//! without bound. What is recorded here goes to the default scope.

use crate::erl::Term;
use crate::ring::LANES;
use crate::scopes::{self, ScopeId};
use crate::{atoms, raw, words};
use rustler::Atom;
use rustler::sys::{ErlNifEnv, ErlNifTerm};
use scope_event::Kind;
use scope_ring::{Head, Words};
use std::ffi::c_int;
use std::sync::atomic::{AtomicBool, Ordering};

/// Whether trace points record. Read first, so that shutting it is enough to stop at once.
static GATE: AtomicBool = AtomicBool::new(false);

#[rustler::nif]
fn trace_gate(open: bool) -> Atom {
    // Ordering: a trace point that reads the old value records one event more or less.
    GATE.store(open, Ordering::Relaxed);
    atoms::ok()
}

raw::register!(c"enabled"/3 => enabled);
raw::register!(c"trace"/5 => trace);

unsafe extern "C" fn enabled(
    _env: *mut ErlNifEnv,
    _argc: c_int,
    _argv: *const ErlNifTerm,
) -> ErlNifTerm {
    let open = GATE.load(Ordering::Relaxed);
    words::term(if open {
        words::trace()
    } else {
        words::discard()
    })
}

unsafe extern "C" fn trace(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (_env, [tag, _state, tracee, term, _options]) = unsafe { raw::arguments(env, argv) };
    if let Some(kind) = kind_of(tag.word()) {
        record(kind, tracee, term);
    }
    words::term(words::ok())
}

fn kind_of(tag: u64) -> Option<Kind> {
    match tag {
        tag if tag == words::call() => Some(Kind::Call),
        tag if tag == words::return_from() => Some(Kind::Return),
        tag if tag == words::exception_from() => Some(Kind::Exception),
        _ => None,
    }
}

fn record(kind: Kind, tracee: Term<'_>, function: Term<'_>) {
    let Some(clock) = scopes::clock(ScopeId::DEFAULT) else {
        return;
    };
    let Some((subject, arity)) = function_of(function) else {
        return;
    };
    let head = Head::new(kind as u8)
        .scope(ScopeId::DEFAULT.index())
        .arity(arity);
    if let Ok(entry) = LANES.begin(head, 0) {
        let stamp = clock.now().coarse().bits();
        entry.commit(
            Words {
                stamp,
                pid: tracee.local_pid().unwrap_or(0),
                subject,
            },
            0,
        );
    }
}

/// Module and function in one word, and the arity. Words of atoms are far below 32 bits: a machine
/// has room for two million of them by default, and for 67 million before this fails.
fn function_of(term: Term<'_>) -> Option<(u64, u8)> {
    let mut parts = term.tuple()?;
    let (module, function, last) = (parts.next()?, parts.next()?, parts.next()?);
    let pair = pack(module.word(), function.word())?;
    let arity = last.int().unwrap_or_else(|| count(last));
    Some((pair, u8::try_from(arity).unwrap_or(u8::MAX)))
}

/// Two words of atoms in one.
pub(crate) fn pack(module: u64, function: u64) -> Option<u64> {
    let (module, function) = (u32::try_from(module).ok()?, u32::try_from(function).ok()?);
    Some(u64::from(module) | u64::from(function) << 32)
}

/// What [`pack`] put together.
pub(crate) fn unpack(pair: u64) -> (u64, u64) {
    (pair & u64::from(u32::MAX), pair >> 32)
}

/// Arguments of a function: at most 255.
fn count(mut arguments: Term<'_>) -> i64 {
    let mut arity = 0;
    while let Some((_, rest)) = arguments.cell() {
        (arity, arguments) = (arity + 1, rest);
    }
    arity
}
