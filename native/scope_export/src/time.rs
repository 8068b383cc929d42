//! A point in time as people write it.

use std::fmt;

const DAY: u64 = 86_400;

/// Nanoseconds since 1970 as RFC 3339 text in UTC, with nine decimals.
pub(crate) struct Rfc3339(pub(crate) u64);

impl fmt::Display for Rfc3339 {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (seconds, ns) = (self.0 / 1_000_000_000, self.0 % 1_000_000_000);
        let (year, month, day) = date(seconds / DAY);
        let (minutes, second) = (seconds % DAY / 60, seconds % 60);
        let (hour, minute) = (minutes / 60, minutes % 60);
        write!(
            f,
            "{year:04}-{month:02}-{day:02}T{hour:02}:{minute:02}:{second:02}.{ns:09}Z"
        )
    }
}

/// The Gregorian date of a day since 1970. After Howard Hinnant's *chrono-compatible low-level date
/// algorithms*: years begin in March, so that the leap day is the last of a year.
fn date(days: u64) -> (u64, u64, u64) {
    const ERA: u64 = 146_097;
    let days = days + 719_468;
    let (era, day) = (days / ERA, days % ERA);
    let year = (day - day / 1_460 + day / 36_524 - day / (ERA - 1)) / 365;
    let day = day - (365 * year + year / 4 - year / 100);
    let month = (5 * day + 2) / 153;
    let day = day - (153 * month + 2) / 5 + 1;
    let (month, next) = if month < 10 {
        (month + 3, 0)
    } else {
        (month - 9, 1)
    };
    (400 * era + year + next, month, day)
}

#[cfg(test)]
mod tests {
    use super::{DAY, Rfc3339, date};

    fn text(seconds: u64) -> String {
        Rfc3339(seconds * 1_000_000_000 + 7).to_string()
    }

    #[test]
    fn known_moments() {
        assert_eq!(text(0), "1970-01-01T00:00:00.000000007Z");
        assert_eq!(text(951_782_400), "2000-02-29T00:00:00.000000007Z");
        assert_eq!(text(1_700_000_000), "2023-11-14T22:13:20.000000007Z");
        assert_eq!(text(4_107_542_399), "2100-02-28T23:59:59.000000007Z");
        assert_eq!(text(4_107_542_400), "2100-03-01T00:00:00.000000007Z");
        assert_eq!(text(u64::from(u32::MAX)), "2106-02-07T06:28:15.000000007Z");
    }

    #[test]
    fn every_day_that_has_stamps_follows_the_one_before() {
        let leap = |year| year % 4 == 0 && (year % 100 != 0 || year % 400 == 0);
        let length = |year, month| match month {
            2 => 28 + u64::from(leap(year)),
            4 | 6 | 9 | 11 => 30,
            _ => 31,
        };
        let mut expected = (1970, 1, 1);
        for day in 0..=u64::from(u32::MAX) / DAY {
            assert_eq!(date(day), expected);
            let (year, month, of_month) = expected;
            expected = match (month, of_month == length(year, month)) {
                (12, true) => (year + 1, 1, 1),
                (_, true) => (year, month + 1, 1),
                _ => (year, month, of_month + 1),
            };
        }
    }
}
