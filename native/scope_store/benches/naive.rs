//! The peer: every block is decoded and every event is asked.

use scope_event::{Block, Kind, Pid};
use scope_store::{Query, Store};
use scope_sync::Holdings;
use std::hint::black_box;
use std::time::Duration;

pub struct Scan {
    blocks: Vec<Block>,
}

impl Scan {
    pub fn new(store: &Store) -> Self {
        let mut blocks = Vec::new();
        for origin in (&store).origins() {
            for info in (&store).blocks(&origin, 1, u64::MAX, usize::MAX) {
                blocks.push(Block::parse((&store).read(&info).expect("a block")).expect("a block"));
            }
        }
        Self { blocks }
    }

    pub fn time<T>(&self, scan: impl Fn(&Self) -> T) -> Duration {
        let start = crate::cpu_time();
        black_box(scan(self));
        crate::cpu_time() - start
    }

    pub fn decode_all(&self) -> usize {
        self.blocks
            .iter()
            .map(|block| black_box(block.events().expect("events")).len())
            .sum()
    }

    /// Stamp and number of the last state of a process before a time.
    pub fn state(&self, pid: &Pid, at: u64) -> Option<(u64, u64)> {
        let mut last = None;
        for block in &self.blocks {
            let events = block.events().expect("events");
            for event in events.iter() {
                if event.kind() == Kind::State && event.stamp() <= at && event.pid() == Some(pid) {
                    last = last.max(Some((event.stamp(), event.seq())));
                }
            }
        }
        last
    }

    /// How many events match, as far as kinds, pids and time say.
    pub fn matching(&self, query: &Query) -> usize {
        let mut count = 0;
        for block in &self.blocks {
            let events = block.events().expect("events");
            count += events
                .iter()
                .filter(|event| query.kinds.is_empty() || query.kinds.contains(event.kind()))
                .filter(|event| query.from.is_none_or(|from| from <= event.stamp()))
                .filter(|event| query.to.is_none_or(|to| event.stamp() <= to))
                .filter(|event| {
                    query.pids.is_empty() || event.pid().is_some_and(|pid| query.pids.contains(pid))
                })
                .count();
        }
        count
    }
}
