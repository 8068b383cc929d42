//! A send or a receive, as it was captured.

use crate::identity::{Identity, Node};
use crate::likeness::Likeness;
use scope_clock::Stamp;

/// Half of a message: that it was sent, or that it was received.
#[derive(Clone, Debug)]
pub struct Message {
    /// When, by the clock of the node that captured it.
    pub stamp: Stamp,
    /// The process that sent or received it.
    pub process: Identity,
    /// The node of that process.
    pub node: Node,
    /// What is known of the other side.
    pub peer: Peer,
    /// What it says; `None` where no content was captured.
    pub likeness: Option<Likeness>,
    /// Whether everything that this node captured at that time is among the messages.
    pub complete: bool,
}

/// What one side of a message knows of the other.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum Peer {
    /// Sent to this process.
    To(Identity),
    /// Sent to a name or an alias, of some process of this node.
    ToNode(Node),
    /// Sent to what receives nothing that is captured, such as a port.
    ToNobody,
    /// Received from this process.
    From(Identity),
    /// Received from some process of this node.
    FromNode(Node),
}

impl Message {
    /// Whether it is the half of who sent it.
    #[must_use]
    pub fn is_send(&self) -> bool {
        matches!(self.peer, Peer::To(_) | Peer::ToNode(_) | Peer::ToNobody)
    }
}

/// By how much a receive may be stamped before its send.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Tolerance {
    /// Where one node captured both: what two readings of its clock may differ.
    pub one_node_ns: u64,
    /// Where two nodes did: what their clocks may differ.
    pub two_nodes_ns: u64,
}

impl Tolerance {
    /// Of clocks of two nodes that differ by at most so much.
    ///
    /// Within a node one clock stamps everything, and a message takes longer than two readings of it
    /// can be out of order; a microsecond is on the safe side of both.
    #[must_use]
    pub fn of_clocks(two_nodes_ns: u64) -> Self {
        Self {
            one_node_ns: 1_000,
            two_nodes_ns,
        }
    }

    /// The latest stamp of a send that a receive with this stamp can belong to.
    pub(crate) fn latest_send(self, received: Stamp, one_node: bool) -> Stamp {
        let ns = if one_node {
            self.one_node_ns
        } else {
            self.two_nodes_ns
        };
        received.plus_ns(ns)
    }
}
