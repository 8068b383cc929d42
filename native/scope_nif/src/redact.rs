//! What must not be seen, for all scopes of this machine: asked before a byte of a term is copied.

use crate::erl::Env;
use crate::symbols::Machine;
use rustler::NifMap;
use scope_event::redact::ATOM_BYTES;
use scope_event::{AtomNames, Redactor, Rules, Symbols};
use std::sync::atomic::{AtomicPtr, Ordering};

/// The rules in force. One that was replaced is never freed, as a thread may still be asking it:
/// rules change with the configuration of a node, and take some twenty kilobytes.
static REDACTOR: AtomicPtr<Redactor> = AtomicPtr::new(std::ptr::null_mut());

/// The rules, as the Erlang side writes them.
#[derive(NifMap)]
pub(crate) struct Hidden {
    /// Names of keys, whole.
    keys: Vec<String>,
    /// Texts that hide a key they are part of.
    parts: Vec<String>,
    types: Vec<String>,
    modules: Vec<String>,
}

/// Replaces the rules, if they are others than before.
pub(crate) fn set(hidden: &Hidden) {
    let rules = hidden.rules();
    if current().is_some_and(|redactor| *redactor.rules() == rules) {
        return;
    }
    let redactor = Box::leak(Box::new(Redactor::new(rules)));
    // Ordering: release, so that whoever sees it sees it built.
    REDACTOR.store(redactor, Ordering::Release);
}

/// The rules in force; `None` before the first ones.
#[inline]
pub(crate) fn current() -> Option<&'static Redactor> {
    // SAFETY: null, or a redactor that was leaked. Ordering: pairs with the release in `set`.
    unsafe { REDACTOR.load(Ordering::Acquire).as_ref() }
}

impl Hidden {
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
