//! Calls that give what runs in them an id of its own: those of a trace with `correlate: :each_call`.
//!
//! A process is in one entry at a time: what such a trace sees it call inside belongs to that one. It
//! lasts until its function has returned as often as it was called, as each call of it that a trace
//! point sees is also seen to return. Only its own trace points say that a process is in one.
//! Other processes carry its pid as their label, and look up what it stands for: the entry that is
//! open, else the last one, for as long as a label counts.
//!
//! A trace that ends takes its entries with it and touches no place: an entry is open only while one
//! of the traces that began it runs, and its number says whether that is still the same trace.

use crate::erl::Term;
use crate::extent::{self, Id, Own};
use crate::trace::thin;
use crate::{drain, label, raw, words};
use rustler::sys::{ErlNifEnv, ErlNifTerm};
use scope_ring::{Fate, Notices, NoticesFull};
use scope_trace::{Decision, Function, TRACES, Traces};
use std::ffi::c_int;
use std::sync::atomic::{AtomicU64, Ordering};

/// Times sixteen places: 65,536. Memory is touched where processes are.
const BUCKETS: usize = 4096;

const WORDS: usize = 12;

static ENTRIES: Notices<BUCKETS, WORDS> = Notices::new();

/// The running traces that have entries.
static TRACED: AtomicU64 = AtomicU64::new(0);

/// Of each of them: what the ids of its entries begin with, in two words, and the number that
/// all of them are above.
static NAMES: [[AtomicU64; 3]; TRACES] = [const { [const { AtomicU64::new(0) }; 3] }; TRACES];

/// Entries that were begun in this machine.
static COUNT: AtomicU64 = AtomicU64::new(0);

/// The bits of an id that count; above them 32 stand for the node, and 52 for its incarnation. The
/// Elixir side writes it as `<<incarnation::52, node::32, count::44>>`.
const COUNT_BITS: u32 = 44;
const NODE_BITS: u32 = 32;

/// An entry of a process.
#[derive(Clone, Copy)]
struct Entry {
    own: [u64; 2],
    /// Who drops it, decided when it began.
    decision: Decision,
    /// The traces that began it.
    owners: Traces,
    function: Function,
    /// Calls of the function that have not returned.
    open: u32,
    /// The second in which it ended; 0 while it lasts.
    ended: u64,
    /// What the pid stands for: its own id, or that of the extent in which the process made a call.
    shown: Own,
}

impl Entry {
    fn words(self) -> [u64; WORDS] {
        let [high, low] = self.own;
        let calls = u64::from(self.open) << 8 | u64::from(self.function.arity);
        let (owners, name) = (self.owners.bits(), self.function.name);
        let Decision { dropping, at } = self.decision;
        let [form, first, second, more] = self.shown.known();
        let dropping = dropping.bits();
        [
            high, low, owners, name, calls, self.ended, dropping, at, form, first, second, more,
        ]
    }

    fn from_words(words: [u64; WORDS]) -> Self {
        let [
            high,
            low,
            owners,
            name,
            calls,
            ended,
            dropping,
            at,
            shown @ ..,
        ] = words;
        Self {
            own: [high, low],
            decision: Decision {
                dropping: Traces::from_bits(dropping),
                at,
            },
            owners: Traces::from_bits(owners),
            function: Function {
                name,
                arity: calls as u8,
            },
            open: (calls >> 8) as u32,
            ended,
            shown: Own::from_known(shown),
        }
    }

    fn id(&self) -> Own {
        Own::new(id(self.own), thin::still(self.decision))
    }

    /// Whether it lasts: it has not ended, and neither has each of the traces that began it.
    fn is_open(&self) -> bool {
        // Ordering: acquire, so that of whoever runs the number is seen that it began with.
        let running = self.owners & Traces::from_bits(TRACED.load(Ordering::Acquire));
        let [_, low] = self.own;
        let number = low & ((1 << COUNT_BITS) - 1);
        self.ended == 0
            && running
                .seats()
                .any(|seat| number > NAMES[seat][2].load(Ordering::Relaxed))
    }

    /// Whether it ended so long ago that it says nothing any more.
    fn is_past(&self, now: u64) -> bool {
        !self.is_open() && self.ended + label::LIFETIME < now
    }
}

/// The upper word of an id, then the lower one, as bytes that are written from the first to the last.
fn id([high, low]: [u64; 2]) -> Id {
    Id::Bytes([high, low].map(|word| u64::from_ne_bytes(word.to_be_bytes())))
}

/// A trace that has entries begins, in a scope of that incarnation, on a node of which the name
/// comes to that number.
pub(crate) fn begin(seat: usize, incarnation: u64, node: u32) {
    let name = u128::from(incarnation) << (COUNT_BITS + NODE_BITS) | u128::from(node) << COUNT_BITS;
    let number = COUNT.load(Ordering::Relaxed);
    if let Some(named) = NAMES.get(seat) {
        for (place, word) in named.iter().zip([(name >> 64) as u64, name as u64, number]) {
            place.store(word, Ordering::Relaxed);
        }
        // Ordering: release, see `is_open` and `opened`.
        TRACED.fetch_or(Traces::of(seat).bits(), Ordering::Release);
    }
}

/// It ends, and with it the entries that it alone began.
pub(crate) fn end(seat: usize) {
    TRACED.fetch_and(!Traces::of(seat).bits(), Ordering::AcqRel);
}

/// No entry is open any more: the machine may have forgotten to tell of returns.
pub(crate) fn forget() {
    let number = COUNT.load(Ordering::Relaxed);
    for named in &NAMES {
        named[2].store(number, Ordering::Relaxed);
    }
}

/// Whether any trace has entries: the one look that all others take at this.
#[inline(always)]
fn is_idle() -> bool {
    TRACED.load(Ordering::Relaxed) == 0
}

/// The id of the entry that a process is in, which is the calling one or whose trace point calls.
#[inline(always)]
pub(crate) fn of(process: u64) -> Option<Own> {
    if is_idle() {
        return None;
    }
    open(process).map(|entry| entry.id())
}

#[inline(never)]
fn open(process: u64) -> Option<Entry> {
    let entry = Entry::from_words(ENTRIES.of(process)?);
    entry.is_open().then_some(entry)
}

/// A process calls a function, as an entry of these traces; whether its pid stands for something else
/// from here on.
#[inline(always)]
pub(crate) fn called(process: u64, function: Function, traces: Traces) -> bool {
    !is_idle() && enter(process, function, traces)
}

/// A process is about to leave a function.
#[inline(always)]
pub(crate) fn returned(process: u64, function: Function) {
    if !is_idle() {
        leave(process, function);
    }
}

/// The calling process begins or ends an extent of its own: what its pid stands for is its entry again,
/// until it makes a call.
#[inline(always)]
pub(crate) fn changed(process: u64) {
    if !is_idle()
        && let Some(entry) = open(process)
    {
        let shown = entry.id();
        put(process, Entry { shown, ..entry });
    }
}

#[inline(never)]
fn enter(process: u64, function: Function, traces: Traces) -> bool {
    let Some(entry) = open(process) else {
        return !traces.is_empty() && opened(process, function, traces);
    };
    let again = u32::from(entry.function == function);
    let shown = match traces.is_empty() {
        true => entry.shown,
        false => extent::of(process).unwrap_or(entry.id()),
    };
    let differs = shown != entry.shown;
    if differs || again > 0 {
        let open = entry.open.saturating_add(again);
        put(
            process,
            Entry {
                open,
                shown,
                ..entry
            },
        );
    }
    differs
}

/// The first one that began it names it. A machine counts further than its bits once in years.
fn opened(process: u64, function: Function, traces: Traces) -> bool {
    // Ordering: acquire, so that the name of whoever runs is seen.
    let running = traces & Traces::from_bits(TRACED.load(Ordering::Acquire));
    let Some(seat) = running.seats().next() else {
        return false;
    };
    let count = COUNT.fetch_add(1, Ordering::Relaxed) + 1;
    let [high, low] = [0, 1].map(|at: usize| NAMES[seat][at].load(Ordering::Relaxed));
    let own = [high, low | count & ((1 << COUNT_BITS) - 1)];
    let dropping = thin::dropping(id(own));
    let entry = Entry {
        own,
        decision: thin::THINNING.decided(dropping),
        owners: running,
        function,
        open: 1,
        ended: 0,
        shown: extent::of(process).unwrap_or(Own::new(id(own), dropping)),
    };
    put(process, entry)
}

#[inline(never)]
fn leave(process: u64, function: Function) {
    if let Some(entry) = open(process)
        && entry.function == function
    {
        let left = entry.open.saturating_sub(1);
        let ended = if left == 0 { seconds() } else { 0 };
        put(
            process,
            Entry {
                open: left,
                ended,
                ..entry
            },
        );
    }
}

/// Where there is no place, the call is no entry. What was refused was counted.
fn put(process: u64, entry: Entry) -> bool {
    let may_go = |words| Entry::from_words(words).is_past(seconds());
    let put: Result<(), NoticesFull> = ENTRIES.put(process, entry.words(), may_go);
    put.is_ok()
}

/// What a process of this node stands for, whose pid is the label of another one; that is only likely
/// where its entry has ended.
pub(crate) fn meant_by(process: u64, now: u64) -> Option<Own> {
    let entry = Entry::from_words(ENTRIES.of(process)?);
    if entry.is_open() {
        return Some(entry.shown);
    }
    let ended = Own {
        likely: true,
        ..entry.shown
    };
    (entry.ended > 0 && !entry.is_past(now)).then_some(ended)
}

/// Whether a process had entries, so that its pid as a label is ours.
pub(crate) fn knows(process: u64) -> bool {
    ENTRIES.of(process).is_some()
}

/// Entries of processes that died in them end, and those that ended long ago are forgotten once their
/// process is gone. `lives` says of a process whether it does.
pub(crate) fn tidy(lives: impl Fn(u64) -> bool) {
    let now = seconds();
    ENTRIES.sweep(|process, words| {
        let entry = Entry::from_words(words);
        match (lives(process), entry.is_open()) {
            (true, _) => Fate::Stays,
            (false, true) => Fate::Becomes(
                Entry {
                    ended: now,
                    ..entry
                }
                .words(),
            ),
            (false, false) if entry.is_past(now) => Fate::Goes,
            (false, false) => Fate::Stays,
        }
    });
}

/// Places, those that are taken, and how often there was none.
pub(crate) fn counts() -> (usize, usize, u64) {
    let limit = Notices::<BUCKETS, WORDS>::PLACES;
    (limit, ENTRIES.used(), ENTRIES.refused())
}

fn seconds() -> u64 {
    drain::unix_ms() / 1000
}

raw::register!(c"event_entry"/0 => event_entry);
raw::register!(c"event_names"/1 => event_names);

/// The id of the entry that the caller is in and the numbers of the traces that drop it, `nil` if it is
/// in none.
unsafe extern "C" fn event_entry(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (caller, []) = unsafe { raw::arguments(env, argv) };
    // SAFETY: the running call's environment.
    let term = of(caller.caller()).and_then(|own| unsafe { own.named(env, None) });
    term.unwrap_or_else(|| words::term(words::nil()))
}

/// Whether a pid that is a label is there on our behalf: as far as anybody can tell.
unsafe extern "C" fn event_names(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (_env, [pid]) = unsafe { raw::arguments(env, argv) };
    let ours = match pid.local_pid() {
        Some(process) => !is_idle() || knows(process),
        None => pid.is_pid(),
    };
    words::term(if ours {
        words::r#true()
    } else {
        words::r#false()
    })
}

/// The id that stands for the entries of a process of another node, in 32 bits each: its node's name,
/// its number, its serial and its creation. Which entry is meant, only that node knows.
pub(crate) fn elsewhere(pid: Term<'_>) -> Option<Id> {
    let bytes = pid.with_external(name_of_pid)??;
    Some(Id::Bytes(bytes))
}

fn name_of_pid(external: &[u8]) -> Option<[u64; 2]> {
    let (node, numbers) = crate::etf::pid_parts(external)?;
    let (halves, _) = numbers.as_chunks::<4>();
    let [number, serial, creation] = *halves.first_chunk::<3>()?;
    let [a, b, c, d] = node.to_be_bytes();
    let [e, f, g, h] = number;
    let high = u64::from_ne_bytes([a, b, c, d, e, f, g, h]);
    let [a, b, c, d] = serial;
    let [e, f, g, h] = creation;
    Some([high, u64::from_ne_bytes([a, b, c, d, e, f, g, h])])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_an_entry_is_fits_its_words() {
        for shown in [Id::Int(-7), Id::Bytes([1, u64::MAX])] {
            let entry = Entry {
                own: [u64::MAX, 3],
                owners: Traces::of(0) | Traces::of(62),
                function: Function {
                    name: u64::MAX,
                    arity: 255,
                },
                open: u32::MAX,
                ended: 1_800_000_000,
                shown,
            };
            let words = entry.words();
            assert_eq!(Entry::from_words(words).words(), words);
            assert_eq!(Entry::from_words(words).shown, shown);
        }
    }

    #[test]
    fn a_name_of_a_pid_is_the_hash_of_its_node_and_its_numbers() {
        let mut external = vec![131, 88, 119, 3];
        external.extend(b"a@b");
        external.extend([0, 0, 0, 7, 0, 0, 0, 8, 1, 2, 3, 4]);
        let bytes = Id::bytes(name_of_pid(&external).unwrap_or_default());
        assert_eq!(bytes[..4], crate::etf::hash(b"a@b").to_be_bytes());
        assert_eq!(bytes[4..], [0, 0, 0, 7, 0, 0, 0, 8, 1, 2, 3, 4]);
        assert_eq!(name_of_pid(&external[..10]), None);
    }
}
