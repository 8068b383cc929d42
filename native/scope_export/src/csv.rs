//! CSV: one event, one record, in a dialect that is stated.
//!
//! RFC 4180 in UTF-8 without a mark at the beginning: a record with the names of the columns, a comma
//! between fields, every text field in quotes and quotes in it doubled, `\r\n` behind each record. Fields
//! without a value are empty and without quotes; text that is empty is `""`. The columns are those of the
//! other table formats: `node`, `incarnation`, `seq`, `time`, `ns`, `logical`, `mono_ns`, `pid`, `kind`,
//! `module`, `function`, `arity`, `subject`, `correlation_id`, `data` (JSON), `truncated`, `inherited`,
//! `likely`, `entry`, `pairing`, `pair`, `received_at`, `received_by`.
//!
//! # Formulas
//!
//! Spreadsheets run a field that begins with `=`, `+`, `-` or `@`, and strip what they call blank before
//! they look. Text from elsewhere that begins with one of these, with their wide forms, a tab or an end of line,
//! has an apostrophe before it, which spreadsheets take as *this is text*. So has text that begins with
//! an apostrophe, so that a reader who takes one away has what was there. Numbers and JSON are never
//! changed: no JSON is a formula.

use crate::cells::{COLUMNS, Cell, cells, time};
use crate::row::Row;
use std::io::{self, Write};

/// Writes the record with the names of the columns.
///
/// # Errors
///
/// Those of `out`.
pub fn csv_header(out: &mut impl Write) -> io::Result<()> {
    for (at, (name, _)) in COLUMNS.iter().enumerate() {
        comma(at, out)?;
        out.write_all(name.as_bytes())?;
    }
    out.write_all(b"\r\n")
}

/// Writes an event as one record, its end included.
///
/// # Errors
///
/// Those of `out`.
pub fn csv_record(row: &Row<'_>, out: &mut impl Write) -> io::Result<()> {
    for (at, cell) in cells(row).iter().enumerate() {
        comma(at, out)?;
        field(cell, out)?;
    }
    out.write_all(b"\r\n")
}

fn field(cell: &Cell<'_>, out: &mut impl Write) -> io::Result<()> {
    match cell {
        Cell::Empty => Ok(()),
        Cell::Text(text) => quoted(if is_formula(text) { "'" } else { "" }, text, out),
        Cell::Own(text) => quoted("", text, out),
        Cell::Int(value) => write!(out, "{value}"),
        Cell::Time(ns) => write!(out, "{}", time(*ns)),
        Cell::Bool(value) => write!(out, "{value}"),
    }
}

fn is_formula(text: &str) -> bool {
    let begins = ['=', '+', '-', '@', '\t', '\r', '\n', '\''];
    let wide = ['\u{ff1d}', '\u{ff0b}', '\u{ff0d}', '\u{ff20}'];
    let inner = text.trim_start();
    [text, inner]
        .iter()
        .any(|text| text.starts_with(begins) || text.starts_with(wide))
}

fn quoted(before: &str, text: &str, out: &mut impl Write) -> io::Result<()> {
    write!(out, "\"{before}")?;
    let mut parts = text.split('"');
    out.write_all(parts.next().unwrap_or_default().as_bytes())?;
    for part in parts {
        out.write_all(b"\"\"")?;
        out.write_all(part.as_bytes())?;
    }
    out.write_all(b"\"")
}

fn comma(at: usize, out: &mut impl Write) -> io::Result<()> {
    out.write_all(if at > 0 { b"," } else { b"" })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn text(of: &str) -> String {
        let mut out = Vec::new();
        field(&Cell::Text(of.into()), &mut out).unwrap();
        String::from_utf8(out).unwrap()
    }

    #[test]
    fn what_a_spreadsheet_would_run_is_text() {
        for hostile in [
            "=1+1",
            "+1",
            "-1",
            "@SUM(A1)",
            "\t=1",
            "\r\n=1",
            " =1",
            "\u{ff1d}1",
            "'=1",
        ] {
            assert_eq!(text(hostile), format!("\"'{hostile}\""));
        }
        for harmless in ["", "a=1", "<a@b.1.0>", "1-2", "größe"] {
            assert_eq!(text(harmless), format!("\"{harmless}\""));
        }
        assert_eq!(text("say \"=1\""), "\"say \"\"=1\"\"\"");
    }
}
