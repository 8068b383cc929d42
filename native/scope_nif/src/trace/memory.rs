//! Memory of functions: no trace point, but what the machine counted since it was asked last.

use super::record::{About, Sight, record};
use super::seats::POINTS;
use crate::payload::Data;
use crate::words;
use scope_event::{Budget, Kind, TermWriter};
use scope_trace::{Function, Traces};

/// What one process took in one function.
pub(super) struct Taken {
    pub(super) function: Function,
    pub(super) pid: u64,
    pub(super) calls: i64,
    /// Of the machine, which counts in them.
    pub(super) words: i64,
}

/// Records it for those of `traces` that want calls of that function by that process.
pub(super) fn taken(traces: Traces, taken: &Taken) {
    let Function { name, arity } = taken.function;
    let mut room = [0; 64];
    let sight = Sight {
        kind: Kind::Memory,
        pid: taken.pid,
        about: About::Function(name, arity),
        data: Data::Written(write(&mut room, taken)),
        token: None,
        entry: false,
    };
    record(POINTS.of_call(taken.function, taken.pid) & traces, &sight);
}

/// `%{calls: 3, words: 120}`.
fn write<'r>(room: &'r mut [u8], taken: &Taken) -> &'r [u8] {
    let mut to = TermWriter::new(room, Budget::ARGUMENTS);
    let _ = to.map(2, None);
    for (name, count) in [(words::calls(), taken.calls), (words::words(), taken.words)] {
        let _ = [to.atom(name), to.int(count)];
    }
    to.finish()
}
