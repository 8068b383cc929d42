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

/// The role of each key.
pub(super) fn roles(keys: &[Key]) -> Vec<Role> {
    let numbered = keys.iter().zip(0u32..);
    let returns: HashMap<KeySubject, u32> = numbered
        .filter(|(key, _)| key.kind == Kind::Return)
        .map(|(k, n)| (k.subject, n))
        .collect();
    let role = |key: &Key| {
        let returns = returns.get(&key.subject).copied().unwrap_or(NO_KEY);
        match key.kind {
            Kind::Call => Role::Enter { returns },
            Kind::Return | Kind::Exception => Role::Leave { returns },
            _ => Role::Stay,
        }
    };
    keys.iter().map(role).collect()
}
