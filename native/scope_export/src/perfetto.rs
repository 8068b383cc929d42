//! Perfetto: a stream of `TracePacket`s in protocol buffers.
//!
//! | Perfetto | here |
//! |---|---|
//! | process | a node |
//! | thread | a process |
//! | slice | a call, from its beginning to its end; `args`, `returned`, `raised`, `correlation_id` and `id` are its arguments |
//! | flow | a message, a spawn, a link or an exit, from its cause to its effect |
//! | counter | each number in the data of `vitals`, `gc` and `memory` events |
//! | instant | every other event |
//! | clock | nanoseconds since 1970, corrected so that no effect stands before its cause; `behind_ns` says by how much |
//!
//! A call whose end was not recorded is closed where it cannot be open any longer, with `end: not recorded`; an end
//! without a beginning is an instant. What is missing is an instant at the beginning, on a track of its own.
//! Functions are interned: their names stand in the file once.

mod counters;
mod names;

use crate::proto::Message;
use crate::row::Row;
use crate::trace::{Format, Open, Progress, Rows, Trace, Turn};
use crate::trace::{function, id, node, ns, process};
use crate::{json, labels};
use counters::Counters;
use names::{annotation, begin, descriptor, packet, track};
use scope_causal::{At, Edge, Picture, Span};
use scope_event::{Family, Kind};
use std::io;

/// The format's writer.
#[derive(Debug, Default)]
pub struct Perfetto {
    progress: Progress,
    /// By process, the calls it is in.
    open: Vec<Open>,
    counters: Counters,
}

/// `TrackEvent.Type`.
#[derive(Clone, Copy)]
enum Type {
    Begin = 1,
    End = 2,
    Instant = 3,
    Counter = 4,
}

impl Format for Perfetto {
    fn window(&self, picture: &Picture) -> Vec<At> {
        self.progress.window(picture.order())
    }

    fn step(
        &mut self,
        trace: &Trace<'_>,
        rows: &mut dyn Rows,
        out: &mut Vec<u8>,
    ) -> io::Result<bool> {
        if self.progress.begins() {
            self.open = vec![Open::default(); trace.picture.processes().len()];
            begin(trace, out);
        }
        let mut progress = self.progress;
        let more = progress.step(trace.picture.len(), out, |place, out| {
            self.event(trace, trace.picture.order()[place as usize], rows, out)
        });
        self.progress = progress;
        more
    }

    fn done(&self) -> usize {
        self.progress.done()
    }
}

impl Perfetto {
    fn event(
        &mut self,
        trace: &Trace<'_>,
        at: At,
        rows: &mut dyn Rows,
        out: &mut Vec<u8>,
    ) -> io::Result<()> {
        let read = rows.row(at, &mut |row| {
            self.with(trace, at, Some(row), out);
            Ok(())
        })?;
        if !read {
            self.with(trace, at, None, out);
        }
        Ok(())
    }

    fn with(&mut self, trace: &Trace<'_>, at: At, row: Option<&Row<'_>>, out: &mut Vec<u8>) {
        let mut is_shown = false;
        if let Some(process) = trace.picture.process(at) {
            let mut open = std::mem::take(&mut self.open[process as usize]);
            open.event(trace, at, |turn| {
                is_shown |= slice(trace, at, turn, row, out)
            });
            self.open[process as usize] = open;
        }
        if is_shown {
            return;
        }
        match (trace.picture.kind(at), row) {
            (Kind::Vitals | Kind::Gc | Kind::Memory, Some(row)) => {
                self.counters.event(trace, at, row, out);
            }
            _ => instant(trace, at, row, out),
        }
    }
}

/// Writes what an event changes of the calls that its process is in; answers whether that is all there is to
/// say of it.
fn slice(trace: &Trace<'_>, at: At, turn: Turn, row: Option<&Row<'_>>, out: &mut Vec<u8>) -> bool {
    let (index, of, is_event) = match turn {
        Turn::Begin(span) => (span, Type::Begin, true),
        Turn::End { span, seen } => (span, Type::End, seen),
        Turn::Point(span) => (span, Type::Instant, true),
    };
    let Some(span) = trace.spans.get(index) else {
        return false;
    };
    let is_exit = trace.picture.kind(at) == Kind::Exit;
    let mut event = Message::default();
    event.uint(9, of as u64).uint(11, track(trace, at));
    if !matches!(of, Type::End) {
        event
            .uint(10, u64::from(span.function) + 1)
            .text(22, "call");
    }
    if is_event && !is_exit {
        describe(trace, at, row, &mut event);
        flows(trace, at, &mut event);
    } else if !is_event {
        annotation(&mut event, "end", "not recorded");
    }
    if let Turn::Point(_) = turn {
        one_end(&span, &mut event);
    }
    packet(ns(trace, at), &event, out);
    // The end of a process is an event of its own besides.
    is_event && !is_exit
}

/// Which end of a call is not there.
fn one_end(span: &Span, event: &mut Message) {
    let lost = if span.call.is_none() { "begin" } else { "end" };
    annotation(event, lost, "not recorded");
}

fn instant(trace: &Trace<'_>, at: At, row: Option<&Row<'_>>, out: &mut Vec<u8>) {
    let kind = trace.picture.kind(at);
    let mut event = Message::default();
    event
        .uint(9, Type::Instant as u64)
        .uint(11, track(trace, at));
    event.text(22, category(kind));
    match row {
        Some(row) => event.text(23, &labels::event(row)),
        None => event.text(23, &format!("{} (damaged)", kind.name())),
    };
    describe(trace, at, row, &mut event);
    flows(trace, at, &mut event);
    packet(ns(trace, at), &event, out);
}

fn describe(trace: &Trace<'_>, at: At, row: Option<&Row<'_>>, event: &mut Message) {
    annotation(event, "id", &id(trace, at));
    let behind = trace.picture.behind_ns(at);
    if behind > 0 {
        annotation(event, "behind_ns", &behind.to_string());
    }
    let Some(row) = row else { return };
    if let Some(correlation) = &row.correlation {
        annotation(event, "correlation_id", &labels::term(correlation));
    }
    if let Some(data) = &row.data {
        annotation(event, what(row.kind), &json::text_of(data));
    }
    if row.truncated {
        annotation(event, "truncated", "true");
    }
}

/// What the data of an event is.
fn what(kind: Kind) -> &'static str {
    match kind {
        Kind::Call => "args",
        Kind::Return => "returned",
        Kind::Exception => "raised",
        _ => "data",
    }
}

/// `flow_ids` of what an event led to, `terminating_flow_ids` of what led to it.
fn flows(trace: &Trace<'_>, at: At, event: &mut Message) {
    let flow = |edge: &Edge| u64::from(edge.cause) << 32 | u64::from(edge.effect);
    for edge in trace.picture.edges_from(at) {
        event.fixed64(47, flow(edge));
    }
    for edge in trace.picture.edges_into(at) {
        event.fixed64(48, flow(edge));
    }
}

fn category(kind: Kind) -> &'static str {
    match kind.family() {
        Family::Function => "call",
        Family::Message => "message",
        Family::Process => "process",
        Family::State => "state",
        Family::Memory | Family::Vitals => "vitals",
        Family::Scheduling => "scheduling",
        Family::System => "system",
        Family::User => "user",
    }
}

/// Descriptors of all tracks that are known beforehand.
fn tracks(trace: &Trace<'_>, out: &mut Vec<u8>) {
    for index in 0..trace.picture.nodes().len() as u32 {
        descriptor(names::node_track(index), out, |of| {
            of.message(3, |process| {
                process
                    .uint(1, u64::from(index) + 1)
                    .text(6, node(trace, index));
            });
        });
    }
    let nodes = trace.picture.nodes().len() as u64;
    for (index, of) in trace.picture.processes().iter().enumerate() {
        descriptor(names::process_track(index as u32), out, |track| {
            track.message(4, |thread| {
                thread.uint(1, u64::from(of.node) + 1);
                thread.uint(2, nodes + index as u64 + 1);
                thread.text(5, &process(trace, index as u32));
            });
        });
    }
}

/// The names of all functions, as numbers from 1.
fn functions(trace: &Trace<'_>, out: &mut Vec<u8>) {
    let mut interned = Message::default();
    for index in 0..trace.picture.functions().len() as u32 {
        interned.message(2, |name| {
            name.uint(1, u64::from(index) + 1)
                .text(2, &function(trace, index));
        });
    }
    names::interned(&interned, out);
}
