//! A thousand replicas that gossip over a few links each, while one in ten dies.

use std::collections::VecDeque;

use scope_sync::model::{MemoryHoldings, ModelBlock};
use scope_sync::wire::{Body, Message, decode};
use scope_sync::{Holdings, Interest, NodeName, Now, Origin, Out, PeerStats, Replica, Settings};

use crate::plan::SECOND;
use crate::rng::Rng;

const FANOUT: usize = 12;
const STAMP: u64 = 1_000_000 << 32;

struct Member {
    name: NodeName,
    alive: bool,
    replica: Replica,
    store: MemoryHoldings,
}

pub(crate) struct Large {
    rng: Rng,
    members: Vec<Member>,
    round: u64,
    pub(crate) most_links: usize,
    pub(crate) rounds: u64,
    pub(crate) totals: PeerStats,
}

impl Large {
    pub(crate) fn new(size: usize, seed: u64) -> Self {
        let names: Vec<NodeName> = (0..size).map(|i| format!("node-{i}@host").into()).collect();
        let settings = Settings {
            interest: Interest::Everything,
            bytes_per_s: None,
            audit_every: None,
            fanout: FANOUT,
            ..Settings::default()
        };
        let mut rng = Rng::new(seed);
        let member = |name: &NodeName| {
            let own = Origin::new(name.clone(), 1);
            let mut store = MemoryHoldings::new();
            let events = rng.within(100, 20_000);
            let block = ModelBlock::new(own.clone(), 1, events, STAMP);
            store.put(&block.with_filler(rng.within(50, 400) as usize));
            let mut replica = Replica::new(own, settings.clone(), seed);
            names.iter().for_each(|peer| replica.peer_up(peer));
            Member {
                name: name.clone(),
                alive: true,
                replica,
                store,
            }
        };
        let members = names.iter().map(member).collect();
        Self {
            rng,
            members,
            round: 0,
            most_links: 0,
            rounds: 0,
            totals: PeerStats::default(),
        }
    }

    /// Lets a tenth die during the first rounds, and runs until all others are equal.
    pub(crate) fn run(&mut self, max_rounds: u64) {
        let deaths = self.members.len() / 10;
        while self.round < max_rounds {
            self.round += 1;
            if (2..=6).contains(&self.round) {
                (0..deaths / 5).for_each(|_| self.kill());
            }
            self.step();
            if self.round > 6 && self.is_equal() {
                break;
            }
        }
        assert!(self.is_equal(), "not equal after {max_rounds} rounds");
        self.rounds = self.round;
        let all = self.alive().flat_map(|member| member.replica.stats());
        self.totals = all.fold(PeerStats::default(), |mut all, (_, stats)| {
            all += *stats;
            all
        });
    }

    fn alive(&self) -> impl Iterator<Item = &Member> + use<'_> {
        self.members.iter().filter(|member| member.alive)
    }

    fn kill(&mut self) {
        let victim = self.rng.index(self.members.len());
        if !std::mem::replace(&mut self.members[victim].alive, false) {
            return self.kill();
        }
        let name = self.members[victim].name.clone();
        for member in self.members.iter_mut().filter(|member| member.alive) {
            member.replica.peer_down(&name);
        }
    }

    /// One round: everybody ticks, and what follows is delivered.
    fn step(&mut self) {
        let now = Now {
            mono_ns: self.round * SECOND,
            stamp: STAMP + (self.round << 32),
        };
        let mut queue = VecDeque::new();
        for at in 0..self.members.len() {
            let member = &mut self.members[at];
            if member.alive {
                let out = member.replica.tick(now, &mut member.store);
                queue.extend(out.into_iter().map(|out| (at, out)));
                let links = member.replica.neighbours().count();
                self.most_links = self.most_links.max(links);
            }
        }
        while let Some((from, Out { to, bytes })) = queue.pop_front() {
            let from = self.members[from].name.clone();
            let Some(at) = self.index(&to).filter(|at| self.members[*at].alive) else {
                continue;
            };
            let member = &mut self.members[at];
            if let Ok(out) = member
                .replica
                .receive(&from, &bytes, now, &mut member.store)
            {
                queue.extend(out.into_iter().map(|out| (at, out)));
            }
        }
    }

    fn index(&self, name: &str) -> Option<usize> {
        name.strip_prefix("node-")?
            .strip_suffix("@host")?
            .parse()
            .ok()
    }

    /// The bytes of all that the first of the living tells a peer that is new, names apart.
    pub(crate) fn full_vector(&mut self) -> usize {
        let now = Now {
            mono_ns: (self.round + 1) * SECOND,
            stamp: STAMP + (self.round << 32),
        };
        let queries = Settings {
            interest: Interest::QueryOnly,
            ..Settings::default()
        };
        let (mut fresh, mut empty) = (
            Replica::new(Origin::new("fresh", 1), queries, 0),
            MemoryHoldings::new(),
        );
        let Some(member) = self.members.iter_mut().find(|member| member.alive) else {
            return 0;
        };
        fresh.peer_up(&member.name);
        member.replica.peer_up("fresh");
        let Some((_, mut out)) = member.replica.sync_now("fresh", now, &mut member.store) else {
            return 0;
        };
        let mut len = 0;
        while let Some(said) = out.pop().filter(|said| *said.to == *"fresh") {
            len += entries_len(&said.bytes);
            let back = fresh.receive(&member.name, &said.bytes, now, &mut empty);
            for answer in back.into_iter().flatten() {
                let more = member
                    .replica
                    .receive("fresh", &answer.bytes, now, &mut member.store);
                out.extend(more.into_iter().flatten());
            }
        }
        len
    }

    /// Whatever one of the living holds, all of them hold.
    fn is_equal(&self) -> bool {
        let all = |member: &Member| -> Vec<(Origin, u64)> {
            let store = &member.store;
            store
                .origins()
                .into_iter()
                .map(|o| (o.clone(), store.knowledge(&o).prefix))
                .collect()
        };
        let mut alive = self.alive().map(all);
        let Some(first) = alive.next() else {
            return true;
        };
        alive.all(|held| held == first)
    }
}

fn entries_len(bytes: &[u8]) -> usize {
    match decode(bytes) {
        Ok((
            Message {
                body: Body::Digest { entries, .. },
                ..
            },
            _,
        )) => entries.len(),
        _ => 0,
    }
}
