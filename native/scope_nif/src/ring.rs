//! `ring_*`: explicit events, from a process into its thread's ring.

use crate::erl::{Env, Term};
use crate::payload::{self, Content, Data};
use crate::redact::{self, Hidden};
use crate::scopes::{self, ScopeId};
use crate::source::Source;
use crate::{atoms, drain, raw, words};
use rustler::sys::{ErlNifEnv, ErlNifTerm};
use rustler::{Atom, NifMap};
use scope_event::{Interner, Kind};
use scope_ring::{Head, Lanes, LanesConfig, Words};
use std::ffi::c_int;
use std::sync::atomic::{AtomicU64, Ordering};

/// The rings of this machine.
pub(crate) static LANES: Lanes = Lanes::new();

/// Events that came while their scope did not run. Nobody misses them: they are no gap.
static UNSCOPED: AtomicU64 = AtomicU64::new(0);

/// The rings, for `status/0`.
#[derive(NifMap)]
struct Status {
    limit: usize,
    lanes: usize,
    lane_limit: usize,
    recorded: u64,
    waiting: u64,
    waiting_limit: usize,
    lost: u64,
    unscoped: u64,
    atoms: u32,
    atom_limit: u32,
    words: usize,
    word_limit: usize,
}

/// Reserves the rings and starts the thread that empties them; again is no error.
#[rustler::nif]
fn ring_start(bytes: usize, threads: usize) -> Result<(), String> {
    let config = LanesConfig {
        ring_bytes: bytes,
        ..LanesConfig::for_lanes(threads)
    };
    drain::start(config).map_err(|error| error.to_string())
}

/// What no event shows, from now on.
#[rustler::nif]
fn ring_hide(env: rustler::Env<'_>, hidden: Hidden) -> Atom {
    redact::set(env, &hidden);
    atoms::ok()
}

raw::register!(c"ring_record"/4 => ring_record);
raw::register!(c"ring_record_to"/5 => ring_record_to);

unsafe extern "C" fn ring_record(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (env, [name, data, id, token]) = unsafe { raw::arguments(env, argv) };
    record(env, ScopeId::DEFAULT, [name, data, id, token])
}

unsafe extern "C" fn ring_record_to(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (env, [scope, name, data, id, token]) = unsafe { raw::arguments(env, argv) };
    record(env, ScopeId::from_int(scope.int()), [name, data, id, token])
}

/// What a ring cannot take has been counted by it: there is nothing left to do. The clock is read
/// once the entry is open: see [`Lanes::is_settled`]. The answer is `ok`, or `mend` where the caller
/// should carry another label.
#[inline(always)]
fn record<'e>(env: Env<'e>, scope: ScopeId, terms: [Term<'e>; 4]) -> ErlNifTerm {
    let [name, data, id, token] = terms;
    let head = Head::new(Kind::Mark as u8).scope(scope.index());
    let Some(clock) = scopes::clock(scope) else {
        count_unscoped();
        return words::term(words::ok());
    };
    let subject = if name.is_atom() { name.word() } else { 0 };
    let pid = env.caller();
    let content = Content {
        subject: (subject == 0).then_some(name),
        data: Data::of(given(data)),
        ..Content::EMPTY
    };
    let source = Source::of(pid, given(id), token);
    let is_bare = content.is_empty() && matches!(source, Source::None);
    let room = if is_bare { 0 } else { content.room() };
    let Ok(mut entry) = LANES.begin(head, room) else {
        return words::term(words::ok());
    };
    let stamp = clock.now().coarse().bits();
    let (correlation, mend) = source.at(stamp >> 32);
    let used = if is_bare {
        0
    } else {
        payload::write(
            entry.payload(),
            &Content {
                correlation,
                ..content
            },
        )
    };
    entry.commit(
        Words {
            stamp,
            pid,
            subject,
        },
        used,
    );
    words::term(if mend { words::mend() } else { words::ok() })
}

/// An event came while its scope did not run.
pub(crate) fn count_unscoped() {
    // Ordering: a count that guards nothing else.
    UNSCOPED.fetch_add(1, Ordering::Relaxed);
}

/// `nil` is what an event has when nothing was given.
fn given(term: Term<'_>) -> Option<Term<'_>> {
    (term.word() != words::nil()).then_some(term)
}

#[rustler::nif]
fn ring_status() -> Status {
    let status = LANES.status();
    let (names, pids) = scopes::NAMES.len();
    Status {
        limit: status.ring_bytes,
        lanes: status.claimed,
        lane_limit: status.lanes,
        recorded: status.recorded,
        waiting: status.waiting,
        waiting_limit: status.slots * status.lanes,
        lost: status.lost.total(),
        unscoped: UNSCOPED.load(Ordering::Relaxed),
        atoms: crate::symbols::atoms_made(),
        atom_limit: crate::symbols::ATOM_LIMIT,
        words: names.max(pids),
        word_limit: Interner::DEFAULT_LIMIT,
    }
}
