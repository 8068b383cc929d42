//! What order alone says about messages that are alike.
//!
//! The machine keeps the order between two processes ("Signals", Erlang reference manual). Of n
//! sends and m receives between them at most k can be pairs without breaking it, so n - k sends and
//! m - k receives have no other half that was captured; but not which. The i-th receive is then of a
//! send from the (i - (m - k))-th to the (i + (n - k))-th, and of the i-th when none is left over.

use std::ops::Range;

/// Sends and receives between two processes, each in their order.
pub(super) struct InOrder {
    /// For each receive, how many of the sends are not too late for it; never falls.
    until: Vec<usize>,
    /// Sends and receives without another half, at least.
    spare_sends: usize,
    spare_receives: usize,
}

impl InOrder {
    pub(super) fn new(sends: usize, until: Vec<usize>) -> Self {
        // Each receive takes the first send that is free: as late ones have more to choose from, no
        // other choice leaves more pairs.
        let pairs = until
            .iter()
            .fold(0, |pairs, &until| pairs + usize::from(pairs < until));
        Self {
            spare_sends: sends - pairs,
            spare_receives: until.len() - pairs,
            until,
        }
    }

    /// The sends that a receive can be of.
    pub(super) fn sends_of(&self, receive: usize) -> Range<usize> {
        let first = receive.saturating_sub(self.spare_receives);
        let end = (receive + self.spare_sends + 1).min(self.until[receive]);
        first..end.max(first)
    }

    /// The receives that a send can be of.
    pub(super) fn receives_of(&self, send: usize) -> Range<usize> {
        let soonest = self.until.partition_point(|&until| until <= send);
        let first = send.saturating_sub(self.spare_sends).max(soonest);
        let end = (send + self.spare_receives + 1).min(self.until.len());
        first..end.max(first)
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test may panic")]
mod tests {
    use super::*;
    use proptest::prelude::*;

    /// Every way to pair most of them without breaking the order, by trying all.
    fn best(sends: usize, until: &[usize]) -> Vec<Vec<(usize, usize)>> {
        fn grow(
            from: (usize, usize),
            sends: usize,
            until: &[usize],
            so_far: &mut Vec<(usize, usize)>,
            all: &mut Vec<Vec<(usize, usize)>>,
        ) {
            all.push(so_far.clone());
            for receive in from.1..until.len() {
                for send in from.0..until[receive].min(sends) {
                    so_far.push((send, receive));
                    grow((send + 1, receive + 1), sends, until, so_far, all);
                    so_far.pop();
                }
            }
        }
        let mut all = Vec::new();
        grow((0, 0), sends, until, &mut Vec::new(), &mut all);
        let most = all.iter().map(Vec::len).max().unwrap();
        all.retain(|one| one.len() == most);
        all
    }

    proptest! {
        #[test]
        fn no_pair_of_a_best_choice_is_left_out(
            sends in 0usize..6,
            mut until in proptest::collection::vec(0usize..6, 0..5),
        ) {
            until.iter_mut().for_each(|until| *until = (*until).min(sends));
            until.sort_unstable();
            let order = InOrder::new(sends, until.clone());
            for (send, receive) in best(sends, &until).into_iter().flatten() {
                prop_assert!(order.sends_of(receive).contains(&send));
                prop_assert!(order.receives_of(send).contains(&receive));
            }
            for receive in 0..until.len() {
                for send in 0..sends {
                    prop_assert_eq!(
                        order.sends_of(receive).contains(&send),
                        order.receives_of(send).contains(&receive),
                        "{} {}", send, receive
                    );
                }
            }
        }
    }
}
