//! The payload of an event in a ring: what does not fit the four words of its slot.
//!
//! A byte of flags, the lengths of subject and correlation id in two bytes each, then subject,
//! correlation id and data, all terms in ring form. An event with none of them has no payload.

use crate::erl::Term;
use crate::extent::Id;
use crate::walk;
use scope_event::{Budget, TermWriter};

/// Something was cut by a budget.
pub(crate) const TRUNCATED: u8 = 1;

/// The correlation id is not that of the process's own extent: it came with a message.
pub(crate) const INHERITED: u8 = 2;

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

/// What an event is correlated by.
#[derive(Clone, Copy)]
pub(crate) enum Correlation<'e> {
    /// What the caller said, as it is.
    Given(Term<'e>),
    /// The id of the extent that the process is in.
    Own(Id),
    /// The id that its token carries.
    Inherited(Id),
}

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
    correlation: Option<Correlation<'_>>,
    data: Option<Term<'_>>,
) -> usize {
    let Some((prefix, mut rest)) = room.split_first_chunk_mut::<PREFIX>() else {
        return 0;
    };
    let (subject, _) = put(&mut rest, |room| term(subject, room, KEY));
    let (key, _) = put(&mut rest, |room| correlated(correlation, room));
    let (data, cut) = put(&mut rest, |room| term(data, room, MARK));
    let [a, b] = short(subject);
    let [c, d] = short(key);
    let inherited = matches!(correlation, Some(Correlation::Inherited(_)));
    let flags = (u8::from(cut) * TRUNCATED) | (u8::from(inherited) * INHERITED);
    *prefix = [flags, a, b, c, d];
    PREFIX + subject + key + data
}

/// What `write` says of the room that is left: the bytes it took, and whether anything was cut.
#[inline]
fn put(rest: &mut &mut [u8], write: impl FnOnce(&mut [u8]) -> (usize, bool)) -> (usize, bool) {
    let (used, cut) = write(rest);
    *rest = &mut std::mem::take(rest)[used..];
    (used, cut)
}

#[inline]
fn term(term: Option<Term<'_>>, room: &mut [u8], budget: Budget) -> (usize, bool) {
    term.map_or((0, false), |term| walk::encode(term, room, budget))
}

#[inline]
fn correlated(correlation: Option<Correlation<'_>>, room: &mut [u8]) -> (usize, bool) {
    match correlation {
        None => (0, false),
        Some(Correlation::Given(term)) => walk::encode(term, room, KEY),
        Some(Correlation::Own(id) | Correlation::Inherited(id)) => (key(id, room), false),
    }
}

fn key(id: Id, room: &mut [u8]) -> usize {
    let mut writer = TermWriter::new(room, KEY);
    let _ = match id {
        Id::Int(value) => writer.int(value),
        Id::Bytes(bytes) => writer.binary(&bytes, bytes.len() as u64),
    };
    writer.finish().len()
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
