//! A token bucket: how many bytes may leave now.
//!
//! Source: the leaky bucket as a meter (Turner 1986). A message that is larger than what is left is
//! sent and paid back later, so that a small rate cannot starve a large block.

use crate::settings::Now;

#[derive(Debug)]
pub(crate) struct Budget {
    /// Bytes a second; `None` for no bound.
    rate: Option<u64>,
    /// Invariant: at most one second's worth; below zero while a large message is paid back.
    left: i64,
    at_ns: u64,
}

impl Budget {
    pub(crate) fn new(rate: Option<u64>) -> Self {
        Self {
            rate,
            left: rate.map_or(0, clamp),
            at_ns: 0,
        }
    }

    /// Adds what the time since the last call is worth.
    pub(crate) fn refill(&mut self, now: Now) {
        let Some(rate) = self.rate else { return };
        let passed = now.mono_ns.saturating_sub(self.at_ns);
        let earned = u128::from(rate) * u128::from(passed) / 1_000_000_000;
        if earned > 0 {
            self.at_ns = self.at_ns.max(now.mono_ns);
            let earned = i64::try_from(earned).unwrap_or(i64::MAX);
            self.left = self.left.saturating_add(earned).min(clamp(rate));
        }
    }

    pub(crate) fn spend(&mut self, bytes: usize) {
        if self.rate.is_some() {
            self.left = self.left.saturating_sub(clamp(bytes as u64));
        }
    }

    /// Bytes that may leave at once; below zero while a large message is paid back.
    pub(crate) fn left(&self) -> Option<i64> {
        self.rate.map(|_| self.left)
    }

    pub(crate) fn is_spent(&self) -> bool {
        self.rate.is_some() && self.left <= 0
    }

    /// When something may leave again, on the monotonic clock.
    pub(crate) fn ready_ns(&self) -> u64 {
        let Some(rate) = self.rate.filter(|_| self.is_spent()) else {
            return self.at_ns;
        };
        let owed = u128::from(self.left.unsigned_abs().saturating_add(1));
        let wait =
            u64::try_from(owed * 1_000_000_000 / u128::from(rate.max(1))).unwrap_or(u64::MAX);
        self.at_ns.saturating_add(wait)
    }
}

fn clamp(bytes: u64) -> i64 {
    i64::try_from(bytes).unwrap_or(i64::MAX)
}
