//! `store_*`: the life of a scope, and questions about its events.

use crate::event::Reader;
use crate::scopes::{self, Handle, Opening, ScopeRef};
use crate::{atoms, clock, drain, filter};
use rustler::{Atom, Env, LocalPid, NifMap, NifResult, ResourceArc, Term};
use scope_clock::Stamp;
use scope_event::Origin;
use scope_store::{Config, Matches};
use std::time::Duration;

/// What a scope is opened with, as the Erlang side writes it.
#[derive(NifMap)]
struct Settings {
    name: String,
    default: bool,
    node: String,
    incarnation: u64,
    flush_ms: u64,
    retention_bytes: u64,
    max_clock_drift_ms: u64,
}

/// An answer to a query.
#[derive(NifMap)]
struct Answer<'a> {
    events: Vec<Term<'a>>,
    dropped: u64,
    more: bool,
}

/// The store, for `status/0`.
#[derive(NifMap)]
struct Status {
    limit: u64,
    bytes: u64,
    blocks: usize,
    events: u64,
    open_events: usize,
    index_bytes: usize,
    segments: usize,
    origins: usize,
    expired: u64,
    unreadable: usize,
    conflicts: u64,
    conflict_limit: u64,
    conflict_bytes: u64,
    floor: Option<(u8, u64)>,
}

#[rustler::nif(schedule = "DirtyIo")]
fn store_open(settings: Settings) -> Result<(ScopeRef, u8), String> {
    let scope = scopes::open(settings.into()).map_err(|error| error.to_string())?;
    let index = scope.id.index();
    Ok((ResourceArc::new(Handle(scope)), index))
}

#[rustler::nif(schedule = "DirtyIo")]
fn store_close(scope: ScopeRef) -> Atom {
    scopes::close(&scope.0);
    atoms::ok()
}

#[rustler::nif(schedule = "DirtyCpu")]
fn store_query<'a>(env: Env<'a>, scope: ScopeRef, query: Term<'a>) -> NifResult<Answer<'a>> {
    let found = matches(&scope, query)?;
    let events = Reader::new(env).all(&found.events);
    let damaged = found.events.len() - events.len();
    Ok(Answer {
        events,
        dropped: found.dropped + damaged as u64,
        more: found.more,
    })
}

/// Sees everything recorded before the call, by whomever: the rings are drained first.
pub(crate) fn matches(scope: &ScopeRef, query: Term<'_>) -> NifResult<Matches> {
    let query = filter::query(query)?;
    drain::past_now();
    Ok(scope.0.store.query(&query))
}

/// Who is told of the first event after a silence.
#[rustler::nif]
fn store_watch(scope: ScopeRef, watcher: LocalPid) -> Atom {
    *scope.0.watcher.lock() = Some(watcher);
    atoms::ok()
}

#[rustler::nif(schedule = "DirtyCpu")]
fn store_status(scope: ScopeRef) -> Status {
    let stats = scope.0.store.stats();
    Status {
        limit: stats.retention_bytes,
        bytes: stats.bytes,
        blocks: stats.blocks,
        events: stats.events,
        open_events: stats.open_events,
        index_bytes: stats.index_bytes,
        segments: stats.segments,
        origins: stats.origins,
        expired: stats.expired_events,
        unreadable: stats.unreadable_blocks,
        conflicts: stats.conflicts.seen,
        conflict_limit: stats.conflicts.limit,
        conflict_bytes: stats.conflicts.bytes,
        floor: stats
            .oldest
            .map(|stamp| clock::parts(Stamp::from_bits(stamp))),
    }
}

impl From<Settings> for Opening {
    fn from(settings: Settings) -> Self {
        let origin = Origin::new(settings.node, settings.incarnation);
        Self {
            name: settings.name,
            default: settings.default,
            config: Config {
                flush_ms: settings.flush_ms,
                retention_bytes: settings.retention_bytes,
                ..Config::new(origin.clone())
            },
            origin,
            // Somebody may be waiting for an exchange: what was lost is soon said again.
            sync: scope_sync::Settings {
                resend_after: Duration::from_millis(300),
                ..scope_sync::Settings::default()
            },
            max_drift: Duration::from_millis(settings.max_clock_drift_ms),
        }
    }
}
