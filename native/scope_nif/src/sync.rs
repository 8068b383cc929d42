//! `sync_*`: the synchronisation protocol over a scope's store.

use crate::scopes::{Scope, ScopeRef};
use crate::{atoms, clock, drain, keeper};
use rustler::{Atom, Binary, Encoder, Env, NewBinary, NifMap, NifTaggedEnum, Term};
use scope_clock::Stamp;
use scope_event::Origin;
use scope_sync::wire::{self, Body};
use scope_sync::{Bounds, Interest, NodeName, Notice, Now, Out, PeerStats, Reach, Replica};
use scope_sync::{Settings, SyncReport};
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::{Duration, Instant, SystemTime, UNIX_EPOCH};

/// What is to be done after a step: send, tell who is done, come back in so many milliseconds.
#[derive(NifMap)]
struct Step<'a> {
    out: Vec<(String, Term<'a>)>,
    done: Vec<(String, u32, Term<'a>)>,
    conflicts: Vec<Conflict>,
    next_ms: Option<u64>,
}

/// The same numbers stand for other events elsewhere; with `cloned`, numbers of this very incarnation
/// that were not recorded here.
#[derive(NifMap)]
struct Conflict {
    peer: String,
    node: String,
    incarnation: u64,
    from: u64,
    to: u64,
    cloned: bool,
}

/// Whose events a scope keeps besides its own.
#[derive(NifTaggedEnum)]
enum Keeps {
    Everything,
    Nothing,
    Collected(usize),
    On(Vec<String>),
}

/// Every bound of the exchange and its present value, for `status/0`.
#[derive(NifMap)]
struct Limits {
    bytes_per_s: Option<u64>,
    bytes_left: Option<i64>,
    window_bytes: u32,
    frame_bytes: usize,
    origins: usize,
    origin_limit: usize,
    links: usize,
    link_limit: usize,
    in_flight: u64,
    peers: usize,
    peer_limit: usize,
    members: usize,
    since: Option<(u8, u64)>,
}

/// What one exchange moved.
#[derive(NifMap)]
struct Summary {
    sent: u64,
    received: u64,
    already: u64,
    bytes: u64,
}

/// What went over the link with one peer.
#[derive(NifMap)]
struct Peer {
    sent: u64,
    received: u64,
    already: u64,
    bytes_out: u64,
    bytes_in: u64,
    messages_out: u64,
    frames_out: u64,
    payload_out: u64,
    refused: u64,
    conflicts: u64,
}

/// The replica of a scope, before it knows anybody. It begins `back` before `now`.
pub(crate) fn replica(origin: &Origin, settings: Settings, now: Stamp, back: Duration) -> Replica {
    let own = scope_sync::Origin::new(origin.node.clone(), origin.incarnation);
    let seed = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    let back_ns = u64::try_from(back.as_nanos()).unwrap_or(u64::MAX);
    let since = Stamp::from_ns(now.physical_ns().saturating_sub(back_ns));
    let settings = Settings {
        since: Some(since.bits()),
        ..settings
    };
    Replica::new(own, settings, seed.as_nanos() as u64)
}

/// Who belongs to the cluster, and whose events are kept here.
#[rustler::nif(schedule = "DirtyCpu")]
fn sync_keep(scope: ScopeRef, members: Vec<&str>, keeps: Keeps) -> Atom {
    let mut replica = scope.0.replica.lock();
    replica.set_members(members.into_iter().map(NodeName::from));
    replica.set_interest(keeps.into());
    atoms::ok()
}

#[rustler::nif(schedule = "DirtyCpu")]
fn sync_peer(scope: ScopeRef, peer: &str, up: bool) -> Atom {
    let mut replica = scope.0.replica.lock();
    if up {
        replica.peer_up(peer)
    } else {
        replica.peer_down(peer)
    }
    atoms::ok()
}

/// The periodic round.
#[rustler::nif(schedule = "DirtyCpu")]
fn sync_tick<'a>(env: Env<'a>, scope: ScopeRef) -> Step<'a> {
    let mut replica = scope.0.replica.lock();
    let out = replica.tick(now(&scope.0), &mut &scope.0.store);
    step(env, &mut replica, out)
}

/// Begins an exchange with a peer, with everything recorded before the call; with `everything`, also of
/// what is not kept here otherwise.
#[rustler::nif(schedule = "DirtyCpu")]
fn sync_start<'a>(
    env: Env<'a>,
    scope: ScopeRef,
    peer: &str,
    everything: bool,
) -> Option<(u32, Step<'a>)> {
    freshen(&scope.0);
    let (now, mut store) = (now(&scope.0), &scope.0.store);
    let mut replica = scope.0.replica.lock();
    let begun = if everything {
        replica.fetch(peer, Reach::default(), now, &mut store)
    } else {
        replica.sync_now(peer, now, &mut store)
    };
    let (token, out) = begun?;
    Some((token, step(env, &mut replica, out)))
}

/// Nobody waits any longer for that exchange, nor for an earlier one.
#[rustler::nif(schedule = "DirtyCpu")]
fn sync_stop(scope: ScopeRef, peer: &str, token: u32) -> Atom {
    scope.0.replica.lock().stop(peer, token);
    atoms::ok()
}

/// Takes in what a peer sent. One that asks for an exchange gets what was recorded before.
#[rustler::nif(schedule = "DirtyCpu")]
fn sync_receive<'a>(
    env: Env<'a>,
    scope: ScopeRef,
    peer: &str,
    bytes: Binary<'a>,
) -> Result<Step<'a>, String> {
    if asks(&bytes) {
        freshen(&scope.0);
    }
    let now = now(&scope.0);
    scope.0.store.receiving(now.stamp);
    let mut replica = scope.0.replica.lock();
    match replica.receive(peer, &bytes, now, &mut &scope.0.store) {
        Ok(out) => {
            keeper::look_after(&scope.0);
            Ok(step(env, &mut replica, out))
        }
        Err(error) => Err(error.to_string()),
    }
}

#[rustler::nif(schedule = "DirtyCpu")]
fn sync_bounds(scope: ScopeRef) -> Limits {
    scope.0.replica.lock().bounds().into()
}

#[rustler::nif(schedule = "DirtyCpu")]
fn sync_status(scope: ScopeRef) -> HashMap<String, Peer> {
    let replica = scope.0.replica.lock();
    replica
        .stats()
        .map(|(name, stats)| (name.to_string(), stats.into()))
        .collect()
}

/// Whether a peer wants an exchange now. Frames of blocks are not looked at twice.
fn asks(bytes: &[u8]) -> bool {
    const LONGEST: usize = 1024;
    bytes.len() <= LONGEST
        && wire::decode(bytes).is_ok_and(|(message, _)| matches!(message.body, Body::Sync { .. }))
}

/// Only closed blocks are shipped: what was recorded so far becomes one.
fn freshen(scope: &Scope) {
    drain::past_now();
    scope.store.close_now();
}

fn now(scope: &Scope) -> Now {
    Now {
        mono_ns: mono_ns(),
        stamp: scope.clock().now().bits(),
    }
}

fn mono_ns() -> u64 {
    static BEGAN: LazyLock<Instant> = LazyLock::new(Instant::now);
    u64::try_from(BEGAN.elapsed().as_nanos()).unwrap_or(u64::MAX)
}

fn step<'a>(env: Env<'a>, replica: &mut Replica, out: Vec<Out>) -> Step<'a> {
    let next = replica
        .next_tick()
        .map(|at| at.saturating_sub(mono_ns()) / 1_000_000 + 1);
    let notices = replica.notices();
    Step {
        out: out
            .iter()
            .map(|out| (out.to.to_string(), binary(env, &out.bytes)))
            .collect(),
        done: notices
            .iter()
            .filter_map(|notice| done(env, notice))
            .collect(),
        conflicts: notices
            .iter()
            .filter_map(|notice| conflict(replica.own(), notice))
            .collect(),
        next_ms: next,
    }
}

fn done<'a>(env: Env<'a>, notice: &Notice) -> Option<(String, u32, Term<'a>)> {
    match notice {
        Notice::Synced {
            peer,
            token,
            report,
        } => Some((peer.to_string(), *token, Summary::from(*report).encode(env))),
        Notice::SyncFailed { peer, token } => {
            let failed = (atoms::error(), atoms::node_unavailable());
            Some((peer.to_string(), *token, failed.encode(env)))
        }
        Notice::SyncCut { peer, token } => {
            let cut = (
                atoms::error(),
                (atoms::distributed_exit(), atoms::too_much()),
            );
            Some((peer.to_string(), *token, cut.encode(env)))
        }
        Notice::Conflict { .. } | Notice::Cloned { .. } => None,
    }
}

fn conflict(own: &scope_sync::Origin, notice: &Notice) -> Option<Conflict> {
    let (peer, origin, from, to, cloned) = match notice {
        Notice::Conflict {
            peer,
            origin,
            from,
            to,
        } => (peer, origin, *from, *to, false),
        Notice::Cloned {
            peer,
            claimed,
            recorded,
        } => (peer, own, recorded.saturating_add(1), *claimed, true),
        Notice::Synced { .. } | Notice::SyncFailed { .. } | Notice::SyncCut { .. } => return None,
    };
    Some(Conflict {
        peer: peer.to_string(),
        node: origin.node.to_string(),
        incarnation: origin.incarnation,
        from,
        to,
        cloned,
    })
}

fn binary<'a>(env: Env<'a>, bytes: &[u8]) -> Term<'a> {
    let mut binary = NewBinary::new(env, bytes.len());
    binary.as_mut_slice().copy_from_slice(bytes);
    binary.into()
}

impl From<SyncReport> for Summary {
    fn from(report: SyncReport) -> Self {
        let SyncReport {
            sent,
            received,
            already,
            bytes,
            ..
        } = report;
        Self {
            sent,
            received,
            already,
            bytes,
        }
    }
}

impl From<Keeps> for Interest {
    fn from(keeps: Keeps) -> Self {
        match keeps {
            Keeps::Everything => Self::Everything,
            Keeps::Nothing => Self::QueryOnly,
            Keeps::Collected(n) => Self::Collectors(n),
            Keeps::On(nodes) => Self::Named(nodes.into_iter().map(NodeName::from).collect()),
        }
    }
}

impl From<Bounds> for Limits {
    fn from(bounds: Bounds) -> Self {
        let since = bounds.since.map(Stamp::from_bits);
        Self {
            bytes_per_s: bounds.bytes_per_s,
            bytes_left: bounds.bytes_left,
            window_bytes: bounds.window_bytes,
            frame_bytes: bounds.frame_bytes,
            origins: bounds.origins,
            origin_limit: bounds.max_origins,
            links: bounds.links,
            link_limit: bounds.fanout,
            in_flight: bounds.in_flight,
            peers: bounds.peers,
            peer_limit: bounds.max_peers,
            members: bounds.members,
            since: since.map(clock::parts),
        }
    }
}

impl From<&PeerStats> for Peer {
    fn from(stats: &PeerStats) -> Self {
        Self {
            sent: stats.sent,
            received: stats.received,
            already: stats.already,
            bytes_out: stats.bytes_out,
            bytes_in: stats.bytes_in,
            messages_out: stats.messages_out,
            frames_out: stats.frames_out,
            payload_out: stats.payload_out,
            refused: stats.refused,
            conflicts: stats.conflicts,
        }
    }
}
