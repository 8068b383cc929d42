//! A document as one line of JSON, by OTLP's own rules for it: ids in hexadecimal digits, 64-bit numbers as text.

use super::span::{Attributes, Finished, Value, resource};
use crate::json::text;
use crate::trace::Trace;
use std::io::{self, Write};

pub(super) fn document(
    trace: &Trace<'_>,
    finished: &[Vec<Finished>],
    out: &mut Vec<u8>,
) -> io::Result<()> {
    out.write_all(b"{\"resourceSpans\":")?;
    let nodes = finished
        .iter()
        .enumerate()
        .filter(|(_, spans)| !spans.is_empty());
    array(nodes, out, |(node, spans), out| {
        out.write_all(b"{\"resource\":{\"attributes\":")?;
        attributes(&resource(trace, node as u32), out)?;
        out.write_all(b"},\"scopeSpans\":[{\"scope\":{\"name\":\"elixir_scope\"},\"spans\":")?;
        array(spans.iter(), out, span)?;
        out.write_all(b"}]}")
    })?;
    out.write_all(b"}\n")
}

fn span(span: &Finished, out: &mut Vec<u8>) -> io::Result<()> {
    out.write_all(b"{\"traceId\":")?;
    hex(&span.trace, out)?;
    out.write_all(b",\"spanId\":")?;
    hex(&span.span, out)?;
    if let Some(parent) = &span.parent {
        out.write_all(b",\"parentSpanId\":")?;
        hex(parent, out)?;
    }
    out.write_all(b",\"flags\":1,\"name\":")?;
    text(&span.name, out)?;
    write!(out, ",\"kind\":{},", span.sort as u64)?;
    write!(out, "\"startTimeUnixNano\":\"{}\",", span.from)?;
    write!(out, "\"endTimeUnixNano\":\"{}\",\"attributes\":", span.to)?;
    attributes(&span.attributes, out)?;
    out.write_all(b",\"events\":")?;
    array(span.events.iter(), out, |event, out| {
        write!(out, "{{\"timeUnixNano\":\"{}\",\"name\":", event.ns)?;
        text(&event.name, out)?;
        out.write_all(b",\"attributes\":")?;
        attributes(&event.attributes, out)?;
        out.write_all(b"}")
    })?;
    write!(out, ",\"droppedEventsCount\":{},\"links\":", span.dropped)?;
    array(span.links.iter(), out, |link, out| {
        out.write_all(b"{\"traceId\":")?;
        hex(&link.trace, out)?;
        out.write_all(b",\"spanId\":")?;
        hex(&link.span, out)?;
        out.write_all(b",\"flags\":1,\"attributes\":")?;
        let how = super::span::text("elixir_scope.link", link.how.to_owned());
        attributes(&vec![how], out)?;
        out.write_all(b"}")
    })?;
    if let Some(error) = &span.error {
        out.write_all(b",\"status\":{\"code\":2,\"message\":")?;
        text(error, out)?;
        out.write_all(b"}")?;
    }
    out.write_all(b"}")
}

fn attributes(of: &Attributes, out: &mut Vec<u8>) -> io::Result<()> {
    array(of.iter(), out, |(name, value), out| {
        out.write_all(b"{\"key\":")?;
        text(name, out)?;
        match value {
            Value::Text(value) => {
                out.write_all(b",\"value\":{\"stringValue\":")?;
                text(value, out)?;
            }
            Value::Int(value) => write!(out, ",\"value\":{{\"intValue\":\"{value}\"")?,
        }
        out.write_all(b"}}")
    })
}

fn array<T>(
    items: impl Iterator<Item = T>,
    out: &mut Vec<u8>,
    mut item: impl FnMut(T, &mut Vec<u8>) -> io::Result<()>,
) -> io::Result<()> {
    out.write_all(b"[")?;
    for (at, each) in items.enumerate() {
        out.write_all(if at > 0 { b"," } else { b"" })?;
        item(each, out)?;
    }
    out.write_all(b"]")
}

fn hex(bytes: &[u8], out: &mut Vec<u8>) -> io::Result<()> {
    out.write_all(b"\"")?;
    for byte in bytes {
        write!(out, "{byte:02x}")?;
    }
    out.write_all(b"\"")
}
