//! Bounded terms into a trace's arena.

use scope_event::{Budget, TermWriter};
use std::ops::Range;

/// Writes one term and returns its place.
pub(super) fn put(arena: &mut Vec<u8>, write: impl FnOnce(&mut TermWriter<'_>)) -> Range<usize> {
    let mut room = [0u8; 256];
    let mut writer = TermWriter::new(&mut room, Budget::ARGUMENTS);
    write(&mut writer);
    let start = arena.len();
    arena.extend_from_slice(writer.finish());
    start..arena.len()
}
