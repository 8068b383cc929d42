//! The blocks of a frame: their lengths are in the control part, their bytes follow it raw.

use super::WireError;
use super::pack::{Reader, put};
use super::packed::Packed;

pub(crate) fn pack_lens(lens: impl Iterator<Item = usize>) -> Packed {
    let mut bytes = Vec::new();
    lens.for_each(|len| put(&mut bytes, len as u64));
    Packed(bytes)
}

/// Cuts the raw part into blocks. The lengths must add up to exactly what is there.
pub(crate) fn split<'a>(lens: &[u8], mut raw: &'a [u8]) -> Result<Vec<&'a [u8]>, WireError> {
    let (mut reader, mut blocks) = (Reader::new(lens), Vec::new());
    while !reader.is_empty() {
        let len = usize::try_from(reader.take()?).map_err(|_| WireError::Range)?;
        let (block, rest) = raw
            .split_at_checked(len)
            .ok_or(WireError::Length(raw.len()))?;
        blocks.push(block);
        raw = rest;
    }
    if raw.is_empty() {
        Ok(blocks)
    } else {
        Err(WireError::Length(raw.len()))
    }
}
