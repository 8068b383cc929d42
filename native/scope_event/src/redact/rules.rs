//! Which names hide something.

use super::parts::Parts;
use super::verdict::Verdict;
use std::collections::HashSet;

/// Names of keys, types and modules whose terms are hidden.
///
/// Keys are compared without regard to ASCII case, for atoms and binaries alike; types and modules
/// exactly, by the full text of the atom (`"Elixir.MyApp.User"`).
///
/// # Examples
///
/// ```
/// use scope_event::Rules;
/// let rules = Rules::default().key("pin").key_containing("secret").module("Elixir.Vault");
/// assert!(!rules.is_empty());
/// ```
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Rules {
    keys: HashSet<Box<str>>,
    key_parts: Vec<Box<str>>,
    types: HashSet<Box<str>>,
    modules: HashSet<Box<str>>,
}

impl Rules {
    /// Hides the value under this key.
    pub fn key(mut self, text: &str) -> Self {
        self.keys.insert(text.to_ascii_lowercase().into());
        self
    }

    /// Hides the value under any key that contains this text. An empty text hides nothing.
    pub fn key_containing(mut self, part: &str) -> Self {
        if !part.is_empty() {
            self.key_parts.push(part.to_ascii_lowercase().into());
        }
        self
    }

    /// Hides structs and records of this name.
    pub fn hide_type(mut self, text: &str) -> Self {
        self.types.insert(text.into());
        self
    }

    /// Hides everything that passes through functions of this module.
    pub fn module(mut self, text: &str) -> Self {
        self.modules.insert(text.into());
        self
    }

    /// Whether nothing is hidden.
    pub fn is_empty(&self) -> bool {
        self.keys.is_empty()
            && self.key_parts.is_empty()
            && !self.has_types()
            && self.modules.is_empty()
    }

    pub(super) fn has_types(&self) -> bool {
        !self.types.is_empty()
    }

    /// The same, in the form in which it is asked for every event.
    pub(super) fn compile(self) -> Compiled {
        let longest = self.keys.iter().map(|key| key.len()).max().unwrap_or(0);
        Compiled {
            empty: self.is_empty(),
            parts: Parts::new(&self.key_parts),
            longest,
            rules: self,
        }
    }
}

/// Rules that are ready to be asked: nothing here allocates, since it runs in the traced process.
#[derive(Debug)]
pub(super) struct Compiled {
    pub(super) rules: Rules,
    pub(super) empty: bool,
    parts: Parts,
    /// The longest of the keys that are compared whole.
    longest: usize,
}

impl Compiled {
    pub(super) fn judge(&self, text: &str) -> Verdict {
        Verdict::new(
            self.hides_key(text.as_bytes()),
            self.rules.types.contains(text),
            self.rules.modules.contains(text),
        )
    }

    pub(super) fn hides_key(&self, key: &[u8]) -> bool {
        self.parts.are_in(key) || (key.len() <= self.longest && self.is_key(key))
    }

    fn is_key(&self, key: &[u8]) -> bool {
        self.rules
            .keys
            .iter()
            .any(|known| key.eq_ignore_ascii_case(known.as_bytes()))
    }
}
