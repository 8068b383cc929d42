//! The 64-bit stamp: NTP format since 1970, in units of 2⁻³² s (0.23 ns).

use std::fmt;

const NANOS: u64 = 1_000_000_000;

/// A point in hybrid time. The order of stamps is the order of their bits, which is the order
/// of `(physical_ns, logical)`.
///
/// The nanosecond of a stamp is the one `uhlc::NTP64::as_nanos` gives: a nanosecond holds four or
/// five stamps, and the last of them is what `uhlc` makes of that nanosecond.
///
/// ```
/// use scope_clock::Stamp;
///
/// let stamp = Stamp::from_parts(1_700_000_000_000_000_042, 3).unwrap();
/// assert_eq!(stamp.physical_ns(), 1_700_000_000_000_000_042);
/// assert_eq!(stamp.logical(), 3);
/// ```
#[derive(Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(transparent)]
pub struct Stamp(u64);

impl Stamp {
    /// 1970-01-01.
    pub const ZERO: Self = Self(0);
    /// The last stamp, in 2106.
    pub const MAX: Self = Self(u64::MAX);

    /// The stamp with these bits. Every value is a stamp.
    #[inline]
    #[must_use]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits)
    }

    /// The NTP64 bits: seconds above, fraction below.
    #[inline]
    #[must_use]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// The last stamp of a nanosecond since 1970; [`Stamp::MAX`] for what lies after 2106.
    ///
    /// ```
    /// # use scope_clock::Stamp;
    /// assert_eq!(Stamp::from_ns(1_000_000_000).bits(), 1 << 32);
    /// ```
    #[must_use]
    pub const fn from_ns(ns: u64) -> Self {
        let (seconds, rest) = (ns / NANOS, ns % NANOS);
        if seconds > u32::MAX as u64 {
            return Self::MAX;
        }
        Self((seconds << 32) + (rest << 32) / NANOS)
    }

    /// The stamp that is the `logical`-th of a nanosecond; `None` where that nanosecond has no
    /// such stamp.
    #[must_use]
    pub fn from_parts(physical_ns: u64, logical: u8) -> Option<Self> {
        let stamp = Self(first_of(physical_ns)?.checked_add(u64::from(logical))?);
        (stamp.physical_ns() == physical_ns).then_some(stamp)
    }

    /// Nanoseconds since 1970.
    #[inline]
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "2^64 units are less than 2^63 ns"
    )]
    pub const fn physical_ns(self) -> u64 {
        ((self.0 as u128 * NANOS as u128 + u32::MAX as u128) >> 32) as u64
    }

    /// The position within the nanosecond, 0 to 4.
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a nanosecond has at most five stamps"
    )]
    pub fn logical(self) -> u8 {
        first_of(self.physical_ns()).map_or(0, |first| (self.0 - first) as u8)
    }

    /// Nanoseconds from `earlier` to `self`, negative if it is the other way round.
    ///
    /// ```
    /// # use scope_clock::Stamp;
    /// let (a, b) = (Stamp::from_ns(1_000), Stamp::from_ns(5_000));
    /// assert_eq!(b.ns_since(a), 4_000);
    /// assert_eq!(a.ns_since(b), -4_000);
    /// ```
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "the span of all stamps is under 2^63 ns"
    )]
    pub const fn ns_since(self, earlier: Self) -> i64 {
        let units = self.0 as i128 - earlier.0 as i128;
        ((units * NANOS as i128 + (1 << 31)) >> 32) as i64
    }

    /// This stamp moved on by a number of nanoseconds, at most to [`Stamp::MAX`].
    #[must_use]
    pub const fn plus_ns(self, ns: u64) -> Self {
        Self(self.0.saturating_add(Self::from_ns(ns).0))
    }

    /// The stamp as an event carries it: without its low four bits, so in steps of 3.7 ns. Those
    /// bits are less than a counter read without a fence is off by, and half a byte of every event
    /// that is stored. `uhlc` counts in them. Whatever happened before is at least 50 ns older, so
    /// the order of what matters stays.
    ///
    /// ```
    /// # use scope_clock::Stamp;
    /// assert_eq!(Stamp::from_bits(0x1237).coarse(), Stamp::from_bits(0x1230));
    /// ```
    #[inline]
    #[must_use]
    pub const fn coarse(self) -> Self {
        Self(self.0 & !0xf)
    }

    /// The next stamp.
    #[inline]
    #[must_use]
    pub const fn next(self) -> Self {
        Self(self.0.saturating_add(1))
    }
}

/// The first stamp whose nanosecond is `ns`: one after the last of the nanosecond before.
fn first_of(ns: u64) -> Option<u64> {
    let Some(before) = ns.checked_sub(1) else {
        return Some(0);
    };
    if before / NANOS > u64::from(u32::MAX) {
        return None;
    }
    Stamp::from_ns(before).0.checked_add(1)
}

impl fmt::Debug for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Stamp({self})")
    }
}

/// Seconds since 1970 with nine decimals, and the position within the nanosecond.
impl fmt::Display for Stamp {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let ns = self.physical_ns();
        write!(f, "{}.{:09}+{}", ns / NANOS, ns % NANOS, self.logical())
    }
}

impl From<uhlc::NTP64> for Stamp {
    fn from(time: uhlc::NTP64) -> Self {
        Self(time.as_u64())
    }
}

impl From<Stamp> for uhlc::NTP64 {
    fn from(stamp: Stamp) -> Self {
        Self(stamp.0)
    }
}
