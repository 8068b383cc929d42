//! The ranges of a pull, and the ranges that an answer calls too old.
//!
//! A run is three numbers: the distance of the receiver's index to that of the run before; `from`,
//! counted from the end of the run before if that is of the same origin; and `to - from`. A range
//! that is too old is packed without distances, and adds the newest stamp in it.

use super::WireError;
use super::pack::{Reader, put, step};
use super::packed::Packed;
use crate::origin::Seq;

/// One run of one origin, by the receiver's index.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Want {
    pub(crate) index: u32,
    pub(crate) from: Seq,
    pub(crate) to: Seq,
}

/// Packs runs that ascend by index, then by number.
pub(crate) fn pack_wants(wants: &[Want]) -> Packed {
    let (mut bytes, mut index, mut at) = (Vec::with_capacity(wants.len() * 4), 0, 0);
    for want in wants {
        if want.index != index {
            at = 0;
        }
        put(&mut bytes, u64::from(want.index - index));
        put(&mut bytes, want.from - at);
        put(&mut bytes, want.to - want.from);
        (index, at) = (want.index, want.to);
    }
    Packed(bytes)
}

pub(crate) fn unpack_wants(bytes: &[u8]) -> Result<Vec<Want>, WireError> {
    let (mut reader, mut index, mut at) = (Reader::new(bytes), 0_u32, 0);
    let mut wants = Vec::new();
    while !reader.is_empty() {
        let gap = reader.take_u32()?;
        if gap > 0 {
            at = 0;
        }
        index = index.checked_add(gap).ok_or(WireError::Range)?;
        let from = step(at, reader.take()?)?;
        let to = step(from, reader.take()?)?;
        wants.push(Want { index, from, to });
        at = to;
    }
    Ok(wants)
}

/// A run that is too old for the peer who asked, and the newest stamp in it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct Old {
    pub(crate) run: Want,
    pub(crate) newest: u64,
}

pub(crate) fn pack_old(old: &[Old]) -> Packed {
    let mut bytes = Vec::new();
    for Old { run, newest } in old {
        let numbers = [u64::from(run.index), run.from, run.to - run.from, *newest];
        numbers.into_iter().for_each(|n| put(&mut bytes, n));
    }
    Packed(bytes)
}

pub(crate) fn unpack_old(bytes: &[u8]) -> Result<Vec<Old>, WireError> {
    let (mut reader, mut old) = (Reader::new(bytes), Vec::new());
    while !reader.is_empty() {
        let (index, from) = (reader.take_u32()?, reader.take()?);
        let to = step(from, reader.take()?)?;
        old.push(Old {
            run: Want { index, from, to },
            newest: reader.take()?,
        });
    }
    Ok(old)
}
