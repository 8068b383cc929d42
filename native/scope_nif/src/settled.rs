//! Up to where everything has come out of the rings, and what is decided by that.

use crate::batch::Batch;
use crate::drain::Scopes;
use crate::ring::LANES;
use crate::scopes::Scope;
use crate::trace::seats::LEDGER;
use scope_event::Origin;
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What is due by itself is looked at so much later: then it has been.
const PAUSE: Duration = Duration::from_millis(1);

/// How long somebody who asks waits for all threads to be between two entries.
const PATIENCE: Duration = Duration::from_millis(100);

/// A processor may read its counter some 20 ns early or late: a microsecond, in stamps.
const SLACK: u64 = STAMPS_PER_S / 1_000_000;

const STAMPS_PER_S: u64 = 1 << 32;

/// A scope, and what its clock showed in which incarnation.
pub(crate) type Settled<'a> = (&'a Arc<Scope>, (u64, Origin));

/// What the clocks show, if no older stamp can be recorded any more: none of the threads is between
/// opening an entry, which it does before it reads a clock, and publishing it.
pub(crate) fn settle(scopes: &Scopes) -> Vec<Settled<'_>> {
    let shown = |scope: &'_ Arc<Scope>| (scope.clock().now().bits(), scope.store.own());
    let shown: Vec<_> = scopes
        .iter()
        .flatten()
        .map(|scope| (scope, shown(scope)))
        .collect();
    if LANES.is_settled() {
        shown
    } else {
        Vec::new()
    }
}

/// The same for who waits for it, while something is held that is to be judged: a thread is between
/// the two for a few nanoseconds, unless the machine took its processor away.
pub(crate) fn settle_soon(scopes: &Scopes) -> Vec<Settled<'_>> {
    if holds_any() {
        settle_within(scopes, PATIENCE)
    } else {
        Vec::new()
    }
}

/// The same, if that is soon.
pub(crate) fn settle_within(scopes: &Scopes, patience: Duration) -> Vec<Settled<'_>> {
    let began = Instant::now();
    let mut settled = settle(scopes);
    while settled.is_empty() && began.elapsed() < patience {
        std::thread::yield_now();
        settled = settle(scopes);
    }
    settled
}

pub(crate) fn judge(batch: &mut Batch<'_>, settled: &[Settled<'_>]) {
    if batch.holds().is_none() {
        return;
    }
    for (scope, (stamp, origin)) in settled {
        if scope.store.own() == *origin {
            batch.settle(scope, stamp.saturating_sub(SLACK));
        }
    }
}

/// Below what each scope will store no stamp any more.
pub(crate) fn oldest<'a>(
    batch: &mut Batch<'_>,
    settled: Vec<Settled<'a>>,
) -> Vec<(&'a Arc<Scope>, u64)> {
    let present = settled
        .into_iter()
        .filter(|(scope, (_, origin))| scope.store.own() == *origin);
    let promise = |(scope, (stamp, _)): Settled<'a>| {
        let held = batch.holds().and_then(|holds| holds.oldest(scope.id));
        let stamp = stamp.saturating_sub(SLACK);
        (scope, held.map_or(stamp, |held| stamp.min(held)))
    };
    present.map(promise).collect()
}

pub(crate) fn next_due(batch: &mut Batch<'_>, scopes: &Scopes) -> Option<Duration> {
    let holds = batch.holds()?;
    let due = scopes.iter().flatten().filter_map(|scope| {
        let left = holds
            .due(scope.id)?
            .saturating_sub(scope.clock().now().bits());
        Some(Duration::from_millis(left / (STAMPS_PER_S / 1000)) + PAUSE)
    });
    due.min()
}

fn holds_any() -> bool {
    let ledger = LEDGER.lock();
    ledger
        .as_ref()
        .is_some_and(|ledger| !ledger.holds.is_empty())
}
