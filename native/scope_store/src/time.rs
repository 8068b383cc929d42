//! Between milliseconds since 1970, as callers tell the time, and stamps.

use std::time::Duration;

/// The first stamp of a millisecond, as NTP64 bits.
pub(crate) fn stamp_of(ms: u64) -> u64 {
    let (secs, rest) = (ms / 1000, ms % 1000);
    (secs.min(u64::from(u32::MAX)) << 32) | ((rest << 32) / 1000)
}

/// The stamp that is `age` before `ms`; 0 when that is before 1970.
pub(crate) fn stamp_before(ms: u64, age: Duration) -> u64 {
    stamp_of(ms.saturating_sub(millis(age)))
}

/// Whole milliseconds, at most some 584 million years.
pub(crate) fn millis(age: Duration) -> u64 {
    u64::try_from(age.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn stamps_count_seconds_in_the_upper_half() {
        assert_eq!(stamp_of(1_500), (1 << 32) | (1 << 31));
        assert_eq!(stamp_before(1_000, Duration::from_secs(5)), 0);
        assert!(stamp_of(u64::MAX) >= u64::from(u32::MAX) << 32);
    }
}
