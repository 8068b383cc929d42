//! What a seed stands for: how large the cluster is, what goes wrong, how the replicas are set up.

use std::time::Duration;

use scope_sync::{Interest, Settings};

use crate::rng::Rng;

pub(crate) const MS: u64 = 1_000_000;
pub(crate) const SECOND: u64 = 1_000 * MS;

/// The shape of one run.
pub(crate) struct Plan {
    pub(crate) seed: u64,
    pub(crate) nodes: usize,
    pub(crate) faults: Faults,
    pub(crate) settings: Settings,
    /// The first node keeps nothing of others.
    pub(crate) one_queries: bool,
    /// For how long things go wrong.
    pub(crate) chaos_ns: u64,
    /// The retention age of each node.
    pub(crate) ages: Vec<Duration>,
    /// Everything expires while nodes still talk: retention runs.
    pub(crate) retention: bool,
    pub(crate) consolidation: bool,
}

/// Percentages, and the longest delay.
#[derive(Clone, Copy, Default)]
pub(crate) struct Faults {
    pub(crate) loss: u64,
    pub(crate) duplication: u64,
    pub(crate) slow: u64,
    pub(crate) slow_ns: u64,
    pub(crate) partitions: u64,
    pub(crate) crashes: u64,
    pub(crate) disk_losses: u64,
    pub(crate) jumps: u64,
}

impl Plan {
    /// Every third seed is two nodes, every tenth a cluster that gossips, every fifth has no faults.
    pub(crate) fn from_seed(seed: u64) -> Self {
        let mut rng = Rng::new(seed ^ 0x0070_1a17);
        let gossips = seed % 10 == 9;
        let nodes = match (gossips, seed % 3) {
            (true, _) => rng.within(12, 20),
            (false, 0) => 2,
            (false, _) => rng.within(3, 6),
        } as usize;
        let faults = if seed.is_multiple_of(5) {
            Faults::default()
        } else {
            Faults::draw(&mut rng)
        };
        let retention = rng.chance(50);
        let mut settings = settings(&mut rng);
        if gossips {
            settings.fanout = rng.within(4, 6) as usize;
        } else if nodes > 3 && rng.chance(25) {
            settings.interest = Interest::Collectors(2);
        }
        let age = |_| {
            Duration::from_secs(if retention {
                rng.within(25, 60)
            } else {
                100_000
            })
        };
        let ages = (0..nodes).map(age).collect();
        Self {
            seed,
            nodes,
            faults,
            settings,
            one_queries: !gossips && nodes > 2 && rng.chance(10),
            chaos_ns: if gossips {
                15 * SECOND
            } else {
                rng.within(20, 50) * SECOND
            },
            ages,
            retention,
            consolidation: rng.chance(60),
        }
    }

    pub(crate) fn gossips(&self) -> bool {
        self.nodes > self.settings.fanout + 1
    }

    /// Two nodes, no faults: the bound counts frames of blocks only.
    pub(crate) fn is_strict(&self) -> bool {
        self.is_clean() && self.nodes == 2
    }

    /// How many bytes of blocks one peer can have on the way at a time.
    pub(crate) fn on_the_way(&self) -> u64 {
        u64::from(self.settings.window_bytes) + self.settings.frame_bytes as u64
    }

    pub(crate) fn is_clean(&self) -> bool {
        self.seed.is_multiple_of(5)
    }
}

impl Faults {
    fn draw(rng: &mut Rng) -> Self {
        let mut sometimes = |percent, max| {
            if rng.chance(percent) {
                rng.within(1, max)
            } else {
                0
            }
        };
        Self {
            loss: sometimes(70, 20),
            duplication: sometimes(60, 20),
            slow: sometimes(60, 30),
            slow_ns: 6 * SECOND,
            partitions: sometimes(70, 30),
            crashes: sometimes(60, 12),
            disk_losses: sometimes(50, 60),
            jumps: sometimes(50, 20),
        }
    }
}

/// Small frames and windows, so that small runs fill them.
fn settings(rng: &mut Rng) -> Settings {
    Settings {
        forget_after: Duration::from_secs(45),
        frame_bytes: 4096 + rng.within(1, 8) as usize * 1024,
        frame_blocks: rng.within(2, 96) as usize,
        window_bytes: rng.within(1, 32) as u32 * 1024,
        bytes_per_s: rng.chance(30).then(|| rng.within(16, 64) * 1024),
        stall_after: Duration::from_secs(4),
        resend_after: Duration::from_millis(1500),
        audit_every: Some(Duration::from_secs(5)),
        ..Settings::default()
    }
}
