//! What must hold once the trouble is over.

use std::collections::BTreeSet;

use scope_sync::model::ModelBlock;
use scope_sync::{Holdings, Intervals, NodeName, Notice, Origin, PeerStats};

use crate::node::Node;
use crate::plan::SECOND;
use crate::world::World;

/// The run ends at the latest after this time without trouble.
const PATIENCE: u64 = 600 * SECOND;
/// Nothing may be said for this long.
const SILENCE: u64 = 90 * SECOND;

impl World {
    /// Runs the whole plan and checks everything.
    pub(crate) fn run(&mut self) {
        let end = self.plan.chaos_ns;
        self.run_until(end);
        self.heal();
        self.settle();
        self.check_contents();
        self.check_expired();
        self.check_vectors();
        self.check_bytes();
        self.check_sync_now();
    }

    /// Runs until nobody has said anything for a while.
    fn settle(&mut self) {
        let deadline = self.time + PATIENCE;
        loop {
            let before = self.counts.messages;
            self.run_until(self.time + SILENCE);
            if self.counts.messages == before {
                return;
            }
            assert!(self.time < deadline, "seed {}: never quiet", self.plan.seed);
        }
    }

    fn up(&self) -> impl Iterator<Item = &Node> {
        self.nodes.iter().filter(|node| node.up)
    }

    fn origins(&self) -> BTreeSet<Origin> {
        self.up().flat_map(|node| node.store.origins()).collect()
    }

    /// Every event is held exactly once, as it was recorded, wherever it is wanted.
    fn check_contents(&self) {
        let members: BTreeSet<NodeName> =
            self.nodes.iter().map(|n| n.name.as_str().into()).collect();
        for origin in self.origins() {
            for node in self.up() {
                check_blocks(node, &origin, self.plan.seed);
                let interest = &node.settings.interest;
                if origin != node.own() && interest.wants(&node.name, &origin, &members) {
                    self.check_wanted(node, &origin);
                }
            }
        }
    }

    fn check_wanted(&self, node: &Node, origin: &Origin) {
        let known = node.store.knowledge(origin);
        let oldest = node
            .now(self.time)
            .stamp
            .saturating_sub(node.age.as_secs() << 32);
        for peer in self.up() {
            let mut missing = known.lacks(&peer.store.knowledge(origin));
            for old in self
                .up()
                .flat_map(|n| n.store.headers(origin))
                .filter(|b| b.newest < oldest)
            {
                missing.remove(old.from, old.to);
            }
            let (seed, at, from) = (self.plan.seed, &node.name, &peer.name);
            assert!(
                missing.is_empty(),
                "seed {seed}: {at} lacks {missing:?} of {origin}, {from} has it"
            );
        }
    }

    fn check_expired(&self) {
        for node in self.up() {
            for (origin, expired) in &node.expired {
                let back = node.store.knowledge(origin).held().intersection(expired);
                let (seed, at) = (self.plan.seed, &node.name);
                assert!(
                    back.is_empty(),
                    "seed {seed}: {back:?} of {origin} came back at {at}"
                );
            }
        }
    }

    /// No replica speaks of more than there is, or in more than a few runs.
    fn check_vectors(&self) {
        let lives: u64 = self.nodes.iter().map(|node| node.life).sum();
        for node in self.up() {
            assert!(
                node.replica.origins() as u64 <= lives,
                "seed {}",
                self.plan.seed
            );
        }
    }

    pub(crate) fn totals(&self) -> PeerStats {
        self.nodes
            .iter()
            .fold(PeerStats::default(), |mut all, node| {
                all += node.totals();
                all
            })
    }

    /// What may be sent for what was stored.
    ///
    /// Where nothing went wrong, every block goes to every replica once, apart from what
    /// consolidation makes overlap: at most one block per origin and replica. What is sent again is
    /// owed to something that went wrong: each such thing costs at most what was on the way.
    fn check_bytes(&self) {
        let (all, seed) = (self.totals(), self.plan.seed);
        let waste = self.counts.disturbances() * self.plan.on_the_way();
        let overlap = if self.plan.consolidation {
            self.largest_blocks()
        } else {
            0
        };
        assert!(all.already_bytes <= overlap + waste, "seed {seed}: {all:?}");
        let frames = if self.plan.is_strict() {
            all.frames_out.max(1)
        } else {
            all.messages_out
        };
        let stored = all.payload_in + all.already_bytes.min(overlap) + waste;
        let percent = if self.plan.gossips() { 5 } else { 1 };
        let allowed = stored + stored * percent / 100 + 2 * all.entries_out + 128 * frames;
        assert!(
            all.bytes_out <= allowed,
            "seed {seed}: {} > {allowed}: {all:?}",
            all.bytes_out
        );
        assert_eq!(all.conflicts, 0, "seed {seed}");
    }

    /// One block per origin and replica, each as large as any of that origin.
    fn largest_blocks(&self) -> u64 {
        let largest = |origin: &Origin| {
            self.nodes
                .iter()
                .flat_map(|n| n.store.headers(origin))
                .map(|b| b.len as u64)
                .max()
        };
        let once: u64 = self.origins().iter().filter_map(largest).sum();
        once * self.nodes.len() as u64
    }

    /// An exchange on demand ends, and finds nothing to do.
    fn check_sync_now(&mut self) {
        let up: Vec<usize> = (0..self.nodes.len())
            .filter(|i| self.nodes[*i].up)
            .collect();
        let [a, .., b] = up[..] else { return };
        let name = self.nodes[b].name.clone();
        let node = &mut self.nodes[a];
        let now = node.now(self.time);
        let asked = node.replica.sync_now(&name, now, &mut node.store);
        let Some((token, out)) = asked else {
            panic!("seed {}: {name} is not up", self.plan.seed)
        };
        self.send(a, out);
        self.run_until(self.time + 5 * SECOND);
        let notices = self.nodes[a].replica.notices();
        let done = notices.iter().find_map(|notice| match notice {
            Notice::Synced {
                token: t, report, ..
            } if *t == token => Some(*report),
            _ => None,
        });
        let report = done.unwrap_or_else(|| panic!("seed {}: {notices:?}", self.plan.seed));
        assert_eq!(
            (report.sent, report.received),
            (0, 0),
            "seed {}",
            self.plan.seed
        );
    }
}

/// Blocks are disjoint, and what they hold is what was recorded.
fn check_blocks(node: &Node, origin: &Origin, seed: u64) {
    let mut seen = Intervals::new();
    for block in node.store.headers(origin) {
        assert!(
            !seen.touches(block.from, block.to),
            "seed {seed}: twice in {origin}"
        );
        seen.insert(block.from, block.to);
        let digest = ModelBlock::digest_of(origin, block.from, block.to, 0);
        assert_eq!(
            block.digest, digest,
            "seed {seed}: other content in {origin}"
        );
    }
}
