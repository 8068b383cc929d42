//! Messages between replicas.

use crate::{memory, seal};
use scope_sync::wire::{decode, decode_all, encode};

/// Any bytes as a message, with and without a checksum that fits.
pub fn frame(bytes: &[u8]) {
    look(bytes);
    look(&seal::frame(bytes));
}

fn look(bytes: &[u8]) {
    memory::within(8192 + 128 * bytes.len(), || {
        let _ = decode_all(bytes);
        let Ok((message, blocks)) = decode(bytes) else {
            return;
        };
        // The shortest form of a number is not the only one, so another encoding may differ.
        let again = encode(&message, blocks).expect("what was decoded encodes");
        assert_eq!(decode(&again), Ok((message, blocks)));
    });
}
