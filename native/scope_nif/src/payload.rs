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
    let mut put = |part: Part<'_>| {
        let (used, cut) = part.write(rest);
        rest = &mut std::mem::take(&mut rest)[used..];
        (used, cut)
    };
    let (subject, _) = put(Part::of(subject, KEY));
    let (key, _) = put(Part::correlated(correlation));
    let (data, cut) = put(Part::of(data, MARK));
    let [a, b] = short(subject);
    let [c, d] = short(key);
    let inherited = matches!(correlation, Some(Correlation::Inherited(_)));
    let flags = (u8::from(cut) * TRUNCATED) | (u8::from(inherited) * INHERITED);
    *prefix = [flags, a, b, c, d];
    PREFIX + subject + key + data
}

/// What a payload is made of.
#[derive(Clone, Copy)]
enum Part<'e> {
    Nothing,
    Term(Term<'e>, Budget),
    Id(Id),
}

impl<'e> Part<'e> {
    #[inline(always)]
    fn of(term: Option<Term<'e>>, budget: Budget) -> Self {
        term.map_or(Self::Nothing, |term| Self::Term(term, budget))
    }

    #[inline(always)]
    fn correlated(correlation: Option<Correlation<'e>>) -> Self {
        match correlation {
            None => Self::Nothing,
            Some(Correlation::Given(term)) => Self::Term(term, KEY),
            Some(Correlation::Own(id) | Correlation::Inherited(id)) => Self::Id(id),
        }
    }

    /// The bytes it took, and whether anything was cut.
    #[inline(always)]
    fn write(self, room: &mut [u8]) -> (usize, bool) {
        match self {
            Self::Nothing => (0, false),
            Self::Term(term, budget) => walk::encode(term, room, budget),
            Self::Id(id) => (write_id(id, room), false),
        }
    }
}

/// Apart, so that the writer's room is not on the way of everything else.
#[inline(never)]
fn write_id(id: Id, room: &mut [u8]) -> usize {
    let mut writer = TermWriter::new(room, KEY);
    let _ = match id {
        Id::Int(value) => writer.int(value),
        Id::Bytes(words) => writer.binary(&Id::bytes(words), 16),
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
