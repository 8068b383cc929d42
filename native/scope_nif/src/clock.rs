//! `clock_*`: stamps of a scope.

use crate::atoms;
use crate::scopes::ScopeRef;
use rustler::{Atom, NifMap};
use scope_clock::{ClockError, Counter, Mode, Phase, Stamp};
use std::sync::atomic::Ordering;

/// A stamp as Erlang sees it: logical part, nanoseconds since 1970.
type Parts = (u8, u64);

/// How a clock stands, for `status/0`.
#[derive(NifMap)]
struct Status {
    phase: Atom,
    source: Atom,
    tick_ns: f64,
    ahead_ns: i64,
    slew_ppb: i32,
    limit_ns: u64,
    observed: u64,
    refused: u64,
    last_refused: Option<Refused>,
    wall_steps: u64,
    bound: Option<Parts>,
    bound_error: Option<String>,
}

/// A stamp that was refused, and the physical clock then.
#[derive(NifMap)]
struct Refused {
    remote: Parts,
    physical: Parts,
}

/// Why a stamp was refused: how far ahead it is, how far it may be, and of what.
#[derive(NifMap)]
struct TooFarAhead {
    ahead_ns: i64,
    limit_ns: u64,
    physical: Parts,
}

/// The wall clock stepped back so far that the incarnation is over.
#[derive(NifMap)]
struct Ended {
    behind_ns: i64,
    limit_ns: u64,
}

#[rustler::nif]
fn clock_now(scope: ScopeRef) -> Parts {
    parts(scope.0.clock().now_ordered())
}

#[rustler::nif]
fn clock_observe(scope: ScopeRef, logical: u64, physical_ns: u64) -> Result<Atom, TooFarAhead> {
    match scope.0.clock().observe(stamp(logical, physical_ns)) {
        Err(ClockError::TooFarAhead {
            physical, limit_ns, ..
        }) => Err(too_far(physical_ns, physical, limit_ns)),
        _ => Ok(atoms::ok()),
    }
}

/// The clocks of these members are wrong, and of no others.
#[rustler::nif]
fn clock_distrust(scope: ScopeRef, nodes: Vec<&str>) -> Atom {
    scope.0.store.distrust(nodes);
    atoms::ok()
}

/// Other failures show in the status; the clock goes on all the same. It may wait for the disk.
#[rustler::nif(schedule = "DirtyIo")]
fn clock_calibrate(scope: ScopeRef) -> Result<Atom, Ended> {
    let clock = scope.0.clock();
    // Ordering: a flag that is looked at once a second.
    let stirred = scope.0.stirred.swap(false, Ordering::Relaxed);
    let outcome = if stirred {
        clock.calibrate()
    } else {
        clock.calibrate_idle()
    };
    match outcome {
        Err(ClockError::IncarnationEnded { wall, stamp }) => Err(Ended {
            behind_ns: stamp.ns_since(wall),
            limit_ns: clock.status().limit_ns,
        }),
        _ => Ok(atoms::ok()),
    }
}

#[rustler::nif]
fn clock_status(scope: ScopeRef) -> Status {
    let status = scope.0.clock().status();
    let (before, counts) = (scope.0.counted, status.counts);
    Status {
        phase: phase(status.phase),
        source: source(status.mode, status.counter),
        tick_ns: status.tick_ns,
        ahead_ns: status.ahead_ns,
        slew_ppb: status.slew_ppb,
        limit_ns: status.limit_ns,
        observed: counts.observed - before.observed,
        refused: counts.refused - before.refused,
        last_refused: status
            .last_refused
            .filter(|_| counts.refused > before.refused)
            .map(Refused::from),
        wall_steps: (counts.wall_forward + counts.wall_back)
            - (before.wall_forward + before.wall_back),
        bound: status.bound.map(parts),
        bound_error: status.bound_error.map(|kind| kind.to_string()),
    }
}

/// A stamp as `{logical, physical_ns}`.
pub(crate) fn parts(stamp: Stamp) -> Parts {
    (stamp.logical(), stamp.physical_ns())
}

/// The stamp of those parts. A logical part that no stamp of that nanosecond has is past its end.
pub(crate) fn stamp(logical: u64, physical_ns: u64) -> Stamp {
    let known = u8::try_from(logical)
        .ok()
        .and_then(|l| Stamp::from_parts(physical_ns, l));
    known.unwrap_or(Stamp::from_ns(physical_ns.saturating_add(1)))
}

fn too_far(remote_ns: u64, physical: Stamp, limit_ns: u64) -> TooFarAhead {
    let ahead = i128::from(remote_ns) - i128::from(physical.physical_ns());
    TooFarAhead {
        ahead_ns: i64::try_from(ahead).unwrap_or(i64::MAX),
        limit_ns,
        physical: parts(physical),
    }
}

impl From<(Stamp, Stamp)> for Refused {
    fn from((remote, physical): (Stamp, Stamp)) -> Self {
        Self {
            remote: parts(remote),
            physical: parts(physical),
        }
    }
}

fn phase(phase: Phase) -> Atom {
    match phase {
        Phase::Idle => atoms::idle(),
        Phase::Running => atoms::running(),
        Phase::Ended => atoms::ended(),
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
