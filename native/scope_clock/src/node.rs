//! Who a stamp comes from.

use std::cmp::Ordering;
use std::fmt;
use std::num::NonZeroU128;

use xxhash_rust::xxh3::xxh3_128_with_seed;

use crate::stamp::Stamp;

/// One life of one node: 128 bits made of its name and its incarnation, never zero.
///
/// Its wire form is `uhlc::ID` (little endian), and its order is the order of `uhlc`, which
/// compares those bytes from the first: that is *not* the order of the number. It breaks ties
/// between [`Timestamp`]s; the events of a cluster are ordered by name and incarnation instead.
///
/// ```
/// use scope_clock::NodeId;
///
/// assert_eq!(NodeId::new("a@host", 1), NodeId::new("a@host", 1));
/// assert_ne!(NodeId::new("a@host", 1), NodeId::new("a@host", 2));
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash)]
pub struct NodeId(NonZeroU128);

impl NodeId {
    /// The identity of an incarnation of a node: XXH3-128 of the name, seeded by the incarnation.
    #[must_use]
    pub fn new(name: &str, incarnation: u64) -> Self {
        let hash = xxh3_128_with_seed(name.as_bytes(), incarnation);
        Self(NonZeroU128::new(hash).unwrap_or(NonZeroU128::MIN))
    }

    /// The identity with these bits, unless they are zero.
    #[must_use]
    pub const fn from_bits(bits: u128) -> Option<Self> {
        match NonZeroU128::new(bits) {
            Some(bits) => Some(Self(bits)),
            None => None,
        }
    }

    /// The 128 bits.
    #[must_use]
    pub const fn bits(self) -> u128 {
        self.0.get()
    }
}

impl Ord for NodeId {
    fn cmp(&self, other: &Self) -> Ordering {
        self.bits().to_le_bytes().cmp(&other.bits().to_le_bytes())
    }
}

impl PartialOrd for NodeId {
    fn partial_cmp(&self, other: &Self) -> Option<Ordering> {
        Some(self.cmp(other))
    }
}

impl fmt::Debug for NodeId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "NodeId({:x})", self.0)
    }
}

impl From<NodeId> for uhlc::ID {
    fn from(node: NodeId) -> Self {
        node.0.into()
    }
}

impl From<uhlc::ID> for NodeId {
    fn from(id: uhlc::ID) -> Self {
        let bits = u128::from_le_bytes(id.to_le_bytes());
        Self(NonZeroU128::new(bits).unwrap_or(NonZeroU128::MIN))
    }
}

/// A stamp with its node: the form that other programs with a `uhlc` understand.
///
/// ```
/// use scope_clock::{NodeId, Stamp, Timestamp};
///
/// let ours = Timestamp { stamp: Stamp::from_ns(42), node: NodeId::new("a@host", 1) };
/// let theirs = uhlc::Timestamp::from(ours);
/// assert_eq!(Timestamp::from(theirs), ours);
/// ```
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Timestamp {
    /// When.
    pub stamp: Stamp,
    /// By whom.
    pub node: NodeId,
}

impl From<Timestamp> for uhlc::Timestamp {
    fn from(timestamp: Timestamp) -> Self {
        Self::new(timestamp.stamp.into(), timestamp.node.into())
    }
}

impl From<uhlc::Timestamp> for Timestamp {
    fn from(timestamp: uhlc::Timestamp) -> Self {
        let (stamp, node) = ((*timestamp.get_time()).into(), (*timestamp.get_id()).into());
        Self { stamp, node }
    }
}
