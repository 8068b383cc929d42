//! The replica: one state machine for all links of one node.

mod aged;
mod audit;
mod backoff;
mod core;
mod forget;
mod link;
mod lives;
mod offer;
mod pull;
mod report;
mod serve;
mod settle;
mod take;
mod told;
mod view;
mod wiring;

use std::collections::BTreeMap;

pub use self::link::Out;

use self::core::Core;
use self::forget::Forget;
use self::link::{Cx, Link};
use crate::holdings::Holdings;
use crate::interest::Interest;
use crate::origin::{NodeName, Origin};
use crate::reach::Reach;
use crate::settings::{Now, Settings};
use crate::stats::{Notice, PeerStats};
use crate::wire::{self, WireError};

/// One node's side of the synchronisation.
///
/// It never sends by itself: [`tick`](Self::tick) and [`receive`](Self::receive) return what is to be
/// sent. A message that cannot be sent may be dropped.
///
/// # Examples
///
/// ```
/// use scope_sync::model::MemoryHoldings;
/// use scope_sync::{Now, Origin, Replica, Settings};
///
/// let (a, b) = (Origin::new("a@x", 1), Origin::new("b@x", 1));
/// let (mut at_a, mut at_b) = (MemoryHoldings::new(), MemoryHoldings::new());
/// at_a.record(&a, 100, 1 << 32);
///
/// let mut replica_a = Replica::new(a.clone(), Settings::default(), 1);
/// let mut replica_b = Replica::new(b, Settings::default(), 2);
/// replica_a.peer_up("b@x");
/// replica_b.peer_up("a@x");
///
/// let now = Now { mono_ns: 1, stamp: 2 << 32 };
/// let mut to_b = replica_a.tick(now, &mut at_a);
/// while let Some(out) = to_b.pop() {
///     for back in replica_b.receive("a@x", &out.bytes, now, &mut at_b)? {
///         to_b.extend(replica_a.receive("b@x", &back.bytes, now, &mut at_a)?);
///     }
/// }
/// assert_eq!(at_b.events(&a), 100);
/// # Ok::<(), scope_sync::WireError>(())
/// ```
#[derive(Debug)]
pub struct Replica {
    core: Core,
    peers: BTreeMap<NodeName, Peer>,
    forget: Forget,
    /// Peers came or went: who talks to whom is to be worked out again.
    rewire: bool,
    tokens: u32,
}

/// The most peers that are remembered, as long as no more than these are up.
const MAX_PEERS: usize = 1024;

/// A node that is or was a peer.
#[derive(Debug, Default)]
struct Peer {
    up: bool,
    stats: PeerStats,
    link: Option<Box<Link>>,
}

impl Replica {
    /// A replica that records `own`. Equal arguments and equal calls give equal messages; `seed`
    /// should differ between two starts of the same incarnation.
    pub fn new(own: Origin, settings: Settings, seed: u64) -> Self {
        let core = Core::new(own, settings, seed);
        Self {
            core,
            peers: BTreeMap::new(),
            forget: Forget::default(),
            rewire: false,
            tokens: 0,
        }
    }

    /// The origin that this replica records.
    pub fn own(&self) -> &Origin {
        &self.core.own
    }

    /// The transport can reach `peer`. Said of a peer that is up already: it started again.
    pub fn peer_up(&mut self, peer: &str) {
        if *peer == *self.core.own.node {
            return;
        }
        self.peer_down(peer);
        let name = NodeName::from(peer);
        if self.core.members.insert(name.clone()) {
            self.core.review_wanted();
        }
        self.make_room(&name);
        self.peers.entry(name).or_default().up = true;
        self.rewire = true;
    }

    /// Of a peer that is gone there are only counters: without room for another one, they go.
    fn make_room(&mut self, name: &NodeName) {
        if self.peers.len() < MAX_PEERS || self.peers.contains_key(name) {
            return;
        }
        let is_gone = |peer: &Peer| !peer.up && peer.link.is_none();
        let gone = self.peers.iter().find(|(_, peer)| is_gone(peer));
        if let Some(gone) = gone.map(|(name, _)| name.clone()) {
            self.peers.remove(&gone);
        }
    }

    /// The transport lost `peer`. What was on the way is asked for elsewhere, or when it is back.
    pub fn peer_down(&mut self, peer: &str) {
        let Some(state) = self.peers.get_mut(peer) else {
            return;
        };
        state.up = false;
        self.rewire = true;
        let Some(link) = state.link.take() else {
            return;
        };
        link.release(&mut self.core);
        if let Some(token) = link.settle.token() {
            self.core.notify(Notice::SyncFailed {
                peer: peer.into(),
                token,
            });
        }
    }

    /// Who belongs to the cluster, reachable or not: collectors are chosen among them. Peers are
    /// added by themselves when they come up.
    pub fn set_members(&mut self, members: impl IntoIterator<Item = NodeName>) {
        self.core.members = members.into_iter().collect();
        self.core.members.insert(self.core.own.node.clone());
        self.core.review_wanted();
        self.rewire = true;
    }

    /// Changes which origins are pulled.
    pub fn set_interest(&mut self, interest: Interest) {
        self.core.settings.interest = interest;
        self.core.review_wanted();
        self.rewire = true;
    }

    /// Does what is due and returns what is to be sent. To be called every digest interval, after
    /// `peer_up`, and when [`next_tick`](Self::next_tick) says so.
    pub fn tick(&mut self, now: Now, holdings: &mut impl Holdings) -> Vec<Out> {
        self.core.refresh(holdings);
        self.core.budget.refill(now);
        self.forget.run(&mut self.core, &self.peers, holdings, now);
        self.wire_up(now);
        let mut out = Vec::new();
        for (name, peer) in &mut self.peers {
            let Some(link) = &mut peer.link else { continue };
            let (core, stats) = (&mut self.core, &mut peer.stats);
            link.tick(&mut Cx {
                core,
                holdings,
                now,
                peer: name,
                stats,
                out: &mut out,
            });
        }
        out
    }

    /// When [`tick`](Self::tick) has something to do apart from the next digest, on the monotonic
    /// clock; `None` when nothing is on the way.
    pub fn next_tick(&self) -> Option<u64> {
        self.links()
            .filter_map(|(_, link)| link.deadline_ns(&self.core))
            .min()
    }

    /// Handles a message from `from` and returns what is to be sent.
    ///
    /// # Errors
    ///
    /// [`WireError`] when it is refused, which is also counted; then nothing changed.
    pub fn receive(
        &mut self,
        from: &str,
        bytes: &[u8],
        now: Now,
        holdings: &mut impl Holdings,
    ) -> Result<Vec<Out>, WireError> {
        self.core.budget.refill(now);
        let name = self.peers.get_key_value(from).map(|(name, _)| name.clone());
        let peer = self.peers.get_mut(from).filter(|peer| peer.up);
        let Some((name, peer)) = name.zip(peer) else {
            return Err(WireError::NotAPeer);
        };
        peer.stats.bytes_in += bytes.len() as u64;
        let mut out = Vec::new();
        let link = peer
            .link
            .get_or_insert_with(|| Box::new(Link::new(self.core.nonce(), now)));
        let (core, stats) = (&mut self.core, &mut peer.stats);
        let result = wire::decode(bytes).and_then(|(message, blocks)| {
            let mut cx = Cx {
                core,
                holdings,
                now,
                peer: &name,
                stats,
                out: &mut out,
            };
            link.receive(&mut cx, message, blocks)
        });
        if let Err(error) = result {
            peer.stats.refused += 1;
            return Err(error);
        }
        Ok(out)
    }

    /// Exchanges with `peer` now. [`Notice::Synced`] under the returned token or a later one says that
    /// this node has what the peer had and the other way round; `None` when it is not up.
    pub fn sync_now(
        &mut self,
        peer: &str,
        now: Now,
        holdings: &mut impl Holdings,
    ) -> Option<(u32, Vec<Out>)> {
        self.exchange(peer, None, now, holdings)
    }

    /// The same, and what is within `reach` is pulled as well, whatever this replica keeps: somebody
    /// asks for it.
    pub fn fetch(
        &mut self,
        peer: &str,
        reach: Reach,
        now: Now,
        holdings: &mut impl Holdings,
    ) -> Option<(u32, Vec<Out>)> {
        self.exchange(peer, Some(reach), now, holdings)
    }

    /// Nobody waits any longer for the exchange with `peer` under `token`, or an earlier one. What is
    /// on its way is taken.
    pub fn stop(&mut self, peer: &str, token: u32) {
        let state = self.peers.get_mut(peer);
        if let Some(link) = state.and_then(|state| state.link.as_mut()) {
            link.stop(&mut self.core, token);
        }
    }

    fn exchange(
        &mut self,
        peer: &str,
        reach: Option<Reach>,
        now: Now,
        holdings: &mut impl Holdings,
    ) -> Option<(u32, Vec<Out>)> {
        self.core.refresh(holdings);
        let name = self.peers.get_key_value(peer)?.0.clone();
        let state = self.peers.get_mut(peer).filter(|peer| peer.up)?;
        self.tokens += 1;
        let mut out = Vec::new();
        let link = state
            .link
            .get_or_insert_with(|| Box::new(Link::new(self.core.nonce(), now)));
        let (core, stats) = (&mut self.core, &mut state.stats);
        let mut cx = Cx {
            core,
            holdings,
            now,
            peer: &name,
            stats,
            out: &mut out,
        };
        link.ask(&mut cx, self.tokens, reach);
        link.proceed(&mut cx);
        Some((self.tokens, out))
    }

    fn links(&self) -> impl Iterator<Item = (&NodeName, &Link)> {
        self.peers
            .iter()
            .filter_map(|(name, peer)| Some((name, peer.link.as_deref()?)))
    }
}
