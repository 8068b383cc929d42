//! The blocks of one origin, and the rule that makes copies of them agree.
//!
//! Any two blocks of an origin are nested or disjoint, because only the origin itself makes one out
//! of several, and only out of whole ones. So a block that arrives is new, or covered by what is
//! here, or covers what is here and takes its place. Anything else contradicts what is held.

use super::{Entry, Facts, Receipts, Tides};
use crate::disk::Memo;
use crate::query::Kinds;
use scope_event::Seq;
use scope_sync::Knowledge;
use std::ops::Range;
use std::sync::Arc;

/// What a plan looks at before it touches an entry: 64 bytes, side by side.
#[derive(Clone, Debug)]
pub(crate) struct Slot {
    pub(crate) from: Seq,
    pub(crate) to: Seq,
    pub(crate) oldest: u64,
    pub(crate) newest: u64,
    pub(crate) kinds: Kinds,
    pub(crate) entry: Arc<Entry>,
}

impl Slot {
    fn of(entry: Arc<Entry>) -> Self {
        let facts = entry.facts;
        Self {
            from: facts.from,
            to: facts.to,
            oldest: facts.oldest,
            newest: facts.newest,
            kinds: facts.kinds,
            entry,
        }
    }
}

/// What became of the idea to put a block on a shelf.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Verdict {
    /// Nothing of it is here.
    New,
    /// All of it is here.
    Covered,
    /// It takes the place of these slots.
    Replaces(Range<usize>),
    /// It contradicts what is here; the digest if the ranges are the same.
    Conflict(Option<u64>),
    /// All of it is at or below the floor.
    Expired,
}

/// What expired of an origin, for readers that had not come so far.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Gone {
    /// Largest stamp that expired.
    pub(crate) newest: u64,
    /// How many events expired.
    pub(crate) events: u64,
}

/// The blocks of one origin.
#[derive(Debug, Default)]
pub(crate) struct Shelf {
    /// Invariant: ascending and disjoint, all above `knowledge.floor` in their last number; unless
    /// `loose`.
    slots: Vec<Slot>,
    /// Invariant: of `slots`.
    tides: Tides,
    /// Invariant: holds exactly the ranges of `slots` above its floor; of a recording, what was looked at.
    pub(crate) knowledge: Knowledge,
    pub(crate) gone: Gone,
    /// When what is not to be believed came.
    pub(crate) receipts: Receipts,
    /// Whether slots stand as they came, and may interlock: those of a recording do.
    loose: bool,
}

impl Shelf {
    /// All slots, by sequence number.
    pub(crate) fn slots(&self) -> &[Slot] {
        &self.slots
    }

    /// Where stretches of time lie among the slots.
    pub(crate) fn tides(&self) -> &Tides {
        &self.tides
    }

    /// The slots that touch `from..=to`.
    pub(crate) fn touching(&self, from: Seq, to: Seq) -> Range<usize> {
        if self.loose {
            return 0..self.slots.len();
        }
        let lo = self.slots.partition_point(|slot| slot.to < from);
        let hi = self.slots.partition_point(|slot| slot.from <= to);
        lo..hi.max(lo)
    }

    /// What would become of such a block.
    pub(crate) fn judge(&self, block: &Facts) -> Verdict {
        let here = self.touching(block.from, block.to);
        if block.to <= self.knowledge.floor {
            return Verdict::Expired;
        }
        match &self.slots[here.clone()] {
            [] => Verdict::New,
            [held] if held.entry.facts.spans(block) => judge_covered(&held.entry.facts, block),
            held if held.iter().all(|slot| block.spans(&slot.entry.facts)) => {
                judge_cover(held, here, block)
            }
            _ => Verdict::Conflict(None),
        }
    }

    /// Puts an entry where [`judge`](Self::judge) said; answers what it replaced.
    pub(crate) fn put(&mut self, entry: Arc<Entry>, over: Range<usize>) -> Vec<Slot> {
        let facts = entry.facts;
        self.knowledge.learn(
            facts.from.max(self.knowledge.floor.saturating_add(1)),
            facts.to,
        );
        self.splice(over, Some(Slot::of(entry)))
    }

    /// Puts an entry of a recording behind the others, whatever its numbers.
    pub(crate) fn stand(&mut self, entry: Arc<Entry>) {
        self.loose = true;
        let end = self.slots.len();
        self.splice(end..end, Some(Slot::of(entry)));
    }

    /// Puts a slot, or none, in the place of others, and answers those.
    fn splice(&mut self, over: Range<usize>, slot: Option<Slot>) -> Vec<Slot> {
        let count = usize::from(slot.is_some());
        let replaced = self.slots.splice(over.clone(), slot).collect();
        self.tides.splice(&self.slots, over, count);
        replaced
    }

    /// Takes over what a memo says; blocks below its floor stay until
    /// [`expire_below_floor`](Self::expire_below_floor).
    pub(crate) fn recall(&mut self, memo: &Memo) {
        self.knowledge.raise_floor(memo.floor);
        if let Some(last) = memo.last {
            self.knowledge.note_last(last);
        }
        self.gone.newest = self.gone.newest.max(memo.gone_newest);
        self.gone.events = self.gone.events.max(memo.gone);
        let receipts = &mut self.receipts;
        memo.receipts
            .iter()
            .for_each(|&(from, to, stamp)| receipts.note(from, to, stamp));
    }

    /// Drops blocks that expired before; answers them.
    pub(crate) fn expire_below_floor(&mut self) -> Vec<Slot> {
        let floor = self.knowledge.floor;
        self.receipts.expire(floor);
        let below = self.slots.partition_point(|slot| slot.to <= floor);
        self.splice(0..below, None)
    }

    /// Loses one block that could not be saved. It is a gap from now on, which peers may fill.
    pub(crate) fn lose(&mut self, entry: &Arc<Entry>) -> Option<Slot> {
        let at = self
            .slots
            .iter()
            .position(|slot| Arc::ptr_eq(&slot.entry, entry))?;
        let slot = self.splice(at..at + 1, None).pop()?;
        let held = self.slots.iter().map(|slot| (slot.from, slot.to)).collect();
        let Knowledge { floor, last, .. } = self.knowledge;
        self.knowledge = Knowledge::from_held(floor, held, last);
        Some(slot)
    }

    /// Drops the blocks that `goes` picks, and all below them: what expired is a prefix, so that
    /// nobody asks for it again. Answers the dropped ones.
    pub(crate) fn expire(&mut self, goes: impl Fn(&Slot) -> bool) -> Vec<Slot> {
        let Some(last) = self.slots.iter().rposition(goes) else {
            return Vec::new();
        };
        let dropped = self.splice(0..last + 1, None);
        self.gone = dropped.iter().fold(self.gone, |gone, slot| Gone {
            newest: gone.newest.max(slot.newest),
            events: gone.events.saturating_add(slot.entry.facts.events()),
        });
        let floor = dropped.last().map_or(0, |slot| slot.to);
        self.knowledge.raise_floor(floor);
        self.receipts.expire(floor);
        dropped
    }
}

fn judge_covered(held: &Facts, block: &Facts) -> Verdict {
    let same_range = block.spans(held);
    if same_range && held.digest != block.digest {
        Verdict::Conflict(Some(held.digest))
    } else {
        Verdict::Covered
    }
}

/// `block` covers all of `held`. When they cover all of it too, their digests must add up to its.
fn judge_cover(held: &[Slot], here: Range<usize>, block: &Facts) -> Verdict {
    let facts = || held.iter().map(|slot| &slot.entry.facts);
    let whole = facts().map(Facts::events).sum::<u64>() == block.events();
    let digest = facts().fold(0u64, |sum, facts| sum.wrapping_add(facts.digest));
    if whole && digest != block.digest {
        Verdict::Conflict(Some(digest))
    } else {
        Verdict::Replaces(here)
    }
}
