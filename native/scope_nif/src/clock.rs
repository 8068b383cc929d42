//! `clock_*`: stamps of a scope.

use crate::atoms;
use crate::scopes::ScopeRef;
use rustler::{Atom, NifMap};
use scope_clock::{Clock, ClockError, Counter, Mode, Stamp};

/// How a clock stands, for `status/0`.
#[derive(NifMap)]
struct Status {
    source: Atom,
    tick_ns: f64,
    ahead_ns: i64,
    slew_ppb: i32,
    limit_ns: u64,
    observed: u64,
    refused: u64,
}

/// A stamp that was refused, with how far ahead it is and how far it may be.
#[derive(NifMap)]
struct TooFarAhead {
    ahead_ns: i64,
    limit_ns: u64,
}

#[rustler::nif]
fn clock_now(scope: ScopeRef) -> (u8, u64) {
    parts(scope.0.clock().now_ordered())
}

#[rustler::nif]
fn clock_observe(scope: ScopeRef, logical: u64, physical_ns: u64) -> Result<Atom, TooFarAhead> {
    let clock = scope.0.clock();
    match clock.observe(stamp(logical, physical_ns)) {
        Err(ClockError::TooFarAhead { .. }) => Err(refused(clock, physical_ns)),
        _ => Ok(atoms::ok()),
    }
}

#[rustler::nif]
fn clock_calibrate(scope: ScopeRef) -> Atom {
    // What went wrong shows in the status; the clock goes on all the same.
    let _ = scope.0.clock().calibrate();
    atoms::ok()
}

#[rustler::nif]
fn clock_status(scope: ScopeRef) -> Status {
    let status = scope.0.clock().status();
    Status {
        source: source(status.mode, status.counter),
        tick_ns: status.tick_ns,
        ahead_ns: status.ahead_ns,
        slew_ppb: status.slew_ppb,
        limit_ns: status.limit_ns,
        observed: status.counts.observed - scope.0.counted.observed,
        refused: status.counts.refused - scope.0.counted.refused,
    }
}

/// A stamp as `{logical, physical_ns}`.
pub(crate) fn parts(stamp: Stamp) -> (u8, u64) {
    (stamp.logical(), stamp.physical_ns())
}

/// The stamp of those parts. A logical part that no stamp of that nanosecond has is past its end.
pub(crate) fn stamp(logical: u64, physical_ns: u64) -> Stamp {
    let known = u8::try_from(logical)
        .ok()
        .and_then(|l| Stamp::from_parts(physical_ns, l));
    known.unwrap_or(Stamp::from_ns(physical_ns.saturating_add(1)))
}

fn refused(clock: &Clock, physical_ns: u64) -> TooFarAhead {
    let status = clock.status();
    let ahead = i128::from(physical_ns) - i128::from(status.physical.physical_ns());
    let ahead_ns = i64::try_from(ahead).unwrap_or(i64::MAX);
    TooFarAhead {
        ahead_ns,
        limit_ns: status.limit_ns,
    }
}

fn source(mode: Mode, counter: Counter) -> Atom {
    match (mode, counter) {
        (Mode::Idle, _) => atoms::idle(),
        (Mode::Shared, _) => atoms::shared(),
        (_, Counter::Tsc) => atoms::tsc(),
        (_, Counter::Monotonic) => atoms::monotonic(),
    }
}
