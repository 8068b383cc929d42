//! OTLP: spans of OpenTelemetry, in protocol buffers or in JSON.
//!
//! | OpenTelemetry | here |
//! |---|---|
//! | resource | a node: `service.name`, `service.instance.id`, and what is missing |
//! | span | a call; a mark or a loss outside of any call is a span of no length |
//! | trace id | that of the parent; of a root from its correlation (one that is a W3C trace id is taken as it is), else from its event |
//! | span id | from the id of the call's event |
//! | parent | the call within which it was called, or whose message, spawn or correlation began it |
//! | link | what led to it besides, and a parent by a message that is only likely |
//! | event | what else happened within the call, up to [`EVENTS`] for each |
//! | status | an error where it was left by an exception or the end of its process |
//!
//! Ids are hashes of what they are made from, so that the same call has the same ids in every export,
//! whoever makes it. Times are nanoseconds since 1970, corrected so that no effect stands before its cause.
//! A call of which only one end was recorded is a span of no length with `elixir_scope.begin` or
//! `elixir_scope.end` saying so.
//!
//! What is written is a sequence of documents of at most [`SPANS`] spans. In JSON each is a line (the form of
//! OpenTelemetry's file exporter); in protocol buffers they are one message when they stand one after the other. Each is a
//! request, too.

mod ids;
mod json;
mod protobuf;
mod span;

use crate::row::Row;
use crate::trace::{Format, Progress, Rows, STEP_EVENTS, Trace};
use ids::Ids;
use scope_causal::{At, Picture};
use scope_event::Kind;
use span::{Event, Finished};
use std::collections::HashMap;
use std::io;

/// Spans of one document.
pub const SPANS: usize = 512;

/// Events of one span that are kept; the others are counted.
pub const EVENTS: usize = 128;

/// Bytes of a document's attributes, about, after which it ends before it has all its spans.
const BYTES: usize = 1024 * 1024;

/// How documents are written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Encoding {
    /// Protocol buffers.
    Protobuf,
    /// JSON.
    Json,
}

/// The format's writer. A step writes one document at most.
#[derive(Debug)]
pub struct Otlp {
    encoding: Encoding,
    progress: Progress,
    ids: Ids,
    /// Calls whose end is to come, by span.
    open: HashMap<u32, Finished>,
    /// By node, spans that are not written yet.
    finished: Vec<Vec<Finished>>,
    waiting: usize,
    bytes: usize,
}

impl Otlp {
    /// A writer of that encoding.
    #[must_use]
    pub fn new(encoding: Encoding) -> Self {
        Self {
            encoding,
            progress: Progress::default(),
            ids: Ids::default(),
            open: HashMap::new(),
            finished: Vec::new(),
            waiting: 0,
            bytes: 0,
        }
    }

    fn event(&mut self, trace: &Trace<'_>, at: At, rows: &mut dyn Rows) -> io::Result<()> {
        let read = rows.row(at, &mut |row| {
            self.with(trace, at, Some(row));
            Ok(())
        })?;
        if !read {
            self.with(trace, at, None);
        }
        Ok(())
    }

    fn with(&mut self, trace: &Trace<'_>, at: At, row: Option<&Row<'_>>) {
        self.ids.see(trace, at, row);
        let index = trace.spans.of_event(at);
        let span = index.and_then(|index| Some((index, trace.spans.get(index)?)));
        match span {
            Some((index, span)) if span.call == Some(at) => {
                let begun = span::begun(trace, &self.ids, index, &span, row);
                match span.end {
                    Some(_) => {
                        self.open.insert(index, begun);
                    }
                    None => self.finish(trace, at, begun),
                }
            }
            Some((index, span)) if span.end == Some(at) && span.call.is_none() => {
                let begun = span::begun(trace, &self.ids, index, &span, row);
                self.finish(trace, at, begun);
            }
            Some((index, span)) if span.end == Some(at) && is_end(trace, at) => {
                self.end(trace, at, index, row);
            }
            Some((index, _)) if trace.picture.kind(at) == Kind::Exit => {
                self.exit(trace, at, index, row);
            }
            Some((index, _)) => self.note(trace, at, Some(index), row),
            None => self.note(trace, at, None, row),
        }
    }

    fn end(&mut self, trace: &Trace<'_>, at: At, index: u32, row: Option<&Row<'_>>) {
        if let Some(mut span) = self.open.remove(&index) {
            span.end(trace, at, row);
            self.finish(trace, at, span);
        }
    }

    /// All calls that a process is in end with it.
    fn exit(&mut self, trace: &Trace<'_>, at: At, index: u32, row: Option<&Row<'_>>) {
        self.note(trace, at, Some(index), row);
        let mut next = Some(index);
        while let Some(index) = next {
            let Some(span) = trace.spans.get(index) else {
                break;
            };
            if span.end == Some(at) {
                self.end(trace, at, index, None);
            }
            let within = span.link == scope_causal::Link::Program;
            next = span.parent.filter(|_| within);
        }
    }

    /// What else happened: within the innermost call that is known to end, else on its own, where it is for people.
    fn note(&mut self, trace: &Trace<'_>, at: At, index: Option<u32>, row: Option<&Row<'_>>) {
        let event = Event::of(trace, at, row);
        if let Some(open) = index.and_then(|index| self.open.get_mut(&index)) {
            open.link_to(trace, &self.ids, at);
            return open.note(event);
        }
        let kind = trace.picture.kind(at);
        if matches!(kind, Kind::Mark | Kind::Gap | Kind::Exception) {
            let span = span::alone(trace, &self.ids, at, index, row, event);
            self.finish(trace, at, span);
        }
    }

    fn finish(&mut self, trace: &Trace<'_>, at: At, span: Finished) {
        self.waiting += 1;
        self.bytes += span.bytes();
        let node = trace.picture.node(at).unwrap_or(0) as usize;
        if let Some(of_node) = self.finished.get_mut(node) {
            of_node.push(span);
        }
    }

    fn document(&mut self, trace: &Trace<'_>, out: &mut Vec<u8>) -> io::Result<()> {
        if self.waiting == 0 {
            return Ok(());
        }
        match self.encoding {
            Encoding::Protobuf => protobuf::document(trace, &self.finished, out),
            Encoding::Json => json::document(trace, &self.finished, out)?,
        }
        self.finished.iter_mut().for_each(Vec::clear);
        (self.waiting, self.bytes) = (0, 0);
        Ok(())
    }

    fn is_full(&self) -> bool {
        self.waiting >= SPANS || self.bytes >= BYTES
    }
}

impl Format for Otlp {
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
            self.ids = Ids::new(trace.spans.len());
            self.finished
                .resize_with(trace.picture.nodes().len(), Vec::new);
        }
        let mut progress = self.progress;
        let (mut more, mut left) = (true, STEP_EVENTS);
        while more && left > 0 && !self.is_full() {
            more = progress.one(trace.picture.len(), |place| {
                self.event(trace, trace.picture.order()[place as usize], rows)
            })?;
            left -= 1;
        }
        self.progress = progress;
        if self.is_full() || !more {
            self.document(trace, out)?;
        }
        Ok(more)
    }

    fn done(&self) -> usize {
        self.progress.done()
    }
}

/// Whether an event is the end of one call alone.
fn is_end(trace: &Trace<'_>, at: At) -> bool {
    matches!(trace.picture.kind(at), Kind::Return | Kind::Exception)
}
