//! `store_*`: the life of a scope, and questions about its events.

use crate::event::Reader;
use crate::payload::Data;
use crate::scopes::{self, Handle, Opening, ScopeRef};
use crate::trace::record;
use crate::{atoms, clock, drain, erl, filter};
use rustler::{Atom, Env, Error, LocalPid, NifMap, NifResult, NifTaggedEnum, ResourceArc, Term};
use scope_clock::Stamp;
use scope_event::{Family, Origin};
use scope_store::{Config, Health, Matches};
use std::path::PathBuf;
use std::time::Duration;

/// What a scope is opened with, as the Erlang side writes it.
#[derive(NifMap)]
pub(crate) struct Settings {
    name: String,
    default: bool,
    node: String,
    incarnation: u64,
    flush_ms: u64,
    retention_bytes: u64,
    retention_age_ms: u64,
    data_dir: Option<String>,
    max_clock_drift_ms: u64,
    sync_bytes_per_s: u64,
    sync_since_ms: u64,
}

/// An answer to a query.
#[derive(NifMap)]
struct Answer<'a> {
    events: Vec<Term<'a>>,
    dropped: u64,
    more: bool,
}

/// How it stands with the data folder.
#[derive(NifTaggedEnum)]
enum Folder {
    None,
    Saving,
    Degraded { reason: String, since_ms: u64 },
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
    folder: Folder,
    unsaved_limit: u64,
    unsaved_bytes: u64,
    lost: u64,
    cuts: usize,
    floor: Option<(u8, u64)>,
}

#[rustler::nif(schedule = "DirtyIo")]
fn store_open(env: Env<'_>, settings: Settings) -> Result<(ScopeRef, u8), String> {
    let opening = settings.opening(env.pid());
    let scope = scopes::open(opening).map_err(|error| error.to_string())?;
    let index = scope.id.index();
    Ok((ResourceArc::new(Handle(scope)), index))
}

/// Ends the incarnation, and begins the next one in the same place.
#[rustler::nif(schedule = "DirtyIo")]
fn store_renew(scope: ScopeRef, node: &str, incarnation: u64, anew: bool) -> Result<(), String> {
    scopes::renew(&scope.0, node, incarnation, anew).map_err(|error| error.to_string())
}

/// Records what the cluster is seen to do: a kind of the system's family.
#[rustler::nif]
fn store_note(env: Env<'_>, scope: ScopeRef, kind: Term<'_>, data: Term<'_>) -> NifResult<Atom> {
    let kind = filter::kind(kind)?;
    if kind.family() != Family::System {
        return Err(Error::BadArg);
    }
    // SAFETY: both are of the running call.
    let (pid, data) = unsafe {
        let env = erl::Env::new(env.as_c_arg());
        (env.caller(), env.term(data.as_c_arg()))
    };
    // What finds no room in the ring was counted.
    let _: Option<()> = record::note(scope.0.id, kind, pid, Data::Term(data));
    Ok(atoms::ok())
}

#[rustler::nif(schedule = "DirtyIo")]
fn store_close(scope: ScopeRef) -> Atom {
    scopes::close(&scope.0);
    atoms::ok()
}

#[rustler::nif(schedule = "DirtyCpu")]
fn store_query<'a>(env: Env<'a>, scope: ScopeRef, query: Term<'a>) -> NifResult<Answer<'a>> {
    let found = matches(&scope, query)?;
    let events = Reader::new(env, &scope.0.store.own().node).all(&found.events);
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
        folder: stats.health.into(),
        unsaved_limit: stats.unsaved_limit,
        unsaved_bytes: stats.unsaved_bytes,
        lost: stats.lost_events,
        cuts: stats.cuts.len(),
        floor: stats
            .oldest
            .map(|stamp| clock::parts(Stamp::from_bits(stamp))),
    }
}

impl From<Health> for Folder {
    fn from(health: Health) -> Self {
        match health {
            Health::Memory => Self::None,
            Health::Saving => Self::Saving,
            Health::Degraded { reason, since_ms } => Self::Degraded { reason, since_ms },
        }
    }
}

impl Settings {
    pub(crate) fn opening(self, owner: LocalPid) -> Opening {
        let origin = Origin::new(self.node, self.incarnation);
        Opening {
            name: self.name,
            default: self.default,
            owner,
            config: Config {
                flush_ms: self.flush_ms,
                retention_bytes: self.retention_bytes,
                retention_age: Duration::from_millis(self.retention_age_ms),
                dir: self.data_dir.map(PathBuf::from),
                max_ahead: Duration::from_millis(self.max_clock_drift_ms),
                ..Config::new(origin.clone())
            },
            origin,
            // Somebody may be waiting for an exchange: what was lost is soon said again.
            sync: scope_sync::Settings {
                resend_after: Duration::from_millis(300),
                max_age: Duration::from_millis(self.retention_age_ms),
                bytes_per_s: Some(self.sync_bytes_per_s),
                ..scope_sync::Settings::default()
            },
            back: Duration::from_millis(self.sync_since_ms),
            max_drift: Duration::from_millis(self.max_clock_drift_ms),
            recording: None,
        }
    }
}
