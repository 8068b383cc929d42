//! Numbers for sets of traces, so that an event can name several by one.

use crate::Traces;
use std::collections::HashMap;

/// The bit of a number that says that it is a set's, not a trace's.
const SET: u16 = 1 << 15;

/// Sets that events have named, each with a number that is never given again.
#[derive(Debug, Default)]
pub struct Sets {
    numbers: HashMap<Traces, u16>,
    last: u16,
}

impl Sets {
    /// The number of a set and whether it is new; `None` once all numbers are used.
    pub fn number(&mut self, set: Traces) -> Option<(u16, bool)> {
        if let Some(number) = self.numbers.get(&set) {
            return Some((*number, false));
        }
        self.last = Some(self.last + 1).filter(|next| *next < SET)?;
        self.numbers.insert(set, self.last | SET);
        Some((self.last | SET, true))
    }

    /// Forgets the sets that have any of these: their bits mean other traces from now on.
    pub fn forget(&mut self, traces: Traces) {
        self.numbers.retain(|set, _| (*set & traces).is_empty());
    }

    /// Whether a number is that of a set.
    pub const fn is_set(number: u16) -> bool {
        number & SET != 0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_set_keeps_its_number_until_a_seat_changes_hands() {
        let mut sets = Sets::default();
        let (a, b) = (Traces::of(1) | Traces::of(2), Traces::of(2) | Traces::of(3));
        let first = sets.number(a);
        assert_eq!(first, Some((SET | 1, true)));
        assert_eq!(sets.number(b), Some((SET | 2, true)));
        assert_eq!(sets.number(a), Some((SET | 1, false)));
        sets.forget(Traces::of(1));
        assert_eq!(sets.number(b), Some((SET | 2, false)));
        assert_eq!(sets.number(a), Some((SET | 3, true)));
        assert!(Sets::is_set(SET | 3) && !Sets::is_set(3));
    }

    #[test]
    fn numbers_run_out_rather_than_come_twice() {
        let mut sets = Sets::default();
        let given = (1..=u64::from(SET)).filter_map(|n| sets.number(Traces::from_bits(n)));
        assert_eq!(given.count(), usize::from(SET) - 1);
    }
}
