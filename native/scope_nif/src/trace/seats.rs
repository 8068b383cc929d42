//! The traces that run in this machine: what a trace point has to know of each, in one word.

use super::holds::{self, Holds};
use super::thin;
use crate::payload::Parts;
use crate::scopes::ScopeId;
use parking_lot::{Mutex, MutexGuard};
use scope_event::Kind;
use scope_ring::Slot;
use scope_trace::{Function, OpenCalls, Points, Sets, TRACES, Traces, Usage};
use std::sync::atomic::{AtomicU64, Ordering};

/// Who wants what. One table for the machine, as there is one tracer.
pub(crate) static POINTS: Points = Points::new();

static SEATS: [AtomicU64; TRACES] = [const { AtomicU64::new(0) }; TRACES];

/// What is counted while the rings are drained.
pub(crate) static LEDGER: Mutex<Option<Ledger>> = Mutex::new(None);

/// Of the traces' events, as they come out of the rings.
#[derive(Debug, Default)]
pub(crate) struct Ledger {
    pub(crate) sets: Sets,
    pub(crate) calls: OpenCalls,
    pub(crate) usage: Usage,
    pub(crate) holds: Holds,
}

/// How much of arguments, messages and returns a trace keeps.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Default)]
pub(crate) enum Keep {
    /// Nothing: who did what, not with what.
    #[default]
    Nothing,
    /// As much as the budget of the family allows.
    Bounded,
    /// All, up to 64 KiB.
    Full,
}

/// A trace, as its events know it. In one word, so that it is read whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Default)]
pub(crate) struct Seat {
    /// The number that its events carry; 0 is nobody's.
    pub(crate) number: u16,
    /// The session that pays for them in the rings.
    pub(crate) session: u16,
    /// Where they go.
    pub(crate) scope: u8,
    pub(crate) keep: Keep,
    /// Whether it wants returns and exceptions.
    pub(crate) returns: bool,
}

impl Seat {
    fn bits(self) -> u64 {
        u64::from(self.number)
            | u64::from(self.session) << 16
            | u64::from(self.scope) << 32
            | (self.keep as u64) << 40
            | u64::from(self.returns) << 48
    }

    #[inline]
    fn from_bits(bits: u64) -> Self {
        let keep = match (bits >> 40) as u8 {
            0 => Keep::Nothing,
            1 => Keep::Bounded,
            _ => Keep::Full,
        };
        Self {
            number: bits as u16,
            session: (bits >> 16) as u16,
            scope: (bits >> 32) as u8,
            keep,
            returns: bits >> 48 & 1 == 1,
        }
    }

    pub(crate) fn scope_id(self) -> ScopeId {
        ScopeId::from_int(Some(self.scope.into()))
    }
}

/// What the traces of drained events are charged, locked once for many of them.
pub(crate) struct Account {
    ledger: MutexGuard<'static, Option<Ledger>>,
    /// The session of the last event and who pays with it: mostly the next event's, too.
    last: Option<(u16, usize, Seat)>,
}

/// The number of the trace, or of the set of traces, that an event belongs to: 0 for none.
pub(crate) struct Charged {
    pub(crate) number: u16,
    /// The set, if it had no number before.
    pub(crate) introduces: Option<Introduced>,
}

impl Charged {
    const NOBODY: Self = Self {
        number: 0,
        introduces: None,
    };
}

impl Account {
    pub(crate) fn new() -> Self {
        Self {
            ledger: LEDGER.lock(),
            last: None,
        }
    }

    /// Charges the traces of an event; `None` if it is held until it is known who they are.
    pub(crate) fn charge(
        &mut self,
        kind: Kind,
        slot: &Slot,
        parts: &Parts<'_>,
        payload: &[u8],
    ) -> Option<Charged> {
        let (Some((first, _)), Some(ledger)) =
            (self.payer(slot.head.session_id()), self.ledger.as_mut())
        else {
            return Some(Charged::NOBODY);
        };
        let traces = parts.joined.map_or(Traces::of(first), Traces::from_bits);
        let open = ledger.follow(kind, slot, traces);
        let traces = ledger.hold(kind, slot, payload, traces, open)?;
        Some(ledger.keep(slot, traces, open))
    }

    /// Charges those whose event was held.
    pub(crate) fn keep(&mut self, slot: &Slot, traces: Traces) -> Charged {
        let ledger = self.ledger.as_mut();
        ledger.map_or(Charged::NOBODY, |ledger| ledger.keep(slot, traces, 0))
    }

    /// What is held, if anything can be.
    pub(crate) fn holds(&mut self) -> Option<&mut Holds> {
        self.ledger.as_mut().map(|ledger| &mut ledger.holds)
    }

    /// Events were lost: what was counted of calls no longer adds up.
    pub(crate) fn lost(&mut self) {
        if let Some(ledger) = self.ledger.as_mut() {
            ledger.calls.clear();
        }
    }

    /// Whoever waits for the ledger gets it in between.
    pub(crate) fn let_others(&mut self) {
        MutexGuard::bump(&mut self.ledger);
    }

    fn payer(&mut self, session: u16) -> Option<(usize, Seat)> {
        if session == 0 {
            return None;
        }
        match self.last {
            Some((last, first, seat)) if last == session => Some((first, seat)),
            _ => {
                let (first, seat) = of_session(session)?;
                self.last = Some((session, first, seat));
                Some((first, seat))
            }
        }
    }
}

fn is_awaited(slot: &Slot, traces: Traces) -> bool {
    let function = Function {
        name: slot.subject,
        arity: slot.head.arity_of(),
    };
    !traces.is_empty() && !(POINTS.awaiting(function) & traces).is_empty()
}

/// A set of traces and the number that it got.
pub(crate) struct Introduced {
    pub(crate) number: u16,
    pub(crate) traces: Traces,
}

impl Ledger {
    /// Who is to have an event now; `None` if nobody is, as far as is known.
    fn hold(
        &mut self,
        kind: Kind,
        slot: &Slot,
        payload: &[u8],
        traces: Traces,
        open: u32,
    ) -> Option<Traces> {
        let Some(held) = self.holds.of(slot.head.scope_id()) else {
            return Some(traces);
        };
        if kind == Kind::Call {
            self.usage.look(traces, held.slow(), open);
        }
        holds::hold(held, kind, slot, payload, traces)
    }

    fn keep(&mut self, slot: &Slot, traces: Traces, open: u32) -> Charged {
        let bytes = size_of::<Slot>() + slot.head.payload_len();
        self.usage.add(traces, bytes, open);
        let first = traces.seats().next().map(of).unwrap_or_default();
        self.number(first, traces)
    }

    /// Only functions of which every call has its return told: a loop has none, and is not open.
    fn follow(&mut self, kind: Kind, slot: &Slot, traces: Traces) -> u32 {
        let ends = matches!(kind, Kind::Return | Kind::Exception);
        if !(ends || kind == Kind::Call) || !is_awaited(slot, with_returns(traces)) {
            return 0;
        }
        if ends {
            self.calls.left(slot.pid);
            return 0;
        }
        self.calls.entered(slot.pid)
    }

    /// Calls that a trace saw begin and not end stay open for nobody, once none is left that
    /// awaits returns.
    fn settle(&mut self, leaving: usize) {
        if !(0..TRACES).any(|seat| seat != leaving && of(seat).returns) {
            self.calls.clear();
        }
    }

    fn number(&mut self, first: Seat, traces: Traces) -> Charged {
        let (number, new) = match traces.len() {
            0 | 1 => (first.number, false),
            _ => self.sets.number(traces).unwrap_or((first.number, false)),
        };
        Charged {
            number,
            introduces: new.then_some(Introduced { number, traces }),
        }
    }
}

/// Who sits there.
#[inline]
pub(crate) fn of(seat: usize) -> Seat {
    // Ordering: who finds the trace live in `POINTS` has acquired this, too.
    SEATS
        .get(seat)
        .map(|seat| Seat::from_bits(seat.load(Ordering::Relaxed)))
        .unwrap_or_default()
}

/// Who pays with this session, and in which seat.
pub(crate) fn of_session(session: u16) -> Option<(usize, Seat)> {
    let mut seats = (0..TRACES).map(|at| (at, of(at)));
    seats.find(|(_, seat)| session != 0 && seat.session == session)
}

/// Gives a seat to a trace: the first that nobody has.
pub(crate) fn take(new: Seat) -> Option<usize> {
    let taken = (0..TRACES).find(|&at| {
        // Ordering: release; `POINTS` publishes it a second time when the trace begins.
        SEATS[at]
            .compare_exchange(0, new.bits(), Ordering::Release, Ordering::Relaxed)
            .is_ok()
    });
    taken.inspect(|&at| thin::begin(at))
}

/// Nobody sits there any more; what named the trace was taken away before.
pub(crate) fn leave(seat: usize) {
    if let Some(ledger) = LEDGER.lock().as_mut() {
        ledger.sets.forget(Traces::of(seat));
        ledger.usage.forget(seat);
        ledger.holds.leave(seat);
        ledger.settle(seat);
    }
    if let Some(seat) = SEATS.get(seat) {
        seat.store(0, Ordering::Release);
    }
}

/// Those of the traces that want returns.
#[inline]
pub(crate) fn with_returns(traces: Traces) -> Traces {
    let wanting = traces.seats().filter(|&seat| of(seat).returns);
    wanting.fold(Traces::NONE, |all, seat| all | Traces::of(seat))
}
