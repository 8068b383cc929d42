//! Whose return it is, where traces share a function and some of them want some of its calls only.
//!
//! The machine tells the return of a call if any trace awaits it, and says of no return which call it is
//! of. So a process remembers its calls of such functions, and who wants them, until they return. What
//! began before, or deeper than is remembered, goes to all that want returns of that function.

use super::seats::{self, POINTS};
use scope_ring::{Fate, Notices, NoticesFull};
use scope_trace::{Function, Traces};
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};

/// Times sixteen places: 16,384 processes. Memory is touched where processes are.
const BUCKETS: usize = 1024;

/// Calls of one process inside each other.
const DEPTH: usize = 8;

/// How many are open, and of each which function and who wants it.
const WORDS: usize = 1 + 2 * DEPTH;

static CALLS: Notices<BUCKETS, WORDS> = Notices::new();

/// Whether any call is remembered: the one look that all returns take at this.
static ANY: AtomicBool = AtomicBool::new(false);

/// Traces that follow calls by themselves, and must be told every return.
static EXEMPT: AtomicU64 = AtomicU64::new(0);

/// A trace takes a seat, and is told every return or only those of its own calls.
pub(super) fn begin(seat: usize, every: bool) {
    let bit = Traces::of(seat).bits();
    // Ordering: `POINTS` publishes it a second time when the trace begins.
    if every {
        EXEMPT.fetch_or(bit, Ordering::Release);
    } else {
        EXEMPT.fetch_and(!bit, Ordering::Release);
    }
}

/// A process calls a function that `all` share, and of them those in `wanting` want this call.
#[inline]
pub(super) fn called(process: u64, function: Function, all: Traces, wanting: Traces) {
    if all.len() > 1 && all != wanting {
        push(process, function, all, wanting);
    } else if ANY.load(Ordering::Relaxed) {
        inside(process, function, wanting);
    }
}

#[inline(never)]
fn push(process: u64, function: Function, all: Traces, wanting: Traces) {
    // A return that may not be told would be waited for in vain.
    let told = !(POINTS.awaiting(function) & wanting).is_empty();
    if told && seats::with_returns(all).len() > 1 {
        ANY.store(true, Ordering::Relaxed);
        put(process, function, wanting);
    }
}

/// All want this call, which may stand inside another of the same function that some do not want.
#[inline(never)]
fn inside(process: u64, function: Function, wanting: Traces) {
    let known = CALLS.of(process).is_some_and(|words| has(&words, function));
    if known && !(POINTS.awaiting(function) & wanting).is_empty() {
        put(process, function, wanting);
    }
}

/// Whether a call of the function is open, among those that are remembered.
fn has(words: &[u64; WORDS], function: Function) -> bool {
    let [open, calls @ ..] = words;
    let open = usize::try_from(*open).unwrap_or(DEPTH);
    let (calls, _) = calls.as_chunks::<2>();
    calls
        .iter()
        .take(open)
        .any(|[key, _]| *key == name(function))
}

fn put(process: u64, function: Function, wanting: Traces) {
    let mut words = CALLS.of(process).unwrap_or([0; WORDS]);
    let at = usize::try_from(words[0]).unwrap_or(DEPTH);
    if let Some([key, traces]) = words
        .get_mut(1 + 2 * at..)
        .and_then(<[u64]>::first_chunk_mut)
    {
        (*key, *traces) = (name(function), wanting.bits());
    }
    words[0] += 1;
    // Without a place its returns go to all that want any.
    let _: Result<(), NoticesFull> = CALLS.put(process, words, is_over);
}

/// A process leaves a function: those of `awaiting` that want the call.
#[inline]
pub(super) fn returned(process: u64, function: Function, awaiting: Traces) -> Traces {
    if !ANY.load(Ordering::Relaxed) {
        return awaiting;
    }
    let exempt = Traces::from_bits(EXEMPT.load(Ordering::Acquire));
    pop(process, function).map_or(awaiting, |wanting| awaiting & (wanting | exempt))
}

/// The traces that want the call which returns, if that is known.
#[inline(never)]
fn pop(process: u64, function: Function) -> Option<Traces> {
    let mut words = CALLS.of(process)?;
    let last = usize::try_from(words[0].checked_sub(1)?).ok()?;
    let top = words
        .get(1 + 2 * last..)
        .and_then(<[u64]>::first_chunk)
        .copied();
    let known = match top {
        Some([key, traces]) if key == name(function) => Some(Traces::from_bits(traces)),
        // Deeper than is remembered.
        None if has(&words, function) => None,
        _another => return None,
    };
    words[0] -= 1;
    let _: Result<(), NoticesFull> = CALLS.put(process, words, is_over);
    known
}

/// Forgets processes that have nothing open, or have ended. `lives` says of one whether it does.
pub(crate) fn tidy(lives: impl Fn(u64) -> bool) {
    if !ANY.load(Ordering::Relaxed) {
        return;
    }
    CALLS.sweep(|process, words| match !is_over(words) && lives(process) {
        true => Fate::Stays,
        false => Fate::Goes,
    });
    // Who comes in between sets it again, with its next call at the latest.
    if CALLS.used() == 0 {
        ANY.store(false, Ordering::Relaxed);
    }
}

fn is_over(words: [u64; WORDS]) -> bool {
    words[0] == 0
}

/// A function in one word; two with the same word are taken for one.
fn name(function: Function) -> u64 {
    function.name.rotate_left(8) ^ u64::from(function.arity)
}
