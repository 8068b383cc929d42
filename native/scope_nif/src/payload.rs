//! The payload of an event in a ring: what does not fit the four words of its slot.
//!
//! A byte of flags, the lengths of subject and correlation id in two bytes each, where several traces
//! share the event eight bytes with their set, then subject, correlation id and data, all terms in ring
//! form. An event with none of them has no payload.

use crate::erl::Term;
use crate::extent::Id;
use crate::walk;
use scope_event::{Budget, Step, TermWriter};

/// Something was cut by a budget.
pub(crate) const TRUNCATED: u8 = 1;

/// The correlation id is not that of the process's own extent: it came with a message.
pub(crate) const INHERITED: u8 = 2;

/// Several traces share the event.
const JOINED: u8 = 4;

/// The correlation id came with a message, and need not be the one that was meant.
pub(crate) const LIKELY: u8 = 32;

/// A call from which on the pid of its process stands for its correlation id.
pub(crate) const ENTRY: u8 = 64;

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
const SET: usize = 8;

/// What goes into a payload.
#[derive(Clone, Copy)]
pub(crate) struct Content<'e> {
    pub(crate) subject: Option<Term<'e>>,
    pub(crate) correlation: Option<Correlation<'e>>,
    pub(crate) data: Data<'e>,
    pub(crate) budget: Budget,
    /// The bits of the traces that share the event.
    pub(crate) joined: Option<u64>,
    /// Whether it is a call that begins an entry.
    pub(crate) entry: bool,
}

/// Arguments, message, return or state.
#[derive(Clone, Copy)]
pub(crate) enum Data<'e> {
    Nothing,
    Term(Term<'e>),
    /// A list of arguments.
    Arguments(Term<'e>),
    /// A term, references, ports and pids of other nodes in it included.
    Message(Term<'e>),
    /// A term in ring form.
    Written(&'e [u8]),
    /// The name of a state machine's state, and its data.
    Machine(StateName<'e>, Term<'e>),
    /// A secret as a whole.
    Redacted,
}

/// The name of a state, as a callback said it or as the callback is called.
#[derive(Clone, Copy)]
pub(crate) enum StateName<'e> {
    Term(Term<'e>),
    Atom(u64),
}

impl<'e> Data<'e> {
    pub(crate) fn of(term: Option<Term<'e>>) -> Self {
        term.map_or(Self::Nothing, Self::Term)
    }
}

impl Content<'_> {
    pub(crate) const EMPTY: Self = Self {
        subject: None,
        correlation: None,
        data: Data::Nothing,
        budget: MARK,
        joined: None,
        entry: false,
    };

    /// Whether there is nothing to write. What the correlation is, is known only at the stamp.
    #[inline(always)]
    pub(crate) fn is_empty(&self) -> bool {
        self.subject.is_none() && matches!(self.data, Data::Nothing) && self.joined.is_none()
    }

    /// The most that it can take.
    #[inline(always)]
    pub(crate) fn room(&self) -> usize {
        PREFIX + SET + 2 * KEY.bytes as usize + self.budget.bytes as usize
    }
}

/// What an event is correlated by.
#[derive(Clone, Copy)]
pub(crate) enum Correlation<'e> {
    /// What the caller said, as it is.
    Given(Term<'e>),
    /// The id of the extent that the process is in.
    Own(Id),
    /// The id that its token carries, and whether that is only likely.
    Inherited(Id, bool),
}

/// The parts of a payload, as they were written.
#[derive(Default)]
pub(crate) struct Parts<'a> {
    pub(crate) flags: u8,
    pub(crate) subject: Option<&'a [u8]>,
    pub(crate) correlation: Option<&'a [u8]>,
    pub(crate) data: &'a [u8],
    pub(crate) joined: Option<u64>,
}

/// Writes a payload into `room`, of at least as many bytes as the content wants; how many it took.
#[inline(always)]
pub(crate) fn write(room: &mut [u8], content: &Content<'_>) -> usize {
    let keys = Keys {
        subject: content.subject,
        correlation: content.correlation,
        joined: content.joined,
        entry: content.entry,
    };
    write_with(room, keys, |rest| write_data(rest, content))
}

/// What stands in front of the data.
#[derive(Clone, Copy, Default)]
pub(crate) struct Keys<'e> {
    pub(crate) subject: Option<Term<'e>>,
    pub(crate) correlation: Option<Correlation<'e>>,
    pub(crate) joined: Option<u64>,
    pub(crate) entry: bool,
}

/// The same with data that `encode` writes into the room it is given: how many bytes, and whether
/// anything was cut.
#[inline(always)]
pub(crate) fn write_with(
    room: &mut [u8],
    keys: Keys<'_>,
    encode: impl FnOnce(&mut [u8]) -> (usize, bool),
) -> usize {
    let Some((prefix, rest)) = room.split_first_chunk_mut::<PREFIX>() else {
        return 0;
    };
    let (set, mut rest) = write_set(rest, keys.joined);
    let subject = write_term(&mut rest, keys.subject);
    let (key, inherited) = write_correlation(&mut rest, keys.correlation);
    let (data, cut) = encode(rest);
    let [a, b] = short(subject);
    let [c, d] = short(key);
    let joined = if set > 0 { JOINED } else { 0 };
    let cut = if cut { TRUNCATED } else { 0 };
    let entry = if keys.entry { ENTRY } else { 0 };
    *prefix = [cut | joined | inherited | entry, a, b, c, d];
    PREFIX + set + subject + key + data
}

fn write_set(room: &mut [u8], set: Option<u64>) -> (usize, &mut [u8]) {
    let Some(bits) = set else { return (0, room) };
    match room.split_first_chunk_mut::<SET>() {
        Some((place, rest)) => {
            *place = bits.to_le_bytes();
            (SET, rest)
        }
        None => (0, &mut []),
    }
}

fn write_term(rest: &mut &mut [u8], key: Option<Term<'_>>) -> usize {
    let Some(term) = key else { return 0 };
    // The receiver of a message can be a reference.
    let (used, _cut) = walk::encode_message(term, rest, KEY);
    *rest = &mut std::mem::take(rest)[used..];
    used
}

#[inline(always)]
fn write_correlation(rest: &mut &mut [u8], of: Option<Correlation<'_>>) -> (usize, u8) {
    match of {
        None => (0, 0),
        Some(Correlation::Given(term)) => (write_term(rest, Some(term)), 0),
        Some(Correlation::Own(id)) => (write_id(rest, id), 0),
        Some(Correlation::Inherited(id, false)) => (write_id(rest, id), INHERITED),
        Some(Correlation::Inherited(id, true)) => (write_id(rest, id), INHERITED | LIKELY),
    }
}

/// Apart, so that the writer's room is not on the way of everything else.
#[inline(never)]
fn write_id(rest: &mut &mut [u8], id: Id) -> usize {
    let mut writer = TermWriter::new(rest, KEY);
    let _ = match id {
        Id::Int(value) => writer.int(value),
        Id::Bytes(words) => writer.binary(&Id::bytes(words), 16),
    };
    let used = writer.finish().len();
    *rest = &mut std::mem::take(rest)[used..];
    used
}

fn write_data(rest: &mut [u8], content: &Content<'_>) -> (usize, bool) {
    match content.data {
        Data::Nothing => (0, false),
        Data::Term(term) => walk::encode(term, rest, content.budget),
        Data::Arguments(term) => walk::encode_elements(term, rest, content.budget),
        Data::Message(term) => walk::encode_message(term, rest, content.budget),
        Data::Machine(name, data) => walk::encode_with(data.env(), rest, content.budget, |to| {
            machine(name, data, to)
        }),
        Data::Redacted => {
            let mut writer = TermWriter::new(rest, content.budget);
            let _ = writer.redacted();
            (writer.finish().len(), false)
        }
        Data::Written(bytes) => match rest.get_mut(..bytes.len()) {
            Some(place) => {
                place.copy_from_slice(bytes);
                (bytes.len(), false)
            }
            None => (0, true),
        },
    }
}

fn machine(name: StateName<'_>, data: Term<'_>, to: &mut TermWriter<'_>) -> Step {
    let steps = [
        to.tuple(2),
        match name {
            StateName::Term(name) => walk::put(name, to),
            StateName::Atom(word) => to.atom(word),
        },
        walk::put(data, to),
    ];
    steps[2]
}

/// Reads back what [`write`] wrote.
pub(crate) fn split(payload: &[u8]) -> Parts<'_> {
    let Some((&[flags, a, b, c, d], rest)) = payload.split_first_chunk::<PREFIX>() else {
        return Parts::default();
    };
    let (joined, rest) = take_set(rest, flags);
    let (subject, rest) = take(rest, [a, b]);
    let (correlation, data) = take(rest, [c, d]);
    Parts {
        flags: flags & !JOINED,
        joined,
        subject,
        correlation,
        data,
    }
}

fn take_set(bytes: &[u8], flags: u8) -> (Option<u64>, &[u8]) {
    match bytes.split_first_chunk::<SET>() {
        Some((set, rest)) if flags & JOINED != 0 => (Some(u64::from_le_bytes(*set)), rest),
        _ => (None, bytes),
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
