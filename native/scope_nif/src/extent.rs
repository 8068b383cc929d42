//! `event_*`: which extent a process is in, and what its events are correlated by.
//!
//! An extent is what runs between the beginning and the end of `with_correlation`, or of an
//! instrumented or traced entry call. Its id is kept here, by process, and wins over whatever token
//! the process holds: tokens are handed over by pools and stay with servers.

use crate::erl::Term;
use crate::{drain, entry, label, raw, words};
use rustler::NifMap;
use rustler::sys::{
    ErlNifEnv, ErlNifPid, ErlNifTerm, enif_is_process_alive, enif_make_int64, enif_make_new_binary,
};
use scope_ring::{Extents, ExtentsFull, Known};
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

    pub(crate) fn known(self) -> Known {
        match self {
            Self::Int(value) => [Self::INT, value.cast_unsigned(), 0],
            Self::Bytes([low, high]) => [Self::BYTES, low, high],
        }
    }

    #[inline]
    pub(crate) fn from_known([form, low, high]: Known) -> Self {
        if form == Self::INT {
            Self::Int(low.cast_signed())
        } else {
            Self::Bytes([low, high])
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

/// The id of the extent that a process is in: of the calling one, or of the one whose trace point
/// calls. Neither waits nor allocates.
#[inline]
pub(crate) fn of(process: u64) -> Option<Id> {
    EXTENTS.of(process).map(Id::from_known)
}

/// What processes carried at their last traced call whose return is wanted: a match specification
/// sees the token, the return does not.
static CARRIED: Extents<BUCKETS> = Extents::new();

/// Beside the form of an id that is only likely.
const LIKELY: u64 = 2;

/// A process, which calls, carries this, and whether that is only likely.
pub(crate) fn carry(process: u64, id: Option<(Id, bool)>) {
    match id {
        // At a trace point nobody can be asked whether a process lives: `drop_dead` does.
        Some((id, likely)) => {
            let [form, low, high] = id.known();
            let form = form | if likely { LIKELY } else { 0 };
            let _: Result<(), ExtentsFull> = CARRIED.enter(process, [form, low, high], |_| true);
        }
        None => CARRIED.leave(process),
    }
}

/// What a process carried at its last traced call, and whether that is only likely.
#[inline]
pub(crate) fn carried(process: u64) -> Option<(Id, bool)> {
    let [form, low, high] = CARRIED.of(process)?;
    let id = Id::from_known([form & !LIKELY, low, high]);
    Some((id, form & LIKELY != 0))
}

/// Forgets what processes carried that have ended, and ends their entries.
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

raw::register!(c"event_enter"/1 => event_enter);
raw::register!(c"event_leave"/0 => event_leave);
raw::register!(c"event_inherited"/1 => event_inherited);

/// Where there is no place, the process is in no extent: its events go by its token.
unsafe extern "C" fn event_enter(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (caller, [id]) = unsafe { raw::arguments(env, argv) };
    if let Some(id) = Id::read(id) {
        // SAFETY: not called at a trace point, where asking would take locks.
        let lives = |process| unsafe { lives(env, process) };
        // What is refused was counted.
        let _: Result<(), ExtentsFull> = EXTENTS.enter(caller.caller(), id.known(), lives);
        entry::changed(caller.caller());
    }
    words::term(words::ok())
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

/// The id that a token's label carries, `nil` if none that counts.
unsafe extern "C" fn event_inherited(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (caller, [token]) = unsafe { raw::arguments(env, argv) };
    let id = label::carried(caller.caller(), token).id(drain::unix_ms() / 1000);
    // SAFETY: the running call's environment.
    let term = id.and_then(|id| unsafe { id.term(env) });
    term.unwrap_or_else(|| words::term(words::nil()))
}

/// # Safety
/// `env` is that of a running call which is not made at a trace point.
unsafe fn lives(env: *mut ErlNifEnv, process: u64) -> bool {
    let term = words::term(process);
    // SAFETY: a local pid is a struct of one term, and the word is that of a process that was here.
    unsafe {
        let pid = std::mem::transmute_copy::<ErlNifTerm, ErlNifPid>(&term);
        enif_is_process_alive(env, &raw const pid) != 0
    }
}
