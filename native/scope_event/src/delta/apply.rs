//! Following a delta.

use super::DeltaError;
use super::ops::{EDIT, EDIT_HEAD, Op, REPLACE, SAME, SPLICE, next_op};
use super::units::{Unit, Units};
use crate::bytes::Cursor;

/// The term that `delta` makes of `a`.
///
/// # Errors
///
/// [`DeltaError`] when `delta` is not a delta or was not made for `a`. The result of a delta that
/// was made for another term of the same shape is *some* bytes; reading them checks them.
pub fn apply(delta: &[u8], a: &[u8]) -> Result<Vec<u8>, DeltaError> {
    let mut out = Vec::with_capacity(a.len() + delta.len());
    let mut at = Cursor::new(delta);
    patch(&mut at, a, &mut out)?;
    if at.is_done() {
        Ok(out)
    } else {
        Err(DeltaError::Trailing)
    }
}

/// Recursion ends with the nesting of `a`, which [`Units::of`] bounds.
fn patch(at: &mut Cursor<'_>, a: &[u8], out: &mut Vec<u8>) -> Result<(), DeltaError> {
    match at.u8()? {
        SAME => out.extend_from_slice(a),
        REPLACE => out.extend_from_slice(at.bytes()?),
        EDIT => edit(at, a, None, out)?,
        EDIT_HEAD => {
            let head = at.bytes()?;
            edit(at, a, Some(head), out)?;
        }
        SPLICE => splice(at, a, out)?,
        unknown => return Err(DeltaError::Operation(unknown)),
    }
    Ok(())
}

fn splice(at: &mut Cursor<'_>, a: &[u8], out: &mut Vec<u8>) -> Result<(), DeltaError> {
    let start = length(at)?;
    let end = length(at)?;
    if start.checked_add(end).is_none_or(|kept| kept > a.len()) {
        return Err(DeltaError::Base);
    }
    out.extend_from_slice(&a[..start]);
    out.extend_from_slice(at.bytes()?);
    out.extend_from_slice(&a[a.len() - end..]);
    Ok(())
}

fn length(at: &mut Cursor<'_>) -> Result<usize, DeltaError> {
    usize::try_from(at.varint()?).map_err(|_| DeltaError::Short)
}

fn edit(
    at: &mut Cursor<'_>,
    a: &[u8],
    head: Option<&[u8]>,
    out: &mut Vec<u8>,
) -> Result<(), DeltaError> {
    let a = Units::of(a).ok().flatten().ok_or(DeltaError::Base)?;
    out.extend_from_slice(head.unwrap_or(a.head));
    let mut left = a.units.as_slice();
    while let Some((op, count)) = next_op(at)? {
        match op {
            Op::Copy => copy(take(&mut left, count)?, out),
            Op::Skip => drop(take(&mut left, count)?),
            Op::Insert => out.extend_from_slice(at.take(count)?),
            Op::Patch => patch_each(at, take(&mut left, count)?, out)?,
        }
    }
    copy(left, out);
    Ok(())
}

fn take<'s, 'a>(left: &mut &'s [Unit<'a>], count: usize) -> Result<&'s [Unit<'a>], DeltaError> {
    let (taken, rest) = left.split_at_checked(count).ok_or(DeltaError::Base)?;
    *left = rest;
    Ok(taken)
}

fn copy(units: &[Unit<'_>], out: &mut Vec<u8>) {
    units
        .iter()
        .for_each(|unit| out.extend_from_slice(unit.bytes));
}

fn patch_each(
    at: &mut Cursor<'_>,
    units: &[Unit<'_>],
    out: &mut Vec<u8>,
) -> Result<(), DeltaError> {
    for unit in units {
        out.extend_from_slice(unit.key());
        patch(at, unit.term(), out)?;
    }
    Ok(())
}
