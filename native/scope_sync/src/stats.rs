//! What went over each link, and what happened that somebody should know.

use std::ops::AddAssign;

use crate::origin::{NodeName, Origin, Seq};

/// Counters of one peer, since it was first seen.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct PeerStats {
    /// Events in blocks that went to it.
    pub sent: u64,
    /// Events in blocks from it that were new here.
    pub received: u64,
    /// Events in blocks from it that were here already.
    pub already: u64,
    /// Bytes of all messages to it.
    pub bytes_out: u64,
    /// Bytes of all messages from it.
    pub bytes_in: u64,
    /// Messages to it.
    pub messages_out: u64,
    /// Frames of blocks to it.
    pub frames_out: u64,
    /// Bytes of blocks to it.
    pub payload_out: u64,
    /// Bytes of blocks from it that were new here.
    pub payload_in: u64,
    /// Bytes of blocks from it that were here already.
    pub already_bytes: u64,
    /// Entries of digests to it.
    pub entries_out: u64,
    /// Bytes that introduced origins to it, once per link and origin.
    pub names_out: u64,
    /// Messages or blocks from it that were refused.
    pub refused: u64,
    /// Messages from it that belong to an earlier life of the link.
    pub stale: u64,
    /// Blocks from it that conflict with what is held.
    pub conflicts: u64,
    /// Blocks that are too large to be sent to it.
    pub oversized: u64,
}

impl AddAssign for PeerStats {
    fn add_assign(&mut self, other: Self) {
        self.sent += other.sent;
        self.received += other.received;
        self.already += other.already;
        self.bytes_out += other.bytes_out;
        self.bytes_in += other.bytes_in;
        self.messages_out += other.messages_out;
        self.frames_out += other.frames_out;
        self.payload_out += other.payload_out;
        self.payload_in += other.payload_in;
        self.already_bytes += other.already_bytes;
        self.entries_out += other.entries_out;
        self.names_out += other.names_out;
        self.refused += other.refused;
        self.stale += other.stale;
        self.conflicts += other.conflicts;
        self.oversized += other.oversized;
    }
}

/// What bounds a replica, with the present values.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Bounds {
    /// How many bytes a second may leave this node; `None` for no bound.
    pub bytes_per_s: Option<u64>,
    /// How many of them may leave now; below zero while a large message is paid back.
    pub bytes_left: Option<i64>,
    /// How many bytes a peer may have on the way to us.
    pub window_bytes: u32,
    /// The longest message.
    pub frame_bytes: usize,
    /// Older blocks are not asked for, except on demand.
    pub since: Option<u64>,
    /// The most origins that are spoken of.
    pub max_origins: usize,
    /// How many are.
    pub origins: usize,
    /// The most links of a node in a large cluster.
    pub fanout: usize,
    /// How many there are.
    pub links: usize,
    /// The bytes that the peer with the most of them was sent and did not acknowledge.
    pub in_flight: u64,
    /// The most peers that are remembered.
    pub max_peers: usize,
    /// How many are.
    pub peers: usize,
    /// Among how many nodes collectors are chosen, this one included.
    pub members: usize,
}

/// What one exchange on demand moved.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct SyncReport {
    /// Events sent.
    pub sent: u64,
    /// Events received that were new.
    pub received: u64,
    /// Events received that were here already.
    pub already: u64,
    /// Bytes of all messages both ways.
    pub bytes: u64,
    /// How long it took.
    pub elapsed_ns: u64,
}

/// Something that happened; taken with [`Replica::notices`](crate::Replica::notices).
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Notice {
    /// An exchange on demand is done: this node has what the peer had, and the other way round.
    Synced {
        /// With whom.
        peer: NodeName,
        /// What [`Replica::sync_now`](crate::Replica::sync_now) returned.
        token: u32,
        /// What it moved.
        report: SyncReport,
    },
    /// The peer went away before an exchange on demand was done.
    SyncFailed {
        /// With whom.
        peer: NodeName,
        /// What [`Replica::sync_now`](crate::Replica::sync_now) returned.
        token: u32,
    },
    /// An exchange on demand is done but for what would have been more than its reach allows.
    SyncCut {
        /// With whom.
        peer: NodeName,
        /// What [`Replica::fetch`](crate::Replica::fetch) returned.
        token: u32,
    },
    /// The same numbers of an origin stand for other events somewhere else. Nothing was merged.
    Conflict {
        /// Who holds the other content.
        peer: NodeName,
        /// Whose events.
        origin: Origin,
        /// The first number concerned.
        from: Seq,
        /// The last one.
        to: Seq,
    },
    /// A peer claims events of this very incarnation that it never recorded: a cloned image.
    Cloned {
        /// Who claims it.
        peer: NodeName,
        /// The highest number claimed.
        claimed: Seq,
        /// The highest number recorded here.
        recorded: Seq,
    },
}
