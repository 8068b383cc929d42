//! Garbage collections: two trace points, one event with the sizes before and after.

use super::callbacks::Point;
use super::record::{About, Sight, record};
use super::seats::POINTS;
use crate::erl::Term;
use crate::payload::Data;
use crate::words;
use scope_event::{Budget, Kind, TermWriter};
use std::cell::Cell;

/// In words of the machine, as it counts them itself.
#[derive(Clone, Copy, Default)]
struct Sizes {
    heap: i64,
    old_heap: i64,
    stack: i64,
    fragments: i64,
}

thread_local! {
    /// The collection that this thread is at: a process is not moved to another one meanwhile.
    static BEGUN: Cell<(u64, Sizes)> = const { Cell::new((0, NOTHING)) };
}

const NOTHING: Sizes = Sizes {
    heap: 0,
    old_heap: 0,
    stack: 0,
    fragments: 0,
};

pub(super) fn collected(point: &Point<'_>) -> Option<()> {
    let now = sizes(point.term);
    let starts = [words::gc_minor_start(), words::gc_major_start()];
    if starts.contains(&point.tag) {
        BEGUN.set((point.pid, now));
        return Some(());
    }
    let (pid, before) = BEGUN.replace((0, NOTHING));
    let wanting = POINTS.of_process(Kind::Gc.code(), point.pid);
    // A trace that began in the middle of a collection did not see its start.
    if pid != point.pid || wanting.is_empty() {
        return None;
    }
    let major = point.tag == words::gc_major_end();
    let mut room = [0; 128];
    let data = Data::Written(write(&mut room, major, [before, now]));
    record(
        wanting,
        &Sight {
            kind: Kind::Gc,
            pid,
            about: About::Nothing,
            data,
            token: None,
            entry: false,
        },
    );
    Some(())
}

/// From the machine's list of pairs: about ten of them.
fn sizes(mut pairs: Term<'_>) -> Sizes {
    let mut sizes = NOTHING;
    while let Some((pair, rest)) = pairs.cell() {
        pairs = rest;
        let Some(mut parts) = pair.tuple() else {
            continue;
        };
        let (Some(name), Some(value)) = (parts.next(), parts.next().and_then(Term::int)) else {
            continue;
        };
        match name.word() {
            name if name == words::heap_size() => sizes.heap = value,
            name if name == words::old_heap_size() => sizes.old_heap = value,
            name if name == words::stack_size() => sizes.stack = value,
            name if name == words::mbuf_size() => sizes.fragments = value,
            _ => {}
        }
    }
    sizes
}

/// `%{generation: …, before: %{heap: …}, after: %{heap: …}}`.
fn write(room: &mut [u8], major: bool, [before, after]: [Sizes; 2]) -> &[u8] {
    let mut to = TermWriter::new(room, Budget::ARGUMENTS);
    let generation = if major {
        words::major()
    } else {
        words::minor()
    };
    let _ = [
        to.map(3, None),
        to.atom(words::generation()),
        to.atom(generation),
    ];
    for (name, sizes) in [(words::before(), before), (words::after(), after)] {
        let _ = [to.atom(name), to.map(4, None)];
        put(&mut to, sizes);
    }
    to.finish()
}

fn put(to: &mut TermWriter<'_>, sizes: Sizes) {
    let pairs = [
        (words::heap(), sizes.heap),
        (words::old_heap(), sizes.old_heap),
        (words::stack(), sizes.stack),
        (words::fragments(), sizes.fragments),
    ];
    for (name, value) in pairs {
        let _ = [to.atom(name), to.int(value)];
    }
}
