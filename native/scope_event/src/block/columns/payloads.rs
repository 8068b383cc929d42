//! Where each payload ends and what it is stored against.

use crate::block::BlockError;
use crate::block::payloads::{Base, Payloads};
use crate::bytes::{Cursor, put_varint};

/// Each payload's length; twice that for a term, one more and the distance to its base for a delta.
pub(super) fn encode(payloads: &Payloads, out: &mut Vec<u8>) {
    for (number, (len, base)) in payloads.entries().enumerate() {
        match base {
            Base::Whole => put_varint(out, 2 * len as u64),
            Base::On { payload, .. } => {
                put_varint(out, 2 * len as u64 + 1);
                put_varint(out, (number as u32 - payload).into());
            }
        }
    }
}

pub(super) fn decode(index: &[u8], bytes: Vec<u8>) -> Result<Payloads, BlockError> {
    let mut at = Cursor::new(index);
    let mut payloads = Payloads::over(bytes);
    while !at.is_done() {
        let head = at.varint32()?;
        let base = if head % 2 == 1 {
            Some(base(&mut at, payloads.len())?)
        } else {
            None
        };
        payloads
            .claim(head as usize / 2, base)
            .ok_or(BlockError::Content("payload"))?;
    }
    if payloads.is_claimed() {
        Ok(payloads)
    } else {
        Err(BlockError::Content("payloads"))
    }
}

fn base(at: &mut Cursor<'_>, number: usize) -> Result<u32, BlockError> {
    let distance = at.varint32()?;
    (number as u32)
        .checked_sub(distance)
        .ok_or(BlockError::Content("base"))
}
