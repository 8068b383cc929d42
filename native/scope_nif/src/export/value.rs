//! From a term that this library made itself to a value: names of correlations, what is missing.

use crate::etf;
use rustler::types::tuple::get_tuple;
use rustler::{Binary, ListIterator, MapIterator, Term};
use scope_event::{Foreign, Opaque, Value};

/// How deep a term may be nested; what lies deeper is opaque. A captured term is not nested deeper.
const DEPTH: usize = 32;

/// The value of a term.
pub(super) fn value(term: Term<'_>) -> Value {
    read(term, DEPTH)
}

// The order of the questions is that of `walk`: predicates alone, none of which looks at a type.
fn read(term: Term<'_>, depth: usize) -> Value {
    if term.is_atom() {
        return atom(term);
    }
    if let Ok(value) = term.decode::<i64>() {
        return Value::Int(value);
    }
    if let Ok(bytes) = term.decode::<Binary<'_>>() {
        return Value::binary(bytes.as_slice());
    }
    if let Ok(value) = term.decode::<f64>() {
        return Value::Float(value);
    }
    match depth.checked_sub(1) {
        Some(depth) => container(term, depth),
        None => Value::Opaque(Opaque::Cut, None),
    }
}

fn container(term: Term<'_>, depth: usize) -> Value {
    if let Some(pairs) = MapIterator::new(term) {
        let pairs = pairs.map(|(key, value)| (read(key, depth), read(value, depth)));
        return Value::map(pairs.collect::<Vec<_>>());
    }
    if let Ok(items) = get_tuple(term) {
        let items = items.into_iter().map(|item| read(item, depth));
        return Value::tuple(items.collect::<Vec<_>>());
    }
    if let Ok(items) = term.decode::<ListIterator<'_>>() {
        return Value::list(items.map(|item| read(item, depth)).collect::<Vec<_>>());
    }
    external(term)
}

fn atom(term: Term<'_>) -> Value {
    let text = etf::atom_text(term.to_binary().as_slice());
    text.map_or(Value::Opaque(Opaque::Unknown, None), Value::Atom)
}

/// What has no value of its own keeps its external form, as in a message.
fn external(term: Term<'_>) -> Value {
    let foreign = |of| Value::Foreign(of, term.to_binary().as_slice().to_vec());
    if term.is_pid() {
        let pid = etf::pid(term.to_binary().as_slice());
        pid.map_or_else(|| foreign(Foreign::Pid), Value::Pid)
    } else if term.is_ref() {
        foreign(Foreign::Reference)
    } else if term.is_port() {
        foreign(Foreign::Port)
    } else {
        Value::Opaque(Opaque::Unknown, None)
    }
}
