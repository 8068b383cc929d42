//! A small reader of protocol buffers, which knows nothing of what is written: fields by number.

use std::fmt::Write;

/// A field's value as it is on the wire.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Wire<'a> {
    Varint(u64),
    Fixed64(u64),
    Fixed32(u32),
    Bytes(&'a [u8]),
}

/// The fields of a message, or `None` if it is none.
pub(crate) fn fields(mut bytes: &[u8]) -> Option<Vec<(u64, Wire<'_>)>> {
    let mut fields = Vec::new();
    while !bytes.is_empty() {
        let tag = varint(&mut bytes)?;
        let value = match tag & 7 {
            0 => Wire::Varint(varint(&mut bytes)?),
            1 => Wire::Fixed64(u64::from_le_bytes(take(&mut bytes, 8)?.try_into().ok()?)),
            5 => Wire::Fixed32(u32::from_le_bytes(take(&mut bytes, 4)?.try_into().ok()?)),
            2 => {
                let length = varint(&mut bytes)?;
                Wire::Bytes(take(&mut bytes, usize::try_from(length).ok()?)?)
            }
            _ => return None,
        };
        (tag >> 3 > 0).then_some(())?;
        fields.push((tag >> 3, value));
    }
    Some(fields)
}

/// A message as lines, those of the messages at `paths` (their fields' numbers) indented below them.
pub(crate) fn text(bytes: &[u8], paths: &[&[u64]]) -> String {
    let mut out = String::new();
    write(bytes, paths, &mut Vec::new(), &mut out);
    out
}

fn write(bytes: &[u8], paths: &[&[u64]], at: &mut Vec<u64>, out: &mut String) {
    let Some(fields) = fields(bytes) else {
        panic!("no message at {at:?}: {bytes:?}");
    };
    for (field, value) in fields {
        at.push(field);
        let indent = "  ".repeat(at.len() - 1);
        match value {
            Wire::Bytes(inner) if paths.contains(&at.as_slice()) => {
                writeln!(out, "{indent}{field} {{").unwrap();
                write(inner, paths, at, out);
                writeln!(out, "{indent}}}").unwrap();
            }
            Wire::Bytes(bytes) => match std::str::from_utf8(bytes) {
                Ok(text) if field != 1 || at.len() > 4 || text.is_ascii() => {
                    writeln!(out, "{indent}{field}: {text:?}").unwrap();
                }
                _ => writeln!(out, "{indent}{field}: {bytes:02x?}").unwrap(),
            },
            Wire::Varint(value) => writeln!(out, "{indent}{field}: {value}").unwrap(),
            Wire::Fixed64(value) => writeln!(out, "{indent}{field}: {value} (64)").unwrap(),
            Wire::Fixed32(value) => writeln!(out, "{indent}{field}: {value} (32)").unwrap(),
        }
        at.pop();
    }
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut value = 0;
    for shift in (0..64).step_by(7) {
        let byte = take(bytes, 1)?[0];
        value |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(value);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], length: usize) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(length)?;
    *bytes = rest;
    Some(taken)
}
