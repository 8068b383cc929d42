//! Words of the atoms that the fast paths compare with, read once when the library is loaded.
//!
//! An atom keeps its word for the life of the machine.

use crate::{atoms, erl};
use rustler::sys::ErlNifTerm;
use rustler::{Atom, Encoder, Env};
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
    __struct__ = atoms::__struct__,
    trace = atoms::trace,
    discard = atoms::discard,
    call = atoms::call,
    return_from = atoms::return_from,
    exception_from = atoms::exception_from,
    line = atoms::line,
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
