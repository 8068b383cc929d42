//! Words of the atoms that the fast paths compare with, read once when the library is loaded.
//!
//! An atom keeps its word for the life of the machine.

use crate::{atoms, erl};
use rustler::sys::ErlNifTerm;
use rustler::{Atom, Encoder, Env, Term};
use std::sync::atomic::{AtomicU64, Ordering};

macro_rules! words {
    ($($name:ident = $atom:path),* $(,)?) => {
        #[allow(non_upper_case_globals, reason = "named like the functions they serve")]
        mod stored {
            use super::AtomicU64;
            $(pub(super) static $name: AtomicU64 = AtomicU64::new(0);)*
        }

        /// To be called when the library is loaded, before anything else.
        pub(crate) fn load(env: Env<'_>) {
            // Ordering: the machine publishes the library after this returned.
            $(stored::$name.store(word(env, $atom()), Ordering::Relaxed);)*
            let empty = Term::list_new_empty(env).as_c_arg();
            EMPTY_LIST.store(erl::word_of(empty), Ordering::Relaxed);
        }

        $(#[inline]
        pub(crate) fn $name() -> u64 {
            stored::$name.load(Ordering::Relaxed)
        })*
    };
}

words! {
    ok = atoms::ok,
    nil = atoms::nil,
    r#true = atoms::r#true,
    r#false = atoms::r#false,
    mend = atoms::mend,
    elixir_scope = atoms::elixir_scope,
    __struct__ = atoms::__struct__,
    trace = atoms::trace,
    discard = atoms::discard,
    call = atoms::call,
    return_from = atoms::return_from,
    exception_from = atoms::exception_from,
    extra = atoms::extra,
    match_spec_result = atoms::match_spec_result,
    spawn = atoms::spawn,
    spawned = atoms::spawned,
    exit = atoms::exit,
    link = atoms::link,
    unlink = atoms::unlink,
    getting_linked = atoms::getting_linked,
    getting_unlinked = atoms::getting_unlinked,
    register = atoms::register,
    unregister = atoms::unregister,
    r#in = atoms::r#in,
    in_exiting = atoms::in_exiting,
    gc_minor_start = atoms::gc_minor_start,
    gc_major_start = atoms::gc_major_start,
    gc_major_end = atoms::gc_major_end,
    heap_size = atoms::heap_size,
    old_heap_size = atoms::old_heap_size,
    stack_size = atoms::stack_size,
    mbuf_size = atoms::mbuf_size,
    clock_service = atoms::clock_service,
    generation = atoms::generation,
    minor = atoms::minor,
    major = atoms::major,
    before = atoms::before,
    after = atoms::after,
    heap = atoms::heap,
    old_heap = atoms::old_heap,
    stack = atoms::stack,
    fragments = atoms::fragments,
    calls = atoms::calls,
    words = atoms::words,
    untold = atoms::untold,
    joined = atoms::joined,
    init = atoms::init,
    code_change = atoms::code_change,
    noreply = atoms::noreply,
    reply = atoms::reply,
    stop = atoms::stop,
    throw = atoms::throw,
    next_state = atoms::next_state,
    keep_state = atoms::keep_state,
    repeat_state = atoms::repeat_state,
    stop_and_reply = atoms::stop_and_reply,
    traces = atoms::traces,
    thinned = atoms::thinned,
    refused = atoms::refused,
    level = atoms::level,
    correlations = atoms::correlations,
    of = atoms::of,
    line = atoms::line,
}

/// The empty list, which is a word like an atom's.
static EMPTY_LIST: AtomicU64 = AtomicU64::new(0);

#[inline]
pub(crate) fn empty_list() -> u64 {
    EMPTY_LIST.load(Ordering::Relaxed)
}

/// The word as a term to return.
#[inline]
pub(crate) fn term(word: u64) -> ErlNifTerm {
    erl::term_of(word)
}

/// The word of an atom.
pub(crate) fn word(env: Env<'_>, atom: Atom) -> u64 {
    erl::word_of(atom.encode(env).as_c_arg())
}
