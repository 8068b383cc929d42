//! What stores do besides taking events in and answering: retention, saving, consolidating.
//!
//! One thread for the machine. A disk may keep it waiting, which the drain must never be.

use crate::scopes::{self, Scope};
use crate::{atoms, drain};
use parking_lot::{Condvar, Mutex};
use rustler::{Encoder, OwnedEnv};
use scope_store::Notice;
use scope_sync::Holdings;
use std::sync::atomic::Ordering;
use std::time::Duration;

/// Between two looks at what grows old: it goes a second late at most.
const AGES_MS: u64 = 1_000;

/// Whether somebody rang since the last look.
static RUNG: Mutex<bool> = Mutex::new(false);
static BELL: Condvar = Condvar::new();

/// Starts the thread, once for the life of the machine.
pub(crate) fn start() {
    // Without the thread nothing is saved and nothing expires; recording and queries go on.
    let _ = std::thread::Builder::new()
        .name("elixir_scope_io".into())
        .spawn(run);
}

/// There may be something to do.
pub(crate) fn wake() {
    *RUNG.lock() = true;
    BELL.notify_one();
}

/// The same, if blocks came to the scope since the last time.
pub(crate) fn look_after(scope: &Scope) {
    let generation = (&scope.store).generation();
    // Ordering: at worst the bell rings once too often.
    if scope.tended.swap(generation, Ordering::Relaxed) != generation {
        wake();
    }
}

fn run() {
    loop {
        let now_ms = drain::unix_ms();
        let scopes = scopes::all();
        let due = scopes
            .iter()
            .flatten()
            .filter_map(|scope| tend(scope, now_ms));
        let due = due.min();
        drop(scopes);
        rest(due.map(|at| Duration::from_millis(at.saturating_sub(drain::unix_ms()))));
    }
}

fn tend(scope: &Scope, now_ms: u64) -> Option<u64> {
    let tended = scope.store.tend(now_ms);
    tended.notices.iter().for_each(|notice| tell(scope, notice));
    let expires = scope.store.expires_ms();
    let expires = expires.map(|at| at.max(now_ms.saturating_add(AGES_MS)));
    tended.next_ms.into_iter().chain(expires).min()
}

/// To whoever opened the scope: there is one line in the log for each.
pub(crate) fn tell(scope: &Scope, notice: &Notice) {
    let _ = OwnedEnv::new().send_and_clear(&scope.owner, |env| {
        (atoms::notice(), notice.to_string()).encode(env)
    });
}

/// Until somebody rings, or until `limit` is over.
fn rest(limit: Option<Duration>) {
    let mut rung = RUNG.lock();
    if !*rung {
        match limit {
            Some(limit) => drop(BELL.wait_for(&mut rung, limit)),
            None => BELL.wait(&mut rung),
        }
    }
    *rung = false;
}
