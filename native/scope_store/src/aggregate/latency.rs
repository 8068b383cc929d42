//! Durations of calls: a call and what ended it, in one process.

use super::histogram::Histogram;
use crate::search::{Merge, Plan, Sieve, Sink, Source, Taken, unread};
use scope_event::{EventView, Kind, Pid, SubjectView};
use std::collections::HashMap;
use std::sync::Arc;

/// Calls that are open at the same time at most, over all processes.
const MAX_OPEN: usize = 1 << 20;

/// How long calls took.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Latencies {
    /// Of calls that ended, by whatever.
    pub histogram: Histogram,
    /// How many of them ended with an exception.
    pub exceptions: u64,
    /// Calls whose end is not there.
    pub open: u64,
    /// Ends whose call is not there.
    pub unmatched: u64,
    /// Events that could not be read.
    pub dropped: u64,
}

type Function = (Arc<str>, Arc<str>, u8);

/// Stamps of open calls, innermost last. Invariant: `open` is how many there are.
#[derive(Default)]
struct Pairing {
    calls: HashMap<(Pid, Function), Vec<u64>>,
    open: usize,
    result: Latencies,
}

pub(super) fn latencies(sieve: &Sieve<'_>, plan: Plan) -> Latencies {
    let mut merge = Merge::new(sieve, plan.candidates, plan.wall, Pairing::default());
    merge.run();
    let outcome = merge.finish();
    let dropped = outcome.damaged + unread(&outcome.unread);
    let pairing = outcome.sink;
    Latencies {
        open: pairing.result.open + pairing.open as u64,
        dropped,
        ..pairing.result
    }
}

impl Sink for Pairing {
    fn is_full(&self) -> bool {
        false
    }

    fn take(&mut self, _names: &Arc<Source>, event: &EventView<'_>) -> Taken {
        let (
            Some(pid),
            Ok(SubjectView::Mfa {
                module,
                function,
                arity,
            }),
        ) = (event.pid(), event.subject())
        else {
            return Taken::Yes;
        };
        let key = (pid.clone(), (module.clone(), function.clone(), arity));
        match event.kind() {
            Kind::Call => self.call(key, event.stamp()),
            kind => self.end(&key, event.stamp(), kind == Kind::Exception),
        }
        Taken::Yes
    }
}

impl Pairing {
    fn call(&mut self, key: (Pid, Function), stamp: u64) {
        if self.open >= MAX_OPEN {
            self.result.open += 1;
            return;
        }
        self.open += 1;
        self.calls.entry(key).or_default().push(stamp);
    }

    fn end(&mut self, key: &(Pid, Function), stamp: u64, exception: bool) {
        let Some(called) = self.calls.get_mut(key).and_then(Vec::pop) else {
            self.result.unmatched += 1;
            return;
        };
        self.open -= 1;
        self.result.exceptions += u64::from(exception);
        self.result.histogram.add(ns_between(called, stamp));
        // Most processes are never heard of again.
        if self.calls.get(key).is_some_and(Vec::is_empty) {
            self.calls.remove(key);
        }
    }
}

/// Both stamps are of one process, hence of one clock.
fn ns_between(from: u64, to: u64) -> u64 {
    ((u128::from(to.saturating_sub(from)) * 1_000_000_000) >> 32) as u64
}
