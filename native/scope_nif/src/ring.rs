//! `ring_*`: explicit events, from a process into its thread's ring.

use crate::erl::{Env, Term};
use crate::scopes::{self, ScopeId};
use crate::{atoms, drain, payload, raw, words};
use rustler::sys::{ErlNifEnv, ErlNifTerm};
use rustler::{Atom, NifMap, ResourceArc};
use scope_event::Kind;
use scope_ring::{Head, Lanes, LanesConfig, Words};
use std::ffi::c_int;

/// The rings of this machine.
pub(crate) static LANES: Lanes = Lanes::new();

/// Schedulers of every kind and two more threads, twice over: the machine may add schedulers.
const LANE_LIMIT: usize = 512;

/// The rings, for `status/0`.
#[derive(NifMap)]
struct Status {
    limit: usize,
    lanes: usize,
    lost: u64,
    atoms: u32,
    atom_limit: u32,
}

/// Reserves the rings and starts the thread that empties them; again is no error.
#[rustler::nif]
fn ring_start(bytes: usize, threads: usize) -> Result<Atom, Atom> {
    drain::start(config(bytes, threads)).map(|()| atoms::ok()).map_err(|_| atoms::error())
}

raw::register!(c"ring_record"/3 => ring_record);
raw::register!(c"ring_record_to"/4 => ring_record_to);

unsafe extern "C" fn ring_record(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (env, [name, data, correlation]) = unsafe { raw::arguments(env, argv) };
    record(env, ScopeId::DEFAULT, name, data, correlation);
    words::term(words::ok())
}

unsafe extern "C" fn ring_record_to(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (env, [scope, name, data, correlation]) = unsafe { raw::arguments(env, argv) };
    record(env, ScopeId::from_int(scope.int()), name, data, correlation);
    words::term(words::ok())
}

/// What a ring cannot take has been counted by it: there is nothing left to do.
#[inline]
fn record(env: Env<'_>, scope: ScopeId, name: Term<'_>, data: Term<'_>, correlation: Term<'_>) {
    let head = Head::new(Kind::Mark as u8).scope(scope.index());
    let Some(clock) = scopes::clock(scope) else {
        LANES.lost_outside(Kind::Mark as u8);
        return;
    };
    let stamp = clock.now().bits();
    let subject = if name.is_atom() { name.word() } else { 0 };
    let words = Words { stamp, pid: env.caller(), subject };
    let name = (subject == 0).then_some(name);
    let (correlation, data) = (given(correlation), given(data));
    if name.is_none() && correlation.is_none() && data.is_none() {
        if let Ok(entry) = LANES.begin(head, 0) {
            entry.commit(words, 0);
        }
    } else if let Ok(mut entry) = LANES.begin(head, payload::ROOM) {
        let used = payload::write(entry.payload(), name, correlation, data);
        entry.commit(words, used);
    }
}

/// `nil` is what an event has when nothing was given.
fn given(term: Term<'_>) -> Option<Term<'_>> {
    (term.word() != words::nil()).then_some(term)
}

#[rustler::nif]
fn ring_status() -> Status {
    let status = LANES.status();
    Status {
        limit: status.bytes,
        lanes: status.claimed,
        lost: status.lost.total(),
        atoms: crate::symbols::atoms_made(),
        atom_limit: crate::symbols::ATOM_LIMIT,
    }
}
