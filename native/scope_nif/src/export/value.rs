//! From a term that this library made itself to a value: names of correlations, what is missing.

use crate::{atoms, etf};
use rustler::types::tuple::get_tuple;
use rustler::{Binary, MapIterator, Term};
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
        if let Some(value) = stand_in(term) {
            return value;
        }
        let pairs = pairs.map(|(key, value)| (read(key, depth), read(value, depth)));
        return Value::map(pairs.collect::<Vec<_>>());
    }
    if let Ok(items) = get_tuple(term) {
        let items = items.into_iter().map(|item| read(item, depth));
        return Value::tuple(items.collect::<Vec<_>>());
    }
    if term.is_list() || term.is_empty_list() {
        return list(term, depth);
    }
    external(term)
}

/// A list cell by cell: where it ends is not known before.
fn list(mut rest: Term<'_>, depth: usize) -> Value {
    let mut items = Vec::new();
    while let Ok((head, tail)) = rest.list_get_cell() {
        items.push(read(head, depth));
        rest = tail;
    }
    let tail = (!rest.is_empty_list()).then(|| Box::new(read(rest, depth)));
    Value::List {
        items,
        tail,
        cut: false,
    }
}

/// What stands in a term where it could not be kept.
fn stand_in(map: Term<'_>) -> Option<Value> {
    let is_opaque =
        map.map_get(atoms::__struct__()).ok()? == atoms::opaque().to_term(map.get_env());
    if !is_opaque {
        return None;
    }
    let size = map.map_get(atoms::size()).ok()?.decode::<u64>().ok();
    if let Ok(kept) = map.map_get(atoms::kept()).ok()?.decode::<Binary<'_>>() {
        let kept = kept.as_slice().to_vec();
        let full = size.unwrap_or(kept.len() as u64 + 1);
        return Some(Value::Binary { kept, full });
    }
    let of = etf::atom_text(map.map_get(atoms::r#type()).ok()?.to_binary().as_slice())?;
    Some(match &*of {
        "redacted" => Value::Redacted,
        "fun" => Value::Opaque(Opaque::Fun, size),
        "integer" => Value::Opaque(Opaque::Integer, size),
        "bitstring" => Value::Opaque(Opaque::Bitstring, size),
        "record" => Value::Opaque(Opaque::Record, size),
        "reference" => Value::Opaque(Opaque::Reference, size),
        "port" => Value::Opaque(Opaque::Port, size),
        "pid" => Value::Opaque(Opaque::Pid, size),
        "tuple" => Value::Opaque(Opaque::Tuple, size),
        "map" => Value::Opaque(Opaque::Map, size),
        "list" => Value::Opaque(Opaque::List, size),
        "binary" => Value::Opaque(Opaque::Binary, size),
        "cut" => Value::Opaque(Opaque::Cut, size),
        "damaged" => Value::Opaque(Opaque::Damaged, size),
        _ => Value::Opaque(Opaque::Unknown, size),
    })
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
