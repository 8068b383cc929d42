//! What is left out of a trace where more comes than it may record, and how that is told.
//!
//! An event is kept or dropped with what it is shown by: its correlation, or its process where it has
//! none. Of a correlation is decided where it begins ([`dropping`]); its extent and the label that
//! carries it tell everybody else. So a level that changes, and another node's level, change nothing
//! for what has begun.

use super::record::{self, About, Sight};
use super::seats::{self, POINTS};
use crate::erl::Term;
use crate::extent::Id;
use crate::payload::Data;
use crate::ring::LANES;
use crate::source::Source;
use crate::{atoms, drain, words};
use rustler::Atom;
use scope_event::{Budget, Kind, TermWriter};
use scope_ring::Refusal;
use scope_trace::{Decision, Function, Sets, TRACES, Thinning, Traces, Unit};
use std::sync::atomic::{AtomicU64, Ordering};

/// The levels of all traces of the machine.
pub(crate) static THINNING: Thinning = Thinning::new();

/// What gap events have told of so far, of each trace. Only who holds the traces comes here, or who
/// takes over from one that was killed.
static TOLD: [Told; TRACES] = [const { Told::new() }; TRACES];

/// The form of a process among the words of units; ids have others.
const PROCESS: u64 = 2;

struct Told {
    thinned: AtomicU64,
    refused: AtomicU64,
    correlations: AtomicU64,
}

/// A trace has taken a seat.
pub(super) fn begin(seat: usize) {
    THINNING.begin(seat);
    if let Some(told) = TOLD.get(seat) {
        told.set([0; 3]);
    }
}

/// Which of the running traces drop an id that begins here and now.
pub(crate) fn dropping(id: Id) -> Traces {
    THINNING.decide(POINTS.live(), id.unit(), credits)
}

fn credits(seat: usize) -> Option<u64> {
    LANES.left(seats::of(seat).session)
}

/// Those of the running traces that a decision was made for.
#[inline]
pub(crate) fn still(decision: Decision) -> Traces {
    if decision.dropping.is_empty() {
        return Traces::NONE;
    }
    THINNING.dropping(decision) & POINTS.live()
}

/// Which of the running traces a list of numbers names; `None` for what is no such list. It may come
/// from anywhere: no more of it is looked at than there can be traces.
pub(crate) fn named(mut numbers: Term<'_>) -> Option<Traces> {
    let live = POINTS.live();
    let mut traces = Traces::NONE;
    for _ in 0..=TRACES {
        let Some((number, rest)) = numbers.cell() else {
            let whole = numbers.word() == words::empty_list();
            return whole.then_some(traces).inspect(|_| THINNING.watch(traces));
        };
        let number = u16::try_from(number.int()?).ok()?;
        let number = Some(number).filter(|&n| n > 0 && !Sets::is_set(n))?;
        let meant = live.seats().find(|&seat| seats::of(seat).number == number);
        traces = traces | meant.map_or(Traces::NONE, Traces::of);
        numbers = rest;
    }
    None
}

/// Those of the traces that keep what was seen; what the others leave out is counted.
#[inline]
pub(super) fn kept(traces: Traces, sight: &Sight<'_>, source: &Source<'_>) -> Traces {
    let watched = THINNING.watched() | source.dropping();
    if (traces & watched).is_empty() {
        return traces;
    }
    thinned(traces, sight, source)
}

#[inline(never)]
fn thinned(traces: Traces, sight: &Sight<'_>, source: &Source<'_>) -> Traces {
    let own = source.known(now());
    let unit = own.map_or_else(|| process(sight.pid), |own| own.id.unit());
    let dropping = traces
        & match own {
            Some(own) => own.dropping,
            None => THINNING.without_correlation(traces, unit, credits),
        };
    (traces & THINNING.watched())
        .seats()
        .for_each(|seat| THINNING.saw(seat, unit));
    for seat in dropping.seats() {
        leave_out(seat, sight, unit);
    }
    traces.without(dropping)
}

/// A call that is left out takes the stack of its process as any other whose return is awaited.
fn leave_out(seat: usize, sight: &Sight<'_>, unit: Unit) {
    LANES.thin(seats::of(seat).session, sight.kind as u8);
    match sight.kind {
        Kind::Call if is_awaited(seat, sight) => THINNING.opened(seat, unit, 1),
        Kind::Return | Kind::Exception if is_awaited(seat, sight) => {
            THINNING.opened(seat, unit, -1);
        }
        _ => {}
    }
}

/// Whether a trace is told the return of every call of the function.
fn is_awaited(seat: usize, sight: &Sight<'_>) -> bool {
    match sight.about {
        About::Function(name, arity) => {
            !(POINTS.awaiting(Function { name, arity }) & Traces::of(seat)).is_empty()
        }
        _ => false,
    }
}

/// An event could not be paid for: it is remembered what it was of, and what has begun comes first.
#[cold]
pub(super) fn refused(refusal: Refusal, seat: usize, pid: u64, source: &Source<'_>) {
    if refusal == Refusal::OverBudget {
        let own = source.known(now());
        THINNING.watch(Traces::of(seat));
        THINNING.saw(seat, own.map_or_else(|| process(pid), |own| own.id.unit()));
    }
}

fn process(pid: u64) -> Unit {
    Unit::of([PROCESS, pid, 0])
}

fn now() -> u64 {
    drain::unix_ms() / 1000
}

/// How strongly a trace is thinned from now on; what was left out before is told.
#[rustler::nif]
fn trace_thin(seat: usize, level: u8, reserve: u64) -> Atom {
    tell(seat);
    THINNING.set(seat, level, reserve);
    atoms::ok()
}

/// Records what a trace left out, or could not pay for, since it was told last. What finds no room is
/// told the next time.
pub(super) fn tell(seat: usize) {
    let (Some(told), at) = (TOLD.get(seat), seats::of(seat)) else {
        return;
    };
    let account = LANES.account(at.session).unwrap_or_default();
    let now = [account.thinned, account.refused, THINNING.dropped(seat)];
    let before = told.get();
    let [thinned, refused, correlations] =
        std::array::from_fn(|n| now[n].saturating_sub(before[n]));
    if thinned + refused == 0 {
        return;
    }
    let gap = Gap {
        trace: at.number,
        level: THINNING.level(seat),
        thinned,
        refused,
        correlations,
    };
    if gap.record(at).is_some() {
        told.set(now);
    }
}

/// What is missing of a trace since the gap before.
struct Gap {
    trace: u16,
    level: u8,
    thinned: u64,
    refused: u64,
    correlations: u64,
}

impl Gap {
    fn record(&self, seat: seats::Seat) -> Option<()> {
        let mut room = [0; 128];
        let mut to = TermWriter::new(&mut room, Budget::MESSAGES);
        self.write(&mut to);
        record::note(seat.scope_id(), Kind::Gap, 0, Data::Written(to.finish()))
    }

    /// `%{thinned: …, refused: …, of: %{trace: …, level: …, correlations: …}}`: the numbers of the outer
    /// map are those that add up to what is missing.
    fn write(&self, to: &mut TermWriter<'_>) {
        let missing = [
            (words::thinned(), self.thinned),
            (words::refused(), self.refused),
        ];
        let of = [
            (words::trace(), self.trace.into()),
            (words::level(), self.level.into()),
            (words::correlations(), self.correlations),
        ];
        let _ = to.map(3, None);
        missing.into_iter().for_each(|pair| put(to, pair));
        let _ = [to.atom(words::of()), to.map(3, None)];
        of.into_iter().for_each(|pair| put(to, pair));
    }
}

fn put(to: &mut TermWriter<'_>, (name, value): (u64, u64)) {
    let value = i64::try_from(value).unwrap_or(i64::MAX);
    let _ = [to.atom(name), to.int(value)];
}

impl Told {
    const fn new() -> Self {
        Self {
            thinned: AtomicU64::new(0),
            refused: AtomicU64::new(0),
            correlations: AtomicU64::new(0),
        }
    }

    // Ordering: one process at a time, see above.

    fn get(&self) -> [u64; 3] {
        let all = [&self.thinned, &self.refused, &self.correlations];
        all.map(|count| count.load(Ordering::Relaxed))
    }

    fn set(&self, [thinned, refused, correlations]: [u64; 3]) {
        self.thinned.store(thinned, Ordering::Relaxed);
        self.refused.store(refused, Ordering::Relaxed);
        self.correlations.store(correlations, Ordering::Relaxed);
    }
}
