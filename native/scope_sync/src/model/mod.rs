//! A store in memory with the smallest block that means anything: for tests, examples, benches and
//! the simulator. It is no store for real events.

mod block;
mod stream;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use block::ModelBlock;
use stream::{Stream, judge};

use crate::holdings::{BlockInfo, Holdings, Outcome, Refusal};
use crate::knowledge::Knowledge;
use crate::origin::{Origin, Seq};

/// Blocks in memory.
///
/// # Examples
///
/// ```
/// use scope_sync::Holdings;
/// use scope_sync::model::MemoryHoldings;
/// use scope_sync::Origin;
///
/// let origin = Origin::new("a@x", 1);
/// let mut store = MemoryHoldings::new();
/// store.record(&origin, 10, 1 << 32);
/// store.record(&origin, 5, 2 << 32);
/// assert_eq!(store.knowledge(&origin).prefix, 15);
/// ```
#[derive(Clone, Debug, Default)]
pub struct MemoryHoldings {
    streams: BTreeMap<Origin, Stream>,
    aside: Vec<Arc<[u8]>>,
    generation: u64,
}

impl MemoryHoldings {
    /// An empty store.
    pub fn new() -> Self {
        Self::default()
    }

    /// Records a block of `events` events of `origin`, all at `stamp`.
    pub fn record(&mut self, origin: &Origin, events: u64, stamp: u64) {
        let from = self.knowledge(origin).top() + 1;
        let to = from + events.max(1) - 1;
        let block = ModelBlock::new(origin.clone(), from, to, stamp);
        self.put(&block);
    }

    /// Puts a block where its origin does: with no question asked.
    pub fn put(&mut self, block: &ModelBlock) {
        self.generation += 1;
        let bytes = block.encode();
        let info = block.info(bytes.len());
        self.streams
            .entry(block.origin.clone())
            .or_default()
            .put(info, bytes.into());
    }

    /// Makes one block of `count` adjacent blocks, the first of which starts at or after `from`; what
    /// only the origin itself may do, and once per block.
    pub fn consolidate(&mut self, origin: &Origin, from: Seq, count: usize) {
        let Some(stream) = self.streams.get_mut(origin) else {
            return;
        };
        let run: Vec<BlockInfo> = stream
            .blocks
            .range(from..)
            .take(count)
            .map(|(_, b)| b.info.clone())
            .collect();
        if run.len() < 2 || run.windows(2).any(|pair| pair[0].to + 1 != pair[1].from) {
            return;
        }
        self.generation += 1;
        let bytes = ModelBlock::merged(&run).encode();
        let info = ModelBlock::merged(&run).info(bytes.len());
        run.iter()
            .for_each(|old| drop(stream.blocks.remove(&old.from)));
        stream.put(info, bytes.into());
    }

    /// Expires all blocks, oldest first, up to the first whose newest stamp is not before `stamp`.
    pub fn expire_before(&mut self, stamp: u64) {
        let old = |stream: &Stream| {
            let mut blocks = stream.blocks.values().map(|b| &b.info);
            let first_young = blocks.find(|info| info.newest >= stamp);
            first_young.map_or(stream.known.top(), |info| info.from - 1)
        };
        let floors: Vec<(Origin, Seq)> = self
            .streams
            .iter()
            .map(|(origin, stream)| (origin.clone(), old(stream)))
            .collect();
        floors
            .iter()
            .for_each(|(origin, seq)| self.expire_to(origin, *seq));
    }

    /// Expires all blocks that end at or below `seq`, and raises the floor to the last of them.
    pub fn expire_to(&mut self, origin: &Origin, seq: Seq) {
        let Some(stream) = self.streams.get_mut(origin) else {
            return;
        };
        let gone = stream
            .blocks
            .values()
            .map(|b| b.info.to)
            .filter(|to| *to <= seq)
            .max();
        let Some(floor) = gone.filter(|floor| *floor > stream.known.floor) else {
            return;
        };
        self.generation += 1;
        let expired = stream
            .blocks
            .values()
            .map(|b| &b.info)
            .filter(|info| info.to <= floor);
        stream.expired = expired.map(|info| info.newest).max().max(stream.expired);
        stream.blocks.retain(|_, stored| stored.info.to > floor);
        stream.known.floor = floor;
        stream.recompute();
    }

    /// Loses the newest `count` blocks of `origin`: what a kill does to what was not yet on disk.
    pub fn lose_newest(&mut self, origin: &Origin, count: usize) {
        let Some(stream) = self.streams.get_mut(origin) else {
            return;
        };
        self.generation += 1;
        for _ in 0..count {
            stream.blocks.pop_last();
        }
        stream.recompute();
    }

    /// How many events of `origin` are held above the floor.
    pub fn events(&self, origin: &Origin) -> u64 {
        self.knowledge(origin).held().count()
    }

    /// The headers of all blocks of `origin`, ascending.
    pub fn headers(&self, origin: &Origin) -> impl Iterator<Item = &BlockInfo> {
        self.streams
            .get(origin)
            .into_iter()
            .flat_map(|s| s.blocks.values().map(|b| &b.info))
    }

    /// The blocks that conflict with what is held.
    pub fn aside(&self) -> &[Arc<[u8]>] {
        &self.aside
    }

    /// The bytes of all blocks held.
    pub fn bytes(&self) -> u64 {
        let blocks = self.streams.values().flat_map(|s| s.blocks.values());
        blocks.map(|stored| stored.info.len as u64).sum()
    }

    fn keep_aside(&mut self, bytes: &[u8], held: Option<u64>) -> Outcome {
        self.aside.push(bytes.into());
        Outcome::Conflict { held }
    }

    fn place(&mut self, info: BlockInfo, bytes: &[u8]) -> Outcome {
        let stream = self.streams.entry(info.origin.clone()).or_default();
        if info.to <= stream.known.floor {
            return Outcome::Refused(Refusal::Expired);
        }
        let over: Vec<BlockInfo> = stream
            .touching(info.from, info.to)
            .map(|b| b.info.clone())
            .collect();
        if let Some(outcome) = judge(&info, &over) {
            return match outcome {
                Outcome::Conflict { held } => self.keep_aside(bytes, held),
                other => other,
            };
        }
        let already = over.iter().map(BlockInfo::events).sum();
        over.iter()
            .for_each(|old| drop(stream.blocks.remove(&old.from)));
        stream.put(info, bytes.into());
        self.generation += 1;
        if over.is_empty() {
            Outcome::Stored
        } else {
            Outcome::Replaced { already }
        }
    }
}

impl Holdings for MemoryHoldings {
    fn generation(&self) -> u64 {
        self.generation
    }

    fn origins(&self) -> Vec<Origin> {
        self.streams.keys().cloned().collect()
    }

    fn knowledge(&self, origin: &Origin) -> Knowledge {
        self.streams
            .get(origin)
            .map(|stream| stream.known.clone())
            .unwrap_or_default()
    }

    fn blocks(&self, origin: &Origin, from: Seq, to: Seq, limit: usize) -> Vec<BlockInfo> {
        let Some(stream) = self.streams.get(origin) else {
            return Vec::new();
        };
        stream
            .touching(from, to)
            .take(limit)
            .map(|stored| stored.info.clone())
            .collect()
    }

    fn read(&self, block: &BlockInfo) -> Option<Arc<[u8]>> {
        let stored = self.streams.get(&block.origin)?.blocks.get(&block.from)?;
        (stored.info == *block).then(|| stored.bytes.clone())
    }

    fn inspect(&self, bytes: &[u8]) -> Result<BlockInfo, Refusal> {
        block::inspect(bytes)
    }

    fn insert(&mut self, bytes: &[u8]) -> Outcome {
        match block::inspect(bytes) {
            Ok(info) => self.place(info, bytes),
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    fn newest_expired(&self, origin: &Origin) -> Option<u64> {
        self.streams.get(origin)?.expired
    }

    fn note_last(&mut self, origin: &Origin, last: Seq) {
        let stream = self.streams.entry(origin.clone()).or_default();
        stream.known.note_last(last);
        self.generation += 1;
    }

    fn forget(&mut self, origin: &Origin) {
        self.streams.remove(origin);
        self.generation += 1;
    }
}
