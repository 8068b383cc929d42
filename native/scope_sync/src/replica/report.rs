//! What a replica can be asked.

use super::core::Core;
use super::link::Link;
use super::{MAX_PEERS, Replica};
use crate::intervals::Intervals;
use crate::knowledge::Knowledge;
use crate::origin::{NodeName, Origin};
use crate::settings::ns;
use crate::stats::{Bounds, Notice, PeerStats};

impl Replica {
    /// What happened since the last call.
    pub fn notices(&mut self) -> Vec<Notice> {
        self.core.notices.drain(..).collect()
    }

    /// The counters of every peer that was ever up.
    pub fn stats(&self) -> impl Iterator<Item = (&NodeName, &PeerStats)> {
        self.peers.iter().map(|(name, peer)| (name, &peer.stats))
    }

    /// True when the transport can reach `peer`, as far as this replica was told.
    pub fn is_up(&self, peer: &str) -> bool {
        self.peers.get(peer).is_some_and(|peer| peer.up)
    }

    /// The peers that digests go to by themselves.
    pub fn neighbours(&self) -> impl Iterator<Item = &NodeName> {
        self.links()
            .filter(|(_, link)| link.active)
            .map(|(name, _)| name)
    }

    /// How many origins this replica or a peer of it speaks of.
    pub fn origins(&self) -> usize {
        self.core.table.used()
    }

    /// What `peer` is known to have of `origin`.
    pub fn peer_knowledge(&self, peer: &str, origin: &Origin) -> Option<Knowledge> {
        let index = self.core.table.find(origin)?;
        Some(self.peers.get(peer)?.link.as_ref()?.view.vector.get(index))
    }

    /// What is missing of `origin` for good as far as anyone reachable can tell: somebody had it,
    /// and every reachable replica that had it has expired it.
    pub fn final_gaps(&self, origin: &Origin) -> Intervals {
        let Some(index) = self.core.table.find(origin) else {
            return Intervals::new();
        };
        let mine = self.core.vector.get(index);
        let views: Vec<_> = self
            .links()
            .map(|(_, link)| link.view.vector.get(index))
            .collect();
        let mut gone = Intervals::of(
            mine.floor + 1,
            views.iter().map(|v| v.floor).max().unwrap_or(0),
        );
        gone.subtract(&mine.held());
        views.iter().for_each(|view| gone.subtract(&view.held()));
        gone
    }
}

impl Replica {
    /// Every bound of the exchange and its present value.
    pub fn bounds(&self) -> Bounds {
        let settings = &self.core.settings;
        Bounds {
            bytes_per_s: settings.bytes_per_s,
            bytes_left: self.core.budget.left(),
            window_bytes: settings.window_bytes,
            frame_bytes: settings.frame_bytes,
            since: settings.since,
            max_origins: settings.max_origins,
            origins: self.origins(),
            fanout: settings.fanout,
            links: self.neighbours().count(),
            in_flight: self
                .links()
                .map(|(_, link)| link.unacked())
                .max()
                .unwrap_or(0),
            max_peers: MAX_PEERS,
            peers: self.peers.len(),
            members: self.core.members.len(),
        }
    }
}

impl Link {
    pub(super) fn deadline_ns(&self, core: &Core) -> Option<u64> {
        let waits =
            (self.serve.is_some() && core.budget.is_spent()).then(|| core.budget.ready_ns());
        let pull = self.pull.as_ref().map(|pull| pull.deadline_ns);
        let told = self.told.deadline_ns(ns(core.settings.resend_after));
        [waits, pull, told].into_iter().flatten().min()
    }

    /// True when this end or the other may still use the index.
    pub(super) fn speaks_of(&self, index: u32) -> bool {
        self.told.introduced.contains(&index)
            || self.view.theirs.contains_key(&index)
            || !self.told.vector.is_blank(index)
            || !self.view.vector.is_blank(index)
    }
}
