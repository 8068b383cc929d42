//! What the words of this machine stand for, and how text becomes an atom again.

use crate::{erl, etf};
use rustler::sys::{
    ErlNifBinary, ErlNifEnv, ErlNifTerm, enif_alloc_env, enif_binary_to_term, enif_free_env,
    enif_release_binary, enif_term_to_binary,
};
use rustler::{Env, Term};
use scope_event::{Pid, Symbols};
use std::mem::MaybeUninit;
use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

/// New atoms that text from elsewhere may make in this machine; after that it stays text.
pub(crate) const ATOM_LIMIT: u32 = 20_000;

static ATOMS_MADE: AtomicU32 = AtomicU32::new(0);

/// The machine this library is loaded in. Called by the drain, once per word: answers are kept.
pub(crate) struct Machine;

impl Symbols for Machine {
    fn atom(&self, word: u64) -> Arc<str> {
        external(word)
            .and_then(|bytes| etf::atom_text(&bytes))
            .unwrap_or_else(|| "?".into())
    }

    fn pid(&self, word: u64) -> Pid {
        external(word)
            .and_then(|bytes| etf::pid(&bytes))
            .unwrap_or_else(|| Pid {
                node: "?".into(),
                id: 0,
                serial: 0,
                creation: 0,
            })
    }
}

/// Atoms that text from elsewhere has made so far.
pub(crate) fn atoms_made() -> u32 {
    ATOMS_MADE.load(Ordering::Relaxed).min(ATOM_LIMIT)
}

/// The atom of that text: an existing one, a new one while the limit lasts, else the text itself.
pub(crate) fn atom<'a>(env: Env<'a>, text: &str) -> Term<'a> {
    let bytes = etf::atom_bytes(text);
    decode(env, &bytes, Atoms::Existing)
        .or_else(|| {
            may_make_atom()
                .then(|| decode(env, &bytes, Atoms::New))
                .flatten()
        })
        .unwrap_or_else(|| rustler::Encoder::encode(text, env))
}

/// The process, as this machine writes it. Its node's name counts like any other atom.
pub(crate) fn pid<'a>(env: Env<'a>, pid: &Pid) -> Option<Term<'a>> {
    if !atom(env, &pid.node).is_atom() {
        return None;
    }
    decode(env, &etf::pid_bytes(pid), Atoms::Existing)
}

/// A reference, port or pid in the external format; nothing in it may make an atom.
pub(crate) fn foreign<'a>(env: Env<'a>, bytes: &[u8]) -> Option<Term<'a>> {
    decode(env, bytes, Atoms::Existing)
}

#[derive(Clone, Copy, PartialEq, Eq)]
enum Atoms {
    Existing,
    New,
}

fn may_make_atom() -> bool {
    // Ordering: a count that guards nothing else.
    ATOMS_MADE.fetch_add(1, Ordering::Relaxed) < ATOM_LIMIT
}

fn decode<'a>(env: Env<'a>, bytes: &[u8], atoms: Atoms) -> Option<Term<'a>> {
    const SAFE: u32 = 0x2000_0000;
    let options = if atoms == Atoms::Existing { SAFE } else { 0 };
    let mut term = ErlNifTerm::default();
    // SAFETY: the environment is the running call's, the bytes are read within their length, and
    // the term is used only if it was written.
    unsafe {
        let read = enif_binary_to_term(
            env.as_c_arg(),
            bytes.as_ptr(),
            bytes.len(),
            &raw mut term,
            options,
        );
        (read != 0).then(|| Term::new(env, term))
    }
}

/// The external format of an atom or a local pid.
fn external(word: u64) -> Option<Vec<u8>> {
    let scratch = Scratch::new()?;
    let mut binary = MaybeUninit::<ErlNifBinary>::uninit();
    // SAFETY: atoms and local pids are the same in every environment; the binary is read and
    // released only if it was made.
    unsafe {
        if enif_term_to_binary(scratch.0, erl::term_of(word), binary.as_mut_ptr()) == 0 {
            return None;
        }
        let mut binary = binary.assume_init();
        let bytes = std::slice::from_raw_parts(binary.data, binary.size).to_vec();
        enif_release_binary(&raw mut binary);
        Some(bytes)
    }
}

/// An environment of no process.
struct Scratch(*mut ErlNifEnv);

impl Scratch {
    fn new() -> Option<Self> {
        // SAFETY: freed once, below.
        let env = unsafe { enif_alloc_env() };
        (!env.is_null()).then_some(Self(env))
    }
}

impl Drop for Scratch {
    fn drop(&mut self) {
        // SAFETY: allocated by `new`, used by nobody else.
        unsafe { enif_free_env(self.0) }
    }
}
