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

/// A millisecond at which `stamp` is older than `age`, the first or the next; `None` when that never
/// comes.
pub(crate) fn ms_after(stamp: u64, age: Duration) -> Option<u64> {
    let ms = (stamp >> 32) * 1000 + (((stamp & u64::from(u32::MAX)) * 1000) >> 32);
    ms.checked_add(millis(age))?.checked_add(2)
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

    #[test]
    fn a_stamp_is_too_old_a_millisecond_after_its_age() {
        let age = Duration::from_millis(750);
        for stamp in [0, 1, stamp_of(1_499), stamp_of(1_500), stamp_of(1_500) + 1] {
            let ms = ms_after(stamp, age).unwrap_or_default();
            assert!(stamp_before(ms, age) > stamp, "{stamp}");
            assert!(stamp_before(ms - 2, age) <= stamp, "{stamp}");
        }
        assert_eq!(ms_after(1, Duration::MAX), None);
    }
}
