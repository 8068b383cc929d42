//! From the rings to the stores: one thread for the machine, and whoever must see its own events.

use crate::batch::Batch;
use crate::ring::LANES;
use crate::scopes::{self, LIMIT, Scope};
use crate::settled::{self, Settled};
use crate::{atoms, keeper};
use parking_lot::Mutex;
use rustler::{Encoder, OwnedEnv};
use scope_ring::{Drain, LanesConfig, StartError, WakeOn};
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

pub(crate) type Scopes = [Option<Arc<Scope>>; LIMIT];

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

/// The same, and what the clocks showed before is promised: nothing older will be stored. While a
/// thread is between reading a clock and publishing, for longer than it is worth to wait, an earlier
/// promise has to do.
pub(crate) fn past_now_promised() {
    const PATIENCE: Duration = Duration::from_millis(1);
    let scopes = scopes::all();
    let settled = settled::settle_within(&scopes, PATIENCE);
    past_now();
    promise(settled);
}

/// The same, and `change` before anything more is drained: what is stored goes to the scopes that
/// are in the table when a batch begins, so the table changes between two batches only.
pub(crate) fn past_now_then<T>(change: impl FnOnce() -> T) -> T {
    past_now_without(None, change)
}

/// The same, and of `leaving` nothing is held any more: its clock ends with the change.
pub(crate) fn past_now_without<T>(leaving: Option<&Scope>, change: impl FnOnce() -> T) -> T {
    let scopes = scopes::all();
    let settled = settled::settle_soon(&scopes);
    let heads = LANES.heads();
    let mut drain = DRAIN.lock();
    if let Some(drain) = drain.as_mut() {
        let scopes = scopes::all();
        let mut batch = Batch::new(&scopes, unix_ms());
        drain.drain_past(&heads, |lane, slot, payload| {
            batch.route(lane, slot, payload)
        });
        tell_losses(&mut batch);
        settled::judge(&mut batch, &settled);
        if let Some(scope) = leaving {
            batch.abandon(scope);
        }
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
    let settled = settled::settle(&scopes);
    let seen = drain_all();
    let unix_ms = unix_ms();
    let held = promise(settled);
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
    (seen, due.into_iter().chain(release).chain(held).min())
}

/// Everything below was drained since: what waited for that is judged, and no older stamp comes but
/// those that are held. What another incarnation showed says nothing about this one. When the next
/// that is held becomes due.
fn promise(settled: Vec<Settled<'_>>) -> Option<Duration> {
    let _no_other_begins = DRAIN.lock();
    let scopes = scopes::all();
    let mut batch = Batch::new(&scopes, unix_ms());
    settled::judge(&mut batch, &settled);
    let promises = settled::oldest(&mut batch, settled);
    let due = settled::next_due(&mut batch, &scopes);
    // It has the open blocks locked.
    drop(batch);
    for (scope, stamp) in promises {
        scope.store.complete_to(stamp);
    }
    due
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
        let scopes = scopes::all();
        let mut batch = Batch::new(&scopes, unix_ms());
        let seen = drain.drain(BATCH, |lane, slot, payload| {
            batch.route(lane, slot, payload)
        });
        tell_losses(&mut batch);
        total += seen;
        if seen < BATCH {
            return total;
        }
    }
}

/// What the rings could not take becomes an event in every scope: a loss is not silent, and a ring
/// does not know whose it was.
fn tell_losses(batch: &mut Batch<'_>) {
    let lost = LANES.status().lost.total();
    // Ordering: only the holder of the drain's lock comes here.
    let new = lost - TOLD.swap(lost, Ordering::Relaxed).min(lost);
    if new > 0 {
        batch.lost(new);
    }
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
