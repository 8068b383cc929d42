//! The payload of an event in a ring: what does not fit the four words of its slot.
//!
//! One byte of flags, two bytes that say how long the correlation id is, the correlation id, the
//! data; both are terms in ring form. An event without either has no payload at all.

use scope_event::Budget;

/// What was cut from the data by its budget.
pub(crate) const TRUNCATED: u8 = 1;
/// The subject is a function: the slot's third word holds two atoms.
pub(crate) const PREFIX: usize = 3;
/// A correlation id is a key: longer ones are cut, and still equal themselves.
pub(crate) const CORRELATION: Budget = Budget::new(16, 128, 4);
/// What `record/3` keeps of its data.
pub(crate) const MARK: Budget = Budget { binary: 2048, ..Budget::new(256, 4096, 12) };

/// The parts of a payload.
#[derive(Default)]
pub(crate) struct Parts<'a> {
    pub(crate) flags: u8,
    pub(crate) correlation: Option<&'a [u8]>,
    pub(crate) data: &'a [u8],
}

/// Reads back what [`head`] and its callers wrote.
pub(crate) fn split(payload: &[u8]) -> Parts<'_> {
    let Some((&[flags, low, high], rest)) = payload.split_first_chunk::<PREFIX>() else {
        return Parts::default();
    };
    let at = usize::from(u16::from_le_bytes([low, high])).min(rest.len());
    let (correlation, data) = rest.split_at(at);
    Parts { flags, correlation: (at > 0).then_some(correlation), data }
}

/// Writes the first bytes, once it is known what follows.
pub(crate) fn head(room: &mut [u8], flags: u8, correlation: usize) {
    let length = u16::try_from(correlation).unwrap_or(0).to_le_bytes();
    if let Some(prefix) = room.first_chunk_mut::<PREFIX>() {
        *prefix = [flags, length[0], length[1]];
    }
}
