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
pub(super) fn bits(bucket: u8) -> u32 {
    u32::from(bucket.saturating_sub(4) / 4)
}

#[inline]
pub(super) fn mask(bucket: u8) -> u64 {
    (1u64 << bits(bucket)) - 1
}

/// The smallest number of a bucket.
#[inline]
pub(super) fn start(bucket: u8) -> u64 {
    if bucket < 8 {
        return u64::from(bucket);
    }
    (4 | u64::from(bucket & 3)) << bits(bucket)
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
