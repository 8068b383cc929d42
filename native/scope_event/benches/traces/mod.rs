//! Real traces, recorded by `bench/traces/record.exs`: clients of GenServers, and the formatter of
//! Elixir on source files; every call, return, message and switch of some twenty modules.
//!
//! Those in this folder are of 114,688 events each, seven full blocks. `SCOPE_TRACES` names a folder
//! with others.

#![allow(
    clippy::expect_used,
    reason = "a bench without its traces should say so"
)]

mod reader;
mod terms;

use scope_event::{Kind, RawEvent, Subject, SymbolTable};
use std::ops::Range;
use std::path::PathBuf;

/// Name in the tables and name of the file.
const TRACES: [(&str, &str); 4] = [
    ("key-value", "key_value"),
    ("formatter", "formatter"),
    ("key-value, arguments", "key_value_arguments"),
    ("formatter, arguments", "formatter_arguments"),
];

/// An event with its lane, its terms in the trace's arena.
pub(crate) struct Step {
    pub(crate) lane: u16,
    pub(crate) kind: Kind,
    pub(crate) stamp: u64,
    pub(crate) pid: u64,
    pub(crate) subject: About,
    data: Range<usize>,
}

/// What an event is about.
#[derive(Clone, Debug)]
pub(crate) enum About {
    Words(Subject<'static>),
    /// A term in the arena.
    Term(Range<usize>),
}

/// A trace: batches of events of one lane, as a drain would take them.
pub(crate) struct Trace {
    pub(crate) name: &'static str,
    pub(crate) steps: Vec<Step>,
    arena: Vec<u8>,
}

impl Trace {
    pub(crate) fn event(&self, step: &Step) -> RawEvent<'_> {
        let subject = match &step.subject {
            About::Words(subject) => *subject,
            About::Term(term) => Subject::Term(&self.arena[term.clone()]),
        };
        RawEvent::new(step.kind, step.stamp, step.pid)
            .about(subject)
            .with_data(&self.arena[step.data.clone()])
    }

    pub(crate) fn payload_bytes(&self) -> usize {
        self.steps.iter().map(|step| step.data.len()).sum()
    }
}

/// All four traces.
pub(crate) fn all(names: &SymbolTable) -> Vec<Trace> {
    TRACES
        .map(|(name, file)| {
            let bytes = load(file);
            let mut trace = reader::trace(name, &bytes, names).expect("a trace");
            drained(&mut trace.steps);
            trace
        })
        .into()
}

fn load(file: &str) -> Vec<u8> {
    let here = concat!(env!("CARGO_MANIFEST_DIR"), "/benches/traces");
    let folder = std::env::var_os("SCOPE_TRACES").map_or_else(|| here.into(), PathBuf::from);
    std::fs::read(folder.join(file)).unwrap_or_else(|_| {
        let packed = folder.join(file).with_extension("zst");
        zstd::stream::decode_all(std::fs::File::open(packed).expect("the trace")).expect("zstd")
    })
}

/// The recording is in the order of time; a drain takes what each lane has in turn.
fn drained(steps: &mut [Step]) {
    const BATCH: usize = 1024;
    let batches = steps.chunks_mut(BATCH);
    batches.for_each(|batch| batch.sort_by_key(|step| step.lane));
}
