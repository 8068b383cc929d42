//! An event that Erlang has, as a row.

use super::value::value;
use crate::pair::name;
use crate::{atoms, clock, etf};
use rustler::{NifResult, Term};
use scope_clock::Stamp;
use scope_event::{Kind, Origin, Pid, Seq, Value};
use scope_export::{About, Row};
use std::sync::Arc;

pub(super) struct Told {
    origin: Origin,
    seq: Seq,
    stamp: Stamp,
    mono_ns: Option<i64>,
    pid: Option<Pid>,
    kind: Kind,
    about: Of,
    correlation: Option<Value>,
    data: Option<Value>,
    truncated: bool,
}

enum Of {
    Nothing,
    Function(Arc<str>, Arc<str>, u8),
    Pid(Pid),
    Name(Arc<str>),
    Term(Value),
}

impl Told {
    pub(super) fn read(event: Term<'_>) -> NifResult<Self> {
        let get = |field: rustler::Atom| event.map_get(field);
        let ((node, incarnation), seq): ((Term<'_>, u64), Seq) = get(atoms::id())?.decode()?;
        let (logical, ns, _node): (u64, u64, Term<'_>) = get(atoms::at())?.decode()?;
        Ok(Self {
            origin: Origin::new(name(node)?, incarnation),
            seq,
            stamp: clock::stamp(logical, ns),
            mono_ns: get(atoms::mono_ns())?.decode()?,
            pid: pid(get(atoms::pid())?),
            kind: kind(get(atoms::kind())?)?,
            about: Of::read(get(atoms::subject())?),
            correlation: some(get(atoms::correlation_id())?),
            data: some(get(atoms::data())?),
            truncated: get(atoms::meta())?.map_get(atoms::truncated()).is_ok(),
        })
    }

    pub(super) fn row(&self) -> Row<'_> {
        Row {
            origin: &self.origin,
            seq: self.seq,
            stamp: self.stamp,
            mono_ns: self.mono_ns,
            pid: self.pid.as_ref(),
            kind: self.kind,
            about: self.about.about(),
            correlation: self.correlation.clone(),
            data: self.data.clone(),
            truncated: self.truncated,
            inherited: false,
            likely: false,
            entry: false,
            pairing: None,
            received: None,
        }
    }
}

impl Of {
    fn read(subject: Term<'_>) -> Self {
        if let Some(pid) = pid(subject) {
            return Self::Pid(pid);
        }
        if let Ok((module, function, arity)) = subject.decode::<(Term<'_>, Term<'_>, u8)>()
            && let (Ok(module), Ok(function)) = (name(module), name(function))
        {
            return Self::Function(module, function, arity);
        }
        match some(subject) {
            None => Self::Nothing,
            Some(Value::Atom(name)) => Self::Name(name),
            Some(other) => Self::Term(other),
        }
    }

    fn about(&self) -> About<'_> {
        match self {
            Self::Nothing => About::Nothing,
            Self::Function(module, function, arity) => About::Function {
                module,
                function,
                arity: *arity,
            },
            Self::Pid(pid) => About::Pid(pid),
            Self::Name(name) => About::Name(name),
            Self::Term(value) => About::Term(value.clone()),
        }
    }
}

/// The value of what is there at all.
fn some(term: Term<'_>) -> Option<Value> {
    match value(term) {
        Value::Atom(name) if &*name == "nil" => None,
        value => Some(value),
    }
}

fn pid(term: Term<'_>) -> Option<Pid> {
    term.is_pid()
        .then(|| etf::pid(term.to_binary().as_slice()))?
}

fn kind(term: Term<'_>) -> NifResult<Kind> {
    let text = name(term)?;
    let found = Kind::ALL.iter().find(|kind| kind.name() == &*text);
    found.copied().ok_or(rustler::Error::BadArg)
}
