//! Functions and processes that found no place in the tables: what they do is told to no trace.

use super::record;
use super::seats::{self, POINTS};
use crate::payload::Data;
use crate::scopes::ScopeId;
use crate::words;
use scope_event::{Budget, Kind, TermWriter};
use std::collections::BTreeSet;
use std::sync::atomic::{AtomicU64, Ordering};

/// How many gap events have told of.
static TOLD: AtomicU64 = AtomicU64::new(0);

/// Functions and processes that found no place so far; one that is tried again counts again.
pub(super) fn count() -> usize {
    POINTS
        .counts()
        .iter()
        .map(|(_known, refused)| refused)
        .sum()
}

/// Records a gap in every scope that traces, if more found none since it was told last. How many
/// events each of them stands for nobody knows: it is at least one.
pub(super) fn tell() {
    let now = count() as u64;
    // Ordering: who looks after the traces is one process.
    let new = now.saturating_sub(TOLD.swap(now, Ordering::Relaxed));
    if new > 0 {
        for scope in scopes() {
            say(scope, i64::try_from(new).unwrap_or(i64::MAX));
        }
    }
}

fn scopes() -> BTreeSet<u8> {
    let live = POINTS.live().seats();
    live.map(|seat| seats::of(seat).scope).collect()
}

/// `%{untold: 3}`. What finds no room in the ring is a gap of its own.
fn say(scope: u8, untold: i64) {
    let mut room = [0; 32];
    let mut to = TermWriter::new(&mut room, Budget::MESSAGES);
    let _ = [to.map(1, None), to.atom(words::untold()), to.int(untold)];
    let scope = ScopeId::from_int(Some(scope.into()));
    let _: Option<()> = record::note(scope, Kind::Gap, 0, Data::Written(to.finish()));
}
