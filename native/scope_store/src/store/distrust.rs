//! Whose stamps cannot be believed, so that it is remarked when their events came.

use super::Store;
use crate::log::Facts;
use scope_event::Origin;
use std::collections::BTreeSet;
use std::sync::Arc;

/// What is needed to tell whether a block's stamps can be believed.
#[derive(Debug, Default)]
pub(super) struct Distrust {
    /// Nodes whose clocks are wrong, as whoever watches clocks says.
    nodes: BTreeSet<Arc<str>>,
    /// The clock here, as NTP64 bits, as it was last told; 0 for never.
    now: u64,
}

impl Store {
    /// The clocks of these nodes are wrong, and no others: what comes of their events from now on, by
    /// whichever way, is marked with when it came.
    pub fn distrust<'a>(&self, nodes: impl IntoIterator<Item = &'a str>) {
        self.distrust.lock().nodes = nodes.into_iter().map(Arc::from).collect();
    }

    /// What the clock here says (NTP64 bits), before blocks are taken from a peer.
    pub fn receiving(&self, stamp: u64) {
        self.distrust.lock().now = stamp;
    }

    /// When a block comes that cannot be believed: its node is known to be wrong, or its stamps are
    /// too far ahead, though the node that passed it on is right.
    pub(super) fn receipt(&self, origin: &Origin, facts: &Facts) -> Option<u64> {
        let distrust = self.distrust.lock();
        let is_wrong = distrust.nodes.contains(&origin.node);
        let is_ahead = facts.newest > distrust.now.saturating_add(self.max_ahead);
        (distrust.now > 0 && (is_wrong || is_ahead)).then_some(distrust.now)
    }
}
