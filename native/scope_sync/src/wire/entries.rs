//! The entries of a digest: what changed since the digest that the peer acknowledged.
//!
//! An entry starts with `gap << 2 | kind`, where `gap` is the distance of its index to the one
//! before (the first counts from −1), and goes on by kind:
//!
//! | kind | meaning | numbers that follow |
//! |---|---|---|
//! | 0 | the top grew | by how much |
//! | 1 | floor and top grew | by how much each |
//! | 2 | anything else | flags, floor, prefix − floor, then if flagged: runs, last |
//! | 3 | forgotten | none |
//!
//! So an origin that recorded up to 127 events since the last digest costs two bytes.

use super::WireError;
use super::pack::{Reader, put, step};
use super::packed::Packed;
use crate::intervals::Intervals;
use crate::knowledge::Knowledge;
use crate::vector::Vector;

/// An entry claims at most this many runs; a smaller claim is never wrong.
pub(crate) const MAX_RUNS: usize = 64;
const GREW: u64 = 0;
const ROSE: u64 = 1;
const WHOLE: u64 = 2;
const GONE: u64 = 3;
const HAS_LAST: u64 = 1;

/// Packs the entries of one digest, ascending by index.
#[derive(Debug, Default)]
pub(crate) struct EntryPacker {
    /// Invariant: the packed form of all entries pushed, the last of which had index `next - 1`.
    bytes: Vec<u8>,
    next: u32,
}

impl EntryPacker {
    pub(crate) fn len(&self) -> usize {
        self.bytes.len()
    }

    pub(crate) fn finish(self) -> Packed {
        Packed(self.bytes)
    }

    /// Packs the change from what was told to what is.
    pub(crate) fn push(&mut self, index: u32, told: &Knowledge, now: &Knowledge) {
        let gap = u64::from(index - self.next) << 2;
        self.next = index + 1;
        if *now == Knowledge::default() {
            put(&mut self.bytes, gap | GONE);
        } else if let Some((rise, growth)) = growth(told, now) {
            put(&mut self.bytes, gap | if rise > 0 { ROSE } else { GREW });
            if rise > 0 {
                put(&mut self.bytes, rise);
            }
            put(&mut self.bytes, growth);
        } else {
            put(&mut self.bytes, gap | WHOLE);
            self.whole(now);
        }
    }

    fn whole(&mut self, now: &Knowledge) {
        let runs = now.beyond.runs();
        let has_last = if now.last.is_some() { HAS_LAST } else { 0 };
        put(&mut self.bytes, ((runs.len() as u64) << 1) | has_last);
        put(&mut self.bytes, now.floor);
        put(&mut self.bytes, now.prefix - now.floor);
        let mut at = now.prefix;
        for &(from, to) in runs {
            put(&mut self.bytes, from - at);
            put(&mut self.bytes, to - from);
            at = to;
        }
        if let Some(last) = now.last {
            put(&mut self.bytes, last);
        }
    }
}

/// How far floor and top moved, when nothing else did.
fn growth(told: &Knowledge, now: &Knowledge) -> Option<(u64, u64)> {
    let rise = now.floor.checked_sub(told.floor)?;
    let growth = now.top().checked_sub(told.top())?;
    (grow(told.clone(), rise, growth).ok().as_ref() == Some(now)).then_some((rise, growth))
}

/// The other way round: what `told` becomes.
fn grow(mut told: Knowledge, rise: u64, growth: u64) -> Result<Knowledge, WireError> {
    let (floor, top) = (step(told.floor, rise)?, step(told.top(), growth)?);
    told.learn(told.top().max(told.floor.saturating_add(1)).min(top), top);
    told.raise_floor(floor);
    Ok(told)
}

/// Applies packed entries to what a peer is known to have. `index_of` turns the peer's index into
/// ours, `None` for an origin that was not introduced; `changed` is told every index of ours.
pub(crate) fn apply_entries(
    bytes: &[u8],
    view: &Vector,
    mut index_of: impl FnMut(u32) -> Option<u32>,
) -> Result<Vec<(u32, u32, Knowledge)>, WireError> {
    let (mut reader, mut next) = (Reader::new(bytes), 0_u64);
    let mut changes = Vec::new();
    while !reader.is_empty() {
        let head = reader.take()?;
        let index = u32::try_from(step(next, head >> 2)?).map_err(|_| WireError::Range)?;
        next = u64::from(index) + 1;
        let ours = index_of(index).ok_or(WireError::UnknownOrigin)?;
        changes.push((
            index,
            ours,
            entry(&mut reader, head & 3, || view.get(ours))?,
        ));
    }
    Ok(changes)
}

fn entry(
    reader: &mut Reader<'_>,
    kind: u64,
    told: impl FnOnce() -> Knowledge,
) -> Result<Knowledge, WireError> {
    match kind {
        GREW => grow(told(), 0, reader.take()?),
        ROSE => {
            let rise = reader.take()?;
            grow(told(), rise, reader.take()?)
        }
        GONE => Ok(Knowledge::default()),
        _ => read_whole(reader),
    }
}

fn read_whole(reader: &mut Reader<'_>) -> Result<Knowledge, WireError> {
    let flags = reader.take()?;
    let floor = reader.take()?;
    let prefix = step(floor, reader.take()?)?;
    let runs = flags >> 1;
    if runs > MAX_RUNS as u64 {
        return Err(WireError::Range);
    }
    let (mut at, mut beyond) = (prefix, Intervals::new());
    for _ in 0..runs {
        let from = step(at, reader.take()?)?;
        at = step(from, reader.take()?)?;
        beyond.insert(from, at);
    }
    let last = if flags & HAS_LAST > 0 {
        Some(reader.take()?)
    } else {
        None
    };
    let mut known = Knowledge::from_held(floor, beyond, last);
    known.learn(floor.saturating_add(1), prefix);
    Ok(known)
}
