//! Which texts hide a key that contains one of them.
//!
//! Source: Aho and Corasick, "Efficient string matching: an aid to bibliographic search", 1975. All
//! texts are looked for in one pass over the key, however many they are: keys in text, such as the
//! names of headers, are judged again for every event.

use aho_corasick::{AhoCorasick, AhoCorasickKind, Input};

/// Keys longer than this are not searched to their end: no name is that long, but data can be.
const LONGEST_KEY: usize = 256;

/// The texts, as one automaton.
#[derive(Debug)]
pub(super) enum Parts {
    /// There are none.
    None,
    Any(AhoCorasick),
    /// They make no automaton: nothing is safe to show.
    Everything,
}

impl Parts {
    pub(super) fn new(texts: &[Box<str>]) -> Self {
        if texts.is_empty() {
            return Self::None;
        }
        let automaton = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::DFA))
            .build(texts.iter().map(|text| text.as_bytes()));
        automaton.map_or(Self::Everything, Self::Any)
    }

    /// Whether one of them is in `key`.
    pub(super) fn are_in(&self, key: &[u8]) -> bool {
        let key = &key[..key.len().min(LONGEST_KEY)];
        match self {
            Self::None => false,
            Self::Any(automaton) => automaton.is_match(Input::new(key)),
            Self::Everything => true,
        }
    }
}
