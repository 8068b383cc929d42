//! `ring_call/3` and its like: what instrumented code and samplers say, into the rings of the default
//! scope.
//!
//! They cost the process that calls them what `ring_record` costs, and as little can go wrong.

mod stack;

use crate::erl::{Env, Term};
use crate::payload::{self, Content, Keys};
use crate::ring::{self, LANES};
use crate::scopes::{self, ScopeId};
use crate::source::Source;
use crate::{raw, redact, trace, walk, words};
use rustler::sys::{ErlNifEnv, ErlNifTerm};
use scope_event::{Budget, Kind};
use scope_ring::{Head, Words};
use std::ffi::c_int;

/// What is kept of an exception: its reason, and behind it the top of the stack.
const EXCEPTION: Budget = Budget {
    binary: 256,
    ..Budget::new(96, 1024, 8)
};

raw::register!(c"ring_call"/4 => ring_call);
raw::register!(c"ring_return"/5 => ring_return);
raw::register!(c"ring_exception"/7 => ring_exception);
raw::register!(c"ring_vitals"/2 => ring_vitals);

/// A function, as a slot of a ring names it.
#[derive(Clone, Copy)]
struct Function {
    pair: u64,
    arity: u8,
}

/// Module, function, and arguments or their number.
unsafe extern "C" fn ring_call(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (env, [module, name, arguments, token]) = unsafe { raw::arguments(env, argv) };
    let data = arguments.int().is_none().then_some(arguments);
    if let Some(function) = Function::new(module, name, arguments.arity()) {
        return function.record(env, Kind::Call, data, token);
    }
    words::term(words::ok())
}

unsafe extern "C" fn ring_return(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (env, [module, name, arity, value, token]) = unsafe { raw::arguments(env, argv) };
    if let Some(function) = Function::new(module, name, arity.arity()) {
        return function.record(env, Kind::Return, Some(value), token);
    }
    words::term(words::ok())
}

unsafe extern "C" fn ring_exception(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (env, [module, name, arity, class, reason, stack, token]) =
        unsafe { raw::arguments(env, argv) };
    if let Some(function) = Function::new(module, name, arity.arity()) {
        let secret = function.is_secret(env);
        return write(Kind::Exception, function, Who::of(env, token), |room| {
            walk::encode_with(env, room, EXCEPTION, |to| {
                stack::exception(to, class, (!secret).then_some(reason), stack)
            })
        });
    }
    words::term(words::ok())
}

/// What was sampled of a process, or of the node where there is none.
unsafe extern "C" fn ring_vitals(
    env: *mut ErlNifEnv,
    _argc: c_int,
    argv: *const ErlNifTerm,
) -> ErlNifTerm {
    // SAFETY: called by the machine, registered with this arity.
    let (_env, [pid, data]) = unsafe { raw::arguments(env, argv) };
    let nothing = Function { pair: 0, arity: 0 };
    let pid = pid.local_pid().unwrap_or(0);
    let source = Source::None;
    write(Kind::Vitals, nothing, Who { pid, source }, |room| {
        walk::encode(data, room, payload::MARK)
    })
}

impl Function {
    fn new(module: Term<'_>, name: Term<'_>, arity: u8) -> Option<Self> {
        if !module.is_atom() || !name.is_atom() {
            return None;
        }
        Some(Self {
            pair: trace::pack(module.word(), name.word())?,
            arity,
        })
    }

    fn is_secret(self, env: Env<'_>) -> bool {
        redact::hides(&env, self.pair, self.arity)
    }

    #[inline]
    fn record<'e>(
        self,
        env: Env<'e>,
        kind: Kind,
        data: Option<Term<'e>>,
        token: Term<'e>,
    ) -> ErlNifTerm {
        let who = Who::of(env, token);
        match data {
            None if who.source.is_none() => bare(kind, self, who.pid),
            None => write(kind, self, who, |_| (0, false)),
            Some(_) if self.is_secret(env) => write(kind, self, who, |room| {
                walk::encode_with(env, room, Budget::ARGUMENTS, |to| to.redacted())
            }),
            Some(data) => write(kind, self, who, |room| {
                walk::encode_with(env, room, Budget::ARGUMENTS, |to| match kind {
                    Kind::Call => walk::elements(data, to),
                    _ => walk::put(data, to),
                })
            }),
        }
    }
}

/// A process, and where its events have their correlation from.
struct Who<'e> {
    pid: u64,
    source: Source<'e>,
}

impl<'e> Who<'e> {
    #[inline(always)]
    fn of(env: Env<'e>, token: Term<'e>) -> Self {
        let pid = env.caller();
        let source = Source::of(pid, None, token);
        Self { pid, source }
    }
}

/// An event without a payload.
#[inline]
fn bare(kind: Kind, function: Function, pid: u64) -> ErlNifTerm {
    match scopes::clock(ScopeId::DEFAULT) {
        None => ring::count_unscoped(),
        Some(clock) => {
            if let Ok(entry) = LANES.begin(head(kind, function), 0) {
                // Once the entry is open: see `Lanes::is_settled`.
                let stamp = clock.now().coarse().bits();
                entry.commit(slot(stamp, pid, function), 0);
            }
        }
    }
    words::term(words::ok())
}

/// An event with a payload; the answer is `ok`, or `mend` where the caller should carry another
/// label.
#[inline]
fn write(
    kind: Kind,
    function: Function,
    who: Who<'_>,
    data: impl FnOnce(&mut [u8]) -> (usize, bool),
) -> ErlNifTerm {
    let Some(clock) = scopes::clock(ScopeId::DEFAULT) else {
        ring::count_unscoped();
        return words::term(words::ok());
    };
    let Ok(mut entry) = LANES.begin(head(kind, function), Content::EMPTY.room()) else {
        return words::term(words::ok());
    };
    let stamp = clock.now().coarse().bits();
    let (correlation, mend) = who.source.at(stamp >> 32);
    let keys = Keys {
        correlation,
        ..Keys::default()
    };
    let used = payload::write_with(entry.payload(), keys, data);
    entry.commit(slot(stamp, who.pid, function), used);
    words::term(if mend { words::mend() } else { words::ok() })
}

fn head(kind: Kind, function: Function) -> Head {
    Head::new(kind as u8)
        .scope(ScopeId::DEFAULT.index())
        .arity(function.arity)
}

fn slot(stamp: u64, pid: u64, function: Function) -> Words {
    Words {
        stamp,
        pid,
        subject: function.pair,
    }
}
