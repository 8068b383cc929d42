//! Deltas.

use crate::memory;
use scope_event::{apply, delta as difference};

/// Any bytes as two strings: the second as a delta to the first, and as its successor.
pub fn delta(bytes: &[u8]) {
    let (base, change) = halves(bytes);
    let most = 8192 + 256 * bytes.len();
    memory::within(most, || applied(base, change));
    memory::within(2 * TABLES + most, || made(base, change));
}

/// What finding a difference takes besides.
const TABLES: usize = 1 << 16;

/// Cuts behind as many bytes as the first two say, at the end if there are fewer.
fn halves(bytes: &[u8]) -> (&[u8], &[u8]) {
    let Some((len, rest)) = bytes.split_first_chunk::<2>() else {
        return (&[], bytes);
    };
    rest.split_at(usize::from(u16::from_le_bytes(*len)).min(rest.len()))
}

fn applied(base: &[u8], change: &[u8]) {
    if let Ok(term) = apply(change, base) {
        assert!(term.len() <= base.len() + change.len());
    }
}

/// The way from one string to another leads there, also where they are no terms.
fn made(before: &[u8], after: &[u8]) {
    let mut change = Vec::new();
    difference(before, after, &mut change);
    assert!(change.len() <= after.len() + 16);
    assert_eq!(apply(&change, before).as_deref(), Ok(after));
}
