//! Durations in buckets.
//!
//! Source: the log-linear buckets of HdrHistogram (Tene, 2012): each power of two is split in eight,
//! so a value is known to one part in eight from a nanosecond to centuries, in a fixed 3.9 KB.

/// Buckets per power of two, as a power of two.
const SUB_BITS: u32 = 3;
const SUB: usize = 1 << SUB_BITS;
const BUCKETS: usize = (64 - SUB_BITS as usize + 1) * SUB;

/// How often durations of each size occurred.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Histogram {
    /// Invariant: `count` is their sum.
    buckets: Box<[u64]>,
    count: u64,
    sum: u128,
    min: u64,
    max: u64,
}

impl Default for Histogram {
    fn default() -> Self {
        let buckets = vec![0; BUCKETS].into();
        Self {
            buckets,
            count: 0,
            sum: 0,
            min: u64::MAX,
            max: 0,
        }
    }
}

impl Histogram {
    /// Adds a duration in nanoseconds.
    pub fn add(&mut self, ns: u64) {
        self.buckets[bucket(ns)] += 1;
        self.count += 1;
        self.sum += u128::from(ns);
        self.min = self.min.min(ns);
        self.max = self.max.max(ns);
    }

    /// How many durations there are.
    pub fn count(&self) -> u64 {
        self.count
    }

    /// The shortest; `None` when there is none.
    pub fn min(&self) -> Option<u64> {
        (self.count > 0).then_some(self.min)
    }

    /// The longest; `None` when there is none.
    pub fn max(&self) -> Option<u64> {
        (self.count > 0).then_some(self.max)
    }

    /// The mean; `None` when there is none.
    pub fn mean(&self) -> Option<u64> {
        self.sum
            .checked_div(u128::from(self.count))
            .map(|mean| mean as u64)
    }

    /// A duration that a share `q` of all does not exceed, to one part in eight.
    ///
    /// ```
    /// let mut histogram = scope_store::Histogram::default();
    /// (1..=1000).for_each(|ns| histogram.add(ns));
    /// assert!((500..=575).contains(&histogram.quantile(0.5).unwrap()));
    /// assert_eq!(histogram.quantile(1.0), Some(1000));
    /// ```
    pub fn quantile(&self, q: f64) -> Option<u64> {
        let wanted = (q.clamp(0.0, 1.0) * self.count as f64).ceil().max(1.0) as u64;
        let mut seen = 0;
        self.buckets().find_map(|(last, count)| {
            seen += count;
            (seen >= wanted).then_some(last.min(self.max))
        })
    }

    /// Buckets that are not empty: the longest duration in each, and how many it has.
    pub fn buckets(&self) -> impl Iterator<Item = (u64, u64)> + '_ {
        let all = self
            .buckets
            .iter()
            .enumerate()
            .filter(|(_, count)| **count > 0);
        all.map(|(bucket, count)| (last_of(bucket), *count))
    }
}

/// Values below eight have a bucket each; from there on, the three bits below the highest choose.
fn bucket(ns: u64) -> usize {
    let top = 63 - (ns | 1).leading_zeros();
    match top.checked_sub(SUB_BITS) {
        None => ns as usize,
        Some(shift) => (shift as usize + 1) * SUB + ((ns >> shift) as usize & (SUB - 1)),
    }
}

fn last_of(bucket: usize) -> u64 {
    let (power, sub) = (bucket / SUB, (bucket % SUB) as u128);
    match power.checked_sub(1) {
        None => sub as u64,
        Some(shift) => (((SUB as u128 + sub + 1) << shift) - 1) as u64,
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_bucket_holds_what_is_near_its_end(ns in any::<u64>(), shift in 0u32..64) {
            let ns = ns >> shift;
            let last = last_of(bucket(ns));
            prop_assert!(last >= ns && last - ns <= ns / 8);
            prop_assert_eq!(bucket(last), bucket(ns));
        }
    }

    #[test]
    fn no_durations_have_no_figures() {
        let none = Histogram::default();
        assert_eq!(
            (none.min(), none.max(), none.mean(), none.quantile(0.5)),
            (None, None, None, None)
        );
        assert_eq!(bucket(u64::MAX), BUCKETS - 1);
    }
}
