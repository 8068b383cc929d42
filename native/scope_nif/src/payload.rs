//! The payload of an event in a ring: what does not fit the four words of its slot.
//!
//! A byte of flags, the lengths of subject and correlation id in two bytes each, then subject,
//! correlation id and data, all terms in ring form. An event with none of them has no payload.

use crate::erl::Term;
use crate::walk;
use scope_event::Budget;

/// Something was cut by a budget.
pub(crate) const TRUNCATED: u8 = 1;

/// What `record/3` keeps of its data.
pub(crate) const MARK: Budget = Budget {
    binary: 2048,
    ..Budget::new(256, 4096, 12)
};

/// A name or a correlation id is a key: longer ones are cut, and still equal themselves.
pub(crate) const KEY: Budget = Budget {
    binary: 128,
    ..Budget::new(16, 160, 4)
};

const PREFIX: usize = 5;

/// The most that one event takes.
pub(crate) const ROOM: usize = PREFIX + 2 * KEY.bytes as usize + MARK.bytes as usize;

/// The parts of a payload, as they were written.
#[derive(Default)]
pub(crate) struct Parts<'a> {
    pub(crate) flags: u8,
    pub(crate) subject: Option<&'a [u8]>,
    pub(crate) correlation: Option<&'a [u8]>,
    pub(crate) data: &'a [u8],
}

/// Writes a payload into `room`, of at least [`ROOM`] bytes; how many bytes it took.
pub(crate) fn write(
    room: &mut [u8],
    subject: Option<Term<'_>>,
    correlation: Option<Term<'_>>,
    data: Option<Term<'_>>,
) -> usize {
    let Some((prefix, mut rest)) = room.split_first_chunk_mut::<PREFIX>() else {
        return 0;
    };
    let mut put = |term: Option<Term<'_>>, budget| match term {
        Some(term) => {
            let (used, cut) = walk::encode(term, rest, budget);
            rest = &mut std::mem::take(&mut rest)[used..];
            (used, cut)
        }
        None => (0, false),
    };
    let (subject, _) = put(subject, KEY);
    let (correlation, _) = put(correlation, KEY);
    let (data, cut) = put(data, MARK);
    let [a, b] = short(subject);
    let [c, d] = short(correlation);
    *prefix = [u8::from(cut) * TRUNCATED, a, b, c, d];
    PREFIX + subject + correlation + data
}

/// Writes a payload of nothing but data, which `encode` writes into the room it is given: how many
/// bytes, and whether anything was cut.
pub(crate) fn write_data(
    room: &mut [u8],
    encode: impl FnOnce(&mut [u8]) -> (usize, bool),
) -> usize {
    let Some((prefix, rest)) = room.split_first_chunk_mut::<PREFIX>() else {
        return 0;
    };
    let (used, cut) = encode(rest);
    *prefix = [u8::from(cut) * TRUNCATED, 0, 0, 0, 0];
    PREFIX + used
}

/// Reads back what [`write`] wrote.
pub(crate) fn split(payload: &[u8]) -> Parts<'_> {
    let Some((&[flags, a, b, c, d], rest)) = payload.split_first_chunk::<PREFIX>() else {
        return Parts::default();
    };
    let (subject, rest) = take(rest, [a, b]);
    let (correlation, data) = take(rest, [c, d]);
    Parts {
        flags,
        subject,
        correlation,
        data,
    }
}

fn take(bytes: &[u8], length: [u8; 2]) -> (Option<&[u8]>, &[u8]) {
    let length = usize::from(u16::from_le_bytes(length)).min(bytes.len());
    let (part, rest) = bytes.split_at(length);
    ((length > 0).then_some(part), rest)
}

/// A key's budget is far below what two bytes can say.
fn short(length: usize) -> [u8; 2] {
    u16::try_from(length).unwrap_or(0).to_le_bytes()
}
