//! What a block says about itself, readable without its columns.

use super::{BlockError, MAX_EVENTS};
use crate::bytes::{Cursor, put_bytes, put_varint, unzigzag, zigzag};
use crate::kind::{Family, Kind};
use crate::origin::{Origin, Seq};

/// A stamp, the monotonic time of the recording node at that moment, and how the two went on.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Anchor {
    /// NTP64 bits.
    pub stamp: u64,
    /// The node's monotonic clock, in nanoseconds.
    pub mono_ns: i64,
    /// By how many parts in 10⁹ stamps run faster than the monotonic clock from here on.
    pub ppb: i32,
}

/// Parts in one, of a rate.
const BILLION: i32 = 1_000_000_000;

impl Anchor {
    /// The monotonic time at another stamp of the same clock.
    ///
    /// ```
    /// use scope_event::Anchor;
    /// let anchor = Anchor { stamp: 5 << 32, mono_ns: -7, ppb: 0 };
    /// assert_eq!(anchor.mono_ns(6 << 32), 1_000_000_000 - 7);
    /// assert_eq!(anchor.mono_ns(4 << 32), -1_000_000_000 - 7);
    /// let fast = Anchor { stamp: 0, mono_ns: 0, ppb: 50_000 };
    /// assert_eq!(fast.mono_ns(1 << 32), 999_950_002);
    /// ```
    pub fn mono_ns(&self, stamp: u64) -> i64 {
        let units = i128::from(stamp) - i128::from(self.stamp);
        // At the rate of a billion less, stamps would stand still: no reader lets it in.
        let rate = (i128::from(BILLION) + i128::from(self.ppb)).max(1);
        let ns = (units * i128::from(BILLION).pow(2)).div_euclid(rate << 32);
        self.mono_ns.wrapping_add(ns as i64)
    }

    fn put(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(&self.stamp.to_le_bytes());
        out.extend_from_slice(&self.mono_ns.to_le_bytes());
        put_varint(out, zigzag(i64::from(self.ppb)));
    }

    fn get(at: &mut Cursor<'_>) -> Result<Self, BlockError> {
        let (stamp, mono_ns) = (at.u64()?, at.u64()? as i64);
        let ppb = i32::try_from(unzigzag(at.varint()?)).ok();
        let ppb = ppb.filter(|ppb| *ppb > -BILLION);
        Ok(Self {
            stamp,
            mono_ns,
            ppb: ppb.ok_or(BlockError::Content("anchors"))?,
        })
    }
}

/// How many events there are of each kind. Kinds that this version does not know are counted by
/// their code.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counts(pub(super) Vec<(u8, u32)>);

impl Counts {
    /// Events of one kind.
    pub fn of(&self, kind: Kind) -> u32 {
        self.0
            .iter()
            .filter(|(code, _)| *code == kind.code())
            .map(|(_, count)| count)
            .sum()
    }

    /// Events of one family.
    pub fn of_family(&self, family: Family) -> u32 {
        family.kinds().map(|kind| self.of(kind)).sum()
    }

    /// Codes and counts, by code.
    pub fn iter(&self) -> impl Iterator<Item = (u8, u32)> + '_ {
        self.0.iter().copied()
    }

    pub(super) fn gather(codes: impl Iterator<Item = u8>) -> Self {
        Self::sum(codes.map(|code| (code, 1)))
    }

    /// Of codes that come more than once, all counts together.
    pub(super) fn sum(counts: impl Iterator<Item = (u8, u32)>) -> Self {
        let mut all = [0u32; 256];
        counts.for_each(|(code, count)| all[usize::from(code)] += count);
        Self((0..=255).zip(all).filter(|(_, count)| *count > 0).collect())
    }
}

/// The facts of a block.
#[derive(Clone, Debug, PartialEq)]
pub struct Header {
    /// Whose events these are.
    pub origin: Origin,
    /// Sequence number of the first event.
    pub from: Seq,
    /// Sequence number of the last event.
    pub to: Seq,
    /// Smallest stamp in the block.
    pub min_stamp: u64,
    /// Largest stamp in the block.
    pub max_stamp: u64,
    /// No later block of this origin holds a stamp below this.
    pub complete_to: u64,
    /// Wrapping sum of the events' content hashes: the identity of the content.
    pub digest: u64,
    /// Events by kind.
    pub counts: Counts,
    /// From stamps to monotonic time, by stamp.
    pub anchors: Vec<Anchor>,
    /// Bytes of the columns before compression.
    pub raw_bytes: u64,
    /// Whether the origin made this of several blocks.
    pub consolidated: bool,
}

impl Header {
    /// Whether blocks are chosen by what is in them: kinds and stamps as the content has them.
    pub(super) fn is_of(&self, kinds: &Counts, stamps: &[u64]) -> bool {
        let (min, max) = (stamps.iter().min(), stamps.iter().max());
        self.counts == *kinds && (min, max) == (Some(&self.min_stamp), Some(&self.max_stamp))
    }

    /// Number of events.
    pub fn events(&self) -> u32 {
        (self.to - self.from + 1) as u32
    }

    /// The monotonic time of the recording node at `stamp`, by the last anchor before it.
    pub fn mono_ns(&self, stamp: u64) -> Option<i64> {
        mono_ns(&self.anchors, stamp)
    }

    pub(super) fn put(&self, out: &mut Vec<u8>) {
        put_bytes(out, self.origin.node.as_bytes());
        out.extend_from_slice(&self.origin.incarnation.to_le_bytes());
        put_varint(out, self.from);
        put_varint(out, u64::from(self.events()));
        out.extend_from_slice(&self.min_stamp.to_le_bytes());
        put_varint(out, self.max_stamp - self.min_stamp);
        out.extend_from_slice(&self.complete_to.to_le_bytes());
        out.extend_from_slice(&self.digest.to_le_bytes());
        out.push(u8::from(self.consolidated));
        put_varint(out, self.counts.0.len() as u64);
        for (code, count) in &self.counts.0 {
            out.push(*code);
            put_varint(out, u64::from(*count));
        }
        put_anchors(&self.anchors, out);
    }

    /// Reads what [`Header::put`] wrote; `raw_bytes` is known from the columns.
    pub(super) fn get(at: &mut Cursor<'_>) -> Result<Self, BlockError> {
        let origin = Origin::new(at.text()?, at.u64()?);
        let (from, to) = range(at)?;
        let min_stamp = at.u64()?;
        let max_stamp = min_stamp
            .checked_add(at.varint()?)
            .ok_or(BlockError::Short)?;
        Ok(Self {
            origin,
            from,
            to,
            min_stamp,
            max_stamp,
            complete_to: at.u64()?,
            digest: at.u64()?,
            consolidated: at.u8()? & 1 == 1,
            counts: counts(at, (to - from + 1) as u32)?,
            anchors: anchors(at)?,
            raw_bytes: 0,
        })
    }
}

fn range(at: &mut Cursor<'_>) -> Result<(Seq, Seq), BlockError> {
    let (from, count) = (at.varint()?, at.varint()?);
    if from == 0 || count == 0 || count > MAX_EVENTS as u64 {
        return Err(BlockError::Content("range"));
    }
    Ok((
        from,
        from.checked_add(count - 1)
            .ok_or(BlockError::Content("range"))?,
    ))
}

fn counts(at: &mut Cursor<'_>, events: u32) -> Result<Counts, BlockError> {
    let mut counts = Counts::default();
    for _ in 0..at.varint()? {
        let count = (at.u8()?, at.varint32()?);
        if counts.0.last().is_some_and(|last| last.0 >= count.0) {
            return Err(BlockError::Content("counts"));
        }
        counts.0.push(count);
    }
    let sum: u64 = counts.iter().map(|(_, count)| u64::from(count)).sum();
    if sum == u64::from(events) {
        Ok(counts)
    } else {
        Err(BlockError::Content("counts"))
    }
}

pub(crate) fn put_anchors(anchors: &[Anchor], out: &mut Vec<u8>) {
    put_varint(out, anchors.len() as u64);
    anchors.iter().for_each(|anchor| anchor.put(out));
}

/// The monotonic time at `stamp`, by the last of `anchors` that is not after it, or the first.
pub(crate) fn mono_ns(anchors: &[Anchor], stamp: u64) -> Option<i64> {
    let after = anchors.partition_point(|anchor| anchor.stamp <= stamp);
    let anchor = anchors.get(after.saturating_sub(1))?;
    Some(anchor.mono_ns(stamp))
}

pub(crate) fn anchors(at: &mut Cursor<'_>) -> Result<Vec<Anchor>, BlockError> {
    let mut anchors: Vec<Anchor> = Vec::new();
    for _ in 0..at.varint()? {
        let anchor = Anchor::get(at)?;
        if anchors
            .last()
            .is_some_and(|last| last.stamp >= anchor.stamp)
        {
            return Err(BlockError::Content("anchors"));
        }
        anchors.push(anchor);
    }
    Ok(anchors)
}
