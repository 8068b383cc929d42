//! Calls that wait until it is known whether they were slow: what [`scope_trace::Held`] holds, for
//! each scope.

use super::seats::{self, POINTS};
use super::thin::THINNING;
use crate::ring::LANES;
use crate::scopes::ScopeId;
use rustler::OwnedEnv;
use scope_clock::Clock;
use scope_event::Kind;
use scope_ring::Slot;
use scope_trace::{Function, Held, Order, Released, Seen, Side, Traces};
use std::collections::BTreeMap;

/// An event on hold, as it was in the ring.
#[derive(Debug)]
pub(crate) struct OnHold {
    pub(crate) kind: Kind,
    pub(crate) slot: Slot,
    pub(crate) payload: Box<[u8]>,
}

/// The lanes of events that were held, below that of the drain itself: blocks want the events of
/// one lane in the order of their stamps. Threads are far fewer.
const SETTLED_LANE: u16 = u16::MAX - 1;

pub(crate) fn lane(order: Order) -> u16 {
    match order {
        Order::Settled => SETTLED_LANE,
        Order::Calls(ms) => SETTLED_LANE.saturating_sub(ms),
    }
}

/// By scope; a scope has one while a trace keeps only its slow calls, or something is held.
#[derive(Debug, Default)]
pub(crate) struct Holds {
    scopes: BTreeMap<u8, Scope>,
}

#[derive(Debug, Default)]
struct Scope {
    held: Held<OnHold>,
    /// Events that the session in a seat was refused, and its level, as far as is known.
    known: BTreeMap<usize, (u64, u8)>,
    /// The clock's generation up to which jumps are known.
    generation: Option<u64>,
}

impl Holds {
    /// The trace in a seat keeps only calls of more than so many milliseconds.
    pub(crate) fn watch(&mut self, scope: u8, seat: usize, ms: u16) {
        self.scopes.entry(scope).or_default().held.watch(seat, ms);
    }

    /// The trace in a seat has ended.
    pub(super) fn leave(&mut self, seat: usize) {
        for scope in self.scopes.values_mut() {
            scope.held.leave(seat);
            scope.known.remove(&seat);
        }
        self.scopes.retain(|_, scope| !scope.held.is_idle());
    }

    pub(super) fn of(&mut self, scope: u8) -> Option<&mut Held<OnHold>> {
        // With no trace of slow calls this is all that it costs.
        if self.scopes.is_empty() {
            return None;
        }
        self.scopes.get_mut(&scope).map(|scope| &mut scope.held)
    }

    /// Whether anything is to be judged at all.
    pub(crate) fn is_empty(&self) -> bool {
        self.scopes.is_empty()
    }

    /// Everything of a scope below `stamp` was drained, and this is its clock: what is decided by that,
    /// and how many calls were given up for want of room.
    pub(crate) fn settle(
        &mut self,
        scope: ScopeId,
        stamp: u64,
        clock: &Clock,
    ) -> (Vec<Released<OnHold>>, u64) {
        let (mut released, now) = (Vec::new(), clock.now().bits());
        let Some(one) = self.scopes.get_mut(&scope.index()) else {
            return (released, 0);
        };
        one.mind_missed(now);
        one.mind_jumps(clock);
        one.held.settle(stamp, alive, |event| released.push(event));
        let given_up = one.held.take_given_up();
        if one.held.is_idle() {
            self.scopes.remove(&scope.index());
        }
        (released, given_up)
    }

    /// The clock of a scope ends, or its time: what is left of it for traces that keep all.
    pub(crate) fn abandon(&mut self, scope: ScopeId) -> Vec<Released<OnHold>> {
        let mut released = Vec::new();
        if let Some(one) = self.scopes.get_mut(&scope.index()) {
            one.held.abandon(|event| released.push(event));
            one.generation = None;
        }
        released
    }

    /// Events of a scope were lost before `now`.
    pub(crate) fn lost(&mut self, scope: ScopeId, now: u64) {
        if let Some(Scope { held, .. }) = self.scopes.get_mut(&scope.index()) {
            held.miss(held.slow(), now);
        }
    }

    /// The oldest stamp that a scope holds.
    pub(crate) fn oldest(&self, scope: ScopeId) -> Option<u64> {
        self.scopes.get(&scope.index())?.held.oldest()
    }

    /// When something becomes due by itself: the stamp, or at once for what has not settled.
    pub(crate) fn due(&self, scope: ScopeId) -> Option<u64> {
        let held = &self.scopes.get(&scope.index())?.held;
        if held.is_waiting() {
            return Some(0);
        }
        held.due()
    }

    /// Calls and bytes on hold.
    pub(crate) fn sizes(&self) -> (usize, usize) {
        let held = self.scopes.values().map(|scope| &scope.held);
        held.fold((0, 0), |(calls, bytes), held| {
            (calls + held.calls(), bytes + held.bytes())
        })
    }
}

impl Scope {
    /// A stamp that comes from another node puts the clock forward.
    fn mind_jumps(&mut self, clock: &Clock) {
        let now = clock.generation();
        let before = self.generation.replace(now).unwrap_or(now);
        if before != now {
            for pair in clock.anchors(before).windows(2) {
                let ns = pair[0]
                    .mono_ns_at(pair[1].stamp)
                    .saturating_sub(pair[1].mono_ns);
                self.held.jumped(pair[1].stamp.bits(), ns_in_stamps(ns));
            }
        }
    }

    /// A session that was refused an event has missed it. So has one that is thinned more or less than
    /// before: of a process without a correlation it may have the call and not the end.
    fn mind_missed(&mut self, now: u64) {
        for seat in self.held.slow().seats() {
            let account = LANES.account(seats::of(seat).session).unwrap_or_default();
            let known = (account.refused, THINNING.level(seat));
            if self.known.insert(seat, known).unwrap_or_default() != known {
                self.held.miss(Traces::of(seat), now);
            }
        }
    }
}

/// Who is to have an event now; `None` if nobody is, as far as is known.
pub(super) fn hold(
    held: &mut Held<OnHold>,
    kind: Kind,
    slot: &Slot,
    payload: &[u8],
    traces: Traces,
) -> Option<Traces> {
    let Some(side) = side(kind) else {
        return Some(traces);
    };
    let function = Function {
        name: slot.subject,
        arity: slot.head.arity_of(),
    };
    let judging = !(traces & held.slow()).is_empty();
    let besides = besides(held, side, function, slot.pid, traces);
    if !judging && besides.is_empty() {
        return Some(traces);
    }
    let on_hold = || OnHold {
        kind,
        slot: *slot,
        payload: payload.into(),
    };
    let seen = Seen {
        stamp: slot.stamp,
        pid: slot.pid,
        function,
        side,
        traces,
        besides,
        bytes: size_of::<Seen<OnHold>>() + payload.len(),
        event: judging.then(on_hold),
    };
    let now = held.push(seen).err().map(|seen| seen.traces);
    now.or((!judging).then_some(traces))
        .filter(|traces| !traces.is_empty())
}

fn side(kind: Kind) -> Option<Side> {
    match kind {
        Kind::Call => Some(Side::Call),
        Kind::Return | Kind::Exception => Some(Side::End),
        _ => None,
    }
}

/// Traces of slow calls whose arguments this one does not have: the machine tells them its return
/// all the same if another trace awaits it.
fn besides(
    held: &Held<OnHold>,
    side: Side,
    function: Function,
    pid: u64,
    traces: Traces,
) -> Traces {
    if side == Side::End || held.slow().without(traces).is_empty() {
        return Traces::NONE;
    }
    if seats::with_returns(traces).is_empty() {
        return Traces::NONE;
    }
    (POINTS.of_call(function, pid) & held.slow()).without(traces)
}

fn ns_in_stamps(ns: u64) -> u64 {
    let stamps = (u128::from(ns) << 32) / 1_000_000_000;
    u64::try_from(stamps).unwrap_or(u64::MAX)
}

fn alive(pid: u64) -> bool {
    // SAFETY: the environment is of no call, and this thread is at no trace point.
    OwnedEnv::new().run(|env| unsafe { crate::extent::lives(env.as_c_arg(), pid) })
}
