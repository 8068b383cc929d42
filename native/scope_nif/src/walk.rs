//! From a term of the machine to bounded bytes: the order of the questions is fixed, because one
//! that is asked too early can kill the machine (see [`crate::erl`]).

use crate::erl::{Env, Term};
use crate::{redact, words};
use scope_event::{Budget, Foreign, Guard, Opaque, Step, TermWriter};

/// Writes `term` into `room` and says how many bytes that took, and whether anything was cut.
#[inline]
pub(crate) fn encode(term: Term<'_>, room: &mut [u8], budget: Budget) -> (usize, bool) {
    encode_with(term.env(), room, budget, |to| walk(term, to, unseen))
}

/// The same, references, ports and pids of other nodes included: what messages are paired by.
pub(crate) fn encode_message(term: Term<'_>, room: &mut [u8], budget: Budget) -> (usize, bool) {
    encode_with(term.env(), room, budget, |to| walk(term, to, foreign))
}

/// The same of what is known to be a list, such as arguments.
pub(crate) fn encode_elements(term: Term<'_>, room: &mut [u8], budget: Budget) -> (usize, bool) {
    encode_with(term.env(), room, budget, |to| elements(term, to))
}

/// What becomes of a term that has no word and no value here.
type Last = fn(Term<'_>, &mut TermWriter<'_>) -> Step;

/// One term of several that are put together.
pub(crate) fn put(term: Term<'_>, to: &mut TermWriter<'_>) -> Step {
    walk(term, to, unseen)
}

/// The same for a term that is put together by `write`.
#[inline]
pub(crate) fn encode_with(
    names: Env<'_>,
    room: &mut [u8],
    budget: Budget,
    write: impl FnOnce(&mut TermWriter<'_>) -> Step,
) -> (usize, bool) {
    let mut writer = TermWriter::new(room, budget);
    if let Some(redactor) = redact::current() {
        writer.guard(Guard::new(redactor, &names));
    }
    // Wherever the walk stops, the writer closes what is open.
    let _ = write(&mut writer);
    let cut = writer.is_truncated();
    (writer.finish().len(), cut)
}

/// Recursion is bounded: the writer enters no container below its budget's depth.
fn walk(term: Term<'_>, to: &mut TermWriter<'_>, last: Last) -> Step {
    if term.is_atom() {
        to.atom(term.word())
    } else if let Some(value) = term.int() {
        to.int(value)
    } else if let Some(bytes) = term.binary() {
        to.binary(bytes, bytes.len() as u64)
    } else if let Some((size, mut pairs)) = term.map() {
        match to.map(size, name_of(term)) {
            Step::Enter => all(
                pairs.by_ref().flat_map(|(key, value)| [key, value]),
                to,
                last,
            ),
            step => step,
        }
    } else if let Some(elements) = term.tuple() {
        match to.tuple(u32::try_from(elements.len()).unwrap_or(u32::MAX)) {
            Step::Enter => all(elements, to, last),
            step => step,
        }
    } else if term.is_empty_list() {
        to.nil()
    } else if term.is_list() {
        match to.list() {
            Step::Enter => list(term, to, last),
            step => step,
        }
    } else {
        rare(term, to, last)
    }
}

/// The same for what is known to be a list, such as arguments: nothing else is asked first.
pub(crate) fn elements(term: Term<'_>, to: &mut TermWriter<'_>) -> Step {
    if !term.is_list() || term.is_empty_list() {
        return put(term, to);
    }
    match to.list() {
        Step::Enter => list(term, to, unseen),
        step => step,
    }
}

/// The name of a struct, where that can hide it.
fn name_of(map: Term<'_>) -> Option<u64> {
    if !redact::current()?.has_types() {
        return None;
    }
    let name = map.field(words::__struct__())?;
    name.is_atom().then(|| name.word())
}

fn rare(term: Term<'_>, to: &mut TermWriter<'_>, last: Last) -> Step {
    if let Some(value) = term.float() {
        to.float(value)
    } else if let Some(word) = term.local_pid() {
        to.pid(word)
    } else {
        last(term, to)
    }
}

fn unseen(term: Term<'_>, to: &mut TermWriter<'_>) -> Step {
    to.opaque(kind_of(term), None)
}

/// In the machine's own encoding, whose length for these three has a bound.
fn foreign(term: Term<'_>, to: &mut TermWriter<'_>) -> Step {
    let of = match kind_of(term) {
        Opaque::Reference => Foreign::Reference,
        Opaque::Port => Foreign::Port,
        Opaque::Pid => Foreign::Pid,
        of => return to.opaque(of, None),
    };
    term.with_external(|bytes| to.foreign(of, bytes))
        .unwrap_or(Step::Next)
}

fn kind_of(term: Term<'_>) -> Opaque {
    if term.is_number() {
        Opaque::Integer
    } else if term.is_pid() {
        Opaque::Pid
    } else if term.is_reference() {
        Opaque::Reference
    } else if term.is_fun() {
        Opaque::Fun
    } else if term.is_port() {
        Opaque::Port
    } else {
        Opaque::Unknown
    }
}

fn all<'e>(terms: impl Iterator<Item = Term<'e>>, to: &mut TermWriter<'_>, last: Last) -> Step {
    for term in terms {
        if walk(term, to, last) == Step::Stop {
            return Step::Stop;
        }
    }
    Step::Next
}

fn list(mut term: Term<'_>, to: &mut TermWriter<'_>, last: Last) -> Step {
    while let Some((head, tail)) = term.cell() {
        if walk(head, to, last) == Step::Stop {
            return Step::Stop;
        }
        term = tail;
    }
    if term.is_empty_list() {
        return to.end();
    }
    match to.tail() {
        Step::Stop => Step::Stop,
        _ => walk(term, to, last),
    }
}
