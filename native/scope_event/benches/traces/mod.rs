//! Two made-up kinds of trace, close to what was measured on real ones.
//!
//! Real traces of all calls, returns, messages and switches of some twenty modules have two things
//! in common: what happens next is nearly certain (under a tenth of a byte an event), and the time
//! between two events is the cost of tracing itself, some 200 ns give or take a fifth, with a tail.
//! The plain columns in the table of the bench show how close the copy is: real traces took 2.1
//! bytes an event in them with LZ4 and 1.5 with Zstandard.

mod formatter;
mod key_value;
mod random;
mod terms;

use random::Random;
use scope_event::{Kind, RawEvent, Subject, SymbolTable};
use std::ops::Range;

/// An event with its lane, its terms in the trace's arena.
pub(crate) struct Step {
    pub(crate) lane: u16,
    pub(crate) kind: Kind,
    pub(crate) stamp: u64,
    pub(crate) pid: u64,
    pub(crate) subject: Subject<'static>,
    data: Range<usize>,
}

/// A trace: batches of events of one lane, as a drain would take them.
pub(crate) struct Trace {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
    arena: Vec<u8>,
}

impl Trace {
    pub(crate) fn event(&self, step: &Step) -> RawEvent<'_> {
        RawEvent::new(step.kind, step.stamp, step.pid)
            .about(step.subject)
            .with_data(&self.arena[step.data.clone()])
    }

    pub(crate) fn payload_bytes(&self) -> usize {
        self.steps.iter().map(|step| step.data.len()).sum()
    }
}

/// All four traces of `events` events.
pub(crate) fn all(names: &SymbolTable, events: usize) -> Vec<Trace> {
    vec![
        key_value::trace("key-value", names, events, false),
        formatter::trace("formatter", names, events, false),
        key_value::trace("key-value, terms", names, events, true),
        formatter::trace("formatter, terms", names, events, true),
    ]
}

/// One lane's clock: a counter of 2.6 GHz, read into stamps of 2^-32 s.
struct Lane {
    number: u16,
    ticks: f64,
    steps: Vec<Step>,
}

impl Lane {
    fn new(number: u16) -> Self {
        Self {
            number,
            ticks: 0.0,
            steps: Vec::new(),
        }
    }

    /// Lets about `ns` pass: jitter of a seventh, and now and then an interruption.
    fn pass(&mut self, ns: f64, random: &mut Random) {
        let rare = match random.below(1000) {
            0..=24 => random.exponential(600.0),
            25..=27 => random.exponential(12_000.0),
            _ => 0.0,
        };
        let jitter = 1.0 + 0.14 * random.normal();
        self.ticks += ((ns * jitter.max(0.3) + rare) * 2.6).round();
    }

    fn stamp(&self) -> u64 {
        const START: u64 = 1_700_000_000 << 32;
        START + (self.ticks * 4_294_967_296.0 / 2.6e9) as u64
    }
}

/// Takes turns among the lanes in batches, as a drain does.
fn drained(name: &'static str, lanes: Vec<Lane>, arena: Vec<u8>, events: usize) -> Trace {
    const BATCH: usize = 512;
    let mut queues: Vec<_> = lanes
        .into_iter()
        .map(|lane| lane.steps.into_iter())
        .collect();
    let mut steps = Vec::with_capacity(events);
    while steps.len() < events {
        queues
            .iter_mut()
            .for_each(|queue| steps.extend(queue.by_ref().take(BATCH)));
    }
    steps.truncate(events);
    Trace { name, steps, arena }
}
