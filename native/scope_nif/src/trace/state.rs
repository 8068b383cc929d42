//! The state that a callback leaves, by the rules of its behaviour.
//!
//! What is thrown counts as if it were returned. The same rules, in the same order, are those of
//! `ElixirScope.Distributed.Capture.State`, which also says which functions are callbacks.

use crate::erl::Term;
use crate::payload::{Data, StateName};
use crate::words;
use scope_trace::Function;

/// What a callback left; `None` where it says nothing about the state.
pub(super) fn left<'e>(function: Function, machine: bool, value: Term<'e>) -> Option<Data<'e>> {
    let parts = Parts::of(value)?;
    if machine {
        machine_left(function, parts)
    } else {
        server_left(function, parts).map(Data::Term)
    }
}

/// A tuple of at least two elements, the first of which is an atom.
struct Parts<'e> {
    tag: u64,
    size: usize,
    rest: [Option<Term<'e>>; 3],
}

impl<'e> Parts<'e> {
    fn of(value: Term<'e>) -> Option<Self> {
        let mut elements = value.tuple()?;
        let size = elements.len();
        let tag = elements.next().filter(|tag| tag.is_atom())?.word();
        let rest = [elements.next(), elements.next(), elements.next()];
        Some(Self { tag, size, rest })
    }
}

fn server_left<'e>(function: Function, parts: Parts<'e>) -> Option<Term<'e>> {
    let Parts { tag, size, rest } = parts;
    let [first, second, third] = rest;
    if is(function, words::init(), 1) || is(function, words::code_change(), 3) {
        return first.filter(|_| tag == words::ok());
    }
    match (tag, size) {
        (tag, 2 | 3) if tag == words::noreply() => first,
        (tag, 3 | 4) if tag == words::reply() => second,
        (tag, 3) if tag == words::stop() => second,
        (tag, 4) if tag == words::stop() => third,
        _ => None,
    }
}

fn machine_left<'e>(function: Function, parts: Parts<'e>) -> Option<Data<'e>> {
    let Parts { tag, size, rest } = parts;
    let [first, second, third] = rest;
    let named = |name: Term<'e>| StateName::Term(name);
    let (name, data) = if is(function, words::init(), 1) || is(function, words::code_change(), 4) {
        (named(first.filter(|_| tag == words::ok())?), second)
    } else {
        match (tag, size) {
            (tag, 3 | 4) if tag == words::next_state() => (named(first?), second),
            (tag, 2 | 3) if tag == words::keep_state() => (stayed(function), first),
            (tag, 2 | 3) if tag == words::repeat_state() => (stayed(function), first),
            (tag, 3) if tag == words::stop() => (stayed(function), second),
            (tag, 4) if tag == words::stop_and_reply() => (stayed(function), third),
            _ => return None,
        }
    };
    Some(Data::Machine(name, data?))
}

/// A machine stays in its state: a function of three arguments has the name of it, and what
/// `handle_event/4` stays in only its caller knows.
fn stayed<'e>(function: Function) -> StateName<'e> {
    let (_, name) = super::unpack(function.name);
    StateName::Atom(if function.arity == 3 {
        name
    } else {
        words::keep_state()
    })
}

fn is(function: Function, name: u64, arity: u8) -> bool {
    super::unpack(function.name).1 == name && function.arity == arity
}
