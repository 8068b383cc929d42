//! JSON strings.

use std::io::{self, Write};

/// Writes `text` in quotes. Only what must be escaped is: RFC 8259, section 7.
pub(crate) fn text(text: &str, out: &mut impl Write) -> io::Result<()> {
    out.write_all(b"\"")?;
    let mut rest = text.as_bytes();
    while let Some(at) = rest.iter().position(|&byte| special(byte)) {
        out.write_all(&rest[..at])?;
        escape(rest[at], out)?;
        rest = &rest[at + 1..];
    }
    out.write_all(rest)?;
    out.write_all(b"\"")
}

fn special(byte: u8) -> bool {
    byte < b' ' || byte == b'"' || byte == b'\\'
}

fn escape(byte: u8, out: &mut impl Write) -> io::Result<()> {
    match byte {
        b'"' | b'\\' => out.write_all(&[b'\\', byte]),
        b'\n' => out.write_all(b"\\n"),
        b'\t' => out.write_all(b"\\t"),
        b'\r' => out.write_all(b"\\r"),
        _ => write!(out, "\\u{byte:04x}"),
    }
}
