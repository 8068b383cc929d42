//! Events on their way from the rings to the stores of their scopes.

use crate::drain::Scopes;
use crate::payload::{self, Parts};
use crate::scopes::Scope;
use crate::trace;
use crate::trace::holds::{self, Holds, OnHold};
use crate::trace::seats::{Account, Charged};
use scope_event::{Anchor, Budget, Kind, RawEvent, Subject, TermWriter};
use scope_ring::Slot;
use scope_store::Recorder;
use scope_trace::Released;
use std::sync::atomic::Ordering;

/// Events after which others get a turn at what is locked.
const TURN: usize = 4096;

/// The lane of the events that the drain itself records.
const OWN_LANE: u16 = u16::MAX;

/// What is locked once for many events: the open blocks of scopes, and what traces are charged.
///
/// To be made with the drain's lock held, and gone before that is let go.
pub(crate) struct Batch<'s> {
    scopes: &'s Scopes,
    unix_ms: u64,
    /// Of the scope that the last event was of: mostly it is one scope's turn for long.
    open: Option<(usize, Recorder<'s>)>,
    account: Account,
    routed: usize,
}

impl<'s> Batch<'s> {
    pub(crate) fn new(scopes: &'s Scopes, unix_ms: u64) -> Self {
        Self {
            scopes,
            unix_ms,
            open: None,
            account: Account::new(),
            routed: 0,
        }
    }

    /// Stores an event where it belongs. What belongs nowhere any more is dropped.
    pub(crate) fn route(&mut self, lane: usize, slot: &Slot, payload: &[u8]) {
        let at = usize::from(slot.head.scope_id());
        let scope = self.scopes.get(at).and_then(Option::as_ref);
        let (Some(scope), Some(kind)) = (scope, Kind::from_code(slot.head.kind())) else {
            return;
        };
        // Ordering: written with the drain's lock held.
        if slot.stamp >= scope.since.load(Ordering::Relaxed) {
            self.store(at, scope, lane, kind, slot, payload);
        }
        self.routed += 1;
        if self.routed.is_multiple_of(TURN) {
            self.open = None;
            self.account.let_others();
        }
    }

    /// So many events were lost: nobody knows whose.
    pub(crate) fn lost(&mut self, count: u64) {
        self.account.lost();
        let scopes = self.scopes;
        for (at, scope) in scopes.iter().enumerate() {
            if let Some(scope) = scope {
                if let Some(holds) = self.account.holds() {
                    holds.lost(scope.id, scope.clock().now().bits());
                }
                self.gap(at, scope, count);
            }
        }
    }

    /// Whether anything is held at all.
    pub(crate) fn holds(&mut self) -> Option<&mut Holds> {
        self.account.holds().filter(|holds| !holds.is_empty())
    }

    /// Everything of a scope below `stamp` was routed: what was held and is decided by that is stored.
    pub(crate) fn settle(&mut self, scope: &Scope, stamp: u64) {
        let Some((at, scope)) = self.present(scope) else {
            return;
        };
        let Some(holds) = self.holds() else { return };
        let (released, given_up) = holds.settle(scope.id, stamp, scope.clock());
        self.store_held(at, scope, released);
        if given_up > 0 {
            self.gap(at, scope, given_up);
        }
    }

    /// What a scope still holds when its clock ends.
    pub(crate) fn abandon(&mut self, scope: &Scope) {
        let Some((at, scope)) = self.present(scope) else {
            return;
        };
        let Some(holds) = self.holds() else { return };
        let released = holds.abandon(scope.id);
        self.store_held(at, scope, released);
    }

    /// A scope, if it still has its place.
    fn present(&self, scope: &Scope) -> Option<(usize, &'s Scope)> {
        let at = usize::from(scope.id.index());
        let there = self.scopes.get(at)?.as_deref()?;
        std::ptr::eq(there, scope).then_some((at, there))
    }

    fn store_held(&mut self, at: usize, scope: &'s Scope, released: Vec<Released<OnHold>>) {
        for one in released {
            let OnHold {
                kind,
                slot,
                payload,
            } = one.event;
            let charged = self.account.keep(&slot, one.traces);
            let lane = holds::lane(one.order);
            let parts = payload::split(&payload);
            self.push(at, scope, lane, (kind, &slot, &parts), charged);
        }
    }

    fn gap(&mut self, at: usize, scope: &'s Scope, count: u64) {
        self.say(at, scope, Kind::Gap, |to| {
            let _ = to.int(i64::try_from(count).unwrap_or(i64::MAX));
        });
    }

    fn store(
        &mut self,
        at: usize,
        scope: &'s Scope,
        lane: usize,
        kind: Kind,
        slot: &Slot,
        payload: &[u8],
    ) {
        let parts = payload::split(payload);
        let lane = u16::try_from(lane).unwrap_or(OWN_LANE);
        if let Some(charged) = self.account.charge(kind, slot, &parts, payload) {
            self.push(at, scope, lane, (kind, slot, &parts), charged);
        }
    }

    fn push(
        &mut self,
        at: usize,
        scope: &'s Scope,
        lane: u16,
        (kind, slot, parts): (Kind, &Slot, &Parts<'_>),
        charged: Charged,
    ) {
        if let Some(set) = charged.introduces {
            self.say(at, scope, Kind::TraceStarted, |to| {
                trace::write_joined(to, set);
            });
        }
        let event = raw(kind, slot, parts, charged.number);
        self.recorder(at, scope).push(lane, &event);
    }

    /// An event of the drain's own.
    fn say(
        &mut self,
        at: usize,
        scope: &'s Scope,
        kind: Kind,
        write: impl FnOnce(&mut TermWriter<'_>),
    ) {
        let mut room = [0; 512];
        let mut data = TermWriter::new(&mut room, Budget::MESSAGES);
        write(&mut data);
        let stamp = scope.clock().now().coarse().bits();
        let event = RawEvent::new(kind, stamp, 0).with_data(data.finish());
        self.recorder(at, scope).push(OWN_LANE, &event);
    }

    fn recorder(&mut self, at: usize, scope: &'s Scope) -> &mut Recorder<'s> {
        let generation = scope.clock().generation();
        // Ordering: only the holder of the drain's lock comes here.
        let anchored = scope.anchored.load(Ordering::Relaxed) == generation;
        if !anchored || self.open.as_ref().is_none_or(|(of, _)| *of != at) {
            self.open = None;
            anchor(scope, generation);
            scope.fresh.store(true, Ordering::Relaxed);
            scope.stirred.store(true, Ordering::Relaxed);
        }
        let unix_ms = self.unix_ms;
        let open = || (at, scope.store.recorder(unix_ms));
        &mut self.open.get_or_insert_with(open).1
    }
}

/// From a stamp to the monotonic clock: the way changes whenever the clock's line does. The open
/// block is not locked here, and not by the caller.
fn anchor(scope: &Scope, generation: u64) {
    let before = scope.anchored.swap(generation, Ordering::Relaxed);
    if before != generation {
        for anchor in scope.clock().anchors(before) {
            scope.store.anchor(Anchor {
                stamp: anchor.stamp.bits(),
                mono_ns: anchor.mono_ns.cast_signed(),
                ppb: anchor.ppb,
            });
        }
    }
}

fn raw<'a>(kind: Kind, slot: &Slot, parts: &Parts<'a>, session: u16) -> RawEvent<'a> {
    RawEvent {
        subject: subject(kind, slot, parts.subject),
        correlation: parts.correlation,
        data: parts.data,
        session,
        flags: parts.flags,
        ..RawEvent::new(kind, slot.stamp, slot.pid)
    }
}

fn subject<'a>(kind: Kind, slot: &Slot, term: Option<&'a [u8]>) -> Subject<'a> {
    match (kind, term, slot.subject) {
        (_, Some(term), _) => Subject::Term(term),
        (_, None, 0) => Subject::None,
        (
            Kind::Call
            | Kind::Return
            | Kind::Exception
            | Kind::State
            | Kind::Memory
            | Kind::In
            | Kind::Out,
            None,
            pair,
        ) => {
            let (module, function) = trace::unpack(pair);
            Subject::Mfa {
                module,
                function,
                arity: slot.head.arity_of(),
            }
        }
        (_, None, pid) if slot.head.arity_of() == trace::PID => Subject::Pid(pid),
        (_, None, name) => Subject::Name(name),
    }
}
