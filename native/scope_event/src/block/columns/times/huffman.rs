//! A canonical Huffman code over buckets, at most twelve bits long.
//!
//! Huffman, "A method for the construction of minimum-redundancy codes" (1952); canonical as in
//! Deflate, so that lengths are enough to tell the code. Words are written low bit first, that is
//! reversed, so that a table over the next twelve bits decodes one at once.

use super::buckets::{self, BUCKETS};
use crate::block::BlockError;
use crate::bytes::Cursor;
use std::cmp::Reverse;
use std::collections::BinaryHeap;

/// Longest word.
const LONGEST: u32 = 12;

/// The code for writing: each bucket's word, and how long it is; 0 for a bucket that does not occur.
pub(super) struct Code {
    words: [u16; BUCKETS],
    lens: [u8; BUCKETS],
}

impl Code {
    /// The best code for these counts, or one close to it if that has words that are too long.
    pub(super) fn of(counts: &[u32; BUCKETS]) -> Self {
        let mut counts = *counts;
        let mut lens = lengths(&counts);
        while lens.iter().any(|len| u32::from(*len) > LONGEST) {
            counts
                .iter_mut()
                .for_each(|count| *count = count.div_ceil(2));
            lens = lengths(&counts);
        }
        Self {
            words: words(&lens),
            lens,
        }
    }

    #[inline]
    pub(super) fn word(&self, bucket: u8) -> (u16, u32) {
        (
            self.words[usize::from(bucket)],
            u32::from(self.lens[usize::from(bucket)]),
        )
    }

    /// Appends the lengths: runs of equal ones, a byte each, length above and run less one below.
    pub(super) fn put(&self, out: &mut Vec<u8>) {
        for run in self
            .lens
            .chunk_by(|a, b| a == b)
            .flat_map(|run| run.chunks(16))
        {
            out.push(run[0] << 4 | (run.len() - 1) as u8);
        }
    }
}

/// Lengths of the words. A bucket that is alone gets one bit.
fn lengths(counts: &[u32; BUCKETS]) -> [u8; BUCKETS] {
    let mut lens = [0; BUCKETS];
    let used = (0..BUCKETS).filter(|bucket| counts[*bucket] > 0);
    let mut trees: BinaryHeap<_> = used
        .map(|bucket| Reverse((counts[bucket], bucket, vec![bucket])))
        .collect();
    if let (1, Some(Reverse((_, only, _)))) = (trees.len(), trees.peek()) {
        lens[*only] = 1;
    }
    while let (Some(Reverse(a)), Some(Reverse(b))) = (trees.pop(), trees.pop()) {
        let buckets = [a.2, b.2].concat();
        buckets.iter().for_each(|bucket| lens[*bucket] += 1);
        trees.push(Reverse((a.0 + b.0, a.1.min(b.1), buckets)));
        if trees.len() == 1 {
            break;
        }
    }
    lens
}

/// The words that go with the lengths: in the order of length, then bucket, counting up.
fn words(lens: &[u8; BUCKETS]) -> [u16; BUCKETS] {
    let mut words = [0; BUCKETS];
    let used: Vec<usize> = (0..BUCKETS).filter(|bucket| lens[*bucket] > 0).collect();
    let mut next = 0u32;
    for len in 1..=LONGEST {
        for bucket in used
            .iter()
            .copied()
            .filter(|bucket| u32::from(lens[*bucket]) == len)
        {
            words[bucket] = (next.reverse_bits() >> (32 - len)) as u16;
            next += 1;
        }
        next <<= 1;
    }
    words
}

/// The code for reading: what the next twelve bits begin with.
pub(super) struct Lookup(Box<[Word; 1 << LONGEST]>);

/// A word. That the bits of the bucket are counted in spares a second look before the next word is
/// found: each step waits for the one before it.
#[derive(Clone, Copy)]
pub(super) struct Word {
    pub(super) bucket: u8,
    /// Bits of the word.
    pub(super) len: u8,
    /// Bits of the word and behind it.
    pub(super) all: u8,
}

impl Lookup {
    /// Reads what [`Code::put`] wrote. Lengths that are not those of a whole code are refused, but
    /// for the one word of a bucket that is alone.
    pub(super) fn get(at: &mut Cursor<'_>) -> Result<Self, BlockError> {
        let mut lens = [0; BUCKETS];
        let mut bucket = 0;
        while bucket < BUCKETS {
            let run = at.u8()?;
            let end = bucket + usize::from(run & 15) + 1;
            lens.get_mut(bucket..end)
                .ok_or(BlockError::Content("code"))?
                .fill(run >> 4);
            bucket = end;
        }
        Self::of(&lens)
    }

    fn of(lens: &[u8; BUCKETS]) -> Result<Self, BlockError> {
        let room = |len: u8| if len == 0 { 0 } else { 1u32 << LONGEST >> len };
        let used: u32 = lens.iter().map(|len| room(*len)).sum();
        let alone = lens.iter().filter(|len| **len > 0).count() == 1;
        let long = lens.iter().any(|len| u32::from(*len) > LONGEST);
        if long || (used != 1 << LONGEST && !(alone && used == 1 << (LONGEST - 1))) {
            return Err(BlockError::Content("code"));
        }
        Self::filled(lens, &words(lens)).ok_or(BlockError::Content("code"))
    }

    /// A word's entry stands wherever its bits are the low ones: the table of all words of up to so
    /// many bits, twice, is that of one bit more, but for the words of that length.
    fn filled(lens: &[u8; BUCKETS], words: &[u16; BUCKETS]) -> Option<Self> {
        let none = Word {
            bucket: 0,
            len: 1,
            all: 1,
        };
        let mut table = Vec::with_capacity(1 << LONGEST);
        table.push(none);
        let used: Vec<usize> = (0..BUCKETS).filter(|bucket| lens[*bucket] > 0).collect();
        for len in 1..=LONGEST {
            table.extend_from_within(..);
            for bucket in used
                .iter()
                .filter(|bucket| u32::from(lens[**bucket]) == len)
            {
                table[usize::from(words[*bucket])] = Word {
                    bucket: *bucket as u8,
                    len: lens[*bucket],
                    all: lens[*bucket] + buckets::bits(*bucket as u8) as u8,
                };
            }
        }
        table.into_boxed_slice().try_into().ok().map(Self)
    }

    /// The word that `bits` start with.
    #[inline]
    pub(super) fn find(&self, bits: u64) -> Word {
        self.0[bits as usize % (1 << LONGEST)]
    }
}
