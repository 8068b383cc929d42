//! An execution as a tree of what was done.

use super::{Part, Side};
use crate::likeness::mix;
use crate::spans::Link;
use crate::{At, EdgeKind, Picture};
use scope_event::{Family, Kind};
use std::collections::HashMap;

/// Stands for nothing.
pub(super) const NONE: u32 = u32::MAX;

/// Something that was done, and what was done because of it.
#[derive(Clone, Copy, Debug)]
pub(super) struct Item {
    /// Above it; [`NONE`] of a process that nothing in the execution began.
    pub(super) parent: u32,
    /// The event that it is, or begins with.
    pub(super) at: At,
    /// The event that a call ended with.
    pub(super) end: u32,
    /// What it is: only items that agree in this are compared.
    pub(super) key: u64,
    /// Hash of what it says at its beginning.
    pub(super) content: u32,
    /// Hash of what it says at its end.
    pub(super) result: u32,
    /// All of that, and all below it.
    pub(super) whole: u64,
    /// Whether its place among its siblings says nothing.
    pub(super) loose: bool,
    /// Whether a message that was sent is seen to be received.
    pub(super) received: bool,
}

#[derive(Debug)]
pub(super) struct Tree<'a> {
    pub(super) picture: &'a Picture,
    /// **Invariant.** An item stands behind the one above it.
    pub(super) items: Vec<Item>,
    /// Where the items below one begin among `below`; those below nothing come last.
    starts: Vec<u32>,
    below: Vec<u32>,
    pub(super) events: usize,
}

struct Growing<'a, F> {
    side: Side<'a>,
    contents: &'a mut F,
    /// By event: its item.
    items_of: Vec<u32>,
    /// By process: what its events that are in no call belong to.
    reactions: HashMap<u32, u32>,
    items: Vec<Item>,
    events: usize,
}

/// What an event at which nothing is called begins with.
fn key(sort: u64, of: u64) -> u64 {
    mix(mix(0x7f4a, sort), of)
}

impl<'a> Tree<'a> {
    pub(super) fn of(side: Side<'a>, contents: &'a mut impl FnMut(At) -> u64) -> Self {
        let mut growing = Growing {
            side,
            contents,
            items_of: vec![NONE; side.picture.len()],
            reactions: HashMap::new(),
            items: Vec::new(),
            events: 0,
        };
        for &at in side.picture.order() {
            if growing.holds(at) {
                growing.step(at);
            } else {
                growing.leave(at);
            }
        }
        let mut tree = Self {
            picture: side.picture,
            events: growing.events,
            items: growing.items,
            starts: Vec::new(),
            below: Vec::new(),
        };
        tree.group();
        tree.sum_up();
        tree
    }

    /// A counting sort by what is above.
    fn group(&mut self) {
        let roots = self.items.len();
        let slot = |item: &Item| (item.parent as usize).min(roots);
        let mut starts = vec![0u32; roots + 2];
        self.items
            .iter()
            .for_each(|item| starts[slot(item) + 1] += 1);
        (1..starts.len()).for_each(|at| starts[at] += starts[at - 1]);
        let (mut next, mut below) = (starts.clone(), vec![0; roots]);
        for (at, item) in (0..).zip(&self.items) {
            let place = &mut next[slot(item)];
            below[*place as usize] = at;
            *place += 1;
        }
        (self.starts, self.below) = (starts, below);
    }

    /// What is below an item, in causal order; below nothing, for [`NONE`].
    pub(super) fn below(&self, item: u32) -> &[u32] {
        let at = (item as usize).min(self.items.len());
        &self.below[self.starts[at] as usize..self.starts[at + 1] as usize]
    }

    fn sum_up(&mut self) {
        for at in (0..self.items.len()).rev() {
            let (mut row, mut loose) = (0, 0u64);
            for &below in self.below(at as u32) {
                let item = &self.items[below as usize];
                if item.loose {
                    loose = loose.wrapping_add(mix(1, item.whole));
                } else {
                    row = mix(row, item.whole);
                }
            }
            let item = &mut self.items[at];
            item.whole = [
                u64::from(item.content),
                u64::from(item.result),
                u64::from(item.received),
                row,
                loose,
            ]
            .into_iter()
            .fold(item.key, mix);
        }
    }
}

impl<F: FnMut(At) -> u64> Growing<'_, F> {
    /// Whether an event is part of the execution, and of what is the same in two runs.
    fn holds(&self, at: At) -> bool {
        let Side {
            picture,
            spans,
            part,
        } = self.side;
        let family = picture.kind(at).family();
        let told = matches!(
            family,
            Family::Function | Family::Message | Family::Process | Family::State | Family::User
        );
        told && match part {
            Part::All => true,
            Part::Correlation(correlation) => self.is_of(at, correlation),
            Part::Span(top) => {
                self.follows(at)
                    || spans.of_event(at).is_some_and(|span| {
                        let (from, count) = spans.below(top).unwrap_or((NONE, 0));
                        let place = spans.below(span).map_or(0, |(place, _)| place);
                        place >= from && place - from <= count
                    })
            }
        }
    }

    /// What a process does after a message of another execution is no part of this one.
    fn leave(&mut self, at: At) {
        let Side { picture, spans, .. } = self.side;
        if picture.kind(at) == Kind::Receive
            && spans.of_event(at).is_none()
            && let Some(process) = picture.process(at)
        {
            self.reactions.remove(&process);
        }
    }

    /// A receive seldom has a correlation of its own: it is about that of who sent the message.
    fn is_of(&self, at: At, correlation: u32) -> bool {
        let picture = self.side.picture;
        let own = picture.correlation(at);
        let sent = || {
            let edges = picture.edges_into(at);
            let edge = edges.iter().find(|edge| edge.kind == EdgeKind::Message)?;
            picture.correlation(edge.cause)
        };
        own.or_else(sent) == Some(correlation)
    }

    /// Whether an event that is in no call follows from something in the execution. A message does only if
    /// it was sent there.
    fn follows(&self, at: At) -> bool {
        self.side.spans.of_event(at).is_none()
            && if self.side.picture.kind(at) == Kind::Receive {
                self.led_by(at, EdgeKind::Message).is_some()
            } else {
                self.above(at).is_some()
            }
    }

    fn item_of(&self, at: At) -> Option<u32> {
        let item = *self.items_of.get(at as usize)?;
        (item != NONE).then_some(item)
    }

    fn led_by(&self, at: At, kind: EdgeKind) -> Option<u32> {
        let edges = self.side.picture.edges_into(at);
        let edge = edges.iter().find(|edge| edge.kind == kind)?;
        self.item_of(edge.cause)
    }

    /// The item that began what an event outside of calls is part of.
    fn above(&self, at: At) -> Option<u32> {
        let process = self.side.picture.process(at)?;
        let begun = || self.reactions.get(&process).copied();
        self.led_by(at, EdgeKind::Message)
            .or_else(|| self.led_by(at, EdgeKind::Spawn))
            .or_else(begun)
    }

    fn step(&mut self, at: At) {
        self.events += 1;
        match self.side.picture.kind(at) {
            Kind::Call => self.call(at),
            Kind::Return | Kind::Exception => self.end(at),
            Kind::Receive => self.receive(at),
            _ => self.plain(at),
        }
    }

    fn call(&mut self, at: At) {
        let span = self
            .side
            .spans
            .of_event(at)
            .and_then(|span| self.side.spans.get(span));
        let within = span.and_then(|span| {
            let of = span.parent.and_then(|parent| self.item_of_span(parent));
            match span.link {
                Link::Program | Link::Correlation => of,
                _ => span.cause.and_then(|cause| self.item_of(cause)),
            }
        });
        let loose = span.is_some_and(|span| span.link == Link::Correlation);
        let above = within
            .or_else(|| self.above(at))
            .unwrap_or_else(|| self.process(at));
        self.add(at, above, self.function(at, 1), loose);
    }

    fn end(&mut self, at: At) {
        let span = self
            .side
            .spans
            .of_event(at)
            .and_then(|span| self.side.spans.get(span));
        let call = span.and_then(|span| span.call);
        let Some(item) = call.and_then(|call| self.item_of(call)) else {
            let above = self.owner(at);
            self.add(at, above, self.function(at, 2), false);
            return;
        };
        let kind = u64::from(self.side.picture.kind(at).code());
        let result = mix(1 + kind, (self.contents)(at)) as u32;
        let item = &mut self.items[item as usize];
        (item.end, item.result) = (at, result);
    }

    /// What follows a message hangs below its send. What it says was said there.
    fn receive(&mut self, at: At) {
        let edges = self.side.picture.edges_into(at);
        let sent = edges
            .iter()
            .find(|edge| edge.kind == EdgeKind::Message)
            .map(|edge| edge.cause);
        let process = self.side.picture.process(at).unwrap_or(NONE);
        if let Some(send) = sent.and_then(|sent| self.item_of(sent)) {
            self.items[send as usize].received = true;
            self.items_of[at as usize] = send;
            self.react(at, process, send);
        } else {
            let above = self.owner(at);
            let item = self.add(at, above, key(9, 0), true);
            self.react(at, process, item);
        }
    }

    /// What a process does outside of calls follows from the last message that it received there.
    fn react(&mut self, at: At, process: u32, item: u32) {
        if self.side.spans.of_event(at).is_none() {
            self.reactions.insert(process, item);
        }
    }

    fn plain(&mut self, at: At) {
        let above = self.owner(at);
        let kind = u64::from(self.side.picture.kind(at).code());
        self.add(at, above, key(3, kind), false);
    }

    /// What an event belongs to that is no call.
    fn owner(&mut self, at: At) -> u32 {
        let span = self.side.spans.of_event(at);
        let of_call = span.and_then(|span| self.item_of_span(span));
        of_call
            .or_else(|| self.above(at))
            .unwrap_or_else(|| self.process(at))
    }

    fn item_of_span(&self, span: u32) -> Option<u32> {
        let call = self.side.spans.get(span)?.call?;
        self.item_of(call)
    }

    /// A process that nothing in the execution began.
    fn process(&mut self, at: At) -> u32 {
        let process = self.side.picture.process(at).unwrap_or(NONE);
        if let Some(&known) = self.reactions.get(&process) {
            return known;
        }
        let item = self.push(at, NONE, key(4, 0), true, 0);
        self.reactions.insert(process, item);
        item
    }

    fn function(&self, at: At, sort: u64) -> u64 {
        let functions = self.side.picture.functions();
        let of = self
            .side
            .picture
            .function(at)
            .and_then(|of| functions.get(of as usize));
        of.map_or(key(sort, 0), |of| {
            let text = |text: &str| xxhash_rust::xxh3::xxh3_64(text.as_bytes());
            key(
                sort,
                mix(mix(text(&of.module), text(&of.function)), of.arity.into()),
            )
        })
    }

    fn add(&mut self, at: At, above: u32, key: u64, loose: bool) -> u32 {
        let content = (self.contents)(at) as u32;
        let item = self.push(at, above, key, loose, content);
        self.items_of[at as usize] = item;
        item
    }

    fn push(&mut self, at: At, parent: u32, key: u64, loose: bool, content: u32) -> u32 {
        self.items.push(Item {
            parent,
            at,
            end: NONE,
            key,
            content,
            result: 0,
            whole: 0,
            loose,
            received: false,
        });
        self.items.len() as u32 - 1
    }
}
