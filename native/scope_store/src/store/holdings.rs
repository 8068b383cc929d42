//! The store as the synchroniser sees it: headers and bytes of closed blocks.

use super::Store;
use crate::log::{Facts, Shelf, Slot, Verdict};
use crate::open::Closed;
use crate::time;
use scope_event::{Block, BlockError, Origin};
use scope_sync::{BlockInfo, Holdings, Knowledge, Outcome, Refusal, Seq};
use std::sync::Arc;

/// A shared store can be given to a replica: `&mut &*store`.
impl Holdings for &Store {
    fn generation(&self) -> u64 {
        self.log.read().generation
    }

    fn origins(&self) -> Vec<scope_sync::Origin> {
        self.log
            .read()
            .shelves
            .keys()
            .map(|origin| theirs(origin))
            .collect()
    }

    fn knowledge(&self, origin: &scope_sync::Origin) -> Knowledge {
        let log = self.log.read();
        log.shelves
            .get(&ours(origin))
            .map(|shelf| shelf.knowledge.clone())
            .unwrap_or_default()
    }

    fn blocks(
        &self,
        origin: &scope_sync::Origin,
        from: Seq,
        to: Seq,
        limit: usize,
    ) -> Vec<BlockInfo> {
        let log = self.log.read();
        let Some(shelf) = log.shelves.get(&ours(origin)) else {
            return Vec::new();
        };
        let slots = &shelf.slots()[shelf.touching(from, to)];
        slots
            .iter()
            .take(limit)
            .map(|slot| info(origin.clone(), slot))
            .collect()
    }

    fn read(&self, block: &BlockInfo) -> Option<Arc<[u8]>> {
        let entry = {
            let log = self.log.read();
            let shelf = log.shelves.get(&ours(&block.origin))?;
            let slot = shelf
                .slots()
                .get(shelf.touching(block.from, block.to).start)?;
            (info(block.origin.clone(), slot) == *block).then(|| slot.entry.clone())?
        };
        entry.bytes().ok()
    }

    fn inspect(&self, bytes: &[u8]) -> Result<BlockInfo, Refusal> {
        let block = parse(bytes)?;
        let facts = Facts::of(block.header(), bytes.len());
        Ok(info_of(theirs(&block.header().origin), &facts))
    }

    fn insert(&mut self, bytes: &[u8]) -> Outcome {
        match parse(bytes) {
            Ok(block) => self.take(&block),
            Err(refusal) => Outcome::Refused(refusal),
        }
    }

    fn newest_expired(&self, origin: &scope_sync::Origin) -> Option<u64> {
        let log = self.log.read();
        let gone = log.shelves.get(&ours(origin))?.gone;
        (gone.events > 0).then_some(gone.newest)
    }

    fn note_last(&mut self, origin: &scope_sync::Origin, last: Seq) {
        self.log.write().note_last(&ours(origin), last);
    }

    fn forget(&mut self, origin: &scope_sync::Origin) {
        let mut log = self.log.write();
        if log
            .shelves
            .get(&ours(origin))
            .is_some_and(|shelf| shelf.slots().is_empty())
        {
            log.shelves.remove(&ours(origin));
            log.generation += 1;
        }
    }
}

impl Store {
    /// The latest blocks that contradicted what is held, for a look at them.
    pub fn conflicting(&self) -> Vec<Arc<[u8]>> {
        self.aside.lock().blocks()
    }

    /// Takes a block from a peer. What is here already is not decoded.
    fn take(&self, block: &Block) -> Outcome {
        let facts = Facts::of(block.header(), block.bytes().len());
        if facts.newest < time::stamp_before(self.now(), self.config.retention_age) {
            return Outcome::Refused(Refusal::Expired);
        }
        let origin = &block.header().origin;
        match self.judge(origin, &facts) {
            Verdict::New | Verdict::Replaces(_) => self.put(origin, Closed::received(block)),
            verdict => self.decline(block, verdict),
        }
    }

    fn judge(&self, origin: &Origin, facts: &Facts) -> Verdict {
        let log = self.log.read();
        log.shelves
            .get(origin)
            .map_or(Verdict::New, |shelf| self.judge_on(shelf, origin, facts))
    }

    /// Numbers of the own stream that are not given out here come from a clone of this node.
    fn judge_on(&self, shelf: &Shelf, origin: &Origin, facts: &Facts) -> Verdict {
        if *origin == self.own() && facts.to > shelf.knowledge.top() {
            return Verdict::Conflict(None);
        }
        shelf.judge(facts)
    }

    fn put(&self, origin: &Origin, closed: Closed) -> Outcome {
        let mut log = self.log.write();
        if log
            .unsaved
            .as_ref()
            .is_some_and(|unsaved| unsaved.bytes() > self.config.unsaved_bytes / 2)
        {
            return Outcome::Refused(Refusal::Full);
        }
        // Judged again: another thread may have been faster while this one decoded.
        let verdict = log.shelf_mut(origin).1.judge(&closed.facts);
        let (over, already) = match verdict {
            Verdict::New => (
                log.shelf_mut(origin)
                    .1
                    .touching(closed.facts.from, closed.facts.to),
                None,
            ),
            Verdict::Replaces(over) => (
                over.clone(),
                Some(held(&log.shelf_mut(origin).1.slots()[over])),
            ),
            _ => return Outcome::Covered,
        };
        if let Some(stamp) = self.receipt(origin, &closed.facts) {
            let receipts = &mut log.shelf_mut(origin).1.receipts;
            receipts.note(closed.facts.from, closed.facts.to, stamp);
            log.remarks += 1;
        }
        log.append(origin, closed, over, self.now());
        self.counters.received();
        already.map_or(Outcome::Stored, |already| Outcome::Replaced { already })
    }

    fn decline(&self, block: &Block, verdict: Verdict) -> Outcome {
        match verdict {
            Verdict::Conflict(held) => {
                self.aside.lock().keep(block.bytes().clone());
                Outcome::Conflict { held }
            }
            Verdict::Expired => Outcome::Refused(Refusal::Expired),
            _ => Outcome::Covered,
        }
    }
}

fn held(slots: &[Slot]) -> u64 {
    slots.iter().map(|slot| slot.entry.facts.events()).sum()
}

fn parse(bytes: &[u8]) -> Result<Block, Refusal> {
    Block::parse(bytes).map_err(|error| match error {
        BlockError::Checksum { .. } => Refusal::Checksum,
        _ => Refusal::Malformed,
    })
}

fn info(origin: scope_sync::Origin, slot: &Slot) -> BlockInfo {
    info_of(origin, &slot.entry.facts)
}

fn info_of(origin: scope_sync::Origin, facts: &Facts) -> BlockInfo {
    BlockInfo {
        origin,
        from: facts.from,
        to: facts.to,
        oldest: facts.oldest,
        newest: facts.newest,
        digest: facts.digest,
        len: facts.len as usize,
    }
}

fn ours(origin: &scope_sync::Origin) -> Origin {
    Origin {
        node: origin.node.clone(),
        incarnation: origin.incarnation,
    }
}

fn theirs(origin: &Origin) -> scope_sync::Origin {
    scope_sync::Origin {
        node: origin.node.clone(),
        incarnation: origin.incarnation,
    }
}
