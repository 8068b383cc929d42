//! What must not be seen: decided before a byte is copied.
//!
//! A [`Redactor`] is built once from [`Rules`] and never changes. For an atom its answer is
//! remembered by the atom's word, so the hot path is one multiplication and one load; the text is
//! asked for once per atom. What has no text is treated as secret.

mod parts;
mod rules;
mod verdict;

pub use rules::Rules;

use rules::Compiled;
use std::sync::atomic::{AtomicU64, Ordering};
use verdict::Verdict;

/// Longest text of an atom: 255 characters of at most four bytes, rounded up.
pub const ATOM_BYTES: usize = 1024;

/// Tells the text of an atom without allocating.
pub trait AtomNames {
    /// The text of `word`, put into `room`; `None` when there is none, which counts as secret.
    fn text<'a>(&self, word: u64, room: &'a mut [u8; ATOM_BYTES]) -> Option<&'a str>;
}

/// Where a name stands that can make other terms secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Place {
    /// Key of a map: hides the value.
    Key,
    /// First of a pair: hides the second, as in a keyword list.
    KeyOrType,
    /// First of a longer tuple: hides the rest, as in a record.
    Type,
}

/// A table of secret keys, types and modules that answers by an atom's word.
///
/// # Examples
///
/// ```
/// use scope_event::{AtomNames, Redactor, Rules, SymbolTable};
/// let names = SymbolTable::new("a@host");
/// let redactor = Redactor::new(Rules::default().key_containing("password"));
/// assert!(redactor.is_secret_key(names.word("user_password"), &names));
/// assert!(!redactor.is_secret_key(names.word("user"), &names));
/// ```
#[derive(Debug)]
pub struct Redactor {
    rules: Compiled,
    /// Direct-mapped by the word's hash: `word << 3 | verdict`. Zero is an empty slot.
    known: Box<[AtomicU64]>,
}

impl Redactor {
    const SLOTS: usize = 2048;

    /// A table for these rules.
    pub fn new(rules: Rules) -> Self {
        Self {
            rules: rules.compile(),
            known: (0..Self::SLOTS).map(|_| AtomicU64::new(0)).collect(),
        }
    }

    /// What it was built from.
    pub fn rules(&self) -> &Rules {
        &self.rules.rules
    }

    /// Whether any type is secret: if not, nobody need ask for the name of a struct.
    #[inline]
    pub fn has_types(&self) -> bool {
        self.rules.rules.has_types()
    }

    /// Whether values under this key are secret.
    #[inline]
    pub fn is_secret_key(&self, atom: u64, names: &dyn AtomNames) -> bool {
        self.verdict(atom, names).key()
    }

    /// Whether structs or records of this name are secret.
    #[inline]
    pub fn is_secret_type(&self, atom: u64, names: &dyn AtomNames) -> bool {
        self.verdict(atom, names).kind()
    }

    /// Whether arguments, returns and states of this module are secret.
    #[inline]
    pub fn is_secret_module(&self, atom: u64, names: &dyn AtomNames) -> bool {
        self.verdict(atom, names).module()
    }

    /// Whether values under a binary key with this text are secret.
    pub fn is_secret_text(&self, key: &[u8]) -> bool {
        self.rules.hides_key(key)
    }

    #[inline]
    fn verdict(&self, atom: u64, names: &dyn AtomNames) -> Verdict {
        if self.rules.empty {
            return Verdict::OPEN;
        }
        let slot = &self.known[crate::hash::spread(atom) as usize % Self::SLOTS];
        // Ordering: a slot is self-contained and every writer of a word writes the same value.
        match Verdict::of(slot.load(Ordering::Relaxed), atom) {
            Some(verdict) => verdict,
            None => self.judge(atom, names, slot),
        }
    }

    #[cold]
    fn judge(&self, atom: u64, names: &dyn AtomNames, slot: &AtomicU64) -> Verdict {
        let mut room = [0; ATOM_BYTES];
        let Some(text) = names.text(atom, &mut room) else {
            return Verdict::SECRET;
        };
        let verdict = self.rules.judge(text);
        if let Some(packed) = verdict.packed(atom) {
            slot.store(packed, Ordering::Relaxed);
        }
        verdict
    }
}

/// A redactor with the machine's names: what a [`crate::TermWriter`] asks.
#[derive(Clone, Copy)]
pub struct Guard<'a> {
    redactor: &'a Redactor,
    names: &'a dyn AtomNames,
}

impl<'a> Guard<'a> {
    /// A guard that reads texts from `names`.
    pub fn new(redactor: &'a Redactor, names: &'a dyn AtomNames) -> Self {
        Self { redactor, names }
    }

    /// Whether structs or records of this name are secret.
    pub fn is_secret_type(&self, atom: u64) -> bool {
        self.redactor.is_secret_type(atom, self.names)
    }

    #[inline]
    pub(crate) fn atom(&self, place: Place, atom: u64) -> bool {
        let verdict = self.redactor.verdict(atom, self.names);
        match place {
            Place::Key => verdict.key(),
            Place::KeyOrType => verdict.key() || verdict.kind(),
            Place::Type => verdict.kind(),
        }
    }

    pub(crate) fn text(&self, place: Place, key: &[u8]) -> bool {
        place != Place::Type && self.redactor.is_secret_text(key)
    }
}
