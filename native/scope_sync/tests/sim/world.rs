//! The cluster: nodes, a network that misbehaves, and one queue of what happens next.

use std::collections::{BTreeMap, BTreeSet};

use scope_sync::{Interest, NodeName, Out};

use crate::node::Node;
use crate::plan::{MS, Plan, SECOND};
use crate::rng::Rng;

/// How often a node ticks.
const TICK: u64 = 500 * MS;

/// What happens next.
pub(crate) enum Event {
    Tick(usize),
    Deliver {
        from: usize,
        to: usize,
        bytes: Vec<u8>,
    },
    /// Node `at` hears that `peer` is up, or down.
    Hear {
        at: usize,
        peer: usize,
        up: bool,
    },
    Record(usize),
    Mischief,
    Healed,
}

/// What a run did, for the report of a long one.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Counts {
    pub(crate) messages: u64,
    pub(crate) lost: u64,
    pub(crate) duplicated: u64,
    pub(crate) slow: u64,
    pub(crate) partitions: u64,
    pub(crate) crashes: u64,
    pub(crate) disks_lost: u64,
    pub(crate) jumps: u64,
    pub(crate) events: u64,
    pub(crate) refused: u64,
    /// Links that began again.
    pub(crate) resets: u64,
}

pub(crate) struct World {
    pub(crate) plan: Plan,
    pub(crate) rng: Rng,
    pub(crate) time: u64,
    pub(crate) nodes: Vec<Node>,
    pub(crate) counts: Counts,
    pub(crate) chaos: bool,
    /// A hash over all that was delivered, when and to whom.
    pub(crate) trace: u64,
    /// Who cannot be reached from whom.
    pub(crate) cuts: BTreeSet<(usize, usize)>,
    queue: BTreeMap<(u64, u64), Event>,
    scheduled: u64,
    index: BTreeMap<NodeName, usize>,
    verbose: bool,
}

impl World {
    pub(crate) fn new(plan: Plan) -> Self {
        let node = |i: usize| {
            let interest = (plan.one_queries && i == 0).then_some(Interest::QueryOnly);
            Node::new(i, &plan.settings, interest, plan.ages[i])
        };
        let nodes: Vec<Node> = (0..plan.nodes).map(node).collect();
        let index = nodes
            .iter()
            .enumerate()
            .map(|(i, n)| (n.name.as_str().into(), i))
            .collect();
        let mut world = Self {
            rng: Rng::new(plan.seed),
            time: 0,
            nodes,
            counts: Counts::default(),
            chaos: true,
            trace: 0,
            cuts: BTreeSet::new(),
            queue: BTreeMap::new(),
            scheduled: 0,
            index,
            verbose: std::env::var_os("SCOPE_TRACE").is_some(),
            plan,
        };
        for i in 0..world.nodes.len() {
            world.introduce(i);
            let jitter = world.rng.within(0, TICK);
            world.at(jitter, Event::Tick(i));
            world.at(jitter, Event::Record(i));
        }
        world.at(SECOND, Event::Mischief);
        world
    }

    /// Tells node `i` who belongs to the cluster and who is up.
    pub(crate) fn introduce(&mut self, i: usize) {
        let members: Vec<NodeName> = self.index.keys().cloned().collect();
        self.nodes[i].replica.set_members(members);
        for peer in 0..self.nodes.len() {
            if peer != i && self.nodes[peer].up {
                let name = self.nodes[peer].name.clone();
                self.nodes[i].replica.peer_up(&name);
            }
        }
    }

    pub(crate) fn at(&mut self, delay: u64, event: Event) {
        self.scheduled += 1;
        self.queue
            .insert((self.time + delay, self.scheduled), event);
    }

    /// Runs until `time`.
    pub(crate) fn run_until(&mut self, time: u64) {
        while let Some(entry) = self
            .queue
            .first_entry()
            .filter(|entry| entry.key().0 <= time)
        {
            let ((at, _), event) = entry.remove_entry();
            self.time = at;
            self.happen(event);
        }
        self.time = time;
    }

    fn happen(&mut self, event: Event) {
        match event {
            Event::Tick(i) => self.tick(i),
            Event::Deliver { from, to, bytes } => self.deliver(from, to, &bytes),
            Event::Hear { at, peer, up } => self.hear(at, peer, up),
            Event::Record(i) => self.record(i),
            Event::Mischief => self.mischief(),
            Event::Healed => self.correct(),
        }
    }

    fn tick(&mut self, i: usize) {
        self.at(TICK, Event::Tick(i));
        if self.nodes[i].up {
            self.tick_once(i);
        }
    }

    pub(crate) fn tick_once(&mut self, i: usize) {
        let node = &mut self.nodes[i];
        let now = node.now(self.time);
        let out = node.replica.tick(now, &mut node.store);
        self.send(i, out);
    }

    fn deliver(&mut self, from: usize, to: usize, bytes: &[u8]) {
        self.note(from, to, bytes);
        self.print(from, to, bytes);
        if !self.nodes[to].up {
            return;
        }
        self.counts.messages += 1;
        let name = self.nodes[from].name.clone();
        let node = &mut self.nodes[to];
        let now = node.now(self.time);
        match node.replica.receive(&name, bytes, now, &mut node.store) {
            Ok(out) => self.send(to, out),
            Err(_) => self.counts.refused += 1,
        }
    }

    /// Shows what is said when `SCOPE_TRACE` is set: for the one seed that fails.
    fn print(&self, from: usize, to: usize, bytes: &[u8]) {
        if self.verbose {
            let said =
                scope_sync::wire::decode(bytes).map(|(message, blocks)| (message, blocks.len()));
            eprintln!("{} ms {from}->{to} {said:?}", self.time / MS);
        }
    }

    fn note(&mut self, from: usize, to: usize, bytes: &[u8]) {
        let head = self.time ^ ((from as u64) << 56) ^ ((to as u64) << 48);
        self.trace = (self.trace.rotate_left(7) ^ head).wrapping_mul(0x9e37_79b9_7f4a_7c15)
            ^ u64::from(crc32c::crc32c(bytes));
    }

    pub(crate) fn send(&mut self, from: usize, out: Vec<Out>) {
        for Out { to, bytes } in out {
            let to = self.index[&to];
            if self.chaos
                && (self.cuts.contains(&(from, to)) || self.rng.chance(self.plan.faults.loss))
            {
                self.counts.lost += 1;
                continue;
            }
            if self.chaos && self.rng.chance(self.plan.faults.duplication) {
                self.counts.duplicated += 1;
                let delay = self.delay();
                self.at(
                    delay,
                    Event::Deliver {
                        from,
                        to,
                        bytes: bytes.clone(),
                    },
                );
            }
            let delay = self.delay();
            self.at(delay, Event::Deliver { from, to, bytes });
        }
    }

    fn delay(&mut self) -> u64 {
        if self.chaos && self.rng.chance(self.plan.faults.slow) {
            self.counts.slow += 1;
            return self.rng.within(MS, self.plan.faults.slow_ns);
        }
        // Without faults a connection keeps the order of what it carries.
        if self.plan.is_clean() {
            10 * MS
        } else {
            self.rng.within(MS, 50 * MS)
        }
    }

    fn hear(&mut self, at: usize, peer: usize, up: bool) {
        let name = self.nodes[peer].name.clone();
        self.counts.resets += 1;
        if up && self.nodes[peer].up {
            self.nodes[at].replica.peer_up(&name);
        } else if !up {
            self.nodes[at].replica.peer_down(&name);
        }
    }

    fn record(&mut self, i: usize) {
        if !self.chaos {
            return;
        }
        let again = self.rng.within(200 * MS, 4 * SECOND);
        self.at(again, Event::Record(i));
        if self.nodes[i].up {
            let (events, filler) = (self.rng.within(1, 60), self.rng.within(100, 900) as usize);
            self.nodes[i].record(self.time, events, filler);
            self.counts.events += events;
        }
    }
}

impl Counts {
    /// All that can make a byte go twice.
    pub(crate) fn disturbances(&self) -> u64 {
        self.lost + self.slow + self.crashes + self.resets + self.refused
    }

    pub(crate) fn add(&mut self, other: &Self) {
        self.messages += other.messages;
        self.lost += other.lost;
        self.duplicated += other.duplicated;
        self.slow += other.slow;
        self.partitions += other.partitions;
        self.crashes += other.crashes;
        self.disks_lost += other.disks_lost;
        self.jumps += other.jumps;
        self.events += other.events;
        self.refused += other.refused;
        self.resets += other.resets;
    }
}
