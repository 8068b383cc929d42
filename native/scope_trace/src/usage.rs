//! What each trace has used, counted where its events are drained.

use crate::{TRACES, Traces};

/// What one trace has used.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Used {
    /// Events.
    pub events: u64,
    /// Bytes that they took in the rings.
    pub bytes: u64,
    /// The most calls that one process had open.
    pub deepest: u32,
    /// Calls that had to be looked at, where only slow ones are kept.
    pub looked_at: u64,
}

/// The same, for every seat.
#[derive(Debug)]
pub struct Usage([Used; TRACES]);

impl Default for Usage {
    fn default() -> Self {
        Self([Used::default(); TRACES])
    }
}

impl Usage {
    /// An event of these traces was drained.
    pub fn add(&mut self, traces: Traces, bytes: usize, open_calls: u32) {
        for seat in traces.seats() {
            let used = &mut self.0[seat];
            used.events += 1;
            used.bytes += bytes as u64;
            used.deepest = used.deepest.max(open_calls);
        }
    }

    /// A call was drained, which is so many open ones of its process; some of its traces may not
    /// keep it.
    pub fn look(&mut self, traces: Traces, judging: Traces, open_calls: u32) {
        for seat in traces.seats() {
            let used = &mut self.0[seat];
            used.deepest = used.deepest.max(open_calls);
        }
        for seat in (traces & judging).seats() {
            self.0[seat].looked_at += 1;
        }
    }

    /// What a trace has used.
    pub fn of(&self, seat: usize) -> Used {
        self.0.get(seat).copied().unwrap_or_default()
    }

    /// Its seat goes to another one.
    pub fn forget(&mut self, seat: usize) {
        if let Some(used) = self.0.get_mut(seat) {
            *used = Used::default();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_trace_that_an_event_belongs_to_pays_for_it() {
        let mut usage = Usage::default();
        usage.add(Traces::of(0) | Traces::of(62), 40, 3);
        usage.add(Traces::of(62), 2, 1);
        usage.look(Traces::of(0) | Traces::of(62), Traces::of(62), 5);
        assert_eq!(
            usage.of(0),
            Used {
                events: 1,
                bytes: 40,
                deepest: 5,
                looked_at: 0
            }
        );
        assert_eq!(
            usage.of(62),
            Used {
                events: 2,
                bytes: 42,
                deepest: 5,
                looked_at: 1
            }
        );
        usage.forget(62);
        assert_eq!(
            (usage.of(62), usage.of(63)),
            (Used::default(), Used::default())
        );
    }
}
