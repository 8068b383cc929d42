//! From the rings to the stores: one thread for the machine, and whoever must see its own events.

use crate::ring::LANES;
use crate::scopes::{self, LIMIT, Scope};
use crate::{atoms, keeper, payload, trace};
use parking_lot::Mutex;
use rustler::{Encoder, OwnedEnv};
use scope_event::{Budget, Kind, Origin, RawEvent, Subject, TermWriter};
use scope_ring::{Drain, LanesConfig, Slot, StartError, WakeOn};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// The one consumer of the rings; whoever holds the lock may drain.
static DRAIN: Mutex<Option<Drain<'static>>> = Mutex::new(None);

/// Losses that gap events have told of so far.
static TOLD: AtomicU64 = AtomicU64::new(0);

/// A batch between two looks at anything else.
const BATCH: usize = 4096;

/// While events come, they are fetched at this pace; a ring that fills wakes the drain earlier.
const NAP: Duration = Duration::from_millis(10);

/// A processor may read its counter some 20 ns early or late: a microsecond, in stamps.
const SLACK: u64 = (1 << 32) / 1_000_000;

/// A scope, and what its clock showed in which incarnation.
type Settled<'a> = (&'a Arc<Scope>, (u64, Origin));

type Scopes = [Option<Arc<Scope>>; LIMIT];

/// Reserves the rings and starts the thread, once for the life of the machine.
pub(crate) fn start(config: LanesConfig) -> Result<(), StartError> {
    match LANES.start(config) {
        Err(StartError::AlreadyStarted) => return Ok(()),
        other => other?,
    }
    *DRAIN.lock() = LANES.drain();
    // Without the thread, queries still drain what they must see.
    let _ = std::thread::Builder::new()
        .name("elixir_scope".into())
        .spawn(run);
    keeper::start();
    Ok(())
}

/// Stores everything that was recorded before the call. What a process recorded, and what it heard
/// of, is below the heads that are read first.
pub(crate) fn past_now() {
    past_now_then(|| ());
}

/// The same, and `change` before anything more is drained: what is stored goes to the scopes that
/// are in the table when a batch begins, so the table changes between two batches only.
pub(crate) fn past_now_then<T>(change: impl FnOnce() -> T) -> T {
    let heads = LANES.heads();
    let mut drain = DRAIN.lock();
    if let Some(drain) = drain.as_mut() {
        let scopes = scopes::all();
        drain.drain_past(&heads, |lane, slot, payload| {
            route(&scopes, lane, slot, payload)
        });
        tell_losses(&scopes);
    }
    let changed = change();
    drop(drain);
    LANES.wake();
    changed
}

fn run() {
    let began = Instant::now();
    let (mut wake_on, mut timeout) = (WakeOn::Event, None);
    loop {
        LANES.wait(wake_on, timeout);
        let (seen, next) = round(began.elapsed());
        (wake_on, timeout) = match seen {
            0 => (WakeOn::Event, next),
            _ => (WakeOn::Quarter, Some(NAP)),
        };
    }
}

/// Empties the rings once: how many events it were, and when there is something to do by itself.
fn round(now: Duration) -> (usize, Option<Duration>) {
    let scopes = scopes::all();
    let settled = settle(&scopes);
    let seen = drain_all();
    let unix_ms = unix_ms();
    promise(settled);
    let due = scopes
        .iter()
        .flatten()
        .filter_map(|scope| attend(scope, unix_ms))
        .min();
    let due = due.map(|at| Duration::from_millis(at.saturating_sub(unix_ms)));
    let release = DRAIN.lock().as_mut().and_then(|drain| {
        drain.release_idle(now);
        drain.next_release(now)
    });
    let release = release.map(|at| at.saturating_sub(now));
    (seen, due.into_iter().chain(release).min())
}

/// What the clocks show, if no older stamp can be recorded any more: none of the threads is between
/// opening an entry, which it does before it reads a clock, and publishing it.
fn settle(scopes: &Scopes) -> Vec<Settled<'_>> {
    let shown = |scope: &'_ Arc<Scope>| (scope.clock().now().bits(), scope.store.own());
    let shown: Vec<_> = scopes
        .iter()
        .flatten()
        .map(|scope| (scope, shown(scope)))
        .collect();
    if LANES.is_settled() {
        shown
    } else {
        Vec::new()
    }
}

/// Everything below was drained since. What another incarnation showed says nothing about this one.
fn promise(settled: Vec<Settled<'_>>) {
    let _no_other_begins = DRAIN.lock();
    for (scope, (stamp, origin)) in settled {
        if scope.store.own() == origin {
            scope.store.complete_to(stamp.saturating_sub(SLACK));
        }
    }
}

/// Closes what is due; when to come back.
fn attend(scope: &Arc<Scope>, unix_ms: u64) -> Option<u64> {
    let due = scope.store.close_due(unix_ms);
    keeper::look_after(scope);
    notify(scope);
    due
}

fn drain_all() -> usize {
    let mut total = 0;
    loop {
        let mut drain = DRAIN.lock();
        let Some(drain) = drain.as_mut() else {
            return total;
        };
        let scopes = &scopes::all();
        let seen = drain.drain(BATCH, |lane, slot, payload| {
            route(scopes, lane, slot, payload)
        });
        tell_losses(scopes);
        total += seen;
        if seen < BATCH {
            return total;
        }
    }
}

fn route(scopes: &Scopes, lane: usize, slot: &Slot, payload: &[u8]) {
    let scope = scopes
        .get(usize::from(slot.head.scope_id()))
        .and_then(Option::as_ref);
    let (Some(scope), Some(kind)) = (scope, Kind::from_code(slot.head.kind())) else {
        return;
    };
    let parts = payload::split(payload);
    let session = trace::seats::account(kind, slot, &parts, |joined| {
        let stamp = scope.clock().now().coarse().bits();
        say(scope, Kind::TraceStarted, stamp, |to| {
            trace::write_joined(to, joined)
        });
    });
    // Ordering: written with the drain's lock held.
    if slot.stamp >= scope.since.load(Ordering::Relaxed) {
        store(scope, lane, &raw(kind, slot, &parts, session));
    }
}

fn raw<'a>(kind: Kind, slot: &Slot, parts: &payload::Parts<'a>, session: u16) -> RawEvent<'a> {
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
            Kind::Call | Kind::Return | Kind::Exception | Kind::State | Kind::In | Kind::Out,
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

fn store(scope: &Scope, lane: usize, event: &RawEvent<'_>) {
    anchor(scope);
    // Ordering: flags that are looked at now and then.
    scope.fresh.store(true, Ordering::Relaxed);
    scope.stirred.store(true, Ordering::Relaxed);
    scope
        .store
        .push(u16::try_from(lane).unwrap_or(u16::MAX), event, unix_ms());
}

/// From a stamp to the monotonic clock: the way changes whenever the clock's line does.
fn anchor(scope: &Scope) {
    let generation = scope.clock().generation();
    // Ordering: only the holder of the drain's lock comes here.
    let before = scope.anchored.swap(generation, Ordering::Relaxed);
    if before != generation {
        for anchor in scope.clock().anchors(before) {
            scope.store.anchor(scope_event::Anchor {
                stamp: anchor.stamp.bits(),
                mono_ns: anchor.mono_ns.cast_signed(),
                ppb: anchor.ppb,
            });
        }
    }
}

/// What the rings could not take becomes an event in every scope: a loss is not silent, and a ring
/// does not know whose it was.
fn tell_losses(scopes: &Scopes) {
    let lost = LANES.status().lost.total();
    // Ordering: only the holder of the drain's lock comes here.
    let new = lost - TOLD.swap(lost, Ordering::Relaxed).min(lost);
    if new > 0 {
        trace::seats::lost();
        scopes.iter().flatten().for_each(|scope| gap(scope, new));
    }
}

fn gap(scope: &Scope, lost: u64) {
    let stamp = scope.clock().now().coarse().bits();
    say(scope, Kind::Gap, stamp, |to| {
        let _ = to.int(i64::try_from(lost).unwrap_or(i64::MAX));
    });
}

/// An event of the drain's own.
fn say(scope: &Scope, kind: Kind, stamp: u64, write: impl FnOnce(&mut TermWriter<'_>)) {
    let mut room = [0; 512];
    let mut data = TermWriter::new(&mut room, Budget::MESSAGES);
    write(&mut data);
    let event = RawEvent::new(kind, stamp, 0).with_data(data.finish());
    store(scope, usize::from(u16::MAX), &event);
}

/// The first events after a silence are announced, so that nothing has to look for them.
fn notify(scope: &Arc<Scope>) {
    // Ordering: a wake-up that comes a round late does no harm.
    let fresh = scope.fresh.swap(false, Ordering::Relaxed);
    if fresh
        && scope.silent.swap(false, Ordering::Relaxed)
        && let Some(pid) = *scope.watcher.lock()
    {
        let _ = OwnedEnv::new().send_and_clear(&pid, |env| atoms::events().encode(env));
    }
}

/// The wall clock, which is what the store measures ages with.
pub(crate) fn unix_ms() -> u64 {
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
