//! Lengths and bases of the payloads of states.

use super::Sparse;
use crate::block::BlockError;
use crate::block::columns::exceptions::Exceptions;
use crate::block::columns::payloads::Numbers;
use crate::block::payloads::{Base, Payloads};
use crate::bytes::{Cursor, put_varint, unzigzag, zigzag};
use crate::delta::KEYFRAME_EVERY;
use std::ops::Range;

/// Where each payload ends and what it is stored against.
///
/// Invariant: `ends` ascends, and each base is one of the payloads.
pub(in crate::block::columns) struct Table {
    ends: Vec<u32>,
    /// Of the payloads that are no delta on the one before: 0 for a term, else one more than zigzag of
    /// how far the base is from the payload before.
    bases: Sparse<u64>,
}

/// Their lengths, then what they are stored against.
pub(super) fn put(payloads: &Payloads, numbers: &Numbers, out: &mut Vec<u8>) {
    let mut column = Vec::new();
    let mut bases = Exceptions::new(&mut column);
    for (number, old) in (0i64..).zip(&numbers.order[..numbers.states]) {
        let (len, base) = payloads.entry(*old as usize);
        put_varint(out, len as u64);
        match base {
            Base::Whole => put_varint(bases.fail(), 0),
            Base::On { payload, .. } => match number - 1 - i64::from(numbers.number(payload)) {
                0 => bases.hold(),
                far => put_varint(bases.fail(), zigzag(far) + 1),
            },
        }
    }
    out.extend_from_slice(&column);
}

impl Table {
    pub(super) fn get(bytes: &[u8], count: usize) -> Result<Self, BlockError> {
        let mut at = Cursor::new(bytes);
        let (mut ends, mut end) = (Vec::with_capacity(count.min(at.left())), 0u64);
        at.varints(count, |len| {
            end = end.saturating_add(len);
            ends.push(end as u32);
        })?;
        u32::try_from(end).map_err(|_| BlockError::Short)?;
        let bases = Sparse::get(at.rest(), count, |at| Ok(at.varint()?))?;
        let table = Self { ends, bases };
        table.check()?;
        Ok(table)
    }

    /// Every base is there; the first payload has none before it.
    fn check(&self) -> Result<(), BlockError> {
        let on_last = !self.ends.is_empty() && self.bases.at(0).is_none();
        let missing = |(number, stored)| match base(number, stored) {
            Some(base) => usize::try_from(base).map_or(true, |base| base >= self.ends.len()),
            None => false,
        };
        if on_last || self.bases.iter().any(missing) {
            return Err(BlockError::Content("base"));
        }
        Ok(())
    }

    fn base(&self, payload: u32) -> Option<u32> {
        match self.bases.at(payload) {
            Some(stored) => base(payload, stored).map(|base| base as u32),
            None => payload.checked_sub(1),
        }
    }

    pub(in crate::block::columns) fn len(&self) -> usize {
        self.ends.len()
    }

    /// Bytes of all payloads.
    pub(in crate::block::columns) fn bytes(&self) -> usize {
        self.ends.last().map_or(0, |end| *end as usize)
    }

    /// The bytes of a payload.
    pub(in crate::block::columns) fn range(&self, payload: u32) -> Range<usize> {
        let end = |payload: u32| self.ends[payload as usize] as usize;
        payload.checked_sub(1).map_or(0, end)..end(payload)
    }

    /// A term, and the deltas that make the payload of it, first to last.
    pub(in crate::block::columns) fn chain(&self, payload: u32) -> Result<Vec<u32>, BlockError> {
        let (mut chain, mut at) = (vec![payload], payload);
        while let Some(base) = self.base(at) {
            if chain.len() >= usize::from(KEYFRAME_EVERY) {
                return Err(BlockError::Content("chain"));
            }
            chain.push(base);
            at = base;
        }
        chain.reverse();
        Ok(chain)
    }

    /// All payloads over their bytes.
    pub(in crate::block::columns) fn payloads(
        &self,
        bytes: Vec<u8>,
    ) -> Result<Payloads, BlockError> {
        let mut bases: Vec<_> = (0..self.len() as u32).map(|at| at.checked_sub(1)).collect();
        for (payload, stored) in self.bases.iter() {
            bases[payload as usize] = base(payload, stored).map(|base| base as u32);
        }
        let depths = depths(&bases)?;
        let bases = depths.into_iter().zip(bases);
        let bases = bases.map(|(depth, base)| match base {
            Some(payload) => Base::On { payload, depth },
            None => Base::Whole,
        });
        Ok(Payloads::of(bytes, self.ends.clone(), bases.collect()))
    }
}

/// How many deltas make each payload. Chains end and are not too long.
fn depths(bases: &[Option<u32>]) -> Result<Vec<u8>, BlockError> {
    let mut depths: Vec<Option<u8>> = vec![None; bases.len()];
    let mut chain = Vec::new();
    for payload in 0..bases.len() {
        let mut at = payload;
        let known = loop {
            match (depths[at], bases[at]) {
                (Some(depth), _) => break depth,
                (None, None) => break *depths[at].insert(0),
                (None, Some(base)) => {
                    chain.push(at);
                    at = base as usize;
                }
            }
            if chain.len() >= usize::from(KEYFRAME_EVERY) {
                return Err(BlockError::Content("chain"));
            }
        };
        for (depth, at) in (known + 1..).zip(chain.drain(..).rev()) {
            if depth >= KEYFRAME_EVERY {
                return Err(BlockError::Content("chain"));
            }
            depths[at] = Some(depth);
        }
    }
    Ok(depths.into_iter().map(Option::unwrap_or_default).collect())
}

fn base(number: u32, stored: u64) -> Option<i64> {
    let far = unzigzag(stored.checked_sub(1)?);
    Some((i64::from(number) - 1).saturating_sub(far))
}
