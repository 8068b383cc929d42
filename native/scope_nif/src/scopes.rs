//! The scopes of this machine: a fixed number of places, so that recording finds its clock by an
//! index and nothing else.

use crate::atoms;
use parking_lot::RwLock;
use rustler::{Atom, LocalPid};
use scope_clock::Clock;
use scope_store::Store;
use scope_sync::Replica;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Scopes that can be open at one time.
pub(crate) const LIMIT: usize = 64;

static CLOCKS: [Clock; LIMIT] = [const { Clock::new() }; LIMIT];
static OPEN: [AtomicBool; LIMIT] = [const { AtomicBool::new(false) }; LIMIT];
static TABLE: RwLock<[Option<Arc<Scope>>; LIMIT]> = RwLock::new([const { None }; LIMIT]);
