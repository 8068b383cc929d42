//! Every bound and its present value.

use super::Store;
use crate::disk::{Cut, Health};
use crate::log::{Log, Slot, Unsaved};
use crate::upkeep::Upkeep;
use std::collections::VecDeque;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

/// How a store is doing. Each bound of the [`Config`](crate::Config) stands beside its value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Events in the open block.
    pub open_events: usize,
    /// About how many bytes they take.
    pub open_bytes: usize,
    /// Closed blocks.
    pub blocks: usize,
    /// Events in them.
    pub events: u64,
    /// Bytes of closed blocks.
    pub bytes: u64,
    /// The bound of `bytes`.
    pub retention_bytes: u64,
    /// Bytes that facts and filters of the blocks keep in memory.
    pub index_bytes: usize,
    /// About how many bytes decoded blocks take that are kept for the next question.
    pub decoded_bytes: usize,
    /// The bound of `decoded_bytes`.
    pub decoded_limit: u64,
    /// Segments, the active one included.
    pub segments: usize,
    /// Origins that are held or remembered.
    pub origins: usize,
    /// The oldest stamp that is kept.
    pub oldest: Option<u64>,
    /// Blocks that were closed since the start.
    pub closed_blocks: u64,
    /// Blocks that were taken from peers since the start.
    pub received_blocks: u64,
    /// Events that expired since the start.
    pub expired_events: u64,
    /// Blocks whose content does not decode: kept and shipped, left out of answers.
    pub unreadable_blocks: usize,
    /// Blocks that contradict what is held.
    pub conflicts: Conflicts,
    /// Blocks that were made of several, or compressed better, since the start.
    pub consolidated_blocks: u64,
    /// Segments that were sealed since the start.
    pub sealed_segments: u64,
    /// How it stands with the folder.
    pub health: Health,
    /// Bytes that are in memory and wait for the folder.
    pub unsaved_bytes: u64,
    /// The bound of `unsaved_bytes` while the folder cannot be written.
    pub unsaved_limit: u64,
    /// Events that there was no room for while the folder could not be written.
    pub lost_events: u64,
    /// Times that blocks were made durable.
    pub commits: u64,
    /// Files that were whole only up to some point when the folder was read.
    pub cuts: Vec<Cut>,
}

/// Blocks of other content under the same numbers.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Conflicts {
    /// How many came.
    pub seen: u64,
    /// How many of them are kept aside.
    pub kept: usize,
    /// Bytes kept aside.
    pub bytes: u64,
    /// The bound of `bytes`.
    pub limit: u64,
}

impl Stats {
    pub(super) fn of(store: &Store) -> Self {
        let upkeep = store.upkeep.lock();
        let (open_events, open_bytes) = {
            let open = store.open.lock();
            (open.len(), open.bytes())
        };
        let closed = Self::of_log(&store.log.read());
        Self {
            open_events,
            open_bytes,
            retention_bytes: store.config.retention_bytes,
            oldest: store.floor(),
            closed_blocks: store.counters.closed.load(Ordering::Relaxed),
            received_blocks: store.counters.received.load(Ordering::Relaxed),
            conflicts: store.aside.lock().stats(),
            decoded_bytes: store.recent.bytes(),
            decoded_limit: store.config.decoded_bytes,
            unsaved_limit: store.config.unsaved_bytes,
            ..closed
        }
        .with_upkeep(&upkeep)
    }

    fn with_upkeep(self, upkeep: &Upkeep) -> Self {
        let saver = upkeep.saver.as_ref();
        Self {
            consolidated_blocks: upkeep.consolidated,
            sealed_segments: upkeep.sealed,
            health: upkeep.health(),
            lost_events: upkeep.lost_ever,
            commits: saver.map_or(0, |saver| saver.commits),
            cuts: saver.map(|saver| saver.cuts.clone()).unwrap_or_default(),
            ..self
        }
    }

    fn of_log(log: &Log) -> Self {
        let mut stats = Self {
            segments: log.segments.len(),
            bytes: log.bytes,
            unsaved_bytes: log.unsaved.as_ref().map_or(0, Unsaved::bytes),
            ..Self::default()
        };
        for shelf in log.shelves.values() {
            stats.origins += 1;
            stats.expired_events += shelf.gone.events;
            shelf.slots().iter().for_each(|slot| stats.add(slot));
        }
        stats
    }

    fn add(&mut self, slot: &Slot) {
        self.blocks += 1;
        self.events += slot.entry.facts.events();
        self.index_bytes += size_of::<Slot>() + slot.entry.resident();
        self.unreadable_blocks += usize::from(!slot.entry.index.readable);
    }
}

/// Counts since the start.
#[derive(Debug, Default)]
pub(super) struct Counters {
    closed: AtomicU64,
    received: AtomicU64,
}

impl Counters {
    // Ordering: counts are only shown, nothing depends on them.
    pub(super) fn closed(&self) {
        self.closed.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn received(&self) {
        self.received.fetch_add(1, Ordering::Relaxed);
    }
}

/// The latest blocks that contradicted what is held.
#[derive(Debug)]
pub(super) struct Aside {
    /// Invariant: `bytes` is their sum, and at most `limit`.
    blocks: VecDeque<Arc<[u8]>>,
    bytes: u64,
    limit: u64,
    seen: u64,
}

impl Aside {
    pub(super) fn new(limit: u64) -> Self {
        Self {
            blocks: VecDeque::new(),
            bytes: 0,
            limit,
            seen: 0,
        }
    }

    pub(super) fn keep(&mut self, block: Arc<[u8]>) {
        self.seen += 1;
        self.bytes += block.len() as u64;
        self.blocks.push_back(block);
        while self.bytes > self.limit {
            let Some(oldest) = self.blocks.pop_front() else {
                return;
            };
            self.bytes -= oldest.len() as u64;
        }
    }

    pub(super) fn blocks(&self) -> Vec<Arc<[u8]>> {
        self.blocks.iter().cloned().collect()
    }

    fn stats(&self) -> Conflicts {
        let (seen, kept) = (self.seen, self.blocks.len());
        Conflicts {
            seen,
            kept,
            bytes: self.bytes,
            limit: self.limit,
        }
    }
}
