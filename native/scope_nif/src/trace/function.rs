//! Functions as trace points name them, and what their match specifications say.

use crate::erl::Term;
use crate::words;
use scope_event::Kind;
use scope_trace::{Function, Traces};

/// A function and, where they came along, its arguments. Words of atoms are far below 32 bits: a
/// machine has room for two million of them by default, and for 67 million before this fails.
// In line: handing the pair back through memory cost a fifth of a traced call.
#[inline(always)]
pub(crate) fn of(term: Term<'_>) -> Option<(Function, Option<Term<'_>>)> {
    let mut parts = term.tuple()?;
    let (module, function, last) = (parts.next()?, parts.next()?, parts.next()?);
    let name = pack(module.word(), function.word())?;
    // In one question: where the number alone is told there is no list.
    let (arity, arguments) = match last.int() {
        Some(arity) => (u8::try_from(arity).unwrap_or(u8::MAX), None),
        None => (last.arguments(), Some(last)),
    };
    Some((Function { name, arity }, arguments))
}

/// Two words of atoms in one.
#[inline]
pub(crate) fn pack(module: u64, function: u64) -> Option<u64> {
    let (module, function) = (u32::try_from(module).ok()?, u32::try_from(function).ok()?);
    Some(u64::from(module) | u64::from(function) << 32)
}

/// What [`pack`] put together.
pub(crate) fn unpack(pair: u64) -> (u64, u64) {
    (pair & u64::from(u32::MAX), pair >> 32)
}

/// How a call ended.
pub(super) fn end_of(tag: u64) -> Option<Kind> {
    if tag == words::return_from() {
        Some(Kind::Return)
    } else if tag == words::exception_from() {
        Some(Kind::Exception)
    } else {
        None
    }
}

/// What the match specification of a function said about a call: who wants it, where that depends on
/// the arguments, the token that the process carried, where it was asked for, and the traces that it is
/// an entry of.
#[derive(Clone, Copy, Default)]
pub(super) struct Verdict<'e> {
    wanting: Option<Traces>,
    pub(super) token: Option<Term<'e>>,
    pub(super) entries: Traces,
}

impl<'e> Verdict<'e> {
    /// A number, a token, a pair of both, or these and a second number.
    pub(super) fn of(message: Term<'e>) -> Self {
        if let Some(bits) = message.int() {
            return Self {
                wanting: Some(set(bits)),
                ..Self::default()
            };
        }
        let together = message.tuple().filter(|parts| parts.len() <= 3);
        // No token is a token, too: the empty list.
        let Some(mut parts) = together else {
            return Self {
                token: Some(message),
                ..Self::default()
            };
        };
        Self {
            wanting: parts.next().and_then(Term::int).map(set),
            token: parts.next(),
            entries: parts.next().and_then(Term::int).map_or(Traces::NONE, set),
        }
    }

    pub(super) fn filter(&self, traces: Traces) -> Traces {
        self.wanting.map_or(traces, |wanting| wanting & traces)
    }
}

fn set(bits: i64) -> Traces {
    Traces::from_bits(bits.cast_unsigned())
}
