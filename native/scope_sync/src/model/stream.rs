//! What the model holds of one origin.

use std::collections::BTreeMap;
use std::sync::Arc;

use crate::holdings::{BlockInfo, Outcome};
use crate::intervals::Intervals;
use crate::knowledge::Knowledge;
use crate::origin::Seq;

/// What is held of one origin.
#[derive(Clone, Debug, Default)]
pub(super) struct Stream {
    /// Invariant: disjoint ranges, by their first number.
    pub(super) blocks: BTreeMap<Seq, Stored>,
    /// Invariant: what follows from `blocks` and the floor.
    pub(super) known: Knowledge,
    /// The newest stamp of what expired.
    pub(super) expired: Option<u64>,
}

#[derive(Clone, Debug)]
pub(super) struct Stored {
    pub(super) info: BlockInfo,
    pub(super) bytes: Arc<[u8]>,
}

impl Stream {
    pub(super) fn touching(&self, from: Seq, to: Seq) -> impl Iterator<Item = &Stored> {
        let first = self
            .blocks
            .range(..=from)
            .next_back()
            .map_or(from, |(at, _)| *at);
        let touches = move |stored: &&Stored| stored.info.to >= from;
        self.blocks
            .range(first..=to.max(first))
            .map(|(_, stored)| stored)
            .filter(touches)
    }

    pub(super) fn recompute(&mut self) {
        let held: Intervals = self
            .blocks
            .values()
            .map(|b| (b.info.from, b.info.to))
            .collect();
        self.known = Knowledge::from_held(self.known.floor, held, self.known.last);
    }

    pub(super) fn put(&mut self, info: BlockInfo, bytes: Arc<[u8]>) {
        self.known
            .learn(info.from.max(self.known.floor + 1), info.to);
        self.blocks.insert(info.from, Stored { info, bytes });
    }
}

/// What becomes of a block over blocks that touch it; `None` when it takes their place.
pub(super) fn judge(new: &BlockInfo, over: &[BlockInfo]) -> Option<Outcome> {
    if let Some(around) = over
        .iter()
        .find(|old| old.from <= new.from && new.to <= old.to)
    {
        let same_range = around.from == new.from && around.to == new.to;
        let differs = same_range && around.digest != new.digest;
        return Some(if differs {
            Outcome::Conflict {
                held: Some(around.digest),
            }
        } else {
            Outcome::Covered
        });
    }
    if over
        .iter()
        .any(|old| old.from < new.from || old.to > new.to)
    {
        return Some(Outcome::Conflict { held: None });
    }
    let whole = over.iter().map(BlockInfo::events).sum::<u64>() == new.events();
    let held = over
        .iter()
        .fold(0_u64, |sum, old| sum.wrapping_add(old.digest));
    (whole && held != new.digest).then_some(Outcome::Conflict { held: Some(held) })
}
