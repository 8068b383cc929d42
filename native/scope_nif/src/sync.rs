//! `sync_*`: the synchronisation protocol over a scope's store.

use crate::scopes::{Scope, ScopeRef};
use crate::{atoms, drain, keeper};
use rustler::{Atom, Binary, Encoder, Env, NewBinary, NifMap, Term};
use scope_event::Origin;
use scope_sync::wire::{self, Body};
use scope_sync::{Notice, Now, Out, PeerStats, Replica, Settings, SyncReport};
use std::collections::HashMap;
use std::sync::LazyLock;
use std::time::{Instant, SystemTime, UNIX_EPOCH};

/// What is to be done after a step: send, tell who is done, come back in so many milliseconds.
#[derive(NifMap)]
struct Step<'a> {
    out: Vec<(String, Term<'a>)>,
    done: Vec<(String, u32, Term<'a>)>,
    next_ms: Option<u64>,
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
    refused: u64,
    conflicts: u64,
}

/// The replica of a scope, before it knows anybody.
pub(crate) fn replica(origin: &Origin, settings: Settings) -> Replica {
    let own = scope_sync::Origin::new(origin.node.clone(), origin.incarnation);
    let since = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .unwrap_or_default();
    Replica::new(own, settings, since.as_nanos() as u64)
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

/// Begins an exchange with a peer, with everything recorded before the call.
#[rustler::nif(schedule = "DirtyCpu")]
fn sync_start<'a>(env: Env<'a>, scope: ScopeRef, peer: &str) -> Option<(u32, Step<'a>)> {
    freshen(&scope.0);
    let mut replica = scope.0.replica.lock();
    let (token, out) = replica.sync_now(peer, now(&scope.0), &mut &scope.0.store)?;
    Some((token, step(env, &mut replica, out)))
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
    Step {
        out: out
            .iter()
            .map(|out| (out.to.to_string(), binary(env, &out.bytes)))
            .collect(),
        done: replica
            .notices()
            .iter()
            .filter_map(|notice| done(env, notice))
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
        // Counted per peer, and shown in the status.
        Notice::Conflict { .. } | Notice::Cloned { .. } => None,
    }
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

impl From<&PeerStats> for Peer {
    fn from(stats: &PeerStats) -> Self {
        Self {
            sent: stats.sent,
            received: stats.received,
            already: stats.already,
            bytes_out: stats.bytes_out,
            bytes_in: stats.bytes_in,
            refused: stats.refused,
            conflicts: stats.conflicts,
        }
    }
}
