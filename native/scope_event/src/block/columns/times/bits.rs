//! Bits in and out of bytes, low bits first.

use crate::block::BlockError;

/// Appends bits to a vector.
pub(super) struct BitWriter<'o> {
    out: &'o mut Vec<u8>,
    /// Bits not yet written, of which there are fewer than 32.
    held: u64,
    count: u32,
}

impl<'o> BitWriter<'o> {
    pub(super) fn new(out: &'o mut Vec<u8>) -> Self {
        Self {
            out,
            held: 0,
            count: 0,
        }
    }

    /// Appends the low `count` bits of `bits`; the others are zero.
    #[inline]
    pub(super) fn put(&mut self, bits: u64, count: u32) {
        if count > 32 {
            self.put_word(bits & u64::from(u32::MAX), 32);
            return self.put_word(bits >> 32, count - 32);
        }
        self.put_word(bits, count);
    }

    #[inline]
    fn put_word(&mut self, bits: u64, count: u32) {
        self.held |= bits << self.count;
        self.count += count;
        if self.count >= 32 {
            self.out
                .extend_from_slice(&(self.held as u32).to_le_bytes());
            self.held >>= 32;
            self.count -= 32;
        }
    }

    /// Bits since the vector was `start` bytes long.
    pub(super) fn written(&self, start: usize) -> u32 {
        (self.out.len() - start) as u32 * 8 + self.count
    }

    pub(super) fn finish(self) {
        let bytes = self.count.div_ceil(8) as usize;
        self.out
            .extend_from_slice(&self.held.to_le_bytes()[..bytes]);
    }
}

/// Reads bits; after the end there are zeros, and [`BitReader::skip`] fails.
pub(super) struct BitReader<'a> {
    bytes: &'a [u8],
    /// Place of the next bit.
    at: usize,
}

impl<'a> BitReader<'a> {
    /// From the bit `at` on.
    pub(super) fn new(bytes: &'a [u8], at: usize) -> Self {
        Self { bytes, at }
    }

    /// Place of the next bit.
    pub(super) fn at(&self) -> usize {
        self.at
    }

    /// The next 57 bits at least, without moving.
    #[inline]
    pub(super) fn peek(&self) -> u64 {
        let start = self.at / 8;
        let word = match self.bytes.get(start..start + 8) {
            Some(bytes) => u64::from_le_bytes(bytes.try_into().unwrap_or_default()),
            None => self.last_bytes(start),
        };
        word >> (self.at % 8)
    }

    #[cold]
    fn last_bytes(&self, start: usize) -> u64 {
        let rest = self.bytes.get(start..).unwrap_or_default();
        rest.iter()
            .rev()
            .fold(0, |word, byte| word << 8 | u64::from(*byte))
    }

    /// Moves on; whether that was too far is told by the next [`skip`](Self::skip).
    #[inline]
    pub(super) fn pass(&mut self, count: u8) {
        self.at += usize::from(count);
    }

    #[inline]
    pub(super) fn skip(&mut self, count: u8) -> Result<(), BlockError> {
        self.pass(count);
        if self.at <= self.bytes.len() * 8 {
            Ok(())
        } else {
            Err(BlockError::Short)
        }
    }

    /// The next `count` bits.
    pub(super) fn take(&mut self, count: u32) -> Result<u64, BlockError> {
        let low = count.min(32);
        let bits = self.peek() & ((1 << low) - 1);
        self.skip(low as u8)?;
        if count == low {
            Ok(bits)
        } else {
            Ok(bits | self.take(count - low)? << 32)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn bits_come_back(words in proptest::collection::vec((any::<u64>(), 0u32..63), 0..50)) {
            let words: Vec<_> = words.into_iter().map(|(w, n)| (w & ((1 << n) - 1), n)).collect();
            let mut out = Vec::new();
            let mut writer = BitWriter::new(&mut out);
            words.iter().for_each(|(word, count)| writer.put(*word, *count));
            writer.finish();
            let mut reader = BitReader::new(&out, 0);
            for (word, count) in words {
                prop_assert_eq!(reader.take(count), Ok(word));
            }
            prop_assert_eq!(reader.take(8), Err(BlockError::Short));
        }
    }
}
