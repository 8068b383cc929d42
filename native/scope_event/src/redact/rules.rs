//! Which names hide something.

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
#[derive(Clone, Debug, Default)]
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
            && self.types.is_empty()
            && self.modules.is_empty()
    }

    pub(super) fn judge(&self, text: &str) -> Verdict {
        Verdict::new(
            self.hides_key(text.as_bytes()),
            self.types.contains(text),
            self.modules.contains(text),
        )
    }

    /// Allocation-free, since it runs in the traced process.
    pub(super) fn hides_key(&self, key: &[u8]) -> bool {
        self.keys
            .iter()
            .any(|k| key.eq_ignore_ascii_case(k.as_bytes()))
            || self
                .key_parts
                .iter()
                .any(|part| contains(key, part.as_bytes()))
    }
}

/// Keys longer than this are not searched for parts: no name is that long, but data can be.
const LONGEST_KEY: usize = 1024;

fn contains(key: &[u8], part: &[u8]) -> bool {
    let key = &key[..key.len().min(LONGEST_KEY)];
    key.windows(part.len())
        .any(|window| window.eq_ignore_ascii_case(part))
}
