//! Several adjacent blocks of one origin as one.

mod moving;
mod renamed;

use super::closed::Block;
use super::codec::Codec;
use super::events::Events;
use super::header::{Anchor, Header};
use super::intake::{NameTable, PayloadTable};
use super::rows::Rows;
use super::wire::Parts;
use super::{BlockError, MAX_EVENTS};
use moving::Moving;

/// One block over the whole range of `blocks`, which are neighbours in the order of the sequence.
///
/// The digest of the result is the sum of the digests: the events are the same. What is needed to
/// show that is decoded, so a damaged block is found here.
///
/// # Errors
///
/// [`BlockError::Apart`] when the blocks do not follow each other or hold too many events together;
/// any other [`BlockError`] when one does not decode or is not what its digest says.
pub fn consolidate(blocks: &[Block], codec: Codec) -> Result<Block, BlockError> {
    let first = blocks.first().ok_or(BlockError::Apart("there are none"))?;
    let last = blocks.last().ok_or(BlockError::Apart("there are none"))?;
    check(blocks.iter().map(Block::header))?;
    let mut union = Union::default();
    for block in blocks {
        union.add(&block.events()?)?;
    }
    let parts = union.parts(first.header(), last.header().complete_to);
    let whole = parts.block(codec);
    if whole.header().digest == sum(blocks) {
        Ok(whole)
    } else {
        Err(BlockError::Digest)
    }
}

fn sum(blocks: &[Block]) -> u64 {
    blocks
        .iter()
        .fold(0, |sum, block| sum.wrapping_add(block.header().digest))
}

/// Raw bytes that blocks have together at most to become one: it then fits a frame of 256 KiB.
const MOST_RAW_BYTES: u64 = 256 * 1024 - 4096;

/// Whether blocks with these headers, in this order, may become one.
pub fn fits_together<'h>(headers: impl IntoIterator<Item = &'h Header>) -> bool {
    check(headers.into_iter()).is_ok()
}

fn check<'h>(mut headers: impl Iterator<Item = &'h Header>) -> Result<(), BlockError> {
    let mut last = headers.next().ok_or(BlockError::Apart("there are none"))?;
    let (mut events, mut bytes) = (last.events() as usize, last.raw_bytes);
    for next in headers {
        if next.origin != last.origin || next.from != last.to + 1 {
            return Err(BlockError::Apart("they do not follow each other"));
        }
        (events, bytes) = (events + next.events() as usize, bytes + next.raw_bytes);
        if events > MAX_EVENTS || bytes > MOST_RAW_BYTES {
            return Err(BlockError::Apart("they are too much for one"));
        }
        last = next;
    }
    Ok(())
}

/// What the blocks so far hold together.
#[derive(Default)]
struct Union {
    names: NameTable,
    payloads: PayloadTable,
    rows: Rows,
    anchors: Vec<Anchor>,
}

impl Union {
    fn parts<'a>(&'a self, first: &'a Header, complete_to: u64) -> Parts<'a> {
        Parts {
            origin: &first.origin,
            from: first.from,
            complete_to,
            consolidated: true,
            anchors: &self.anchors,
            rows: &self.rows,
            names: &self.names,
            payloads: &self.payloads,
        }
    }

    fn add(&mut self, events: &Events) -> Result<(), BlockError> {
        for anchor in &events.anchors {
            if self
                .anchors
                .last()
                .is_none_or(|last| last.stamp < anchor.stamp)
            {
                self.anchors.push(*anchor);
            }
        }
        let mut block = Moving::new(self, events);
        for run in &events.rows.runs {
            for at in run.start as usize..(run.start + run.len) as usize {
                let row = block.row(at)?;
                block.union.rows.push(run.lane, row);
            }
        }
        Ok(())
    }
}
