//! Several blocks as one, in their place.

use crate::log::{Entry, Log, Place};
use crate::open::Closed;
use crate::store::Store;
use scope_event::{Block, Codec, consolidate};
use scope_sync::MAX_BLOCK;
use std::sync::Arc;

/// Makes one block of `group`; `None` when they do not decode, or are too large together.
pub(crate) fn merged(group: &[Arc<Entry>]) -> Option<Block> {
    let read = |entry: &Arc<Entry>| Block::parse(entry.bytes().ok()?).ok();
    let blocks: Vec<Block> = group.iter().map(read).collect::<Option<_>>()?;
    let one = consolidate(&blocks, Codec::at_rest()).ok()?;
    (one.bytes().len() <= MAX_BLOCK).then_some(one)
}

/// Replaces `group` by one block in memory, to be saved like any other. Answers whether it did; a
/// group that cannot be merged is not tried again.
pub(crate) fn in_memory(store: &Store, group: &[Arc<Entry>]) -> bool {
    let Some(block) = merged(group) else {
        group.iter().for_each(|entry| entry.settle());
        return false;
    };
    let closed = Closed::received(&block);
    let mut log = store.log.write();
    let segment = log.active();
    let merged = replace(&mut log, group, closed, segment);
    merged.is_some_and(|entry| {
        log.wait_for_folder(&entry, store.now());
        true
    })
}

/// Puts `closed` into `segment`, in the place of `group`, if that is all still there.
pub(crate) fn replace(
    log: &mut Log,
    group: &[Arc<Entry>],
    closed: Closed,
    segment: u64,
) -> Option<Arc<Entry>> {
    let (origin, shelf) = log.shelf_mut(&group.first()?.origin);
    let over = shelf.touching(closed.facts.from, closed.facts.to);
    let held = shelf.slots()[over.clone()].iter().map(|slot| &slot.entry);
    let same = held.len() == group.len() && held.zip(group).all(|(a, b)| Arc::ptr_eq(a, b));
    same.then(|| log.put(&origin, closed, segment, over))
}

/// The block as an entry that is read from `place`.
pub(crate) fn at(block: &Block, place: Place) -> Closed {
    Closed {
        place,
        ..Closed::received(block)
    }
}
