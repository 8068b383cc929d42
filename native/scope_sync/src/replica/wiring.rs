//! Who this replica talks to by itself.

use super::link::Link;
use super::{Peer, Replica};
use crate::interest::Interest;
use crate::origin::NodeName;
use crate::overlay::neighbours;
use crate::settings::Now;

/// A link that is no longer in the overlay is kept this long, in case it comes back.
const IDLE_NS: u64 = 60_000_000_000;

impl Replica {
    /// Opens the links that should be there; lets go of idle ones.
    pub(super) fn wire_up(&mut self, now: Now) {
        for peer in self.peers.values_mut() {
            peer.link.take_if(|link| link.is_idle(now, IDLE_NS));
        }
        if !std::mem::take(&mut self.rewire) {
            return;
        }
        let chosen = self.chosen();
        for (name, peer) in &mut self.peers {
            let active = chosen.binary_search(name).is_ok();
            if let Some(link) = &mut peer.link {
                link.active = active;
            } else if active {
                let mut link = Link::new(self.core.nonce(), now);
                link.active = true;
                peer.link = Some(Box::new(link));
            }
        }
    }

    /// Everybody in a small cluster, the overlay in a large one, and where only collectors keep
    /// what is recorded elsewhere, those who have anything to do with each other.
    fn chosen(&self) -> Vec<NodeName> {
        let up = |(name, peer): (&NodeName, &Peer)| peer.up.then(|| name.clone());
        let mut up: Vec<NodeName> = self.peers.iter().filter_map(up).collect();
        let (own, settings) = (&self.core.own.node, &self.core.settings);
        if up.len() <= settings.fanout {
            return up;
        }
        if matches!(
            settings.interest,
            Interest::Everything | Interest::QueryOnly
        ) {
            up.push(own.clone());
            up = neighbours(own, &up, settings.fanout);
            up.sort_unstable();
        } else {
            up.retain(|peer| settings.interest.relates(own, peer, &self.core.members));
        }
        up
    }
}
