//! One simulated node: a replica, its store, its clock, and what survives a crash.

use std::collections::BTreeMap;
use std::time::Duration;

use scope_sync::model::{MemoryHoldings, ModelBlock};
use scope_sync::{Holdings, Interest, Intervals, Now, Origin, PeerStats, Replica, Seq, Settings};

use crate::plan::SECOND;
use crate::rng::Rng;

/// The wall clock starts here, in seconds.
const EPOCH_S: u64 = 1_000_000;

pub(crate) struct Node {
    pub(crate) name: String,
    pub(crate) life: u64,
    pub(crate) up: bool,
    pub(crate) store: MemoryHoldings,
    pub(crate) replica: Replica,
    pub(crate) settings: Settings,
    pub(crate) age: Duration,
    /// How far the wall clock is off, in seconds.
    pub(crate) skew_s: i64,
    /// The newest stamp recorded: stamps never step back.
    newest: u64,
    /// Up to where the origin has consolidated its own blocks.
    consolidated: Seq,
    /// What expired here, and must not come back while the disk remembers.
    pub(crate) expired: BTreeMap<Origin, Intervals>,
    /// What the replicas of earlier lives counted.
    past: PeerStats,
}

impl Node {
    pub(crate) fn new(
        index: usize,
        settings: &Settings,
        interest: Option<Interest>,
        age: Duration,
    ) -> Self {
        let name = format!("n{index}");
        let settings = Settings {
            max_age: age,
            interest: interest.unwrap_or_else(|| settings.interest.clone()),
            ..settings.clone()
        };
        let replica = Replica::new(Origin::new(name.as_str(), 1), settings.clone(), 0);
        Self {
            name,
            life: 1,
            up: true,
            store: MemoryHoldings::new(),
            replica,
            settings,
            age,
            skew_s: 0,
            newest: 0,
            consolidated: 0,
            expired: BTreeMap::new(),
            past: PeerStats::default(),
        }
    }

    pub(crate) fn own(&self) -> Origin {
        Origin::new(self.name.as_str(), self.life)
    }

    pub(crate) fn now(&self, time: u64) -> Now {
        let seconds = (EPOCH_S + time / SECOND).saturating_add_signed(self.skew_s);
        let fraction = ((time % SECOND) << 32) / SECOND;
        Now {
            mono_ns: time,
            stamp: seconds << 32 | fraction,
        }
    }

    /// Closes a block of `events` events.
    pub(crate) fn record(&mut self, time: u64, events: u64, filler: usize) -> ModelBlock {
        let own = self.own();
        self.newest = self.now(time).stamp.max(self.newest + 1);
        let from = self.store.knowledge(&own).top() + 1;
        let block = ModelBlock::new(own, from, from + events - 1, self.newest).with_filler(filler);
        self.store.put(&block);
        block
    }

    /// Makes one block of some that were not yet consolidated.
    pub(crate) fn consolidate(&mut self, count: usize) {
        let own = self.own();
        let first = self
            .store
            .headers(&own)
            .find(|info| info.from > self.consolidated);
        let Some(from) = first.map(|info| info.from) else {
            return;
        };
        self.store.consolidate(&own, from, count);
        let merged = self.store.headers(&own).find(|info| info.from == from);
        self.consolidated = merged.map_or(self.consolidated, |info| info.to);
    }

    /// Expires what is too old; with `rng`, also a part of some origin as a limit in bytes would.
    pub(crate) fn retain(&mut self, time: u64, rng: Option<&mut Rng>) {
        let origins = self.store.origins();
        let before: Vec<Intervals> = origins
            .iter()
            .map(|o| self.store.knowledge(o).held())
            .collect();
        let age = (self.age.as_secs()) << 32;
        self.store
            .expire_before(self.now(time).stamp.saturating_sub(age));
        if let Some(rng) = rng.filter(|_| !origins.is_empty()) {
            let origin = &origins[rng.index(origins.len())];
            let known = self.store.knowledge(origin);
            let seq = rng.within(known.floor, known.top());
            self.store.expire_to(origin, seq);
        }
        for (origin, mut gone) in origins.into_iter().zip(before) {
            gone.subtract(&self.store.knowledge(&origin).held());
            self.expired.entry(origin).or_default().extend(&gone);
        }
    }

    /// What all lives counted, over all peers.
    pub(crate) fn totals(&self) -> PeerStats {
        self.replica.stats().fold(self.past, |mut all, (_, stats)| {
            all += *stats;
            all
        })
    }

    pub(crate) fn crash(&mut self) {
        self.up = false;
    }

    /// Starts again as a new incarnation, with what is on its disk.
    pub(crate) fn restart(&mut self, seed: u64, keeps_disk: bool, lost_blocks: usize) {
        if keeps_disk {
            let own = self.own();
            self.store.lose_newest(&own, lost_blocks);
            let top = self.store.knowledge(&own).top();
            if top > 0 {
                self.store.note_last(&own, top);
            }
        } else {
            self.store = MemoryHoldings::new();
            self.expired.clear();
        }
        (self.life, self.up, self.consolidated) = (self.life + 1, true, 0);
        self.past = self.totals();
        self.replica = Replica::new(self.own(), self.settings.clone(), seed);
    }
}
