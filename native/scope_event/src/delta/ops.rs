//! The bytes of a delta.

use crate::bytes::{Cursor, Short, put_varint};

/// The term is the same.
pub(super) const SAME: u8 = 0;
/// The term is the bytes that follow.
pub(super) const REPLACE: u8 = 1;
/// The container keeps its head; operations on its units follow.
pub(super) const EDIT: u8 = 2;
/// The container has the head that follows, then operations on its units.
pub(super) const EDIT_HEAD: u8 = 3;
/// The term's bytes keep a start and an end, with other bytes between.
pub(super) const SPLICE: u8 = 4;

/// An operation on units: two bits of operation, six of count, with more of the count after it.
#[derive(Clone, Copy, Debug, PartialEq)]
#[repr(u8)]
pub(super) enum Op {
    /// The next units stay.
    Copy = 0,
    /// The next units are gone.
    Skip = 1,
    /// So many bytes of new units follow.
    Insert = 2,
    /// A delta for each of the next units follows.
    Patch = 3,
}

/// Ends the operations: what is left stays.
pub(super) const REST: u8 = 0;
const MORE: u64 = 63;

pub(super) fn put_op(out: &mut Vec<u8>, op: Op, count: usize) {
    let count = count as u64;
    out.push(op as u8 | (count.min(MORE) as u8) << 2);
    if count >= MORE {
        put_varint(out, count - MORE);
    }
}

/// The next operation; `None` at the end.
pub(super) fn next_op(at: &mut Cursor<'_>) -> Result<Option<(Op, usize)>, Short> {
    let byte = at.u8()?;
    if byte == REST {
        return Ok(None);
    }
    let mut count = u64::from(byte >> 2);
    if count == MORE {
        count = at.varint()?.checked_add(MORE).ok_or(Short)?;
    }
    let op = [Op::Copy, Op::Skip, Op::Insert, Op::Patch][usize::from(byte & 3)];
    Ok(Some((op, usize::try_from(count).map_err(|_| Short)?)))
}
