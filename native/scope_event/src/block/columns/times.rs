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
mod marks;

use super::order::Sizes;
use crate::block::BlockError;
use crate::bytes::{Cursor, put_varint, varint_len};
use bits::{BitReader, BitWriter};
use buckets::BUCKETS;
use huffman::{Code, Lookup};
pub(super) use marks::{Marks, Search};

/// Each difference is a varint.
const VARINTS: u8 = 0;
/// Differences are a bucket's code and bits.
const BUCKETED: u8 = 1;

/// Bits that are at hand behind any word of the code.
const SHORT: u32 = 32;

/// The first stamp of a section counts from `origin`, the smallest stamp of the block. Answers the
/// bits before every 512th step, where the steps are bits.
pub(super) fn encode(stamps: &[u64], sizes: &Sizes, origin: u64, out: &mut Vec<u8>) -> Vec<u32> {
    let mut steps = Vec::with_capacity(stamps.len());
    for section in sizes.ranges() {
        let mut last = origin;
        steps.extend(stamps[section].iter().map(|stamp| {
            let step = stamp.wrapping_sub(last);
            last = *stamp;
            step
        }));
    }
    let all = steps.iter().fold(0, |all, step| all | step);
    let shift = all.trailing_zeros() % 64;
    steps.iter_mut().for_each(|step| *step >>= shift);
    let counts = counts(&steps);
    let (packed, starts) = bucketed(&steps, &counts);
    let plain = plain_len(&counts);
    let packs = packed.len() < plain;
    out.extend_from_slice(&[if packs { BUCKETED } else { VARINTS }, shift as u8]);
    if packs {
        out.extend_from_slice(&packed);
        return starts;
    }
    steps.iter().for_each(|step| put_varint(out, *step));
    Vec::new()
}

/// How many steps are in each bucket.
fn counts(steps: &[u64]) -> [u32; BUCKETS] {
    let mut counts = [0u32; BUCKETS];
    steps
        .iter()
        .for_each(|step| counts[usize::from(buckets::of(*step))] += 1);
    counts
}

/// Bytes of the steps as varints: those of a bucket are equally long, as it ends at a power of two or
/// before.
fn plain_len(counts: &[u32; BUCKETS]) -> usize {
    let starts = buckets::TABLE.iter().map(|(_, start)| *start);
    let lens = counts.iter().zip(starts);
    lens.map(|(count, start)| *count as usize * varint_len(start))
        .sum()
}

fn bucketed(steps: &[u64], counts: &[u32; BUCKETS]) -> (Vec<u8>, Vec<u32>) {
    let code = Code::of(counts);
    let mut out = Vec::with_capacity(steps.len() * 2);
    code.put(&mut out);
    let (start, mut starts) = (out.len(), Vec::new());
    let mut bits = BitWriter::new(&mut out);
    for (at, step) in steps.iter().enumerate() {
        if at % marks::EVERY == 0 {
            starts.push(bits.written(start));
        }
        let bucket = buckets::of(*step);
        let (word, len) = code.word(bucket);
        bits.put(u64::from(word), len);
        bits.put(*step & buckets::mask(bucket), buckets::bits(bucket));
    }
    bits.finish();
    (out, starts)
}

/// The steps of a block, to be read from the start or from a mark.
pub(super) struct Steps<'a> {
    shift: u8,
    bytes: &'a [u8],
    /// None where steps are varints.
    code: Option<Lookup>,
}

impl<'a> Steps<'a> {
    pub(super) fn new(column: &'a [u8]) -> Result<Self, BlockError> {
        let mut at = Cursor::new(column);
        let (layout, shift) = (at.u8()?, at.u8()?);
        let code = match layout {
            VARINTS => None,
            BUCKETED => Some(Lookup::get(&mut at)?),
            _ => return Err(BlockError::Content("times")),
        };
        if shift >= 64 {
            return Err(BlockError::Content("shift"));
        }
        let bytes = at.rest();
        Ok(Self { shift, bytes, code })
    }

    /// All stamps by position; where there are marks, they must be right.
    pub(super) fn stamps(
        &self,
        sizes: &Sizes,
        origin: u64,
        marks: &Marks,
    ) -> Result<Vec<u64>, BlockError> {
        match &self.code {
            Some(code) => self.bucketed(code, sizes, origin, marks),
            None if marks.is_empty() => self.plain(sizes, origin),
            None => Err(BlockError::Content("marks")),
        }
    }

    fn bucketed(
        &self,
        code: &Lookup,
        sizes: &Sizes,
        origin: u64,
        marks: &Marks,
    ) -> Result<Vec<u64>, BlockError> {
        let mut bits = BitReader::new(self.bytes, 0);
        let mut stamps = vec![0; sizes.events()];
        for section in sizes.ranges() {
            let (mut last, mut at) = (origin, section.start);
            let whole = section.clone();
            while at < section.end {
                let stop = (at / marks::EVERY + 1) * marks::EVERY;
                let here = &mut stamps[at..stop.min(section.end)];
                at += here.len();
                last = self.fill(code, &mut bits, last, here)?;
                if at == stop {
                    marks.check(stop, bits.at(), last)?;
                }
            }
            // A search by marks would miss what lies where stamps fall.
            if !marks.is_empty() && !stamps[whole].is_sorted() {
                return Err(BlockError::Content("marks"));
            }
        }
        Ok(stamps)
    }

    fn plain(&self, sizes: &Sizes, origin: u64) -> Result<Vec<u64>, BlockError> {
        let mut at = Cursor::new(self.bytes);
        let mut stamps = Vec::with_capacity(sizes.events());
        for section in sizes.ranges() {
            let mut last = origin;
            for _ in section {
                last = last.wrapping_add(at.varint()? << self.shift);
                stamps.push(last);
            }
        }
        Ok(stamps)
    }

    /// The stamps of so many steps, and the last of them. That there were enough bits is asked at the
    /// end: what is read behind them are zeros.
    fn fill(
        &self,
        code: &Lookup,
        bits: &mut BitReader<'_>,
        mut last: u64,
        stamps: &mut [u64],
    ) -> Result<u64, BlockError> {
        for stamp in stamps {
            let ahead = bits.peek();
            let word = code.find(ahead);
            let (more, start) = buckets::TABLE[usize::from(word.bucket)];
            let step = if more <= SHORT {
                bits.pass(word.all);
                start | (ahead >> word.len & ((1 << more) - 1))
            } else {
                bits.skip(word.len)?;
                start | bits.take(more)?
            };
            last = last.wrapping_add(step << self.shift);
            *stamp = last;
        }
        bits.skip(0)?;
        Ok(last)
    }

    #[inline]
    fn step(&self, code: &Lookup, bits: &mut BitReader<'_>) -> Result<u64, BlockError> {
        let ahead = bits.peek();
        let word = code.find(ahead);
        let (more, start) = buckets::TABLE[usize::from(word.bucket)];
        if more > SHORT {
            bits.skip(word.len)?;
            return Ok((start | bits.take(more)?) << self.shift);
        }
        bits.skip(word.all)?;
        Ok((start | (ahead >> word.len & ((1 << more) - 1))) << self.shift)
    }
}
