//! What must not be seen, for all scopes of this machine: asked before a byte of a term is copied.

use crate::erl::Env;
use crate::symbols::Machine;
use crate::{trace, words};
use rustler::{Atom, NifMap};
use scope_event::redact::ATOM_BYTES;
use scope_event::{AtomNames, Redactor, Rules, Symbols};
use std::sync::atomic::{AtomicPtr, Ordering};

/// The rules in force. One that was replaced is never freed, as a thread may still be asking it:
/// rules change with the configuration of a node, and take some twenty kilobytes.
static REDACTOR: AtomicPtr<Redactor> = AtomicPtr::new(std::ptr::null_mut());

/// Functions whose terms are hidden, if there are any. Replaced like the rules.
static FUNCTIONS: AtomicPtr<Vec<Function>> = AtomicPtr::new(std::ptr::null_mut());

/// Module and name in one word, and the arity; `None` stands for any.
type Function = (u64, Option<u8>);

/// The rules, as the Erlang side writes them.
#[derive(NifMap)]
pub(crate) struct Hidden {
    /// Names of keys, whole.
    keys: Vec<String>,
    /// Texts that hide a key they are part of.
    parts: Vec<String>,
    types: Vec<String>,
    modules: Vec<String>,
    functions: Vec<(Atom, Atom, Option<u8>)>,
}

/// Replaces the rules, if they are others than before.
pub(crate) fn set(env: rustler::Env<'_>, hidden: &Hidden) {
    set_functions(hidden.functions(env));
    let rules = hidden.rules();
    if current().is_some_and(|redactor| *redactor.rules() == rules) {
        return;
    }
    let redactor = Box::leak(Box::new(Redactor::new(rules)));
    // Ordering: release, so that whoever sees it sees it built.
    REDACTOR.store(redactor, Ordering::Release);
}

fn set_functions(functions: Vec<Function>) {
    if hidden_functions() != functions {
        let functions = Box::leak(Box::new(functions));
        // Ordering: as in `set`.
        FUNCTIONS.store(functions, Ordering::Release);
    }
}

fn hidden_functions() -> &'static [Function] {
    // SAFETY: null, or a list that was leaked. Ordering: pairs with the release in `set_functions`.
    unsafe { FUNCTIONS.load(Ordering::Acquire).as_ref() }.map_or(&[], Vec::as_slice)
}

/// Whether what passes through a function is secret, by its module or by itself. `pair` is as
/// [`trace::pack`] makes it.
#[inline]
pub(crate) fn hides(names: &dyn AtomNames, pair: u64, arity: u8) -> bool {
    let (module, _) = trace::unpack(pair);
    let is_it = |&(hidden, of): &Function| hidden == pair && of.is_none_or(|of| of == arity);
    current().is_some_and(|redactor| redactor.is_secret_module(module, names))
        || hidden_functions().iter().any(is_it)
}

/// The rules in force; `None` before the first ones.
#[inline]
pub(crate) fn current() -> Option<&'static Redactor> {
    // SAFETY: null, or a redactor that was leaked. Ordering: pairs with the release in `set`.
    unsafe { REDACTOR.load(Ordering::Acquire).as_ref() }
}

impl Hidden {
    fn functions(&self, env: rustler::Env<'_>) -> Vec<Function> {
        let word = |atom| words::word(env, atom);
        self.functions
            .iter()
            .filter_map(|&(module, name, arity)| {
                Some((trace::pack(word(module), word(name))?, arity))
            })
            .collect()
    }

    fn rules(&self) -> Rules {
        let rules = Rules::default();
        let rules = self.keys.iter().fold(rules, |rules, text| rules.key(text));
        let parts = self.parts.iter();
        let rules = parts.fold(rules, |rules, text| rules.key_containing(text));
        let rules = self
            .types
            .iter()
            .fold(rules, |rules, text| rules.hide_type(text));
        self.modules
            .iter()
            .fold(rules, |rules, text| rules.module(text))
    }
}

/// Texts of atoms, asked for once per atom. Those outside Latin-1 take the long way, which
/// allocates.
impl AtomNames for Env<'_> {
    fn text<'a>(&self, word: u64, room: &'a mut [u8; ATOM_BYTES]) -> Option<&'a str> {
        if let Some(length) = self.latin1_text(word, room) {
            return std::str::from_utf8(&room[..length]).ok();
        }
        let text = Machine.atom(word);
        let place = room.get_mut(..text.len())?;
        place.copy_from_slice(text.as_bytes());
        std::str::from_utf8(place).ok()
    }
}
