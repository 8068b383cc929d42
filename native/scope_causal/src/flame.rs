//! One flame over all nodes: spans of the same functions below the same functions as one frame.
//!
//! What a call waited for is part of its time. The spans that answered it stand below it; what is left of the
//! time at the other side is a frame of its own, and so is the way there and back. Where no messages were captured,
//! the time of what a call held on other nodes is taken from its own.

use crate::spans::{Link, Span, Spans};
use crate::{At, Picture};
use std::collections::HashMap;

/// What a frame stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Block {
    /// Calls of a function on a node.
    Function {
        /// The function.
        function: u32,
        /// Where it ran.
        node: u32,
    },
    /// Somebody was asked, and was not seen to do anything.
    Waiting,
    /// A request or an answer was on its way, or in a queue.
    Network,
}

/// Some time, below other frames.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Frame {
    /// What it stands for.
    pub block: Block,
    /// How many frames are above it.
    pub depth: u32,
    /// How many spans it is made of; of waiting and network, how many requests.
    pub count: u64,
    /// Those whose own time is not known.
    pub unknown: u64,
    /// The time of the frame without what is below it.
    pub self_ns: u64,
    /// The time of the frame with what is below it.
    pub total_ns: u64,
}

/// The frames of all spans, or of a span and what is below it: depth first, of siblings the one with more time
/// first. O(n log n) for n spans.
#[must_use]
pub fn flame(picture: &Picture, spans: &Spans, below: Option<u32>) -> Vec<Frame> {
    let order = spans.depth_first();
    let wanted = match below {
        None => order,
        Some(span) => spans.below(span).map_or(&[][..], |(from, count)| {
            &order[from as usize..(from + count) as usize + 1]
        }),
    };
    let mut burning = Burning::default();
    // By depth, what the spans above are part of.
    let mut above: Vec<u32> = Vec::new();
    let top = wanted.first().map_or(0, |&span| spans.depth(span));
    for &index in wanted {
        let Some(span) = spans.get(index) else {
            continue;
        };
        let depth = (spans.depth(index) - if below.is_some() { top } else { 0 }) as usize;
        above.truncate(depth);
        let frame = burning.span(picture, spans, index, &span, above.last().copied());
        above.push(frame);
    }
    burning.in_order()
}

struct Node {
    block: Block,
    parent: Option<u32>,
    count: u64,
    unknown: u64,
    own: u64,
}

#[derive(Default)]
struct Burning {
    /// **Invariant.** A frame stands behind the one above it.
    nodes: Vec<Node>,
    known: HashMap<(Option<u32>, Block), u32>,
}

impl Burning {
    fn node(&mut self, parent: Option<u32>, block: Block) -> u32 {
        *self.known.entry((parent, block)).or_insert_with(|| {
            self.nodes.push(Node {
                block,
                parent,
                count: 0,
                unknown: 0,
                own: 0,
            });
            self.nodes.len() as u32 - 1
        })
    }

    fn span(
        &mut self,
        picture: &Picture,
        spans: &Spans,
        index: u32,
        span: &Span,
        above: Option<u32>,
    ) -> u32 {
        let block = Block::Function {
            function: span.function,
            node: spans.node(picture, index).unwrap_or_default(),
        };
        let frame = self.node(above, block);
        let elsewhere = Elsewhere::of(picture, spans, index);
        let node = &mut self.nodes[frame as usize];
        node.count += 1;
        node.unknown += u64::from(span.self_ns.is_none());
        node.own += span.self_ns.unwrap_or(0).saturating_sub(elsewhere.held);
        for wait in spans.waits(index) {
            let parts = wait.parts(picture);
            let seen = elsewhere.answering.get(&wait.taken).copied().unwrap_or(0);
            self.add(frame, Block::Network, parts.to_ns + parts.back_ns);
            self.add(frame, Block::Waiting, parts.there_ns.saturating_sub(seen));
        }
        frame
    }

    fn add(&mut self, above: u32, block: Block, ns: u64) {
        if ns > 0 {
            let frame = self.node(Some(above), block);
            self.nodes[frame as usize].own += ns;
            self.nodes[frame as usize].count += 1;
        }
    }

    fn in_order(self) -> Vec<Frame> {
        let mut totals: Vec<u64> = self.nodes.iter().map(|node| node.own).collect();
        let mut below: Vec<Vec<u32>> = vec![Vec::new(); self.nodes.len()];
        let mut left = Vec::new();
        for (at, node) in self.nodes.iter().enumerate().rev() {
            match node.parent {
                Some(parent) => {
                    totals[parent as usize] += totals[at];
                    below[parent as usize].push(at as u32);
                }
                None => left.push(at as u32),
            }
        }
        // The last is taken first.
        let sorted = |frames: &mut Vec<u32>| {
            frames.sort_by_key(|&at| (totals[at as usize], std::cmp::Reverse(at)));
        };
        sorted(&mut left);
        let mut left: Vec<(u32, u32)> = left.into_iter().map(|at| (at, 0)).collect();
        let mut frames = Vec::with_capacity(self.nodes.len());
        while let Some((at, depth)) = left.pop() {
            let node = &self.nodes[at as usize];
            frames.push(Frame {
                block: node.block,
                depth,
                count: node.count,
                unknown: node.unknown,
                self_ns: node.own,
                total_ns: totals[at as usize],
            });
            let mut inner = std::mem::take(&mut below[at as usize]);
            sorted(&mut inner);
            left.extend(inner.into_iter().map(|at| (at, depth + 1)));
        }
        frames
    }
}

/// The time of spans that a span led to in other processes.
struct Elsewhere {
    /// Of those which it holds, and for which it is not known to have waited.
    held: u64,
    /// By the receive that they followed from.
    answering: HashMap<At, u64>,
}

impl Elsewhere {
    fn of(picture: &Picture, spans: &Spans, span: u32) -> Self {
        let (mut held, mut answering) = (0, HashMap::new());
        for &child in spans.children(span) {
            let Some(of) = spans.get(child) else { continue };
            let ns = || of.total_ns.unwrap_or_else(|| within(picture, spans, child));
            match (of.link, of.cause) {
                (Link::Message(_), Some(cause)) => *answering.entry(cause).or_default() += ns(),
                (Link::Correlation, _) => held += ns(),
                _ => {}
            }
        }
        Self { held, answering }
    }
}

/// What is known of the time of a span that has lost its end.
fn within(picture: &Picture, spans: &Spans, span: u32) -> u64 {
    let children = spans.children(span).iter();
    let inner = children.filter_map(|&child| spans.get(child));
    let inner = inner.filter(|child| child.link == Link::Program);
    let inner: u64 = inner.filter_map(|child| child.total_ns).sum();
    let waits = spans.waits(span).iter();
    inner + waits.map(|wait| wait.ns(picture)).sum::<u64>()
}
