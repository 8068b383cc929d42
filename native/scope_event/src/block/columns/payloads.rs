//! How long each term is, and where payloads stand in a block: those of states come first.

use crate::block::BlockError;
use crate::block::payloads::Payloads;
use crate::bytes::{Cursor, put_varint};

/// The order of a block's payloads.
///
/// Invariant: `of[old]` is the place of `old` in `order`; the first `states` are those that states
/// speak of.
pub(super) struct Numbers {
    pub(super) order: Vec<u32>,
    pub(super) of: Vec<u32>,
    pub(super) states: usize,
}

impl Numbers {
    /// `first` come first.
    pub(super) fn new(first: Vec<u32>, all: usize) -> Self {
        let (mut order, mut of) = (first, vec![u32::MAX; all]);
        for (number, old) in order.iter().enumerate() {
            of[*old as usize] = number as u32;
        }
        let states = order.len();
        for (old, number) in of.iter_mut().enumerate().filter(|(_, n)| **n == u32::MAX) {
            *number = order.len() as u32;
            order.push(old as u32);
        }
        Self { order, of, states }
    }

    /// The number of a payload.
    pub(super) fn number(&self, old: u32) -> u32 {
        self.of.get(old as usize).copied().unwrap_or(old)
    }

    /// The same for numbers plus one, where 0 is none.
    pub(super) fn renumber(&self, column: &mut [u32]) {
        for payload in column.iter_mut().filter(|payload| **payload > 0) {
            *payload = self.of[*payload as usize - 1] + 1;
        }
    }

    /// The payloads that are no state's.
    pub(super) fn terms(&self) -> &[u32] {
        &self.order[self.states..]
    }
}

/// Each term's length.
pub(super) fn encode(payloads: &Payloads, terms: &[u32], index: &mut Vec<u8>, bytes: &mut Vec<u8>) {
    for number in terms {
        let term = payloads.slice(*number as usize);
        put_varint(index, term.len() as u64);
        bytes.extend_from_slice(term);
    }
}

/// Adds the terms after the states.
pub(super) fn decode(
    index: &[u8],
    bytes: &[u8],
    payloads: &mut Payloads,
) -> Result<(), BlockError> {
    payloads.extend(bytes);
    let mut at = Cursor::new(index);
    while !at.is_done() {
        payloads
            .claim(at.varint32()? as usize)
            .ok_or(BlockError::Content("payload"))?;
    }
    if payloads.is_claimed() {
        Ok(())
    } else {
        Err(BlockError::Content("payloads"))
    }
}
