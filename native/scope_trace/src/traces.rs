//! A set of traces, one bit each.

/// Traces that can run at one time.
pub const TRACES: usize = 63;

/// Some of the running traces.
///
/// # Examples
///
/// ```
/// use scope_trace::Traces;
///
/// let both = Traces::of(0) | Traces::of(5);
/// assert_eq!(both.seats().collect::<Vec<_>>(), [0, 5]);
/// assert!((both & Traces::of(1)).is_empty());
/// ```
#[derive(Clone, Copy, PartialEq, Eq, Hash, Default, Debug)]
pub struct Traces(u64);

impl Traces {
    /// None of them.
    pub const NONE: Self = Self(0);

    /// The trace in a seat, counted from 0; none for a seat that there is not.
    #[inline]
    pub const fn of(seat: usize) -> Self {
        if seat < TRACES {
            Self(1 << seat)
        } else {
            Self(0)
        }
    }

    /// The set with these bits.
    #[inline]
    pub const fn from_bits(bits: u64) -> Self {
        Self(bits & ((1 << TRACES) - 1))
    }

    /// One bit for each seat.
    #[inline]
    pub const fn bits(self) -> u64 {
        self.0
    }

    /// Whether it has none.
    #[inline]
    pub const fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// How many it has.
    #[inline]
    pub const fn len(self) -> u32 {
        self.0.count_ones()
    }

    /// Its seats, in ascending order.
    #[inline]
    pub fn seats(self) -> impl Iterator<Item = usize> {
        let mut left = self.0;
        std::iter::from_fn(move || {
            let seat = left.trailing_zeros() as usize;
            left &= left.checked_sub(1)?;
            Some(seat)
        })
    }

    /// It without those of `others`.
    #[must_use]
    #[inline]
    pub const fn without(self, others: Self) -> Self {
        Self(self.0 & !others.0)
    }
}

impl std::ops::BitAnd for Traces {
    type Output = Self;
    #[inline]
    fn bitand(self, other: Self) -> Self {
        Self(self.0 & other.0)
    }
}

impl std::ops::BitOr for Traces {
    type Output = Self;
    #[inline]
    fn bitor(self, other: Self) -> Self {
        Self(self.0 | other.0)
    }
}
