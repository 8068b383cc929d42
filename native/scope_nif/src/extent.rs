//! `event_*`: which extent a process is in, and what its events are correlated by.
//!
//! An extent is what runs between the beginning and the end of `with_correlation`, or of an
//! instrumented or traced entry call. Its id is kept here, by process, and wins over whatever token
//! the process holds: tokens are handed over by pools and stay with servers.

use crate::erl::Term;
use crate::trace::{seats, shared, thin};
use crate::{drain, entry, label, raw, words};
use rustler::NifMap;
use rustler::sys::{
    ErlNifEnv, ErlNifPid, ErlNifTerm, enif_is_process_alive, enif_make_int64, enif_make_list_cell,
    enif_make_new_binary, enif_make_tuple_from_array,
};
use scope_ring::{Extents, ExtentsFull, Known};
use scope_trace::{Decision, Traces, Unit};
use std::ffi::c_int;

/// Times sixteen places: 65,536. Memory is touched where processes are.
const BUCKETS: usize = 4096;

static EXTENTS: Extents<BUCKETS> = Extents::new();

/// What events are correlated by, inside and between nodes. What else a user calls it was hashed.
/// The sixteen bytes are two words, as they lie in memory: words are moved faster.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) enum Id {
    Int(i64),
    Bytes([u64; 2]),
}

impl Id {
    const INT: u64 = 0;
    const BYTES: u64 = 1;

    /// The id that a term is; `None` for any other term.
    #[inline]
    pub(crate) fn read(term: Term<'_>) -> Option<Self> {
        if let Some(value) = term.int() {
            return Some(Self::Int(value));
        }
        let (&[low, high], []) = term.binary()?.as_chunks::<8>() else {
            return None;
        };
        Some(Self::Bytes([low, high].map(u64::from_ne_bytes)))
    }

    /// The bytes of one that is no integer.
    pub(crate) fn bytes(words: [u64; 2]) -> [u8; 16] {
        let mut bytes = [0; 16];
        let (halves, _) = bytes.as_chunks_mut::<8>();
        for (half, word) in halves.iter_mut().zip(words) {
            *half = word.to_ne_bytes();
        }
        bytes
    }

    fn words(self) -> [u64; 3] {
        match self {
            Self::Int(value) => [Self::INT, value.cast_unsigned(), 0],
            Self::Bytes([low, high]) => [Self::BYTES, low, high],
        }
    }

    #[inline]
    fn from_words([form, low, high]: [u64; 3]) -> Self {
        if form == Self::INT {
            Self::Int(low.cast_signed())
        } else {
            Self::Bytes([low, high])
        }
    }

    /// What is kept or dropped as a whole: by the same words on every machine.
    pub(crate) fn unit(self) -> Unit {
        let [form, low, high] = self.words();
        match self {
            Self::Int(_) => Unit::of([form, low, high]),
            Self::Bytes(_) => Unit::of([form, low.to_le(), high.to_le()]),
        }
    }

    /// A term to return; `None` where the machine has no memory for it.
    ///
    /// # Safety
    /// `env` is the environment of the running call.
    pub(crate) unsafe fn term(self, env: *mut ErlNifEnv) -> Option<ErlNifTerm> {
        let mut term = ErlNifTerm::default();
        // SAFETY: the binary is as long as what is copied into it.
        unsafe {
            match self {
                Self::Int(value) => return Some(enif_make_int64(env, value)),
                Self::Bytes(words) => {
                    let bytes = Self::bytes(words);
                    let to = enif_make_new_binary(env, bytes.len(), &raw mut term);
                    if to.is_null() {
                        return None;
                    }
                    to.copy_from_nonoverlapping(bytes.as_ptr(), bytes.len());
                }
            }
        }
        Some(term)
    }
}

/// What an event is correlated by.
#[derive(Clone, Copy, PartialEq, Eq, Debug)]
pub(crate) struct Own {
    pub(crate) id: Id,
    /// Those of the running traces that drop its events.
    pub(crate) dropping: Traces,
    /// Whether it may also have been another call of the process that is named.
    pub(crate) likely: bool,
}

/// Beside the moment of a decision, which no machine lives to see.
const LIKELY: u64 = 1 << 63;

impl Own {
    pub(crate) fn new(id: Id, dropping: Traces) -> Self {
        Self {
            id,
            dropping,
            likely: false,
        }
    }

    /// As the tables know it: bits of traces take the room beside the form, and when they were set
    /// the fourth word.
    pub(crate) fn known(self) -> Known {
        let [form, low, high] = self.id.words();
        let decision = thin::THINNING.decided(self.dropping);
        let form = form | decision.dropping.bits() << 1;
        let likely = if self.likely { LIKELY } else { 0 };
        [form, low, high, decision.at | likely]
    }

    #[inline]
    pub(crate) fn from_known([form, low, high, at]: Known) -> Self {
        let dropping = Traces::from_bits(form >> 1);
        let moment = at & !LIKELY;
        Self {
            id: Id::from_words([form & 1, low, high]),
            dropping: thin::still(Decision {
                dropping,
                at: moment,
            }),
            likely: at & LIKELY != 0,
        }
    }

    /// `{id, numbers}`: those of the traces that drop it, or as they are given.
    ///
    /// # Safety
    /// `env` is the environment of the running call, and what is given is of it.
    pub(crate) unsafe fn named(
        self,
        env: *mut ErlNifEnv,
        given: Option<ErlNifTerm>,
    ) -> Option<ErlNifTerm> {
        // SAFETY: as the caller promises.
        unsafe {
            let list = given.unwrap_or_else(|| numbers(env, self.dropping));
            let pair = [self.id.term(env)?, list];
            Some(enif_make_tuple_from_array(env, pair.as_ptr(), 2))
        }
    }
}

/// The extent that a process is in: the calling one, or the one whose trace point calls. Neither waits
/// nor allocates.
#[inline]
pub(crate) fn of(process: u64) -> Option<Own> {
    EXTENTS.of(process).map(Own::from_known)
}

/// What processes carried at their last traced call whose return is wanted: a match specification
/// sees the token, the return does not.
static CARRIED: Extents<BUCKETS> = Extents::new();

/// A process, which calls, carries this.
pub(crate) fn carry(process: u64, own: Option<Own>) {
    match own {
        // At a trace point nobody can be asked whether a process lives: `drop_dead` does.
        Some(own) => drop(CARRIED.enter(process, own.known(), |_| true)),
        None => CARRIED.leave(process),
    }
}

/// What a process carried at its last traced call, and whether that is only likely.
#[inline]
pub(crate) fn carried(process: u64) -> Option<Own> {
    CARRIED.of(process).map(Own::from_known)
}

/// Forgets what processes carried and called that have ended, and ends their entries.
///
/// # Safety
/// `env` is that of a running call which is not made at a trace point.
pub(crate) unsafe fn drop_dead(env: *mut ErlNifEnv) {
    if CARRIED.used() > 0 {
        // SAFETY: as the caller promises.
        CARRIED.sweep(|process| unsafe { lives(env, process) });
    }
    // SAFETY: as the caller promises.
    entry::tidy(|process| unsafe { lives(env, process) });
    // SAFETY: as the caller promises.
    shared::tidy(|process| unsafe { lives(env, process) });
}

/// The table, for `status/0`.
#[derive(NifMap)]
struct Status {
    limit: usize,
    used: usize,
    refused: u64,
    entry_limit: usize,
    entries: usize,
    entries_refused: u64,
}

#[rustler::nif]
fn event_status() -> Status {
    let (entry_limit, entries, entries_refused) = entry::counts();
    Status {
        limit: Extents::<BUCKETS>::PLACES,
        used: EXTENTS.used(),
        refused: EXTENTS.refused(),
        entry_limit,
        entries,
        entries_refused,
    }
}

raw::register!(c"event_enter"/2 => event_enter);
raw::register!(c"event_leave"/0 => event_leave);
raw::register!(c"event_inherited"/1 => event_inherited);

/// Begins an extent; the numbers of the traces that drop its id. They are those that were decided where
/// it began, or with `nil` are decided here, as it begins now. Where there is no place, the process is
/// in no extent: its events go by its token.
unsafe extern "C" fn event_enter(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (caller, [id, decided]) = unsafe { raw::arguments(env, argv) };
    let Some(id) = Id::read(id) else {
        return words::term(words::empty_list());
    };
    let known = thin::named(decided);
    let dropping = known.unwrap_or_else(|| thin::dropping(id));
    let own = Own::new(id, dropping);
    // SAFETY: not called at a trace point, where asking would take locks.
    let lives = |process| unsafe { lives(env, process) };
    // What is refused was counted.
    let _: Result<(), ExtentsFull> = EXTENTS.enter(caller.caller(), own.known(), lives);
    entry::changed(caller.caller());
    // What was decided elsewhere goes on as it came: it may name traces that do not run here.
    if known.is_some() {
        return words::term(decided.word());
    }
    // SAFETY: the running call's environment.
    unsafe { numbers(env, dropping) }
}

/// The numbers of traces, as a list.
///
/// # Safety
/// `env` is the environment of the running call.
unsafe fn numbers(env: *mut ErlNifEnv, traces: Traces) -> ErlNifTerm {
    let empty = words::term(words::empty_list());
    traces.seats().fold(empty, |rest, seat| {
        let number = i64::from(seats::of(seat).number);
        // SAFETY: both terms are of this environment, or an immediate.
        unsafe { enif_make_list_cell(env, enif_make_int64(env, number), rest) }
    })
}

unsafe extern "C" fn event_leave(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (env, []) = unsafe { raw::arguments(env, argv) };
    EXTENTS.leave(env.caller());
    entry::changed(env.caller());
    words::term(words::ok())
}

/// The id that a token's label carries and the numbers of the traces that drop it, `nil` if none that
/// counts.
unsafe extern "C" fn event_inherited(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (caller, [token]) = unsafe { raw::arguments(env, argv) };
    let own = label::carried(caller.caller(), token).own(drain::unix_ms() / 1000);
    // As it came: also traces that do not run here are named to others.
    let list = label::list(token).map(|list| words::term(list.word()));
    // SAFETY: the running call's environment, and a list of it.
    own.and_then(|own| unsafe { own.named(env, list) })
        .unwrap_or_else(|| words::term(words::nil()))
}

/// Whether a process has not ended.
///
/// # Safety
/// `env` is that of a running call which is not made at a trace point, or of none.
pub(crate) unsafe fn lives(env: *mut ErlNifEnv, process: u64) -> bool {
    let term = words::term(process);
    // SAFETY: a local pid is a struct of one term, and the word is that of a process that was here.
    unsafe {
        let pid = std::mem::transmute_copy::<ErlNifTerm, ErlNifPid>(&term);
        enif_is_process_alive(env, &raw const pid) != 0
    }
}
