//! Calls and returns.

use super::NO_KEY;
use crate::block::dictionary::{Key, KeySubject};
use crate::kind::Kind;
use std::collections::HashMap;

/// What a key does to the calls of its process.
#[derive(Clone, Copy)]
pub(super) enum Role {
    /// Opens a call, which this key would return from.
    Enter { returns: u32 },
    /// Closes the call that this key, or the return in its place, belongs to.
    Leave { returns: u32 },
    /// Nothing.
    Stay,
}

impl Role {
    /// The role of a key; `returns` is the key of the return with its subject.
    pub(super) fn of(key: &Key, returns: impl Fn() -> Option<u32>) -> Self {
        let returns = || returns().unwrap_or(NO_KEY);
        match key.kind {
            Kind::Call => Self::Enter { returns: returns() },
            Kind::Return | Kind::Exception => Self::Leave { returns: returns() },
            _ => Self::Stay,
        }
    }
}

/// The key of the return with each subject.
pub(super) fn returns(keys: &[Key]) -> HashMap<KeySubject, u32> {
    let numbered = keys.iter().zip(0u32..);
    numbered
        .filter(|(key, _)| key.kind == Kind::Return)
        .map(|(key, number)| (key.subject, number))
        .collect()
}
