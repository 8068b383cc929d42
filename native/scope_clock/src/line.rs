//! The affine function from ticks to stamp units.

/// `stamp = base + (ticks − origin) × rate`.
///
/// Invariant: the value never decreases with `ticks`, and is `base` for every tick before
/// `origin`. A reader that holds a new line but read the counter just before it was drawn (the
/// processor may run a counter read early) gets `base`, which no older line exceeded there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Line {
    /// Stamp units (2⁻³² s) at `origin`.
    pub base: u64,
    /// The tick at which the line starts.
    pub origin: u64,
    /// Stamp units per tick, 32.32 fixed point.
    pub rate: u64,
}

impl Line {
    /// The stamp units at a tick.
    #[inline]
    #[must_use]
    pub const fn at(&self, ticks: u64) -> u64 {
        self.base
            .saturating_add(self.units(ticks.saturating_sub(self.origin)))
    }

    /// The stamp units that a number of ticks is worth.
    #[inline]
    #[must_use]
    #[allow(
        clippy::cast_possible_truncation,
        reason = "a clock that overflows is centuries off"
    )]
    pub const fn units(&self, ticks: u64) -> u64 {
        ((ticks as u128 * self.rate as u128) >> 32) as u64
    }
}

#[cfg(all(test, not(loom)))]
mod tests {
    use super::Line;

    #[test]
    fn a_tick_before_the_origin_is_the_base() {
        let line = Line {
            base: 100,
            origin: 50,
            rate: 3 << 32,
        };
        assert_eq!(line.at(0), 100);
        assert_eq!(line.at(50), 100);
        assert_eq!(line.at(52), 106);
    }

    #[test]
    fn the_product_does_not_overflow() {
        let line = Line {
            base: 0,
            origin: 0,
            rate: 2 << 32,
        };
        assert_eq!(line.at(1 << 62), 1 << 63);
    }
}
