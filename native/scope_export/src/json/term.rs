//! Erlang terms as JSON, by the rules of the module above.

use super::text::text;
use super::{null, pid};
use crate::base64::base64;
use scope_event::{Foreign, Opaque, Value};
use std::collections::HashSet;
use std::io::{self, Write};

/// Writes one term. Recurses as deep as the term is nested, which its reader bounds.
pub(crate) fn term(value: &Value, out: &mut impl Write) -> io::Result<()> {
    match value {
        Value::Atom(name) => atom(name, out),
        Value::Int(value) => write!(out, "{value}"),
        Value::Float(value) => float(*value, out),
        Value::Binary { kept, full } => binary(kept, *full, out),
        Value::Pid(of) => pid(of, out),
        Value::Tuple { items, arity } => tuple(items, *arity, out),
        Value::Map { pairs, size } => map(pairs, *size, out),
        Value::List { items, tail, cut } => list(items, tail.as_deref(), *cut, out),
        Value::Foreign(of, bytes) => encoded(foreign(*of), bytes, out),
        Value::Opaque(of, size) => stand_in(opaque(*of), *size, None, out),
        Value::Redacted => stand_in("redacted", None, None, out),
    }
}

/// Writes an atom: a name is one, too.
pub(super) fn atom(name: &str, out: &mut impl Write) -> io::Result<()> {
    match name {
        "nil" => null(out),
        "true" | "false" => out.write_all(name.as_bytes()),
        _ => text(name, out),
    }
}

/// JSON has no word for what no Erlang float is either, but damaged bytes can be.
fn float(value: f64, out: &mut impl Write) -> io::Result<()> {
    if value.is_finite() {
        write!(out, "{value:?}")
    } else {
        stand_in("float", None, None, out)
    }
}

fn binary(kept: &[u8], full: u64, out: &mut impl Write) -> io::Result<()> {
    if full == kept.len() as u64 {
        bytes(kept, out)
    } else {
        stand_in("binary", Some(full), Some(kept), out)
    }
}

fn bytes(bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    match std::str::from_utf8(bytes) {
        Ok(valid) => text(valid, out),
        Err(_) => encoded("$binary", bytes, out),
    }
}

fn tuple(items: &[Value], arity: u32, out: &mut impl Write) -> io::Result<()> {
    let missing = missing(arity, items.len());
    out.write_all(b"{\"$tuple\":")?;
    array(items, term, missing.map(Some), out)?;
    out.write_all(b"}")
}

fn list(items: &[Value], tail: Option<&Value>, cut: bool, out: &mut impl Write) -> io::Result<()> {
    let Some(tail) = tail else {
        return array(items, term, cut.then_some(None), out);
    };
    out.write_all(b"{\"$improper\":")?;
    array(items.iter().chain([tail]), term, None, out)?;
    out.write_all(b"}")
}

fn map(pairs: &[(Value, Value)], size: u32, out: &mut impl Write) -> io::Result<()> {
    let missing = missing(size, pairs.len());
    if let (None, Some(names)) = (missing, names(pairs)) {
        return object(&names, pairs, out);
    }
    out.write_all(b"{\"$map\":")?;
    let pair = |(key, value): &(Value, Value), out: &mut _| array([key, value], term, None, out);
    array(pairs, pair, missing.map(Some), out)?;
    out.write_all(b"}")
}

/// The keys as names of an object, if they can be: each is text of its own, and not ours.
fn names(pairs: &[(Value, Value)]) -> Option<Vec<&str>> {
    let mut seen = HashSet::with_capacity(pairs.len());
    let names = pairs.iter().map(|(key, _)| {
        let name = name(key).filter(|name| !name.starts_with('$'))?;
        seen.insert(name).then_some(name)
    });
    names.collect()
}

fn name(key: &Value) -> Option<&str> {
    match key {
        Value::Atom(name) => Some(name),
        Value::Binary { kept, full } if *full == kept.len() as u64 => {
            std::str::from_utf8(kept).ok()
        }
        _ => None,
    }
}

fn object(names: &[&str], pairs: &[(Value, Value)], out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{")?;
    for (at, (name, (_, value))) in names.iter().zip(pairs).enumerate() {
        comma(at > 0, out)?;
        text(name, out)?;
        out.write_all(b":")?;
        term(value, out)?;
    }
    out.write_all(b"}")
}

/// Writes an array; `cut` adds the mark of a cut, with how much is missing where it is known.
fn array<T, W: Write>(
    items: impl IntoIterator<Item = T>,
    item: impl Fn(T, &mut W) -> io::Result<()>,
    cut: Option<Option<u64>>,
    out: &mut W,
) -> io::Result<()> {
    out.write_all(b"[")?;
    let mut some = false;
    for each in items {
        comma(some, out)?;
        item(each, out)?;
        some = true;
    }
    if let Some(missing) = cut {
        comma(some, out)?;
        stand_in("cut", missing, None, out)?;
    }
    out.write_all(b"]")
}

fn comma(between: bool, out: &mut impl Write) -> io::Result<()> {
    out.write_all(if between { b"," } else { b"" })
}

/// How many of `full` were not kept, if any.
fn missing(full: u32, kept: usize) -> Option<u64> {
    u64::from(full)
        .checked_sub(kept as u64)
        .filter(|&missing| missing > 0)
}

fn encoded(name: &str, bytes: &[u8], out: &mut impl Write) -> io::Result<()> {
    write!(out, "{{\"{name}\":\"")?;
    base64(bytes, out)?;
    out.write_all(b"\"}")
}

fn stand_in(
    of: &str,
    size: Option<u64>,
    kept: Option<&[u8]>,
    out: &mut impl Write,
) -> io::Result<()> {
    write!(out, "{{\"$opaque\":{{\"type\":\"{of}\"")?;
    if let Some(size) = size {
        write!(out, ",\"size\":{size}")?;
    }
    if let Some(kept) = kept {
        out.write_all(b",\"kept\":")?;
        bytes(kept, out)?;
    }
    out.write_all(b"}}")
}

fn foreign(of: Foreign) -> &'static str {
    match of {
        Foreign::Reference => "$reference",
        Foreign::Port => "$port",
        Foreign::Pid => "$pid",
    }
}

fn opaque(of: Opaque) -> &'static str {
    match of {
        Opaque::Unknown => "unknown",
        Opaque::Fun => "fun",
        Opaque::Integer => "integer",
        Opaque::Bitstring => "bitstring",
        Opaque::Record => "record",
        Opaque::Reference => "reference",
        Opaque::Port => "port",
        Opaque::Pid => "pid",
        Opaque::Tuple => "tuple",
        Opaque::Map => "map",
        Opaque::List => "list",
        Opaque::Binary => "binary",
        Opaque::Cut => "cut",
        Opaque::Damaged => "damaged",
    }
}
