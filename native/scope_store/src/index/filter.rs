//! A set of hashes in at most ten bits each, asked "is this one surely not in it?".
//!
//! Source: quotienting (Knuth, TAOCP 3, 6.4; Cleary, "Compact hash tables using bidirectional linear
//! probing", 1984), laid out as in Elias and Fano's codes: the high part of a hash chooses a bucket,
//! whose size is written in unary, and eight bits of the rest are kept. It wrongly says "maybe" for
//! one hash in about 220 at any size, from one key to a million, which neither a Bloom filter
//! (1 in 120 at ten bits) nor a fuse filter (which needs many keys) does.

/// Bits of the unary part between two sampled ranks.
const SAMPLE: usize = 512;
/// Words of the unary part between two sampled ranks.
const SAMPLE_WORDS: usize = SAMPLE / 64;

/// See the module. The empty filter holds nothing and says so of every hash.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Filter {
    /// For each bucket a one per key, then a zero. Invariant: `keys` ones and `buckets` zeros.
    unary: Box<[u64]>,
    /// Zeros before each run of [`SAMPLE`] bits, so that a bucket is found without counting.
    ranks: Box<[u32]>,
    /// Eight bits of each hash, in the order of the buckets. Invariant: one per key.
    rest: Box<[u8]>,
}

impl Filter {
    /// The set of `hashes`.
    pub(crate) fn new(hashes: impl IntoIterator<Item = u64>) -> Self {
        let mut hashes: Vec<u64> = hashes.into_iter().collect();
        hashes.sort_unstable();
        hashes.dedup();
        let buckets = buckets_for(hashes.len());
        let mut bits = Bits::with_room(hashes.len() + buckets);
        let mut rest = hashes.as_slice();
        for bucket in 0..buckets {
            let here = rest.partition_point(|hash| bucket_of(*hash, buckets) == bucket);
            bits.ones_then_zero(here);
            rest = &rest[here..];
        }
        Self::assembled(
            bits.words.into(),
            hashes.iter().map(|hash| *hash as u8).collect(),
        )
    }

    /// False only when `hash` is not in the set.
    #[inline]
    pub(crate) fn may_hold(&self, hash: u64) -> bool {
        let buckets = buckets_for(self.rest.len());
        if buckets == 0 {
            return false;
        }
        let bucket = bucket_of(hash, buckets);
        let start = self.start_of(bucket);
        self.rest[start - bucket..]
            .iter()
            .zip(start..)
            .take_while(|(_, at)| self.unary[at / 64] >> (at % 64) & 1 == 1)
            .any(|(rest, _)| *rest == hash as u8)
    }

    /// Bytes that it keeps in memory.
    pub(crate) fn bytes(&self) -> usize {
        self.unary.len() * 8 + self.ranks.len() * 4 + self.rest.len()
    }

    /// The parts that [`from_parts`](Self::from_parts) takes.
    pub(crate) fn parts(&self) -> (&[u64], &[u8]) {
        (&self.unary, &self.rest)
    }

    /// The filter that was written as these parts; `None` when they do not fit together.
    pub(crate) fn from_parts(unary: Box<[u64]>, rest: Box<[u8]>) -> Option<Self> {
        let bits = rest.len() + buckets_for(rest.len());
        let ones: usize = unary.iter().map(|word| word.count_ones() as usize).sum();
        let last = bits.checked_sub(1);
        let ends_in_zero =
            last.is_none_or(|at| unary.get(at / 64).is_some_and(|w| w >> (at % 64) == 0));
        let fits = unary.len() == bits.div_ceil(64) && ones == rest.len() && ends_in_zero;
        fits.then(|| Self::assembled(unary, rest))
    }

    fn assembled(unary: Box<[u64]>, rest: Box<[u8]>) -> Self {
        let mut zeros = 0;
        let ranks = unary.chunks(SAMPLE_WORDS).map(|words| {
            let before = zeros;
            zeros += words.iter().map(|word| word.count_zeros()).sum::<u32>();
            before
        });
        Self {
            ranks: ranks.skip(1).collect(),
            unary,
            rest,
        }
    }

    /// Where the ones of `bucket` begin: behind the zero that ends the bucket before.
    #[inline]
    fn start_of(&self, bucket: usize) -> usize {
        let Some(nth) = bucket.checked_sub(1) else {
            return 0;
        };
        let sample = self.ranks.partition_point(|zeros| *zeros as usize <= nth);
        let before = if sample == 0 {
            0
        } else {
            self.ranks[sample - 1] as usize
        };
        let mut left = (nth - before) as u32;
        for (at, word) in self.unary.iter().enumerate().skip(sample * SAMPLE_WORDS) {
            let zeros = word.count_zeros();
            if left < zeros {
                return at * 64 + nth_one(!word, left) as usize + 1;
            }
            left -= zeros;
        }
        self.unary.len() * 64
    }
}

/// Fewer buckets than keys keeps the whole under ten bits a key.
fn buckets_for(keys: usize) -> usize {
    keys - keys / 8
}

fn bucket_of(hash: u64, buckets: usize) -> usize {
    ((u128::from(hash) * buckets as u128) >> 64) as usize
}

/// Position of the `n`-th one of `word`, counted from 0.
fn nth_one(mut word: u64, mut n: u32) -> u32 {
    let mut at = 0;
    for half in [32, 16, 8] {
        let low = (word & ((1 << half) - 1)).count_ones();
        if n >= low {
            n -= low;
            word >>= half;
            at += half;
        }
    }
    for _ in 0..n {
        word &= word - 1;
    }
    at + word.trailing_zeros()
}

/// Bits written one behind the other.
struct Bits {
    words: Vec<u64>,
    len: usize,
}

impl Bits {
    fn with_room(bits: usize) -> Self {
        Self {
            words: vec![0; bits.div_ceil(64)],
            len: 0,
        }
    }

    fn ones_then_zero(&mut self, ones: usize) {
        for at in self.len..self.len + ones {
            self.words[at / 64] |= 1 << (at % 64);
        }
        self.len += ones + 1;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::index::hash;
    use proptest::prelude::*;

    fn spread(from: u64, n: u64) -> impl Iterator<Item = u64> {
        (from..from + n).map(hash::number)
    }

    #[test]
    fn nothing_is_in_the_empty_filter() {
        assert!(!Filter::new([]).may_hold(7));
    }

    #[test]
    fn ten_bits_a_key_and_one_wrong_in_two_hundred() {
        for keys in [100, 1_600, 40_000] {
            let filter = Filter::new(spread(0, keys));
            assert!(spread(0, keys).all(|hash| filter.may_hold(hash)));
            let wrong = spread(1 << 40, 100_000)
                .filter(|hash| filter.may_hold(*hash))
                .count();
            assert!(
                (300..=560).contains(&wrong),
                "{wrong} of 100,000 at {keys} keys"
            );
            // A word of rounding is all that comes on top.
            assert!(
                filter.bytes() * 8 <= keys as usize * 10 + 64,
                "{keys}: {}",
                filter.bytes()
            );
        }
    }

    proptest! {
        #[test]
        fn what_is_in_is_found_and_parts_come_back(hashes in prop::collection::vec(any::<u64>(), 0..300)) {
            let filter = Filter::new(hashes.clone());
            prop_assert!(hashes.iter().all(|hash| filter.may_hold(*hash)));
            let (unary, rest) = filter.parts();
            prop_assert_eq!(Filter::from_parts(unary.into(), rest.into()), Some(filter.clone()));
        }

        #[test]
        fn any_parts_are_a_filter_or_refused(
            unary in prop::collection::vec(any::<u64>(), 0..6),
            rest in prop::collection::vec(any::<u8>(), 0..200),
            asked in any::<u64>(),
        ) {
            if let Some(filter) = Filter::from_parts(unary.into(), rest.into()) {
                filter.may_hold(asked);
            }
        }
    }
}
