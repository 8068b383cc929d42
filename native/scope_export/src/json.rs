//! JSON Lines: one event, one object, one line.
//!
//! | field | what |
//! |---|---|
//! | `id` | `{"node", "incarnation", "seq"}`: identity; `null` of a `gap` that says what the reader misses |
//! | `at` | `{"ns", "logical", "time"}`: nanoseconds since 1970, the place within that nanosecond, RFC 3339 |
//! | `mono_ns` | the monotonic clock of the node, or `null` |
//! | `node`, `pid` | who; a pid is text: `"<node.id.serial>"` |
//! | `kind` | what |
//! | `subject` | a function as `{"module", "function", "arity"}`, else a term |
//! | `correlation_id`, `data` | terms |
//! | `meta` | `"truncated?": true`, `"attribution": "inherited"`, `"pairing"` and `"pair"`, `"received_at"`, as far as they apply, in `{}` |
//!
//! `pairing` is `"exact"`, `"likely"` or `"ambiguous"`, and `pair` the id of the other half of a message;
//! of an ambiguous one, an array of those it may be.
//!
//! `received_at` is when the event came and by whose clock, `{"ns", "logical", "time", "node"}`, where its
//! own stamp is not believed.
//!
//! `ns` and `mono_ns` are strings of digits: many readers keep numbers as floats, which hold no more
//! than 53 bits.
//!
//! # Terms
//!
//! | Erlang | JSON |
//! |---|---|
//! | `nil`, `true`, `false` | `null`, `true`, `false` |
//! | other atoms | their text |
//! | integers | numbers, also those beyond 2^53: a reader that uses floats rounds them |
//! | floats | numbers, always with a point or an exponent |
//! | binaries in UTF-8 | strings |
//! | other binaries | `{"$binary": base64}` |
//! | lists | arrays |
//! | improper lists | `{"$improper": [element, …, tail]}` |
//! | tuples | `{"$tuple": [element, …]}` |
//! | maps | objects, if every key is text, no two keys have the same text, and none begins with `$` |
//! | other maps, and maps that were cut | `{"$map": [[key, value], …]}` |
//! | pids | `"<node.id.serial>"` |
//! | references, ports, pids of other nodes in messages | `{"$reference"`, `{"$port"`, `{"$pid"`: base64 of the external term format`}` |
//! | what could not be kept | `{"$opaque": {"type", "size", "kept"}}`, the last two where they are known |
//!
//! A tuple, list or `$map` that was cut ends in `{"$opaque": {"type": "cut", "size": missing}}`. An
//! object with one key that begins with `$` is therefore always one of these and never a map.

mod term;
mod text;

use crate::row::{About, Pairing, Row};
use crate::time::Rfc3339;
use scope_clock::Stamp;
use scope_event::{Origin, Pid, Seq, Value};
use std::io::{self, Write};
use term::atom;

pub(crate) use term::term;
pub(crate) use text::text;

/// Writes an event as one line, the end of line included.
///
/// # Errors
///
/// Those of `out`.
pub fn json_line(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    identity(row, out)?;
    out.write_all(b",\"pid\":")?;
    optional(row.pid, pid, out)?;
    write!(out, ",\"kind\":\"{}\",\"subject\":", row.kind.name())?;
    about(&row.about, out)?;
    out.write_all(b",\"correlation_id\":")?;
    optional(row.correlation.as_ref(), term, out)?;
    out.write_all(b",\"data\":")?;
    optional(row.data.as_ref(), term, out)?;
    out.write_all(b",\"meta\":{")?;
    meta(row, out)?;
    out.write_all(b"}}\n")
}

fn meta(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    let flags = [
        (row.truncated, "\"truncated?\":true"),
        (row.inherited, "\"attribution\":\"inherited\""),
        (row.likely, "\"confidence\":\"likely\""),
        (row.entry, "\"entry\":true"),
    ];
    let mut comma = "";
    for (_, text) in flags.iter().filter(|(is, _)| *is) {
        write!(out, "{comma}{text}")?;
        comma = ",";
    }
    if let Some(of) = &row.pairing {
        out.write_all(comma.as_bytes())?;
        pairing(of, out)?;
        comma = ",";
    }
    let Some((stamp, node)) = row.received else {
        return Ok(());
    };
    write!(out, "{comma}\"received_at\":{{")?;
    moment(stamp, out)?;
    out.write_all(b",\"node\":")?;
    text(node, out)?;
    out.write_all(b"}")
}

/// A stamp without its node: the fields alone.
fn moment(stamp: Stamp, out: &mut impl Write) -> io::Result<()> {
    let (ns, logical) = (stamp.physical_ns(), stamp.logical());
    write!(out, "\"ns\":\"{ns}\",\"logical\":{logical},")?;
    write!(out, "\"time\":\"{}\"", Rfc3339(ns))
}

/// A term as JSON text.
pub(crate) fn text_of(value: &Value) -> String {
    let mut out = Vec::new();
    // Writing to memory does not fail.
    let _ = term(value, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

/// The other half of a message as JSON: an id, or an array of those it may be.
pub(crate) fn pair_text(of: &Pairing<'_>) -> String {
    let mut out = Vec::new();
    let _ = pair(of, &mut out);
    String::from_utf8(out).unwrap_or_default()
}

fn pairing(of: &Pairing<'_>, out: &mut impl Write) -> io::Result<()> {
    write!(out, "\"pairing\":\"{}\",\"pair\":", of.name())?;
    pair(of, out)
}

fn pair(of: &Pairing<'_>, out: &mut impl Write) -> io::Result<()> {
    match of {
        Pairing::Exact(other) | Pairing::Likely(other) => id(other, out),
        Pairing::Ambiguous(others) => {
            out.write_all(b"[")?;
            for (at, other) in others.iter().enumerate() {
                out.write_all(if at > 0 { b"," } else { b"" })?;
                id(other, out)?;
            }
            out.write_all(b"]")
        }
    }
}

fn id((origin, seq): &(&Origin, Seq), out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"{\"node\":")?;
    text(&origin.node, out)?;
    write!(
        out,
        ",\"incarnation\":{},\"seq\":{seq}}}",
        origin.incarnation
    )
}

/// Which event it is, when and where: `{` and all fields up to `node`.
fn identity(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    let node = &row.origin.node;
    out.write_all(b"{\"id\":")?;
    match row.seq {
        0 => null(out)?,
        seq => id(&(row.origin, seq), out)?,
    }
    out.write_all(b",\"at\":{")?;
    moment(row.stamp, out)?;
    out.write_all(b"},\"mono_ns\":")?;
    match row.mono_ns {
        Some(ns) => write!(out, "\"{ns}\"")?,
        None => null(out)?,
    }
    out.write_all(b",\"node\":")?;
    text(node, out)
}

fn about(about: &About<'_>, out: &mut impl Write) -> io::Result<()> {
    match about {
        About::Nothing => null(out),
        About::Function {
            module,
            function,
            arity,
        } => {
            out.write_all(b"{\"module\":")?;
            text(module, out)?;
            out.write_all(b",\"function\":")?;
            text(function, out)?;
            write!(out, ",\"arity\":{arity}}}")
        }
        About::Pid(of) => pid(of, out),
        About::Name(name) => atom(name, out),
        About::Term(value) => term(value, out),
    }
}

fn optional<T, W: Write>(
    value: Option<&T>,
    write: impl Fn(&T, &mut W) -> io::Result<()>,
    out: &mut W,
) -> io::Result<()> {
    match value {
        Some(value) => write(value, out),
        None => null(out),
    }
}

fn pid(pid: &Pid, out: &mut impl Write) -> io::Result<()> {
    text(&pid.to_string(), out)
}

fn null(out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"null")
}
