//! Handshakes.

use crate::{memory, seal};
use scope_sync::wire::{Handshake, Versions};

/// Any bytes as a handshake, with and without a checksum that fits.
pub fn handshake(bytes: &[u8]) {
    look(bytes);
    look(&seal::handshake(bytes));
}

fn look(bytes: &[u8]) {
    memory::within(1024 + 16 * bytes.len(), || {
        let Ok(theirs) = Handshake::decode(bytes) else {
            return;
        };
        let again = theirs.encode().expect("what was decoded encodes");
        assert_eq!(Handshake::decode(&again).as_ref(), Ok(&theirs));
        let common = theirs.versions.highest_common(Versions::OURS);
        assert!(common.is_ok(), "a handshake of no common version was read");
    });
}
