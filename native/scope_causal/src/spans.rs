//! Calls as stretches of time: what a process was in, what that led to elsewhere, and where the time went.
//!
//! Within a process the calls and their ends are replayed on a stack. Across processes and nodes the
//! first call of a stack hangs below the call in which its cause lies: the send of the message that began
//! it, else the spawn of its process, else, where messages were not captured, the innermost call of the same
//! correlation that holds it in time.
//!
//! **Loss is shown, never bridged.** A call without an end has no `end`, an end without a call no `call`. Where
//! events of a node were lost, whatever was open there stays open: an end that comes later may be that of
//! another call.

mod forest;
mod held;
mod links;
mod stack;
mod times;
mod waits;

use crate::At;
use crate::{Confidence, Picture};
use forest::Forest;
pub use waits::{Parts, Wait};

/// Stands for nothing in columns of indexes.
pub(crate) const NONE: u32 = u32::MAX;

/// A duration that is not known.
const UNKNOWN: u64 = u64::MAX;

/// How a span came to be below another one.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Link {
    /// Nothing says what led to it.
    Root,
    /// It was called within it, in the same process.
    Program,
    /// It began with a message that was sent within it.
    Message(Confidence),
    /// Its process was started within it.
    Spawn,
    /// It lies within it in time and has the same correlation, and nothing better is known.
    Correlation,
}

/// One call, from its beginning to its end, as far as both are known.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Span {
    /// The process that it ran in.
    pub process: u32,
    /// The function that was called.
    pub function: u32,
    /// Its beginning; `None` where only its end was recorded.
    pub call: Option<At>,
    /// The return, the exception or the end of the process that ended it; `None` where that is not known.
    pub end: Option<At>,
    /// The span that it is part of; always one with a lower index.
    pub parent: Option<u32>,
    /// How it came to be part of that.
    pub link: Link,
    /// The receive, or the first event of its process, that it followed from, where that is known.
    pub cause: Option<At>,
    /// Whether it was left by an exception, or by the end of its process.
    pub raised: bool,
    /// Whether the ends of its function were not captured at all: then it holds nothing.
    pub point: bool,
    /// From its beginning to its end by the clock of its node.
    pub total_ns: Option<u64>,
    /// What of that it spent itself: neither in calls within it nor waiting for answers.
    pub self_ns: Option<u64>,
}

impl Span {
    /// Its first event that is known.
    ///
    /// Either beginning or end is there.
    #[must_use]
    pub fn first(&self) -> At {
        self.call.or(self.end).unwrap_or_default()
    }
}

/// A span as it is kept: 44 bytes.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Row {
    process: u32,
    function: u32,
    call: u32,
    end: u32,
    parent: u32,
    cause: u32,
    link: Link,
    raised: bool,
    point: bool,
    total: u64,
    own: u64,
}

impl Row {
    fn first(&self) -> At {
        if self.call == NONE {
            self.end
        } else {
            self.call
        }
    }

    fn span(&self) -> Span {
        let known = |at: u32| (at != NONE).then_some(at);
        let time = |ns: u64| (ns != UNKNOWN).then_some(ns);
        Span {
            process: self.process,
            function: self.function,
            call: known(self.call),
            end: known(self.end),
            parent: known(self.parent),
            link: self.link,
            cause: known(self.cause),
            raised: self.raised,
            point: self.point,
            total_ns: time(self.total),
            self_ns: time(self.own),
        }
    }
}

/// All spans of a picture, in the causal order of their beginnings.
#[derive(Debug)]
pub struct Spans {
    /// **Invariant.** In the order of the places of their first events, so that a parent stands before its
    /// children; spans of one process nest or follow one another.
    rows: Vec<Row>,
    /// By event: the innermost span that is open there, or that it begins or ends.
    inside: Vec<u32>,
    /// In order of the span that waits, then of time.
    waits: Vec<Wait>,
    forest: Forest,
}

impl Spans {
    /// Finds the spans of a picture. O(n log n) for n events.
    #[must_use]
    pub fn build(picture: &Picture) -> Self {
        let mut found = stack::replay(picture);
        let waits = links::link(picture, &mut found);
        held::link(picture, &mut found);
        let (mut rows, inside, waits) = forest::in_order(picture, found, waits);
        times::measure(picture, &mut rows, &waits);
        Self {
            forest: Forest::of(&rows),
            rows,
            inside,
            waits,
        }
    }

    /// The node that recorded a span, as an index into the nodes of the picture.
    #[must_use]
    pub fn node(&self, picture: &Picture, span: u32) -> Option<u32> {
        picture.node(self.rows.get(span as usize)?.first())
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.rows.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.rows.is_empty()
    }

    /// One of them.
    #[must_use]
    pub fn get(&self, span: u32) -> Option<Span> {
        self.rows.get(span as usize).map(Row::span)
    }

    /// All of them, in the causal order of their beginnings.
    pub fn spans(&self) -> impl ExactSizeIterator<Item = Span> {
        self.rows.iter().map(Row::span)
    }

    /// The innermost span that is open at an event, or that the event begins or ends.
    #[must_use]
    pub fn of_event(&self, at: At) -> Option<u32> {
        let span = *self.inside.get(at as usize)?;
        (span != NONE).then_some(span)
    }

    /// The spans directly below one, in order.
    #[must_use]
    pub fn children(&self, span: u32) -> &[u32] {
        self.forest.children(span)
    }

    /// The spans below none, in order.
    #[must_use]
    pub fn roots(&self) -> &[u32] {
        self.forest.roots()
    }

    /// The stretches in which a span waited for the answer to a request.
    #[must_use]
    pub fn waits(&self, span: u32) -> &[Wait] {
        let from = self.waits.partition_point(|wait| wait.span < span);
        let to = self.waits.partition_point(|wait| wait.span <= span);
        &self.waits[from..to]
    }

    /// All spans depth first: each stands behind its parent and before its parent's next sibling.
    #[must_use]
    pub fn depth_first(&self) -> &[u32] {
        self.forest.depth_first()
    }

    /// How many spans lie above one.
    #[must_use]
    pub fn depth(&self, span: u32) -> u32 {
        self.forest.depth(span)
    }

    /// Where a span stands among [`depth_first`](Self::depth_first), and how many follow that are below it.
    #[must_use]
    pub fn below(&self, span: u32) -> Option<(u32, u32)> {
        self.forest.below(span)
    }

    /// The bytes that it takes.
    #[must_use]
    pub fn bytes(&self) -> usize {
        size_of_val(self.rows.as_slice())
            + size_of_val(self.inside.as_slice())
            + size_of_val(self.waits.as_slice())
            + self.forest.bytes()
    }
}
