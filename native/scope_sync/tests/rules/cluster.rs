//! Replicas over a network that delivers at once and in order, for rules that need no bad luck.

use std::collections::{BTreeMap, VecDeque};
use std::time::Duration;

use scope_sync::model::{MemoryHoldings, ModelBlock};
use scope_sync::{Holdings, Notice, Now, Origin, Out, PeerStats, Replica, Settings};

/// Seconds of the wall clock at the start.
const EPOCH_S: u64 = 10_000_000;

pub(crate) struct Member {
    pub(crate) replica: Replica,
    pub(crate) store: MemoryHoldings,
}

#[derive(Default)]
pub(crate) struct Cluster {
    pub(crate) members: BTreeMap<String, Member>,
    pub(crate) time_ns: u64,
    /// Messages delivered.
    pub(crate) delivered: u64,
    /// Nothing arrives any more.
    pub(crate) deaf: bool,
}

pub(crate) fn origin(name: &str) -> Origin {
    Origin::new(name, 1)
}

pub(crate) fn stamp(second: u64) -> u64 {
    (EPOCH_S + second) << 32
}

impl Cluster {
    pub(crate) fn of(names: &[&str]) -> Self {
        let mut cluster = Self::default();
        names
            .iter()
            .for_each(|name| cluster.start(name, Settings::default()));
        cluster
    }

    /// Starts a member and connects it with all others.
    pub(crate) fn start(&mut self, name: &str, settings: Settings) {
        self.start_as(name, origin(name), settings, MemoryHoldings::new());
    }

    pub(crate) fn start_as(
        &mut self,
        name: &str,
        own: Origin,
        settings: Settings,
        store: MemoryHoldings,
    ) {
        let mut replica = Replica::new(own, settings, 0);
        for (peer, member) in self.members.iter_mut().filter(|(peer, _)| *peer != name) {
            replica.peer_up(peer);
            member.replica.peer_up(name);
        }
        self.members.insert(name.into(), Member { replica, store });
    }

    pub(crate) fn at(&mut self, name: &str) -> &mut Member {
        self.members.get_mut(name).unwrap()
    }

    pub(crate) fn store(&mut self, name: &str) -> &mut MemoryHoldings {
        &mut self.at(name).store
    }

    pub(crate) fn now(&self) -> Now {
        let second = self.time_ns / 1_000_000_000;
        Now {
            mono_ns: self.time_ns,
            stamp: stamp(second),
        }
    }

    /// Records a block at `name`, now.
    pub(crate) fn record(&mut self, name: &str, events: u64) {
        let stamp = self.now().stamp;
        self.store(name).record(&origin(name), events, stamp);
    }

    pub(crate) fn cut(&mut self, a: &str, b: &str) {
        self.at(a).replica.peer_down(b);
        self.at(b).replica.peer_down(a);
    }

    pub(crate) fn join(&mut self, a: &str, b: &str) {
        self.at(a).replica.peer_up(b);
        self.at(b).replica.peer_up(a);
    }

    /// Lets time pass, a tick of everybody every half second.
    pub(crate) fn pass(&mut self, time: Duration) {
        for _ in 0..time.as_millis() / 500 {
            self.time_ns += 500_000_000;
            self.tick();
        }
    }

    pub(crate) fn tick(&mut self) {
        let now = self.now();
        let mut queue = VecDeque::new();
        for (name, member) in &mut self.members {
            let out = member.replica.tick(now, &mut member.store);
            queue.extend(out.into_iter().map(|out| (name.clone(), out)));
        }
        self.deliver(queue);
    }

    pub(crate) fn send(&mut self, from: &str, out: Vec<Out>) {
        self.deliver(out.into_iter().map(|out| (from.to_owned(), out)).collect());
    }

    fn deliver(&mut self, mut queue: VecDeque<(String, Out)>) {
        let now = self.now();
        while let Some((from, Out { to, bytes })) = queue.pop_front() {
            let Some(member) = self.members.get_mut(&*to).filter(|_| !self.deaf) else {
                continue;
            };
            self.delivered += 1;
            if let Ok(out) = member
                .replica
                .receive(&from, &bytes, now, &mut member.store)
            {
                queue.extend(out.into_iter().map(|out| (to.to_string(), out)));
            }
        }
    }

    pub(crate) fn events(&self, at: &str, origin: &Origin) -> u64 {
        self.members[at].store.events(origin)
    }

    pub(crate) fn stats(&self, at: &str, peer: &str) -> PeerStats {
        let mut all = self.members[at].replica.stats();
        all.find(|(name, _)| ***name == *peer)
            .map(|(_, stats)| *stats)
            .unwrap_or_default()
    }

    /// Begins an exchange on demand, lets it run, and returns what was noticed.
    pub(crate) fn sync_now(&mut self, at: &str, peer: &str) -> Vec<Notice> {
        let now = self.now();
        let member = self.at(at);
        let (_, out) = member
            .replica
            .sync_now(peer, now, &mut member.store)
            .unwrap();
        self.send(at, out);
        self.at(at).replica.notices()
    }
}

/// A block in another history of the same origin.
pub(crate) fn other(origin: &Origin, from: u64, to: u64, variant: u64) -> ModelBlock {
    ModelBlock::new(origin.clone(), from, to, stamp(1)).with_variant(variant)
}

pub(crate) fn prefix(cluster: &Cluster, at: &str, origin: &Origin) -> u64 {
    cluster.members[at].store.knowledge(origin).prefix
}
