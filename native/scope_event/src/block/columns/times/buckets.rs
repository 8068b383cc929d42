//! Buckets of numbers: 0 to 7 alone, then four to an octave.

/// How many buckets hold all 64-bit numbers.
pub(super) const BUCKETS: usize = 252;

/// The bucket of a number.
#[inline]
pub(super) fn of(number: u64) -> u8 {
    if number < 8 {
        return number as u8;
    }
    let octave = number.ilog2();
    let quarter = (number >> (octave - 2)) & 3;
    (8 + (octave - 3) * 4 + quarter as u32) as u8
}

/// Bits that tell the numbers of a bucket apart.
#[inline]
pub(super) const fn bits(bucket: u8) -> u32 {
    (bucket.saturating_sub(4) / 4) as u32
}

#[inline]
pub(super) fn mask(bucket: u8) -> u64 {
    (1u64 << bits(bucket)) - 1
}

/// Bits and smallest number of each bucket.
pub(super) static TABLE: [(u32, u64); 256] = table();

const fn table() -> [(u32, u64); 256] {
    let mut table = [(0, 0); 256];
    let mut bucket = 0;
    while bucket < BUCKETS {
        table[bucket] = (bits(bucket as u8), start(bucket as u8));
        bucket += 1;
    }
    table
}

const fn start(bucket: u8) -> u64 {
    match bucket {
        0..8 => bucket as u64,
        _ => (4 | (bucket & 3) as u64) << bits(bucket),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_number_is_its_bucket_and_its_bits(number: u64, shift in 0u32..64) {
            let number = number >> shift;
            let bucket = of(number);
            prop_assert!(usize::from(bucket) < BUCKETS);
            prop_assert_eq!(start(bucket) | (number & mask(bucket)), number);
        }
    }
}
