//! Stamps: differences within a section, in buckets.
//!
//! The time between two events of a lane is mostly the cost of tracing with some jitter: its size is
//! predictable, its low bits are not. So a difference is told by its bucket, a quarter of an octave
//! wide, in a Huffman code made for the block, and its place in the bucket, in plain bits: the way of
//! pco and of the length codes of Deflate. What is left has no redundancy, so the column is not
//! compressed again. Few events would not pay for the code: they are stored as varints.

mod bits;
mod buckets;
mod huffman;

use crate::block::BlockError;
use crate::block::rows::{Rows, Run, places};
use crate::bytes::{Cursor, put_varint, varint_len};
use bits::{BitReader, BitWriter};
use buckets::BUCKETS;
use huffman::{Code, Lookup};

/// Each difference is a varint.
const VARINTS: u8 = 0;
/// Differences are a bucket's code and bits.
const BUCKETED: u8 = 1;

/// The first stamp of a section counts from `origin`, the smallest stamp of the block.
pub(super) fn encode(rows: &Rows, sections: &[Vec<Run>], origin: u64, out: &mut Vec<u8>) {
    let mut steps = Vec::with_capacity(rows.len());
    for section in sections {
        let mut last = origin;
        places(section).for_each(|at| {
            steps.push(rows.stamps[at].wrapping_sub(last));
            last = rows.stamps[at];
        });
    }
    let shift = steps
        .iter()
        .fold(0, |all, step| all | step)
        .trailing_zeros()
        % 64;
    steps.iter_mut().for_each(|step| *step >>= shift);
    let packed = bucketed(&steps);
    let plain: usize = steps.iter().map(|step| varint_len(*step)).sum();
    out.push(if packed.len() < plain {
        BUCKETED
    } else {
        VARINTS
    });
    out.push(shift as u8);
    if packed.len() < plain {
        out.extend_from_slice(&packed);
    } else {
        steps.iter().for_each(|step| put_varint(out, *step));
    }
}

fn bucketed(steps: &[u64]) -> Vec<u8> {
    let mut counts = [0u32; BUCKETS];
    steps
        .iter()
        .for_each(|step| counts[usize::from(buckets::of(*step))] += 1);
    let code = Code::of(&counts);
    let mut out = Vec::with_capacity(steps.len() * 2);
    code.put(&mut out);
    let mut bits = BitWriter::new(&mut out);
    for step in steps {
        let bucket = buckets::of(*step);
        let (word, len) = code.word(bucket);
        bits.put(u64::from(word), len);
        bits.put(*step & buckets::mask(bucket), buckets::bits(bucket));
    }
    bits.finish();
    out
}

pub(super) fn decode(
    bytes: &[u8],
    sections: &[Vec<Run>],
    origin: u64,
    rows: &mut Rows,
) -> Result<(), BlockError> {
    let mut at = Cursor::new(bytes);
    let (layout, shift) = (at.u8()?, at.u8()?);
    if shift >= 64 {
        return Err(BlockError::Content("shift"));
    }
    match layout {
        VARINTS => stamps(sections, origin, rows, || Ok(at.varint()? << shift)),
        BUCKETED => {
            let code = Lookup::get(&mut at)?;
            let mut bits = BitReader::new(at.rest());
            stamps(sections, origin, rows, || {
                Ok(step(&code, &mut bits)? << shift)
            })
        }
        _ => Err(BlockError::Content("times")),
    }
}

#[inline]
fn step(code: &Lookup, bits: &mut BitReader<'_>) -> Result<u64, BlockError> {
    let ahead = bits.peek();
    let (bucket, len) = code.find(ahead);
    let more = buckets::bits(bucket);
    if more > 32 {
        bits.skip(len)?;
        return Ok(buckets::start(bucket) | bits.take(more)?);
    }
    bits.skip(len + more)?;
    Ok(buckets::start(bucket) | (ahead >> len & buckets::mask(bucket)))
}

fn stamps(
    sections: &[Vec<Run>],
    origin: u64,
    rows: &mut Rows,
    mut step: impl FnMut() -> Result<u64, BlockError>,
) -> Result<(), BlockError> {
    for section in sections {
        let mut last = origin;
        places(section).try_for_each(|at| {
            last = last.wrapping_add(step()?);
            rows.stamps[at] = last;
            Ok::<_, BlockError>(())
        })?;
    }
    Ok(())
}
