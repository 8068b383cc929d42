//! Counting by groups.
//!
//! Within a block, keys and pids are small numbers, so events are counted in a table by number; only
//! the totals of a block are looked up by text.

use super::group::{About, Group};
use super::whole::Whole;
use crate::search::{Plan, Sieve, scan};
use scope_event::{EventView, Events};
use std::collections::HashMap;

/// What to count by.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum By {
    /// Kind.
    Kind,
    /// Kind and subject.
    Key,
    /// Process.
    Pid,
    /// Second of the stamp.
    Second,
}

/// Groups that are told apart at most; the events of further ones are counted together.
pub(super) const MAX_GROUPS: usize = 100_000;

/// Events by group.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Counted {
    /// How many events each group has.
    pub groups: HashMap<Group, u64>,
    /// Events of groups beyond the first 100,000.
    pub others: u64,
    /// Events that were lost in the range, as in [`Matches::dropped`](crate::Matches::dropped).
    pub dropped: u64,
}

impl Counted {
    /// All events that matched.
    pub fn total(&self) -> u64 {
        self.groups.values().sum::<u64>() + self.others
    }

    /// The `k` largest groups, largest first; of equal ones, the first in the order of groups.
    pub fn top(&self, k: usize) -> Vec<(Group, u64)> {
        let mut all: Vec<(&Group, u64)> = self.groups.iter().map(|(g, n)| (g, *n)).collect();
        let larger = |a: &(&Group, u64), b: &(&Group, u64)| b.1.cmp(&a.1).then(a.0.cmp(b.0));
        if k < all.len() {
            all.select_nth_unstable_by(k, larger);
            all.truncate(k);
        }
        all.sort_unstable_by(larger);
        all.into_iter()
            .map(|(group, count)| (group.clone(), count))
            .collect()
    }

    fn merge(mut self, other: Self) -> Self {
        let groups = other.groups.into_iter();
        groups.for_each(|(group, count)| self.add(group, count));
        self.others += other.others;
        self.dropped += other.dropped;
        self
    }

    pub(super) fn add(&mut self, group: Group, count: u64) {
        if self.groups.len() < MAX_GROUPS || self.groups.contains_key(&group) {
            *self.groups.entry(group).or_default() += count;
        } else {
            self.others += count;
        }
    }
}

pub(super) fn count(sieve: &Sieve<'_>, plan: Plan, by: By) -> Counted {
    let mut counted = Counted::default();
    let mut whole = Whole::default();
    counted.dropped = scan(
        sieve,
        plan,
        |block| whole.count(block.block(), sieve.query, by),
        |events, places| match by {
            By::Kind => count_numbers(events, places, events.keys(), kind, &mut counted),
            By::Key => count_numbers(events, places, events.keys(), key, &mut counted),
            By::Pid => count_numbers(events, places, events.pids(), pid, &mut counted),
            By::Second => count_seconds(events, places, &mut counted),
        },
    );
    whole.finish().merge(counted)
}

fn kind(event: &EventView<'_>) -> Group {
    Group::Kind(event.kind())
}

fn key(event: &EventView<'_>) -> Group {
    Group::Key(event.kind(), About::of(event))
}

fn pid(event: &EventView<'_>) -> Group {
    Group::Pid(event.pid().cloned())
}

/// Counts by a column of small numbers; `group` names the group of any one of its events.
fn count_numbers(
    events: &Events,
    places: &[u32],
    column: &[u32],
    group: fn(&EventView<'_>) -> Group,
    counted: &mut Counted,
) {
    let mut table: Vec<(u64, u32)> = Vec::new();
    for at in places {
        let number = column[*at as usize] as usize;
        if table.len() <= number {
            table.resize(number + 1, (0, 0));
        }
        table[number] = (table[number].0 + 1, *at);
    }
    for (count, at) in table.into_iter().filter(|(count, _)| *count > 0) {
        let event = events.get(at as usize);
        event
            .iter()
            .for_each(|event| counted.add(group(event), count));
    }
}

fn count_seconds(events: &Events, places: &[u32], counted: &mut Counted) {
    let stamps = events.stamps();
    let second = |at: &u32| stamps[*at as usize] >> 32;
    // A lane's events come in the order of stamps, so that there are few runs.
    for run in places.chunk_by(|a, b| second(a) == second(b)) {
        let second = run.first().map_or(0, second);
        counted.add(Group::Second(second), run.len() as u64);
    }
}
