//! Many messages, in little room.
//!
//! A process is a number here, and references stand side by side in one array, so that a message takes some
//! eighty bytes instead of two hundred.

use crate::identity::{Identity, Node};
use crate::likeness::{Reference, alike};
use crate::{Message, Peer, Tolerance};
use scope_clock::Stamp;
use std::collections::HashMap;
use std::hash::Hash;

/// Sends and receives that are to be paired, in stamp order.
///
/// They are paired by [`Pairing`](crate::Pairing), or where there are few by [`pair`](crate::pair()).
#[derive(Clone, Debug, Default)]
pub struct Messages {
    halves: Vec<Half>,
    /// Those of all messages, in their order.
    references: Vec<Reference>,
    processes: HashMap<Identity, u32>,
    nodes: HashMap<Node, u32>,
}

/// What one side of a message knows of the other, as a number of a process or a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(crate) enum Side {
    To(u32),
    ToNode(u32),
    ToNobody,
    From(u32),
    FromNode(u32),
}

/// Half of a message.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Half {
    pub(crate) stamp: Stamp,
    /// Hash of the beginning; 0 where no content was captured.
    pub(crate) outline: u64,
    /// Hash of all of it, where nothing was cut.
    pub(crate) whole: Option<u64>,
    pub(crate) side: Side,
    pub(crate) process: u32,
    pub(crate) node: u32,
    /// Where its references begin.
    references: u32,
    count: u8,
    has_content: bool,
    is_complete: bool,
}

impl Messages {
    /// None yet.
    #[must_use]
    pub fn new() -> Self {
        Self::default()
    }

    /// How many there are.
    #[must_use]
    pub fn len(&self) -> usize {
        self.halves.len()
    }

    /// Whether there is none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.halves.is_empty()
    }

    /// Adds the next one. Of references beyond the first 2^32 nothing is known.
    pub fn push(&mut self, message: &Message) {
        let likeness = message.likeness.as_ref();
        let begin = u32::try_from(self.references.len());
        let references = likeness.filter(|_| begin.is_ok());
        let references = references.map_or(&[][..], |likeness| &likeness.references);
        self.references.extend_from_slice(references);
        let half = Half {
            stamp: message.stamp,
            outline: likeness.map_or(0, |likeness| likeness.outline),
            whole: likeness.and_then(|likeness| likeness.whole),
            side: self.side(message.peer),
            process: number(&mut self.processes, message.process),
            node: number(&mut self.nodes, message.node),
            references: begin.unwrap_or(u32::MAX),
            count: references.len() as u8,
            has_content: likeness.is_some(),
            is_complete: message.complete,
        };
        self.halves.push(half);
    }

    /// Whether everything that its node captured at that time is among the messages.
    pub fn complete(&mut self, message: usize, is_complete: bool) {
        if let Some(half) = self.halves.get_mut(message) {
            half.is_complete = is_complete;
        }
    }

    fn side(&mut self, peer: Peer) -> Side {
        match peer {
            Peer::To(process) => Side::To(number(&mut self.processes, process)),
            Peer::ToNode(node) => Side::ToNode(number(&mut self.nodes, node)),
            Peer::ToNobody => Side::ToNobody,
            Peer::From(process) => Side::From(number(&mut self.processes, process)),
            Peer::FromNode(node) => Side::FromNode(number(&mut self.nodes, node)),
        }
    }

    pub(crate) fn all(&self) -> &[Half] {
        &self.halves
    }

    /// The references of all messages, each with whose it is.
    pub(crate) fn references(&self) -> impl Iterator<Item = (Reference, u32)> + '_ {
        let halves = (0..).zip(&self.halves);
        halves.flat_map(|(at, half)| {
            let begin = half.references as usize;
            let of = self.references.get(begin..begin + usize::from(half.count));
            of.into_iter().flatten().map(move |of| (*of, at))
        })
    }
}

fn number<T: Eq + Hash>(known: &mut HashMap<T, u32>, of: T) -> u32 {
    // Fewer than there are messages, which are fewer than 2^32.
    let next = known.len() as u32;
    *known.entry(of).or_insert(next)
}

impl Half {
    pub(crate) fn is_send(&self) -> bool {
        matches!(self.side, Side::To(_) | Side::ToNode(_) | Side::ToNobody)
    }

    /// Hash of the beginning, where there is content.
    pub(crate) fn outline(&self) -> Option<u64> {
        self.has_content.then_some(self.outline)
    }

    pub(crate) fn is_cut(&self) -> bool {
        self.has_content && self.whole.is_none()
    }

    /// Whether both can be one message by their content.
    pub(crate) fn is_like(&self, other: &Self) -> bool {
        self.has_content
            && other.has_content
            && alike((self.outline, self.whole), (other.outline, other.whole))
    }

    /// Whether nothing of either side's node is missing.
    pub(crate) fn is_complete_with(&self, other: &Self) -> bool {
        self.is_complete && other.is_complete
    }

    /// Whether this send and that receive can be of one message, for all that is known of the two.
    pub(crate) fn fits(&self, receive: &Self, tolerance: Tolerance) -> bool {
        self.reaches(receive)
            && self.stamp <= tolerance.latest_send(receive.stamp, self.node == receive.node)
            && self.is_like(receive)
    }

    /// Whether this send can have gone to who received `other`, and that have come from who sent
    /// this.
    fn reaches(&self, other: &Self) -> bool {
        let to = match self.side {
            Side::To(process) => process == other.process,
            Side::ToNode(node) => node == other.node,
            _ => false,
        };
        let from = match other.side {
            Side::From(process) => process == self.process,
            Side::FromNode(node) => node == self.node,
            _ => false,
        };
        to && from
    }
}
