//! Other halves of messages that a question left out, as when it asked for the events of a correlation:
//! a receive has none of its own.

use super::PART;
use crate::pair::ReadingRef;
use scope_causal::{Id, PictureBuilder};
use scope_store::Match;
use std::collections::HashSet;

#[derive(Default)]
pub(super) struct Others {
    /// The messages that were found.
    here: HashSet<Id>,
    /// Halves of theirs that were not, and were not brought either.
    wanted: HashSet<Id>,
    /// How many events had been found when the first of them was brought.
    pub(super) found: Option<usize>,
}

impl Others {
    /// Only what is settled is wanted: what a message may be half of orders nothing.
    pub(super) fn look(
        &mut self,
        builder: &PictureBuilder,
        pairs: &ReadingRef,
        from: usize,
    ) -> Option<usize> {
        if from == 0 {
            let all = (0..builder.len()).filter_map(|given| builder.message(given));
            self.here = all.map(|(origin, seq)| (origin.clone(), seq)).collect();
        }
        let end = builder.len().min(from.saturating_add(PART));
        let messages = (from..end).filter_map(|given| builder.message(given));
        for (origin, seq) in messages {
            let found = pairs.pair_of(&(origin.clone(), seq));
            let settled = found.filter(crate::pair::Found::is_settled);
            let others = settled.into_iter().flat_map(|found| found.ids);
            self.wanted
                .extend(others.filter(|other| !self.here.contains(other)));
        }
        let next = (end < builder.len()).then_some(end);
        if next.is_none() {
            self.here = HashSet::new();
        }
        next
    }

    pub(super) fn wanted(&self) -> usize {
        self.wanted.len()
    }

    /// Whether it is wanted, for the first time.
    pub(super) fn takes(&mut self, event: &Match) -> bool {
        self.wanted.remove(&(event.origin().clone(), event.seq()))
    }
}
