//! What the formats that show causes are written from, and how they are written: in steps.

use crate::row::Row;
use scope_causal::{At, Picture, Span, Spans};
use std::io;

/// Events of one step, at most.
pub const STEP_EVENTS: usize = 2 * 1024;

/// Bytes after which a step ends before it has all its events.
pub const STEP_BYTES: usize = 1024 * 1024;

/// A picture, its spans, and what is not in it.
#[derive(Clone, Copy, Debug)]
pub struct Trace<'a> {
    /// What happened, and what led to what.
    pub picture: &'a Picture,
    /// The calls in it.
    pub spans: &'a Spans,
    /// What is known to be missing.
    pub lacks: &'a Lacks,
}

/// What is known to be missing from a picture.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Lacks {
    /// Nodes, each with why.
    pub missing: Vec<(String, String)>,
    /// Events that were lost.
    pub dropped: u64,
    /// Events that were kept for too long a time.
    pub expired: u64,
    /// Whether a limit left some out.
    pub more: bool,
}

/// The events of a picture with their terms.
pub trait Rows {
    /// Reads one event; answers whether it could be: its terms may be damaged.
    ///
    /// # Errors
    ///
    /// Those of `read`.
    fn row(&mut self, at: At, read: &mut dyn FnMut(&Row<'_>) -> io::Result<()>)
    -> io::Result<bool>;
}

/// A format that is written in steps, so that no call takes long and no step takes much memory.
pub trait Format: Send {
    /// The events that the next step reads, at most [`STEP_EVENTS`]; none where a format reads no terms.
    fn window(&self, picture: &Picture) -> Vec<At>;

    /// Writes some more; answers whether there is more to come.
    ///
    /// # Errors
    ///
    /// Those of `rows`, and [`io::ErrorKind::Unsupported`] where the format has no room for a picture.
    fn step(
        &mut self,
        trace: &Trace<'_>,
        rows: &mut dyn Rows,
        out: &mut Vec<u8>,
    ) -> io::Result<bool>;

    /// How many events are written by now, of all of them.
    fn done(&self) -> usize;
}

impl Lacks {
    /// Whether nothing is missing.
    #[must_use]
    pub fn is_nothing(&self) -> bool {
        *self == Self::default()
    }

    /// In words.
    #[must_use]
    pub fn text(&self) -> String {
        let mut parts = Vec::new();
        if self.dropped > 0 {
            parts.push(format!("{} events were lost", self.dropped));
        }
        if self.expired > 0 {
            parts.push(format!("{} events were kept no longer", self.expired));
        }
        for (node, why) in &self.missing {
            parts.push(format!("{node} is missing ({why})"));
        }
        if self.more {
            parts.push("there are more events than the limit".to_owned());
        }
        parts.join("; ")
    }
}

/// How far a format has come with the events of a picture.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Progress {
    is_begun: bool,
    next: usize,
}

impl Progress {
    /// Whether this is the first step.
    pub(crate) fn begins(&mut self) -> bool {
        !std::mem::replace(&mut self.is_begun, true)
    }

    pub(crate) fn done(self) -> usize {
        self.next
    }

    /// What the next step reads, of events in causal order.
    pub(crate) fn window(self, order: &[At]) -> Vec<At> {
        let next = order.iter().skip(self.next);
        next.take(STEP_EVENTS).copied().collect()
    }

    /// The next of so many; answers whether there are more.
    pub(crate) fn one(
        &mut self,
        all: usize,
        one: impl FnOnce(u32) -> io::Result<()>,
    ) -> io::Result<bool> {
        if self.next < all {
            one(self.next as u32)?;
            self.next += 1;
        }
        Ok(self.next < all)
    }

    /// The next of so many, while this step has room for them.
    pub(crate) fn step(
        &mut self,
        all: usize,
        out: &mut Vec<u8>,
        mut one: impl FnMut(u32, &mut Vec<u8>) -> io::Result<()>,
    ) -> io::Result<bool> {
        let end = all.min(self.next + STEP_EVENTS);
        while self.next < end && out.len() < STEP_BYTES {
            one(self.next as u32, out)?;
            self.next += 1;
        }
        Ok(self.next < all)
    }
}

/// What happens to the calls that a process is in, at one of its events.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Turn {
    /// A call begins.
    Begin(u32),
    /// A call ends with this event, or, where `seen` is not, somewhere before it.
    End { span: u32, seen: bool },
    /// A call of which only one of its two ends was recorded.
    Point(u32),
}

/// The calls that a process is in, as slices that nest: what was open when events were lost, or never
/// ended, is closed where that is known, and marked.
#[derive(Clone, Debug, Default)]
pub(crate) struct Open(Vec<u32>);

impl Open {
    /// What an event, the next of its process, changes.
    pub(crate) fn event(&mut self, trace: &Trace<'_>, at: At, mut turn: impl FnMut(Turn)) {
        let inside = trace.spans.of_event(at);
        let span = inside.and_then(|span| trace.spans.get(span));
        match (inside, span) {
            (Some(index), Some(span)) if span.call == Some(at) => {
                self.until(span.parent.filter(|_| is_program(&span)), &mut turn);
                if span.point {
                    turn(Turn::Point(index));
                } else {
                    self.0.push(index);
                    turn(Turn::Begin(index));
                }
            }
            (Some(index), Some(span)) if span.end == Some(at) && span.call.is_none() => {
                self.until(span.parent.filter(|_| is_program(&span)), &mut turn);
                turn(Turn::Point(index));
            }
            (Some(_), Some(span)) if span.end == Some(at) => self.end(trace, at, turn),
            _ => self.until(inside, &mut turn),
        }
    }

    /// Nothing of the process is to come.
    pub(crate) fn close(&mut self, mut turn: impl FnMut(Turn)) {
        self.until(None, &mut turn);
    }

    /// All that end with an event: one that returns, or, where the process ends, all it is in.
    fn end(&mut self, trace: &Trace<'_>, at: At, mut turn: impl FnMut(Turn)) {
        let ends = |span: &u32| trace.spans.get(*span).is_some_and(|of| of.end == Some(at));
        let Some(outermost) = self.0.iter().position(ends) else {
            return;
        };
        while self.0.len() > outermost {
            if let Some(span) = self.0.pop() {
                let seen = ends(&span);
                turn(Turn::End { span, seen });
            }
        }
    }

    /// Closes what is inside of a span, or everything.
    fn until(&mut self, span: Option<u32>, turn: &mut impl FnMut(Turn)) {
        let keep = span.and_then(|span| self.0.iter().position(|open| *open == span));
        let keep = keep.map_or(0, |at| at + 1);
        while self.0.len() > keep {
            if let Some(span) = self.0.pop() {
                turn(Turn::End { span, seen: false });
            }
        }
    }
}

/// Whether it was called within its parent.
fn is_program(span: &Span) -> bool {
    span.link == scope_causal::Link::Program
}

/// A process in one word: its pid, which names its node.
pub(crate) fn process(trace: &Trace<'_>, process: u32) -> String {
    let of = trace.picture.processes().get(process as usize);
    of.map_or_else(String::new, |of| of.pid.to_string())
}

/// The name of a node.
pub(crate) fn node<'a>(trace: &Trace<'a>, node: u32) -> &'a str {
    trace
        .picture
        .nodes()
        .get(node as usize)
        .map_or("", |node| node)
}

/// A function as people write it.
pub(crate) fn function(trace: &Trace<'_>, function: u32) -> String {
    let of = trace.picture.functions().get(function as usize);
    of.map_or_else(String::new, |of| {
        crate::labels::function(&of.module, &of.function, of.arity)
    })
}

/// When an event was, in nanoseconds since 1970: behind what led to it.
pub(crate) fn ns(trace: &Trace<'_>, at: At) -> u64 {
    trace.picture.corrected(at).physical_ns()
}

/// Which event it is, in the text that all views use.
pub(crate) fn id(trace: &Trace<'_>, at: At) -> String {
    trace
        .picture
        .id(at)
        .map_or_else(String::new, |(origin, seq)| {
            format!("{}/{}#{seq}", origin.node, origin.incarnation)
        })
}
